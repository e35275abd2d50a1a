//! Publishing: each publication goes out with its key until the server has answered, and never where it might double.

use std::collections::VecDeque;

use super::asked::Ask;
use super::clock::Now;
use super::outbox::{LaneId, Phase, weight};
use super::output::{Change, Event, Frame, Output, PublicationId, Sent, Stored};
use super::settings::WhenUncertain;
use super::{Machine, Timer};
use crate::data::Data;
use crate::position::Position;
use crate::state::{End, PublishError};
use crate::wire::{ActionError, Verb};

/// A publication to be made.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Where to publish.
    pub channel: String,
    /// The event's name; `None` for `message`.
    pub event: Option<String>,
    /// What to publish.
    pub data: Data,
    /// A key of the application's own, at most 256 bytes; `None` for one that the machine makes.
    pub key: Option<String>,
}

/// Changes of the outbox that are being stored, in their order.
#[derive(Debug, Default)]
pub(super) struct Storing {
    changes: VecDeque<Waits>,
    /// Publications that have left the outbox, and could not be removed from where they are stored.
    /// Until they are, nothing is sent: a restart would send these again, behind it.
    not_removed: Vec<PublicationId>,
}

/// What waits for a change to be stored.
#[derive(Clone, Copy, Debug)]
enum Waits {
    Added(PublicationId),
    Sent(PublicationId),
    Removed(PublicationId),
}

impl Machine {
    /// Puts into the outbox what an earlier machine had in it. To be called before the start.
    pub fn restore(&mut self, publications: impl IntoIterator<Item = Stored>) {
        let window = self.settings.key_window_ms;
        for stored in publications {
            let key_until = match &stored.sent {
                None => u64::MAX,
                // A clock that was set back says nothing of the time between.
                Some(sent) => match self.clock.wall().checked_sub(sent.wall_ms) {
                    Some(age) => self.clock.longest() + window.saturating_sub(age),
                    None => 0,
                },
            };
            self.outbox.add(stored, Phase::Waiting, key_until);
        }
    }

    /// Puts a publication into the outbox. Two events follow: [`Event::Queued`], and when it has left
    /// the outbox [`Event::Published`]; or the second alone, if it could not be stored.
    ///
    /// # Errors
    /// It was not taken, and no event comes.
    pub fn publish(&mut self, draft: Draft, now: Now) -> Result<PublicationId, PublishError> {
        self.advance(now);
        if let Some(end) = self.connection.end() {
            return Err(end.clone().into());
        }
        let id = self.outbox.next_id();
        let stored = Stored {
            id,
            key: draft.key.unwrap_or_else(|| self.outbox.key(id)),
            channel: draft.channel,
            event: draft.event,
            data: draft.data,
            sent: None,
        };
        let limit = self.settings.max_message;
        let verb = verb(&stored);
        let announced = stored.data.to_binary().map_or(0, |bytes| bytes.len());
        if verb.encode(u64::MAX).len().max(announced) > limit {
            return Err(PublishError::TooBig { limit });
        }
        if !self.outbox.has_room(weight(&stored), &self.settings) {
            return Err(PublishError::Full);
        }
        if self.settings.is_durable {
            self.store(Change::Added(stored.clone()), Waits::Added(id));
            self.outbox.add(stored, Phase::Storing, u64::MAX);
        } else {
            self.outbox.add(stored, Phase::Waiting, u64::MAX);
            self.tell(Event::Queued(id));
            self.send_publications();
        }
        Ok(id)
    }

    /// Publications in the outbox.
    pub fn unconfirmed(&self) -> usize {
        self.outbox.len()
    }

