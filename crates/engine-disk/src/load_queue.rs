//! What is to be read from the store.

use std::collections::VecDeque;

use parking_lot::{Condvar, Mutex};
use veche_protocol::channel::Channel;
use veche_protocol::history::Page;

use crate::call::Answer;
use crate::journal::Lsn;
use crate::stream::Partial;

/// The queue between those who need something of the store and the thread that reads it. Each entry is a call that
/// somebody waits for; beyond [`MAX_LOADS`] calls are refused.
#[derive(Debug, Default)]
pub(crate) struct LoadQueue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Load>,
    is_stopping: bool,
}

/// One thing to be read.
#[derive(Debug)]
pub(crate) enum Load {
    /// How a channel's stream stands, and its last publication where calls need it.
    Stream(Channel),
    /// Publications for a page. It is answered when a change is safe, if it shows one that is not.
    Page {
        channel: Channel,
        partial: Box<Partial>,
        after: Option<Lsn>,
        answer: Answer<Page>,
    },
}

impl LoadQueue {
    pub(crate) fn is_full(&self) -> bool {
        self.state.lock().waiting.len() >= MAX_LOADS
    }

    pub(crate) fn push(&self, load: Load) {
        self.state.lock().waiting.push_back(load);
        self.changed.notify_one();
    }

    /// Waits for the next one; `None` when the engine ends, and nothing is left.
    pub(crate) fn next(&self) -> Option<Load> {
        let mut state = self.state.lock();
        loop {
            if let Some(load) = state.waiting.pop_front() {
                return Some(load);
            }
            if state.is_stopping {
                return None;
            }
            self.changed.wait(&mut state);
        }
    }

    pub(crate) fn stop(&self) {
        self.state.lock().is_stopping = true;
        self.changed.notify_all();
    }
}

/// Calls that wait for the store.
pub(crate) const MAX_LOADS: usize = 65_536;
