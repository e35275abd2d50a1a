//! What a session begins with.

use std::fmt;

use veche_protocol::identity::{ClientId, UserId};

use crate::profile::Profile;

/// What a session begins with.
#[derive(Clone, Debug)]
pub struct SessionInit {
    /// The connection's id.
    pub client: ClientId,
    /// The user, where that is known before anything is said: no token is needed, though one that comes decides.
    pub user: Option<UserId>,
    /// Random; spreads first pings and refreshes of presence.
    pub seed: u64,
    /// How the client is spoken to.
    pub profile: Profile,
    /// Where the client is emulated: what its requests must name. Told in the reply to `connect`, to nobody else.
    pub emulation: Option<Box<Emulation>>,
}

/// How requests of an emulated client find its session.
#[derive(Clone, PartialEq, Eq)]
pub struct Emulation {
    /// Names the session, and can't be guessed.
    pub session: Box<str>,
    /// Names the node that has it.
    pub node: Box<str>,
}

impl fmt::Debug for Emulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulation")
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}
