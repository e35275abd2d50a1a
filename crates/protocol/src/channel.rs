//! A channel: the name clients subscribe to.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// The name of a channel. Cheap to clone: all copies share one allocation.
///
/// Any string is a name for the server API; what clients may name is decided by the channel rules of the session.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Channel(Arc<str>);

impl Channel {
    /// Takes `name` as it is.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(Arc::from(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Channel {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<String> for Channel {
    fn from(name: String) -> Self {
        Self(Arc::from(name))
    }
}

impl Borrow<str> for Channel {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Channel {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::mem::size_of;

    use super::Channel;
    use crate::identity::{ClientId, UserId};
    use crate::position::StreamPosition;
    use crate::publication::Publication;

    #[test]
    fn names_and_what_is_kept_under_them_cost_no_more_than_was_decided() {
        // A name is shared by all that keep it: once 16 bytes and its text.
        assert!(size_of::<Channel>() <= 16);
        assert!(size_of::<UserId>() <= 16);
        assert!(size_of::<ClientId>() <= 16);
        // Once a channel and worker, where positions are watched.
        assert!(size_of::<StreamPosition>() <= 24);
        // Once a publication that is kept; its data comes on top.
        assert!(size_of::<Publication>() <= 184);
    }
}