    /// The next so many changes were stored, in their order.
    pub fn handle_stored(&mut self, count: usize, now: Now) {
        self.advance(now);
        for _ in 0..count {
            match self.storing.changes.pop_front() {
                Some(Waits::Added(id)) => {
                    if self.outbox.get(id).is_some() {
                        self.outbox.set_phase(id, Phase::Waiting);
                        self.tell(Event::Queued(id));
                    }
                }
                Some(Waits::Sent(id)) => self.send_marked(id),
                Some(Waits::Removed(id)) => self.storing.not_removed.retain(|other| *other != id),
                None => break,
            }
        }
        self.send_publications();
    }

    /// The next so many changes could not be stored; says why.
    pub fn handle_not_stored(&mut self, count: usize, why: &str, now: Now) {
        self.advance(now);
        tracing::warn!(why, count, "the outbox cannot be stored");
        for _ in 0..count {
            match self.storing.changes.pop_front() {
                Some(Waits::Added(id)) => {
                    if let Some(stored) = self.outbox.remove(id) {
                        let error = PublishError::Store(why.to_owned());
                        self.tell(Event::Published(Box::new(stored), Err(error)));
                    }
                }
                Some(Waits::Sent(id)) => {
                    // It is not sent before that can be noted.
                    self.unmark(id);
                    self.rest_lane(id);
                }
                Some(Waits::Removed(id)) => {
                    if !self.storing.not_removed.contains(&id) {
                        self.storing.not_removed.push(id);
                    }
                    self.set_timer(Timer::Store, STORE_AGAIN_MS);
                }
                None => break,
            }
        }
        self.send_publications();
    }

    /// Tries again to remove what could not be removed.
    pub(super) fn remove_again(&mut self) {
        for id in self.storing.not_removed.clone() {
            self.store(Change::Removed(id), Waits::Removed(id));
        }
    }

    /// Sends what may be sent.
    pub(super) fn send_publications(&mut self) {
        while self.connection.is_online()
            && self.storing.not_removed.is_empty()
            && let Some(id) = self.outbox.next_ready()
        {
            if self.may_send(id) {
                self.mark_and_send(id);
            } else {
                self.confirm(id, Err(PublishError::Uncertain));
            }
        }
    }

    /// The server took a publication.
    pub(super) fn handle_published(&mut self, id: PublicationId, position: Option<Position>) {
        self.outbox.forget_failures(id);
        self.confirm(id, Ok(position));
        self.send_publications();
    }

    pub(super) fn handle_publish_refused(&mut self, id: PublicationId, refusal: ActionError) {
        if refusal.is_temporary() || refusal.is_expired() {
            self.outbox.set_phase(id, Phase::Waiting);
            self.rest_lane(id);
        } else {
            self.confirm(id, Err(refusal.into()));
        }
        self.send_publications();
    }

    pub(super) fn wake_lane(&mut self, lane: LaneId) {
        self.outbox.wake(lane);
        self.send_publications();
    }

    /// The connection is lost: what was on its way goes out again on the next one, if it may.
    pub(super) fn take_back_publications(&mut self) {
        for id in self.outbox.in_phase(Phase::InFlight) {
            self.outbox.set_phase(id, Phase::Waiting);
            let is_hopeless = self.settings.when_uncertain == WhenUncertain::Report
                && self.connection.user().is_none();
            if is_hopeless {
                self.confirm(id, Err(PublishError::Uncertain));
            }
        }
    }

    /// The server closed because a message was too large for it. It was the largest of those on
    /// their way, and is not sent again.
    pub(super) fn drop_largest_in_flight(&mut self) {
        let ids = self.outbox.in_phase(Phase::InFlight).into_iter();
        let len = |id: &PublicationId| {
            let entry = self.outbox.get(*id);
            entry.map_or(0, |entry| entry.stored.data.len())
        };
        if let Some(id) = ids.max_by_key(len) {
            let limit = len(&id).saturating_sub(1);
            self.confirm(id, Err(PublishError::TooBig { limit }));
        }
    }

    /// The client has ended. What is stored stays stored.
    pub(super) fn end_publications(&mut self, end: &End) {
        for id in self.outbox.ids() {
            if let Some(stored) = self.outbox.remove(id) {
                let ended = Err(end.clone().into());
                self.tell(Event::Published(Box::new(stored), ended));
            }
        }
    }

