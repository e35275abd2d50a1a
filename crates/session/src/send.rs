//! `send`: data for a backend that nobody has set up.

use veche_protocol::disconnect::Disconnect;

use crate::effect::Effects;
use crate::session::Session;

impl Session {
    /// There is no reply to say so in, so the connection ends.
    pub(crate) fn handle_send(&mut self, effects: &mut Effects) {
        self.close(Disconnect::NOT_AVAILABLE, effects);
    }
}
