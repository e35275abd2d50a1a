//! A `connect` that is being answered.

use veche_protocol::claims::ConnectionClaims;
use veche_protocol::command;
use veche_protocol::identity::App;
use veche_protocol::payload::Payload;
use veche_protocol::reply::Expiry;

use super::plan::Plan;
use crate::limits::MAX_WAITING_ORDERS;
use crate::order::Order;

/// A `connect` that is being answered.
#[derive(Debug, Default)]
pub(crate) struct Connecting {
    pub(super) id: u32,
    /// What the client said about its server-side subscriptions.
    pub(super) subs: Vec<(String, command::Subscribe)>,
    /// What the client says it is.
    pub(super) app: Option<Box<App>>,
    /// A name without proof, from the plain dialect.
    pub(super) name_login: Option<String>,
    /// Where nobody knows the client, it may log in later.
    pub(super) may_log_in: bool,
    /// Who it is, until it is let in.
    pub(super) newcomer: Option<Box<Newcomer>>,
    /// What the reply says of the connection's expiry.
    pub(super) expiry: Expiry,
    /// What the application sends with the reply.
    pub(super) data: Option<Payload>,
    /// Demanded meanwhile; at most [`MAX_WAITING_ORDERS`].
    pub(super) orders: Vec<Order>,
}

/// A client that is not let in yet.
#[derive(Debug)]
pub(super) struct Newcomer {
    pub(super) claims: ConnectionClaims,
    pub(super) plan: Plan,
}

impl Connecting {
    /// Keeps an order until `connect` is answered.
    pub(crate) fn keep(&mut self, order: Order) {
        if self.orders.len() < MAX_WAITING_ORDERS {
            self.orders.push(order);
        }
    }
}
