//! Actions that are on their way, and what their answers are for.

use std::collections::BTreeMap;

use super::output::{Frame, Output, PublicationId, RequestId, SubscriptionId};
use super::{Machine, Timer};
use crate::state::Cause;

/// Actions of this connection that are not answered yet.
#[derive(Debug, Default)]
pub(super) struct Asked {
    last_id: u64,
    /// In the order in which they were sent.
    pending: BTreeMap<u64, Pending>,
}

#[derive(Debug)]
struct Pending {
    ask: Ask,
    sent_ms: u64,
}

/// What an answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// The login that makes the connection.
    Login,
    /// The login that renews the token.
    Refresh,
    Subscribe(SubscriptionId),
    /// `None` if nobody waits for it.
    Unsubscribe(Option<SubscriptionId>),
    Publish(PublicationId),
    Request(RequestId),
    Ping,
}

impl Ask {
    /// Whether the answer is the server's own work. A request has a deadline of its own, because a
    /// backend may take its time.
    fn is_the_servers(self) -> bool {
        !matches!(self, Self::Request(_))
    }
}

impl Asked {
    /// An id for an action.
    pub(super) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Takes what an answer is for; `None` for an answer to nothing, or a second one.
    pub(super) fn take(&mut self, id: u64) -> Option<Ask> {
        Some(self.pending.remove(&id)?.ask)
    }

    pub(super) fn len(&self) -> usize {
        self.pending.len()
    }

    /// The connection has ended, and with it its answers. Ids are never used again.
    pub(super) fn clear(&mut self) {
        self.pending.clear();
    }

    fn oldest_ms(&self) -> Option<u64> {
        let mut own = (self.pending.values()).filter(|pending| pending.ask.is_the_servers());
        own.next().map(|pending| pending.sent_ms)
    }
}

impl Machine {
    /// Sends an action that was written with this id.
    pub(super) fn ask(&mut self, ask: Ask, id: u64, text: String) {
        self.send(Frame::Text(text));
        let sent_ms = self.clock.mono();
        self.asked.pending.insert(id, Pending { ask, sent_ms });
        if ask.is_the_servers() && self.timers.get(Timer::Answer).is_none() {
            self.set_timer(Timer::Answer, self.settings.answer_timeout_ms);
        }
    }

    pub(super) fn send(&mut self, frame: Frame) {
        let link = self.connection.link();
        self.outputs.push_back(Output::Send(link, frame));
    }

    /// A server that is there but leaves an answer out is as good as none.
    pub(super) fn check_answers(&mut self) {
        let Some(oldest) = self.asked.oldest_ms() else {
            return;
        };
        let due = oldest.saturating_add(self.settings.answer_timeout_ms);
        if due <= self.clock.mono() {
            self.lose(Cause::NoAnswer);
        } else {
            self.timers.set(Timer::Answer, due);
        }
    }
}
