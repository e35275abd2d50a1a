//! Events on their way to the output: a queue that is bounded by bytes.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::event::Event;

/// Puts events in. When the queue is full it waits, and so does the connection that they come from.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    events: mpsc::UnboundedSender<(Event, OwnedSemaphorePermit)>,
    room: Arc<Semaphore>,
}

/// Takes events out.
#[derive(Debug)]
pub(crate) struct Receiver {
    events: mpsc::UnboundedReceiver<(Event, OwnedSemaphorePermit)>,
    room: Arc<Semaphore>,
}

pub(crate) fn queue() -> (Sender, Receiver) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let room = Arc::new(Semaphore::new(ROOM));
    (
        Sender {
            events: sender,
            room: Arc::clone(&room),
        },
        Receiver {
            events: receiver,
            room,
        },
    )
}

impl Sender {
    /// Waits for room. When nobody takes events out any more they are dropped.
    pub(crate) async fn send(&self, event: Event) {
        // An event that is larger than the queue takes all of it.
        let permits = event.weight().min(ROOM);
        let permits = u32::try_from(permits).expect("the queue has fewer permits");
        if let Ok(permit) = Arc::clone(&self.room).acquire_many_owned(permits).await {
            self.events.send((event, permit)).ok();
        }
    }
}

impl Receiver {
    /// The next event; `None` once all senders are gone. Its room is given back at once.
    pub(crate) async fn recv(&mut self) -> Option<Event> {
        self.events.recv().await.map(|(event, _)| event)
    }

    /// The same, for a thread of its own.
    pub(crate) fn recv_blocking(&mut self) -> Option<Event> {
        self.events.blocking_recv().map(|(event, _)| event)
    }
}

impl Drop for Receiver {
    /// Lets those go on that wait for room.
    fn drop(&mut self) {
        self.room.close();
    }
}

/// Bytes of events that wait for the output. Beyond that nothing is read from the connection; a server then closes it
/// for want of pongs, and what was missed is recovered.
const ROOM: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use super::{Event, ROOM, queue};
    use crate::event::{Error, Publication};
    use crate::payload::Payload;

    fn publication(len: usize) -> Event {
        Event::Publication(Publication {
            channel: String::new(),
            data: Payload::Base64("x".repeat(len)),
            position: None,
            tags: Default::default(),
            time: None,
            info: None,
        })
    }

    #[tokio::test]
    async fn a_full_queue_waits_and_an_event_larger_than_it_passes() {
        let (sender, mut receiver) = queue();
        sender.send(publication(2 * ROOM)).await;
        let small = Event::Error(Error::default());
        let other = sender.clone();
        let waiting = tokio::spawn(async move { other.send(small).await });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished(), "the queue is full");
        assert!(receiver.recv().await.is_some());
        waiting.await.unwrap();
        drop(receiver);
        // Nobody reads any more, and nobody waits.
        sender.send(publication(2 * ROOM)).await;
        sender.send(publication(2 * ROOM)).await;
    }
}
