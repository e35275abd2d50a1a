//! Whether the worker drives its sessions by the contract: followed in debug builds and tests, and free in others.

#[cfg(debug_assertions)]
use std::collections::HashMap;

use veche_protocol::channel::Channel;
#[cfg(debug_assertions)]
use veche_session::driver::Contract;
use veche_session::effect::Effect;
use veche_session::question::{Answer, Ask};

/// The contracts of a worker's sessions, by slot. In debug builds a breach makes the worker panic.
#[derive(Debug, Default)]
pub(crate) struct Contracts {
    #[cfg(debug_assertions)]
    by_slot: HashMap<u32, Contract>,
}

#[cfg(debug_assertions)]
impl Contracts {
    /// A session begins.
    pub(crate) fn begin(&mut self, slot: u32) {
        let before = self.by_slot.insert(slot, Contract::default());
        assert!(before.is_none(), "two sessions in one slot");
    }

    /// The session asks for effects.
    pub(crate) fn ask_for(&mut self, slot: u32, effects: &[Effect]) {
        self.of(slot).ask_for(effects);
    }

    /// An effect is carried out.
    pub(crate) fn carry_out(&mut self, slot: u32, effect: &Effect) {
        self.of(slot).carry_out(effect);
    }

    /// The session is given an answer.
    pub(crate) fn answer(&mut self, slot: u32, ask: Ask, answer: &Answer) {
        self.of(slot).answer(ask, answer);
    }

    /// The session is given a publication.
    pub(crate) fn deliver(&mut self, slot: u32, channel: &Channel) {
        self.of(slot).deliver(channel);
    }

    /// The session has failed.
    pub(crate) fn fail(&mut self, slot: u32) {
        self.of(slot).fail();
    }

    /// The session is told the end.
    pub(crate) fn end(&mut self, slot: u32) {
        self.of(slot).end();
    }

    /// The session is forgotten.
    pub(crate) fn forget(&mut self, slot: u32) {
        self.of(slot).forget();
        self.by_slot.remove(&slot);
    }

    fn of(&mut self, slot: u32) -> &mut Contract {
        self.by_slot
            .get_mut(&slot)
            .expect("a session has a contract from its beginning to its end")
    }
}

#[cfg(not(debug_assertions))]
impl Contracts {
    pub(crate) fn begin(&mut self, _: u32) {}
    pub(crate) fn ask_for(&mut self, _: u32, _: &[Effect]) {}
    pub(crate) fn carry_out(&mut self, _: u32, _: &Effect) {}
    pub(crate) fn answer(&mut self, _: u32, _: Ask, _: &Answer) {}
    pub(crate) fn deliver(&mut self, _: u32, _: &Channel) {}
    pub(crate) fn fail(&mut self, _: u32) {}
    pub(crate) fn end(&mut self, _: u32) {}
    pub(crate) fn forget(&mut self, _: u32) {}
}
