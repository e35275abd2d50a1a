//! The users of one worker's connections, and the places that are taken for them.

use veche_protocol::identity::UserId;

use crate::worker::Worker;

impl Worker {
    /// Takes a place among a user's connections for one that is about to be let in. Returns how many places others
    /// have; the connection has one if that is below `limit`.
    pub(crate) fn take_user_place(&mut self, slot: u32, user: UserId, limit: usize) -> usize {
        self.give_user_place_back(slot);
        let others = self.node.take_user_place(&user, limit);
        if others < limit {
            self.user_places.push((slot, user));
        }
        others
    }

    /// Gives the place back that was taken for a connection which was not let in.
    pub(crate) fn give_user_place_back(&mut self, slot: u32) {
        while let Some(at) = self.user_places.iter().position(|(of, _)| *of == slot) {
            let (_, user) = self.user_places.swap_remove(at);
            self.node.user_left(&user);
        }
    }

    pub(crate) fn remember_user(&mut self, slot: u32, user: UserId) {
        let has_place = |place: &(u32, UserId)| *place == (slot, user.clone());
        match self.user_places.iter().position(has_place) {
            Some(at) => drop(self.user_places.swap_remove(at)),
            None => self.node.user_came(&user),
        }
        let slots = self.users.entry(user).or_default();
        slots.push(slot);
        if let Some(connection) = self.connections.get_mut(slot as usize) {
            connection.place_of_user = u32::try_from(slots.len() - 1).ok();
        }
        self.counters.connections_accepted.add(1);
        self.clients += 1;
        self.counters.clients.set(self.clients);
        self.counters.users.set(self.users.len());
    }

    /// The user has one connection less, if this one was counted.
    pub(crate) fn forget_user(&mut self, slot: u32, user: &UserId) {
        let connection = self.connections.get_mut(slot as usize);
        let Some(place) = connection.and_then(|connection| connection.place_of_user.take()) else {
            return;
        };
        let Some(slots) = self.users.get_mut(user) else {
            return;
        };
        slots.swap_remove(place as usize);
        if let Some(&moved) = slots.get(place as usize) {
            if let Some(connection) = self.connections.get_mut(moved as usize) {
                connection.place_of_user = Some(place);
            }
        } else if slots.is_empty() {
            self.users.remove(user);
        }
        self.node.user_left(user);
        self.clients -= 1;
        self.counters.clients.set(self.clients);
        self.counters.users.set(self.users.len());
    }
}

#[cfg(test)]
mod tests;
