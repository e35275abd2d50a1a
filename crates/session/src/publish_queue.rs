//! Publications of a client that wait for the application, and those that came behind them.

use std::collections::VecDeque;

use veche_protocol::channel::Channel;
use veche_protocol::publication::{Publication, PublishOptions};

use crate::refusal::Refusal;

/// A publication as it goes to the engine.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// The command to answer.
    pub(crate) id: u32,
    pub(crate) channel: Channel,
    pub(crate) publication: Box<Publication>,
    pub(crate) options: Box<PublishOptions>,
}

/// Publications of one client in the order of its commands: one of them is published only when those before it are
/// published or refused. There are no more than commands in progress (`client.concurrency`).
#[derive(Debug, Default)]
pub(crate) struct PublishQueue(VecDeque<(Prepared, Approval)>);

/// What is known of a publication in the queue.
#[derive(Debug)]
enum Approval {
    /// The application is asked, under this number.
    Asked(u32),
    /// It may be published.
    Granted,
    /// It may not.
    Refused(Refusal),
}

impl PublishQueue {
    /// Appends a publication about which the application is asked under this number.
    pub(crate) fn push_asked(&mut self, prepared: Prepared, number: u32) {
        self.0.push_back((prepared, Approval::Asked(number)));
    }

    /// Appends a publication that may be published, in its turn.
    pub(crate) fn push_granted(&mut self, prepared: Prepared) {
        self.0.push_back((prepared, Approval::Granted));
    }

    /// Lets the application's answer to this number decide about the publication. Returns whether there is one.
    pub(crate) fn decide(
        &mut self,
        number: u32,
        decide: impl FnOnce(&mut Prepared) -> Result<(), Refusal>,
    ) -> bool {
        let mut waiting = self.0.iter_mut();
        let found = waiting.find(|(_, it)| matches!(it, Approval::Asked(it) if *it == number));
        let Some((prepared, approval)) = found else {
            return false;
        };
        *approval = match decide(prepared) {
            Ok(()) => Approval::Granted,
            Err(refusal) => Approval::Refused(refusal),
        };
        true
    }

    /// The first publication, if it is decided.
    pub(crate) fn pop(&mut self) -> Option<(Prepared, Result<(), Refusal>)> {
        if let Some((_, Approval::Asked(_))) = self.0.front() {
            return None;
        }
        let (prepared, approval) = self.0.pop_front()?;
        let verdict = match approval {
            Approval::Refused(refusal) => Err(refusal),
            Approval::Asked(_) | Approval::Granted => Ok(()),
        };
        Some((prepared, verdict))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
