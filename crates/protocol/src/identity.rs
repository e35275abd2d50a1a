//! Identities: a connection, its user, and the information about both for other clients.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use uuid::Uuid;

use crate::payload::Payload;

/// One connection, as the wire names it: a UUID, written with hyphens.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId(Uuid);

impl ClientId {
    /// Makes a version 4 UUID from 16 random bytes.
    #[must_use]
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }

    /// Takes the 16 bytes of [`to_bytes`](Self::to_bytes).
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The 16 bytes of the UUID, for stores.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.into_bytes()
    }

    /// Writes the 36 characters of the wire form.
    pub fn encode<'a>(&self, buffer: &'a mut [u8; 36]) -> &'a str {
        self.0.hyphenated().encode_lower(buffer)
    }
}

impl FromStr for ClientId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::try_parse(text).map(Self)
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The user of a connection. The empty id is an anonymous user.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(Arc<str>);

impl UserId {
    /// Takes `id` as it is.
    #[must_use]
    pub fn new(id: &str) -> Self {
        if id.is_empty() {
            Self::default()
        } else {
            Self(Arc::from(id))
        }
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the user is anonymous.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for UserId {
    fn from(id: &str) -> Self {
        Self::new(id)
    }
}

impl std::borrow::Borrow<str> for UserId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for UserId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// The program of a client, as the client names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct App {
    /// Its name; may be empty.
    pub name: Box<str>,
    /// Its version; may be empty.
    pub version: Box<str>,
}

impl App {
    /// Bytes that are kept of a name, and of a version.
    pub const MAX_LEN: usize = 128;

    /// Takes as much of both as is kept; `None` if the client said nothing.
    #[must_use]
    pub fn new(name: &str, version: &str) -> Option<Self> {
        let kept = |text: &str| {
            let end = text.floor_char_boundary(Self::MAX_LEN);
            text.get(..end).unwrap_or_default().into()
        };
        (!name.is_empty() || !version.is_empty()).then(|| Self {
            name: kept(name),
            version: kept(version),
        })
    }
}

/// Information about a client for subscribers: in presence, joins, leaves and publications.
///
/// Source: client protocol, `ClientInfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientInfo {
    /// The user.
    pub user: UserId,
    /// The connection.
    pub client: ClientId,
    /// The information of the connection token, for all channels.
    pub conn_info: Option<Payload>,
    /// The information of the subscription, for one channel.
    pub chan_info: Option<Payload>,
}
