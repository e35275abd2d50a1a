//! The connections of a worker by their slots, the deadline of each, and those to be gone on with in the next turn.

use std::mem;
use std::ops::Range;
use std::time::Duration;

use slab::Slab;
use smallvec::SmallVec;
use veche_session::session::Session;

use crate::connection::{Closing, Connection, Open, Stage};
use crate::hub::{Attachments, AttachmentsBySlot};
use crate::inbox::ConnectionKey;
use crate::wheel::{self, Wheel};

/// All connections of a worker.
#[derive(Debug)]
pub(crate) struct Connections {
    slots: Slab<Connection>,
    /// Of the connection that came last; see [`ConnectionKey`].
    last_generation: u32,
    /// One entry for each connection that has a deadline, put back lazily.
    wheel: Wheel,
    /// What the wheel has given: a table that is kept from turn to turn.
    due: Vec<(u32, u64)>,
    /// Slots of connections that have more to read, or to be carried out, than one turn takes; see
    /// [`Connection::has_more`].
    again: Vec<u32>,
    /// No other connection comes.
    is_final: bool,
}

impl Connections {
    pub(crate) fn new() -> Self {
        Self {
            slots: Slab::new(),
            last_generation: 0,
            wheel: Wheel::new(),
            due: Vec::new(),
            again: Vec::new(),
            is_final: false,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// No other connection comes: when these have ended, all is over.
    pub(crate) fn end(&mut self) {
        self.is_final = true;
    }

    /// Whether no connection is left, and none will come.
    pub(crate) fn are_over(&self) -> bool {
        self.is_final && self.slots.is_empty()
    }

    /// The slot that the next connection gets.
    pub(crate) fn next_slot(&self) -> usize {
        self.slots.vacant_key()
    }

    /// All slots from one on, used or not.
    pub(crate) fn slots_from(&self, from: u32) -> Range<u32> {
        from..u32::try_from(self.slots.capacity()).unwrap_or(u32::MAX)
    }

    /// Gives a connection a slot.
    pub(crate) fn insert(&mut self, stage: Stage) -> Option<u32> {
        let generation = self.next_generation();
        let entry = self.slots.vacant_entry();
        let slot = u32::try_from(entry.key()).ok()?;
        entry.insert(Connection {
            generation,
            tick: None,
            attachments: SmallVec::new(),
            index_of_user: None,
            hung_up: false,
            has_more: false,
            stage,
        });
        self.set_timer(slot);
        Some(slot)
    }

    /// Forgets a connection. Returns whether there was one.
    pub(crate) fn remove(&mut self, slot: u32) -> bool {
        self.slots.try_remove(slot as usize).is_some()
    }

    pub(crate) fn get(&self, slot: u32) -> Option<&Connection> {
        self.slots.get(slot as usize)
    }

    pub(crate) fn get_mut(&mut self, slot: u32) -> Option<&mut Connection> {
        self.slots.get_mut(slot as usize)
    }

    /// Names the connection that is in a slot now.
    pub(crate) fn key(&self, slot: u32) -> Option<ConnectionKey> {
        let generation = self.get(slot)?.generation;
        Some(ConnectionKey { slot, generation })
    }

    /// Whether a connection is still there.
    pub(crate) fn is_alive(&self, key: ConnectionKey) -> bool {
        self.key(key.slot) == Some(key)
    }

    /// Gives the connection in a slot another name: answers that are under its old one are not for it.
    pub(crate) fn rename(&mut self, slot: u32) {
        let generation = self.next_generation();
        if let Some(connection) = self.get_mut(slot) {
            connection.generation = generation;
        }
    }

    fn next_generation(&mut self) -> u32 {
        self.last_generation = self.last_generation.wrapping_add(1);
        self.last_generation
    }

    /// The slots of connections at some stages.
    pub(crate) fn slots_at(&self, is_wanted: impl Fn(&Stage) -> bool) -> Vec<u32> {
        self.slots
            .iter()
            .filter(|(_, connection)| is_wanted(&connection.stage))
            .filter_map(|(slot, _)| u32::try_from(slot).ok())
            .collect()
    }

    /// The session in a slot, if a conversation is held there.
    pub(crate) fn session(&self, slot: u32) -> Option<&Session> {
        match &self.get(slot)?.stage {
            Stage::Open(open) => open.talk.session(),
            _ => None,
        }
    }

    /// Moves the conversation out of a slot while it is driven.
    pub(crate) fn take_open(&mut self, slot: u32) -> Option<Box<Open>> {
        let connection = self.get_mut(slot)?;
        match mem::replace(&mut connection.stage, Stage::Busy) {
            Stage::Open(open) => Some(open),
            other => {
                connection.stage = other;
                None
            }
        }
    }

    /// Puts a conversation back that was driven.
    pub(crate) fn put_open(&mut self, slot: u32, open: Box<Open>) {
        if let Some(connection) = self.get_mut(slot) {
            connection.stage = Stage::Open(open);
        }
        self.set_timer(slot);
    }

    /// The end of the conversation in a slot was said.
    pub(crate) fn set_closing(&mut self, slot: u32, closing: Closing) {
        if let Some(connection) = self.get_mut(slot) {
            connection.stage = Stage::Closing(Box::new(closing));
        }
        self.set_timer(slot);
    }

    /// The end in a slot, if it was said there.
    pub(crate) fn closing_mut(&mut self, slot: u32) -> Option<&mut Closing> {
        match &mut self.get_mut(slot)?.stage {
            Stage::Closing(closing) => Some(closing),
            _ => None,
        }
    }
}

/// Those to be gone on with in the next turn.
impl Connections {
    /// Has a connection gone on with, and read, in the next turn: the event loop would not tell of what is there twice.
    pub(crate) fn read_later(&mut self, slot: u32) {
        if let Some(connection) = self.slots.get_mut(slot as usize)
            && !mem::replace(&mut connection.has_more, true)
        {
            self.again.push(slot);
        }
    }

    /// Whether some connection is to be gone on with.
    pub(crate) fn has_more(&self) -> bool {
        !self.again.is_empty()
    }

    /// Takes the slots to be gone on with; each must be confirmed by [`Self::goes_on`] when its turn comes.
    pub(crate) fn take_again(&mut self) -> Vec<u32> {
        mem::take(&mut self.again)
    }

    /// Whether the connection in a slot is to be gone on with. The slot may be another's by now. Says so once.
    pub(crate) fn goes_on(&mut self, slot: u32) -> bool {
        let connection = self.get_mut(slot);
        connection.is_some_and(|connection| mem::take(&mut connection.has_more))
    }
}

/// Deadlines.
impl Connections {
    /// Sees to it that the wheel has the connection no later than its deadline.
    pub(crate) fn set_timer(&mut self, slot: u32) {
        let Some(connection) = self.slots.get_mut(slot as usize) else {
            return;
        };
        let Some(deadline) = connection.deadline() else {
            return;
        };
        let needed = wheel::tick_of(deadline);
        if connection.tick.is_none_or(|tick| needed < tick) {
            connection.tick = Some(self.wheel.insert(slot, deadline));
        }
    }

    /// Whether a deadline may have passed at `now`.
    pub(crate) fn is_due(&self, now: Duration) -> bool {
        self.wheel.is_due(now)
    }

    /// When a deadline may be over next.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.wheel.next_due()
    }

    /// Takes the wheel's entries that are due at `now`: slots and ticks, for [`Self::come_due`]. The table comes back
    /// by [`Self::keep_table`].
    pub(crate) fn take_due(&mut self, now: Duration) -> Vec<(u32, u64)> {
        let mut due = mem::take(&mut self.due);
        self.wheel.take_due(now, &mut due);
        due
    }

    /// Keeps a table of entries for the next turn.
    pub(crate) fn keep_table(&mut self, mut due: Vec<(u32, u64)>) {
        due.clear();
        self.due = due;
    }

    /// The connection of an entry that has come due, and its deadline, unless the entry is stale. The connection has
    /// none any more until [`Self::set_timer`].
    pub(crate) fn come_due(&mut self, slot: u32, tick: u64) -> Option<(Duration, &mut Connection)> {
        let connection = self.get_mut(slot)?;
        if connection.tick != Some(tick) {
            return None;
        }
        connection.tick = None;
        Some((connection.deadline()?, connection))
    }
}

impl AttachmentsBySlot for Connections {
    fn attachments(&mut self, slot: u32) -> Option<&mut Attachments> {
        Some(&mut self.get_mut(slot)?.attachments)
    }
}
