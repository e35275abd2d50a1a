//! Requests of the application that have one answer: history, presence, calls.

use std::collections::BTreeMap;

use super::asked::Ask;
use super::clock::Now;
use super::output::{Answer, Event, RequestId};
use super::{Machine, Timer};
use crate::data::Data;
use crate::position::Position;
use crate::state::{End, RequestError};
use crate::wire::{ActionError, Verb, since};

/// What may be asked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Request {
    /// Past publications of a channel.
    History {
        /// The channel.
        channel: String,
        /// At most so many; 0 for the position alone, `None` for as many as the server gives.
        limit: Option<u32>,
        /// After this position, or before it in reverse.
        since: Option<Position>,
        /// The newest first.
        reverse: bool,
    },
    /// Who is in a channel.
    Presence {
        /// The channel.
        channel: String,
        /// Numbers are enough.
        stats: bool,
    },
    /// A call to the backend.
    Call {
        /// Name of the method.
        method: String,
        /// Arguments, as JSON.
        data: Option<Data>,
    },
}

impl Request {
    fn verb(&self) -> Verb<'_> {
        match self {
            Self::History {
                channel,
                limit,
                since: position,
                reverse,
            } => Verb::History {
                channel,
                limit: *limit,
                since: since(position.as_ref()),
                reverse: *reverse,
            },
            Self::Presence { channel, stats } => Verb::Presence {
                channel,
                stats: *stats,
            },
            Self::Call { method, data } => Verb::Call {
                method,
                data: data.as_ref().and_then(Data::raw),
            },
        }
    }

    /// Whether it may be asked twice: it changes nothing.
    fn is_idempotent(&self) -> bool {
        !matches!(self, Self::Call { .. })
    }
}

/// Requests that are not answered yet, at most [`super::Settings::max_requests`].
#[derive(Debug, Default)]
pub(super) struct Requests {
    last_id: u64,
    pending: BTreeMap<RequestId, Pending>,
}

#[derive(Debug)]
struct Pending {
    request: Request,
    is_sent: bool,
}

impl Machine {
    /// Asks something. The answer is an event, and there is one for each request: at the latest
    /// after `timeout_ms`.
    ///
    /// # Errors
    /// Nothing was asked, and no event comes.
    pub fn request(
        &mut self,
        request: Request,
        timeout_ms: u64,
        now: Now,
    ) -> Result<RequestId, RequestError> {
        self.advance(now);
        if let Some(end) = self.connection.end() {
            return Err(end.clone().into());
        }
        if self.requests.pending.len() >= self.settings.max_requests {
            return Err(RequestError::Full);
        }
        if let Request::Call {
            data: Some(data), ..
        } = &request
            && data.raw().is_none()
        {
            return Err(RequestError::Data("a call takes no bytes".into()));
        }
        if request.verb().encode(u64::MAX).len() > self.settings.max_message {
            let limit = self.settings.max_message;
            return Err(RequestError::TooBig { limit });
        }
        self.requests.last_id += 1;
        let id = RequestId(self.requests.last_id);
        let pending = Pending {
            request,
            is_sent: false,
        };
        self.requests.pending.insert(id, pending);
        self.set_timer(Timer::Request(id), timeout_ms);
        if self.connection.is_online() {
            self.send_request(id);
        }
        Ok(id)
    }

    /// Asks what waited for a connection.
    pub(super) fn send_requests(&mut self) {
        let ids: Vec<_> = self.requests.pending.keys().copied().collect();
        for id in ids {
            self.send_request(id);
        }
    }

    fn send_request(&mut self, id: RequestId) {
        if let Some(pending) = self.requests.pending.get_mut(&id) {
            pending.is_sent = true;
            let action = self.asked.next_id();
            let text = pending.request.verb().encode(action);
            self.ask(Ask::Request(id), action, text);
        }
    }

    pub(super) fn handle_answer(&mut self, id: RequestId, answer: Result<Answer, ActionError>) {
        self.answer_request(id, answer.map_err(RequestError::from));
    }

    pub(super) fn request_is_late(&mut self, id: RequestId) {
        self.answer_request(id, Err(RequestError::Timeout));
    }

    /// The connection is lost. What may be asked twice waits for the next one.
    pub(super) fn take_back_requests(&mut self) {
        let mut uncertain = Vec::new();
        for (id, pending) in &mut self.requests.pending {
            let was_sent = std::mem::take(&mut pending.is_sent);
            if was_sent && !pending.request.is_idempotent() {
                uncertain.push(*id);
            }
        }
        for id in uncertain {
            self.answer_request(id, Err(RequestError::Uncertain));
        }
    }

    pub(super) fn end_requests(&mut self, end: &End) {
        let ids: Vec<_> = self.requests.pending.keys().copied().collect();
        for id in ids {
            self.answer_request(id, Err(end.clone().into()));
        }
    }

    fn answer_request(&mut self, id: RequestId, answer: Result<Answer, RequestError>) {
        if self.requests.pending.remove(&id).is_some() {
            self.timers.clear(Timer::Request(id));
            self.tell(Event::Answer(id, answer));
        }
    }
}
