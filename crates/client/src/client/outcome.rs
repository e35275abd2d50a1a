//! What becomes of publications.

use crate::data::Data;
use crate::position::Position;
use crate::state::PublishError;

/// The server has a publication.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Published {
    /// Where it stands; `None` if the channel keeps no history.
    pub position: Option<Position>,
}

/// What became of a publication that nobody waited for.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// Where it was to be published.
    pub channel: String,
    /// The event's name, unless it is the default.
    pub event: Option<String>,
    /// Its key.
    pub key: String,
    /// What was to be published.
    pub data: Data,
    /// Whether it was.
    pub result: Result<Published, PublishError>,
}
