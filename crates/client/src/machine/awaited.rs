//! A publication that is only half there.

use crate::publication::Publication;
use crate::wire::Announced;

/// A publication whose data is the next binary frame.
#[derive(Debug)]
pub(super) struct Awaited {
    pub(super) channel: String,
    pub(super) publication: Publication,
    pub(super) announced: Announced,
}