    /// Whether a publication can be sent without being doubled: it was not sent before, or its key
    /// still holds.
    fn may_send(&self, id: PublicationId) -> bool {
        let Some(entry) = self.outbox.get(id) else {
            return false;
        };
        let Some(sent) = &entry.stored.sent else {
            return true;
        };
        let key_holds = sent.user.is_some()
            && sent.user.as_deref() == self.connection.user()
            && self.clock.longest() < entry.key_until;
        key_holds || self.settings.when_uncertain == WhenUncertain::Resend
    }

    fn mark_and_send(&mut self, id: PublicationId) {
        let Some(entry) = self.outbox.get_mut(id) else {
            return;
        };
        if entry.stored.sent.is_none() {
            let sent = Sent {
                wall_ms: self.clock.wall(),
                user: self.connection.user().map(str::to_owned),
            };
            entry.stored.sent = Some(sent.clone());
            entry.key_until = self.clock.longest() + self.settings.key_window_ms;
            if self.settings.is_durable {
                self.outbox.set_phase(id, Phase::Marking);
                return self.store(Change::Sent(id, sent), Waits::Sent(id));
            }
        }
        self.send_publication(id);
    }

    /// That it is about to be sent was stored; it has not been sent before.
    fn send_marked(&mut self, id: PublicationId) {
        let Some(entry) = self.outbox.get(id) else {
            return;
        };
        if entry.phase != Phase::Marking {
            return;
        }
        let user = entry.stored.sent.as_ref().map(|sent| sent.user.as_deref());
        let is_true = user == Some(self.connection.user())
            && self.connection.is_online()
            && self.storing.not_removed.is_empty()
            && self.clock.longest() < entry.key_until;
        if is_true {
            self.send_publication(id);
        } else {
            self.unmark(id);
        }
    }

    /// A publication that was to be sent for the first time has not been sent after all.
    fn unmark(&mut self, id: PublicationId) {
        if let Some(entry) = self.outbox.get_mut(id) {
            entry.stored.sent = None;
            entry.key_until = u64::MAX;
        }
        self.outbox.set_phase(id, Phase::Waiting);
    }

    fn send_publication(&mut self, id: PublicationId) {
        let Some(entry) = self.outbox.get(id) else {
            return;
        };
        let bytes = entry.stored.data.to_binary();
        let action = self.asked.next_id();
        let text = verb(&entry.stored).encode(action);
        self.ask(Ask::Publish(id), action, text);
        if let Some(bytes) = bytes {
            self.send(Frame::Binary(bytes));
        }
        self.outbox.set_phase(id, Phase::InFlight);
    }

    /// A publication leaves the outbox.
    fn confirm(&mut self, id: PublicationId, result: Result<Option<Position>, PublishError>) {
        let Some(stored) = self.outbox.remove(id) else {
            return;
        };
        if let Err(error) = &result {
            tracing::debug!(id = id.0, %error, "not published");
        }
        if self.settings.is_durable {
            self.store(Change::Removed(id), Waits::Removed(id));
        }
        self.tell(Event::Published(Box::new(stored), result));
    }

    fn rest_lane(&mut self, id: PublicationId) {
        if let Some((lane, backoff)) = self.outbox.rest(id) {
            let delay = backoff.next_ms(&mut self.random);
            self.set_timer(Timer::Lane(lane), delay);
        }
    }

    fn store(&mut self, change: Change, waits: Waits) {
        self.storing.changes.push_back(waits);
        self.outputs.push_back(Output::Store(change));
    }
}

/// Between two attempts to change what is stored.
const STORE_AGAIN_MS: u64 = 2_000;

fn verb(stored: &Stored) -> Verb<'_> {
    Verb::publish(
        &stored.channel,
        stored.event.as_deref(),
        &stored.key,
        &stored.data,
    )
}
