//! What a session begins with.

use std::fmt;

use veche_protocol::headers::Headers;
use veche_protocol::identity::{ClientId, UserId};

use crate::profile::Profile;

/// What a session begins with.
#[derive(Clone, Debug)]
pub struct SessionInit {
    /// The connection's id.
    pub client: ClientId,
    /// The user, if the upgrade names one. Then no token is needed, but a token that is sent takes precedence.
    pub user: Option<UserId>,
    /// A random number that spreads the first pings and refreshes of presence.
    pub seed: u64,
    /// How the server communicates with the client.
    pub profile: Profile,
    /// For an emulated client, the names that its requests must carry. Only the reply to `connect` contains them.
    pub emulation: Option<Box<Emulation>>,
    /// Headers of the client's request that are kept for the application.
    pub headers: Option<Headers>,
}

/// How requests of an emulated client find its session.
#[derive(Clone, PartialEq, Eq)]
pub struct Emulation {
    /// Names the session; it cannot be guessed.
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
