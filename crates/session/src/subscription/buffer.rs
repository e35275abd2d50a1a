//! Publications that wait while a subscription is being made.

use std::sync::Arc;

use veche_protocol::position::Epoch;
use veche_protocol::publication::Publication;

use crate::limits::{MAX_BUFFERED_BYTES, MAX_BUFFERED_PUBLICATIONS};

/// Publications that came while the subscription was being made, in the order of the broker.
///
/// The buffer is bounded. Past the bound, or when the stream begins anew, it is emptied, and the subscription will be
/// told that it lost something.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    pub(crate) publications: Vec<Arc<Publication>>,
    bytes: usize,
    pub(crate) epoch: Epoch,
    pub(crate) has_lost: bool,
}

impl Buffer {
    pub(crate) fn push(&mut self, publication: Arc<Publication>, epoch: &Epoch) {
        if self.has_lost {
            return;
        }
        if !epoch.is_empty() && self.epoch.is_empty() {
            self.epoch = epoch.clone();
        }
        self.bytes = self.bytes.saturating_add(publication.data.len());
        if (!epoch.is_empty() && *epoch != self.epoch)
            || self.publications.len() >= MAX_BUFFERED_PUBLICATIONS
            || self.bytes > MAX_BUFFERED_BYTES
        {
            self.lose();
            return;
        }
        self.publications.push(publication);
    }

    /// Empties the buffer, because a publication was lost.
    pub(crate) fn lose(&mut self) {
        self.publications = Vec::new();
        self.has_lost = true;
    }
}
