//! Tables that a turn fills and empties. They are kept, so that most turns allocate nothing.

use veche_session::effect::Effects;
use veche_websocket::decoder::Workspace;

use crate::hub::Aftermath;
use crate::inbox::Item;

/// Tables without content: who uses one takes it out, and puts it back when it is empty again.
#[derive(Debug)]
pub(super) struct Buffers {
    /// What is read from a socket; also a bound of what is read from one in a turn.
    pub(super) received: Vec<u8>,
    /// For decoders. It is large; only the box is moved.
    pub(super) workspace: Option<Box<Workspace>>,
    /// What a session asks for.
    pub(super) effects: Effects,
    /// What answers to that bring: the two take turns.
    pub(super) next_effects: Effects,
    /// What the inbox holds.
    pub(super) items: Vec<Item>,
    /// What the hub leaves to sessions.
    pub(super) aftermath: Aftermath,
}

/// Bytes read at once, and from one connection in one turn.
const SCRATCH: usize = 64 << 10;

impl Buffers {
    pub(super) fn new() -> Self {
        Self {
            received: vec![0; SCRATCH],
            workspace: None,
            effects: Effects::new(),
            next_effects: Effects::new(),
            items: Vec::new(),
            aftermath: Aftermath::default(),
        }
    }
}
