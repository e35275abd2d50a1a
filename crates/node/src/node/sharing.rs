//! What the workers of a node share out: connections by load, and the places of users.

use veche_protocol::identity::UserId;

use super::{Node, sum};
use crate::connection::Opening;
use crate::counters::Counters;
use crate::inbox::Item;
use crate::link::handover::Handover;

impl Node {
    /// Gives a connection whose upgrade is agreed to a worker, with what the client has sent since its request.
    pub fn adopt(&self, handover: Handover, opening: Box<Opening>) {
        let loads = self.counters.iter().enumerate();
        let least = loads
            .min_by_key(|(_, counters)| counters.sockets.value())
            .map_or(0, |(index, _)| index);
        self.inbox(least).push(Item::Upgraded { handover, opening });
    }

    /// A worker that has clearly fewer connections than `index`, if there is one.
    pub(crate) fn less_loaded_worker(&self, index: usize) -> Option<usize> {
        if self.counters.len() == 1 {
            return None;
        }
        let load = |counters: &Counters| counters.sockets.value();
        let mine = load(self.counters.get(index)?);
        let (least, counters) = self
            .counters
            .iter()
            .enumerate()
            .min_by_key(|(_, counters)| load(counters))?;
        (least != index && mine > load(counters) + load(counters) / 10 + 8).then_some(least)
    }

    /// Takes one of `limit` places for connections of a user, over all workers, unless all are taken. Returns how many
    /// were taken before; 0 where they are not counted.
    pub(crate) fn occupy_user_place(&self, user: &UserId, limit: usize) -> usize {
        let users = self.users.as_ref();
        users.map_or(0, |users| users.occupy_place(user, limit))
    }

    pub(crate) fn user_came(&self, user: &UserId) {
        if let Some(users) = &self.users {
            users.came(user);
        }
    }

    pub(crate) fn user_left(&self, user: &UserId) {
        if let Some(users) = &self.users {
            users.left(user);
        }
    }

    /// Users that have a connection, over all workers.
    pub(crate) fn user_count(&self) -> usize {
        match &self.users {
            Some(users) => users.distinct(),
            None => sum(&self.counters, |counters| &counters.users),
        }
    }
}
