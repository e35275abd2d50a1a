//! What is asked of all workers at once, and whom an order is for.

use tokio::sync::mpsc;
use veche_protocol::channel::Channel;
use veche_protocol::identity::{ClientId, UserId};

/// Whom an order is for: all connections of a user, or one of them.
#[derive(Clone, Debug, Default)]
pub struct Addressees {
    /// The user; the empty id is an anonymous user.
    pub user: UserId,
    /// Only this connection of the user's.
    pub client: Option<ClientId>,
    /// Not these connections.
    pub except: Vec<ClientId>,
}

impl Addressees {
    pub(crate) fn include(&self, client: ClientId) -> bool {
        self.client.is_none_or(|only| only == client) && !self.except.contains(&client)
    }
}

/// A question to all workers; each answers once.
#[derive(Clone, Debug)]
pub(crate) enum Inquiry {
    /// How much there is.
    Census(mpsc::UnboundedSender<Census>),
    /// Which channels there are, and how many are subscribed to each.
    Channels(mpsc::UnboundedSender<Vec<(Channel, usize)>>),
}

/// How much a worker has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Census {
    pub(crate) clients: usize,
    pub(crate) subscriptions: usize,
    pub(crate) users: Vec<UserId>,
}
