//! Clients whose messages come by other requests than the one that is answered by a stream: how these find the session.
//!
//! The client is told a name of its session that nobody can guess (client protocol, `session` in the reply to
//! `connect`). It leads to the worker and the slot, so that no table of names is kept; the worker compares all of it.

use std::fmt::Write as _;

use veche_session::session::Emulation;

use crate::inbox::Item;
use crate::node::Node;

/// There is no such session here: it has ended, or never was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such session on this node: connect again")]
pub struct UnknownSession;

impl Node {
    /// Gives a message to an emulated session, and does not wait until it is carried out. Whether the session is still
    /// there is seen later: a message for one that has ended is dropped.
    ///
    /// # Errors
    /// When the name is none of this node's.
    pub fn receive_apart(&self, session: &str, message: Vec<u8>) -> Result<(), UnknownSession> {
        let address = Address::of(session).ok_or(UnknownSession)?;
        let inbox = self.inboxes().get(address.worker).ok_or(UnknownSession)?;
        inbox.push(Item::Input {
            slot: address.slot,
            session: session.into(),
            message,
        });
        Ok(())
    }

    /// A name for the session in a slot of a worker.
    pub(crate) fn emulation(&self, worker: usize, slot: u32) -> Emulation {
        let mut session = format!("{worker:x}.{slot:x}.");
        // It can't fail: there is room.
        let _ = write!(session, "{}", uuid::Uuid::new_v4().simple());
        Emulation {
            session: session.into(),
            node: self.id().into(),
        }
    }
}

/// The worker and the slot of a session.
#[derive(Debug, PartialEq, Eq)]
struct Address {
    worker: usize,
    slot: u32,
}

impl Address {
    fn of(session: &str) -> Option<Self> {
        let mut parts = session.splitn(3, '.');
        let mut number = || u32::from_str_radix(parts.next()?, 16).ok();
        let (worker, slot) = (number()?, number()?);
        Some(Self {
            worker: usize::try_from(worker).ok()?,
            slot,
        })
    }
}
