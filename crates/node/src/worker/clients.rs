//! The connected clients of a worker: whose they are, which programs they are, and the places that users have.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use smallvec::SmallVec;
use veche_protocol::identity::{App, UserId};

use super::connections::Connections;
use crate::apps::Apps;
use crate::context::Context;

#[cfg(test)]
mod tests;

/// Who is connected.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    /// The slots of each user, in the order in which users are listed.
    by_user: BTreeMap<UserId, SmallVec<[u32; 2]>>,
    /// Places among users' connections that were taken for connections, by slot, which are not let in yet.
    places: Vec<(u32, UserId)>,
    apps: Apps,
    count: usize,
}

impl Clients {
    /// Connected clients.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Slots of a user's connections.
    pub(crate) fn slots_of(&self, user: &UserId) -> &[u32] {
        let slots = self.by_user.get(user);
        slots.map(SmallVec::as_slice).unwrap_or_default()
    }

    /// Slots of all users' connections.
    pub(crate) fn slots(&self) -> impl Iterator<Item = u32> {
        self.by_user.values().flatten().copied()
    }

    /// Users in the order of their names, and how many connections each has.
    pub(crate) fn users_in<'a>(
        &'a self,
        names: (Bound<&'a str>, Bound<&'a str>),
    ) -> impl Iterator<Item = (&'a UserId, usize)> {
        let users = self.by_user.range::<str, _>(names);
        users.map(|(user, slots)| (user, slots.len()))
    }

    /// A program, kept once for all its clients.
    pub(crate) fn app(&mut self, app: App) -> Arc<App> {
        self.apps.shared(app)
    }

    /// Takes a place among a user's connections for one that is about to be let in. Returns how many places others
    /// have; the connection has one if that is below `limit`.
    pub(crate) fn occupy_place(
        &mut self,
        slot: u32,
        user: UserId,
        limit: usize,
        context: &Context,
    ) -> usize {
        self.give_place_back(slot, context);
        let others = context.node().occupy_user_place(&user, limit);
        if others < limit {
            self.places.push((slot, user));
        }
        others
    }

    /// Gives the place back that was taken for a connection which was not let in.
    pub(crate) fn give_place_back(&mut self, slot: u32, context: &Context) {
        while let Some(at) = self.places.iter().position(|(of, _)| *of == slot) {
            let (_, user) = self.places.swap_remove(at);
            context.node().user_left(&user);
        }
    }

    /// A connection was let in.
    pub(crate) fn remember(
        &mut self,
        slot: u32,
        user: UserId,
        connections: &mut Connections,
        context: &Context,
    ) {
        let has_place = |place: &(u32, UserId)| *place == (slot, user.clone());
        match self.places.iter().position(has_place) {
            Some(at) => drop(self.places.swap_remove(at)),
            None => context.node().user_came(&user),
        }
        let slots = self.by_user.entry(user).or_default();
        slots.push(slot);
        if let Some(connection) = connections.get_mut(slot) {
            connection.index_of_user = u32::try_from(slots.len() - 1).ok();
        }
        context.counters().connections_accepted.add(1);
        self.count += 1;
        self.count_them(context);
    }

    /// The user has one connection less, if this one was counted.
    pub(crate) fn forget(
        &mut self,
        slot: u32,
        user: &UserId,
        connections: &mut Connections,
        context: &Context,
    ) {
        let connection = connections.get_mut(slot);
        let Some(index) = connection.and_then(|connection| connection.index_of_user.take()) else {
            return;
        };
        let Some(slots) = self.by_user.get_mut(user) else {
            return;
        };
        slots.swap_remove(index as usize);
        if let Some(&moved) = slots.get(index as usize) {
            if let Some(connection) = connections.get_mut(moved) {
                connection.index_of_user = Some(index);
            }
        } else if slots.is_empty() {
            self.by_user.remove(user);
        }
        context.node().user_left(user);
        self.count -= 1;
        self.count_them(context);
    }

    fn count_them(&self, context: &Context) {
        context.counters().clients.set(self.count);
        context.counters().users.set(self.by_user.len());
    }
}
