//! What is asked of all workers at once.

use std::sync::Arc;

use tokio::sync::mpsc;
use veche_protocol::channel::Channel;
use veche_protocol::identity::UserId;

use crate::listing::{Criteria, Names, Slice, Stretch};

/// A question to a worker, or to all of them; each answers once.
#[derive(Debug)]
pub(crate) enum Inquiry {
    /// Whether it still takes its inbox.
    SignOfLife(mpsc::UnboundedSender<()>),
    /// Which connections there are from a slot on.
    Connections {
        wanted: Arc<Criteria>,
        from: u32,
        limit: usize,
        reply: mpsc::UnboundedSender<Slice>,
    },
    /// Which users there are, and how many connections each has; at most so many.
    Users(Arc<Names>, usize, mpsc::UnboundedSender<Stretch<UserId>>),
    /// Which channels there are, and how many are subscribed to each; at most so many.
    Channels(Arc<Names>, usize, mpsc::UnboundedSender<Stretch<Channel>>),
}
