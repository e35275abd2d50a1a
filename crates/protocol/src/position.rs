//! Positions in the stream of a channel.

use std::fmt;
use std::sync::Arc;

/// Names one life of a stream. Offsets of different epochs can't be compared.
///
/// The empty epoch means «not known»: a client that sends it is not checked against it.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Epoch(Arc<str>);

impl Epoch {
    /// Takes `name` as it is.
    #[must_use]
    pub fn new(name: &str) -> Self {
        if name.is_empty() {
            Self::default()
        } else {
            Self(Arc::from(name))
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the epoch is not known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Epoch {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// A publication's number in its epoch. The first publication has 1; 0 is the position before it.
pub type Offset = u64;

/// An offset within an epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct StreamPosition {
    /// The number of the last publication seen.
    pub offset: Offset,
    /// The life of the stream it was seen in.
    pub epoch: Epoch,
}

impl StreamPosition {
    /// A position.
    #[must_use]
    pub fn new(offset: Offset, epoch: Epoch) -> Self {
        Self { offset, epoch }
    }
}
