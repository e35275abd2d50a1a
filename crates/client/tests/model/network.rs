//! A small model of the network: links with delays, which stall, are cut, and die without a word.

use std::collections::BTreeMap;

use crate::happening::Wire;

/// The links that are, or were until their ends are known.
#[derive(Default)]
pub(crate) struct Network {
    links: BTreeMap<Wire, Link>,
}

struct Link {
    delay_ms: u64,
    /// Nothing arrives before this time, in either direction.
    stalled_until: u64,
    /// When the last frame of each direction arrives: they arrive in order.
    last_up: u64,
    last_down: u64,
    is_dead: bool,
}

impl Network {
    pub(crate) fn open(&mut self, link: Wire, delay_ms: u64) {
        let state = Link {
            delay_ms,
            stalled_until: 0,
            last_up: 0,
            last_down: 0,
            is_dead: false,
        };
        self.links.insert(link, state);
    }

    pub(crate) fn close(&mut self, link: Wire) {
        self.links.remove(&link);
    }

    pub(crate) fn is_open(&self, link: Wire) -> bool {
        self.links.get(&link).is_some_and(|link| !link.is_dead)
    }

    /// Whatever is on its way is lost, and whatever is sent.
    pub(crate) fn kill(&mut self, link: Wire) {
        if let Some(link) = self.links.get_mut(&link) {
            link.is_dead = true;
        }
    }

    pub(crate) fn stall(&mut self, link: Wire, until: u64) {
        if let Some(link) = self.links.get_mut(&link) {
            link.stalled_until = link.stalled_until.max(until);
        }
    }

    /// When a frame arrives that is sent now.
    pub(crate) fn arrival(&mut self, link: Wire, is_up: bool, now: u64) -> Option<u64> {
        let link = self.links.get_mut(&link)?;
        let last = if is_up {
            &mut link.last_up
        } else {
            &mut link.last_down
        };
        *last = (now + link.delay_ms).max(link.stalled_until).max(*last);
        Some(*last)
    }
}
