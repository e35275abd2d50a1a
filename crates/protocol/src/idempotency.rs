//! Idempotency keys: the name under which a publication is made once, however often it is sent.

use std::fmt;

use crate::identity::{ClientId, UserId};

/// The name that a publisher gives to a publication. The same key in the same channel names the same publication.
///
/// Every owner has a name space of its own, so that no client can use up a key of the backend or of another user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    owner: KeyOwner,
    text: Box<str>,
}

/// Whose name space a key is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyOwner {
    /// The application's backend: the server API.
    Backend,
    /// A user, on all of its connections.
    User(UserId),
    /// A connection of an anonymous user.
    Client(ClientId),
}

/// A key has more than [`IdempotencyKey::MAX_LEN`] bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyTooLong {
    /// Its bytes.
    pub len: usize,
}

impl IdempotencyKey {
    /// Bytes of a key; enough for a UUID, a hash or a path with an id.
    pub const MAX_LEN: usize = 256;

    /// Takes a key as it came; an empty text is no key.
    ///
    /// # Errors
    /// [`KeyTooLong`].
    pub fn parse(owner: KeyOwner, text: &str) -> Result<Option<Self>, KeyTooLong> {
        if text.len() > Self::MAX_LEN {
            return Err(KeyTooLong { len: text.len() });
        }
        Ok((!text.is_empty()).then(|| Self {
            owner,
            text: text.into(),
        }))
    }

    /// Whose it is.
    #[must_use]
    pub fn owner(&self) -> &KeyOwner {
        &self.owner
    }

    /// The key as the owner wrote it; never empty.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl KeyOwner {
    /// The owner of the keys that a client sends: its user, or the connection itself where the user is anonymous.
    #[must_use]
    pub fn of_client(user: &UserId, client: ClientId) -> Self {
        if user.is_anonymous() {
            Self::Client(client)
        } else {
            Self::User(user.clone())
        }
    }
}

impl fmt::Display for KeyTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the idempotency key has {} bytes; at most {} are allowed",
            self.len,
            IdempotencyKey::MAX_LEN
        )
    }
}

impl std::error::Error for KeyTooLong {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_to_256_bytes() {
        let parse = |text: &str| IdempotencyKey::parse(KeyOwner::Backend, text);
        assert_eq!(parse(""), Ok(None));
        let longest = "k".repeat(IdempotencyKey::MAX_LEN);
        let key = parse(&longest).expect("short enough").expect("not empty");
        assert_eq!(key.as_str(), longest);
        let error = parse(&format!("{longest}k")).expect_err("too long");
        assert_eq!(error, KeyTooLong { len: 257 });
        assert!(error.to_string().contains("257 bytes; at most 256"));
    }

    #[test]
    fn the_keys_of_a_user_are_shared_by_its_connections_and_those_of_nobody_are_not() {
        let client = |byte| ClientId::from_random([byte; 16]);
        let anna = UserId::new("anna");
        assert_eq!(
            KeyOwner::of_client(&anna, client(1)),
            KeyOwner::of_client(&anna, client(2))
        );
        let nobody = UserId::default();
        assert_ne!(
            KeyOwner::of_client(&nobody, client(1)),
            KeyOwner::of_client(&nobody, client(2))
        );
    }
}
