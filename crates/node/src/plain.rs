//! Drives the plain dialect's translator.

use veche_session::effect::Effect;
use veche_websocket::frame::Opcode;

use crate::connection::Open;
use crate::driver::Fate;
use crate::worker::Worker;

#[derive(Debug)]
pub(crate) struct Translator;
impl Worker {
    pub(crate) fn handle_plain(
        &mut self,
        _slot: u32,
        _open: &mut Open,
        _message: &[u8],
        _opcode: Opcode,
    ) -> Fate {
        Fate::Alive
    }
    pub(crate) fn plain_effect(&mut self, _slot: u32, _open: &mut Open, _effect: &Effect) {}
    pub(crate) fn greet(&mut self, _slot: u32, _open: &mut Open) -> Fate {
        Fate::Alive
    }
}
impl Worker {
    pub(crate) fn translator(
        &self,
        _s: &veche_session::session::Session,
        _t: Option<String>,
    ) -> Translator {
        Translator
    }
    pub(crate) fn send_refusal(&mut self, _slot: u32, _why: &str) {}
}

pub(crate) mod shim {
    use veche_protocol::{channel::Channel, position::Epoch, publication::Publication, push::Push};
    pub(crate) fn encode_publication(_: &Channel, _: &Publication, _: &Epoch, _: &mut Vec<u8>) {}
    pub(crate) fn encode_push(_: &Push, _: &mut Vec<u8>) {}
}
