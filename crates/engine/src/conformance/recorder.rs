//! A sink that writes down what it is told.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use parking_lot::Mutex;

use veche_protocol::channel::Channel;
use veche_protocol::identity::ClientInfo;

use crate::pending::Pending;
use crate::sink::{Delivery, Sink};

/// A sink that writes down what it is told.
#[derive(Debug, Default)]
pub struct Recorder {
    record: Arc<Mutex<Record>>,
}

/// One thing that a sink was told.
#[derive(Clone, Debug)]
pub enum Told {
    /// A publication.
    Publication(Channel, Delivery),
    /// Somebody came.
    Join(Channel, Arc<ClientInfo>),
    /// Somebody left.
    Leave(Channel, Arc<ClientInfo>),
    /// Publications of the channel may have been lost.
    Gap(Channel),
    /// Anything may have been lost.
    Resumed,
}

#[derive(Debug, Default)]
struct Record {
    told: Vec<Told>,
    /// Whether there is no room.
    is_full: bool,
    waiting: Vec<Waker>,
}

impl Recorder {
    /// Waits until at least `count` things were told, and gives all that were.
    pub async fn told(&self, count: usize) -> Vec<Told> {
        poll_fn(|context| {
            let mut record = self.record.lock();
            if record.told.len() >= count {
                return Poll::Ready(record.told.clone());
            }
            record.waiting.push(context.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// Waits until at least `count` things were told, and gives those that are publications.
    pub async fn deliveries(&self, count: usize) -> Vec<(Channel, Delivery)> {
        let told = self.told(count).await.into_iter();
        told.filter_map(|told| match told {
            Told::Publication(channel, delivery) => Some((channel, delivery)),
            _ => None,
        })
        .collect()
    }

    /// What was told until now.
    #[must_use]
    pub fn so_far(&self) -> Vec<Told> {
        self.record.lock().told.clone()
    }

    /// Whether engines with a reader of their own must wait from now on.
    pub fn set_full(&self, is_full: bool) {
        let mut record = self.record.lock();
        record.is_full = is_full;
        record.wake();
    }

    fn write(&self, told: Told) {
        let mut record = self.record.lock();
        record.told.push(told);
        record.wake();
    }
}

impl Record {
    fn wake(&mut self) {
        for waker in self.waiting.drain(..) {
            waker.wake();
        }
    }
}

impl Sink for Recorder {
    fn publication(&self, channel: &Channel, delivery: Delivery) {
        self.write(Told::Publication(channel.clone(), delivery));
    }

    fn join(&self, channel: &Channel, info: Arc<ClientInfo>) {
        self.write(Told::Join(channel.clone(), info));
    }

    fn leave(&self, channel: &Channel, info: Arc<ClientInfo>) {
        self.write(Told::Leave(channel.clone(), info));
    }

    fn gap(&self, channel: &Channel) {
        self.write(Told::Gap(channel.clone()));
    }

    fn resumed(&self) {
        self.write(Told::Resumed);
    }

    fn room(&self) -> Pending<()> {
        if !self.record.lock().is_full {
            return Pending::Ready(());
        }
        let record = self.record.clone();
        Pending::Later(Box::pin(poll_fn(move |context| {
            let mut record = record.lock();
            if !record.is_full {
                return Poll::Ready(());
            }
            record.waiting.push(context.waker().clone());
            Poll::Pending
        })))
    }
}
