//! `send`: data for a backend that nobody has set up.

use veche_protocol::disconnect::Disconnect;

use crate::effect::Effects;
use crate::refusal::{About, Refusal};
use crate::session::Session;
use crate::turn::Turn;

impl Session {
    /// There is no reply to say so in, so the connection ends.
    pub(crate) fn handle_send(&mut self, turn: &Turn<'_>, effects: &mut Effects) {
        let why = "nothing takes what clients send";
        let refusal = Refusal::ends(Disconnect::NOT_AVAILABLE, why);
        self.refuse(About::connection(0, "send"), refusal, turn, effects);
    }
}
