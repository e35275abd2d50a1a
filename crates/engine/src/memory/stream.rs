//! One channel's history.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use veche_protocol::history::{Page, Query};
use veche_protocol::position::{Epoch, Offset, StreamPosition};
use veche_protocol::publication::{Publication, Retention};

use crate::error::EngineError;

/// The publications of a channel that are still kept, and its position, which is kept longer.
#[derive(Debug)]
pub(super) struct Stream {
    epoch: Epoch,
    top: Offset,
    /// `None` until the first publication: most channels that are watched have none.
    kept: Option<Box<Kept>>,
    /// When the position goes, and the stream with it.
    position_until: Duration,
    /// When the sweep looks at this stream next; zero before the first time.
    pub(super) reminder: Duration,
}

/// What a stream has once something was published in it.
#[derive(Debug, Default)]
struct Kept {
    /// Without holes; the last one has offset `top`.
    publications: VecDeque<Arc<Publication>>,
    /// When the publications go.
    until: Duration,
    version: u64,
    version_epoch: Box<str>,
}

impl Stream {
    /// A stream in which nothing was published yet.
    pub(super) fn new(now: Duration) -> Self {
        Self {
            epoch: random_epoch(),
            top: 0,
            kept: None,
            position_until: now.saturating_add(DEFAULT_META_TTL),
            reminder: Duration::ZERO,
        }
    }

    /// Where the stream ends.
    pub(super) fn position(&self) -> StreamPosition {
        StreamPosition::new(self.top, self.epoch.clone())
    }

    /// The newest publication that is still kept.
    pub(super) fn last(&self) -> Option<&Arc<Publication>> {
        self.kept.as_ref()?.publications.back()
    }

    /// Whether the channel has seen this version or a later one.
    pub(super) fn has_seen(&self, version: u64, version_epoch: &str) -> bool {
        self.kept.as_ref().is_some_and(|kept| {
            let is_comparable = version_epoch.is_empty() || version_epoch == &*kept.version_epoch;
            version > 0 && is_comparable && version <= kept.version
        })
    }

    /// Gives the publication its number and keeps it.
    pub(super) fn add(
        &mut self,
        mut publication: Publication,
        version_epoch: &str,
        retention: Retention,
        now: Duration,
    ) -> Arc<Publication> {
        self.top += 1;
        publication.offset = self.top;
        if self.top == 1 {
            publication.epoch = self.epoch.clone();
        }
        let kept = self.kept.get_or_insert_default();
        kept.version = publication.version;
        if *kept.version_epoch != *version_epoch {
            kept.version_epoch = Box::from(version_epoch);
        }
        let publication = Arc::new(publication);
        kept.publications.push_back(Arc::clone(&publication));
        while kept.publications.len() > retention.size.max(1) {
            kept.publications.pop_front();
        }
        kept.until = now.saturating_add(retention.ttl);
        publication
    }

    /// Keeps the position for another `meta_ttl`; zero changes nothing.
    pub(super) fn touch(&mut self, meta_ttl: Duration, now: Duration) {
        if !meta_ttl.is_zero() {
            self.position_until = now.saturating_add(meta_ttl);
        }
    }

    /// Reads the stream.
    ///
    /// # Errors
    /// [`EngineError::UnrecoverablePosition`] when `since` names another epoch.
    pub(super) fn read(&self, query: &Query) -> Result<Page, EngineError> {
        if let Some(since) = &query.since
            && !since.epoch.is_empty()
            && since.epoch != self.epoch
        {
            return Err(EngineError::UnrecoverablePosition);
        }
        let since = query.since.as_ref().map(|since| since.offset);
        let limit = query.limit.unwrap_or(usize::MAX);
        let publications = self.kept.as_ref().map(|kept| {
            let len = kept.publications.len();
            if query.reverse {
                let end = since.map_or(len, |since| self.index_before(since, len));
                let kept = kept.publications.range(..end).rev();
                kept.take(limit).cloned().collect()
            } else {
                let start = since.map_or(0, |since| self.index_after(since, len));
                let kept = kept.publications.range(start..);
                kept.take(limit).cloned().collect()
            }
        });
        Ok(Page {
            publications: publications.unwrap_or_default(),
            position: self.position(),
        })
    }

    /// Forgets the publications; the position stays, and so does the version.
    pub(super) fn clear(&mut self) {
        if let Some(kept) = &mut self.kept {
            kept.publications = VecDeque::new();
        }
    }

    /// Forgets what is over. Whether the whole stream is.
    pub(super) fn expire(&mut self, now: Duration) -> bool {
        if self.kept.as_ref().is_some_and(|kept| kept.until <= now) {
            self.clear();
        }
        self.position_until <= now
    }

    /// When something of the stream goes next.
    pub(super) fn deadline(&self) -> Duration {
        match &self.kept {
            Some(kept) if !kept.publications.is_empty() => self.position_until.min(kept.until),
            _ => self.position_until,
        }
    }

    /// Index of the first of `len` kept publications after `offset`; what fell out is not missed here.
    fn index_after(&self, offset: Offset, len: usize) -> usize {
        let newer = self.top.saturating_sub(offset);
        let newer = usize::try_from(newer).unwrap_or(usize::MAX);
        len.saturating_sub(newer)
    }

    /// Index behind the last of `len` kept publications before `offset`. A position beyond the next one is nobody's:
    /// nothing is before it.
    fn index_before(&self, offset: Offset, len: usize) -> usize {
        if offset > self.top.saturating_add(1) {
            return 0;
        }
        self.index_after(offset.saturating_sub(1), len)
    }
}

/// Eight random letters.
fn random_epoch() -> Epoch {
    let name: String = (0..EPOCH_LETTERS).map(|_| fastrand::alphabetic()).collect();
    Epoch::new(&name)
}

/// Some 10^13 epochs: two lives of a stream get the same one never.
const EPOCH_LETTERS: usize = 8;

/// For the position of a stream for which nobody says it: `channel.history_meta_ttl` by default.
const DEFAULT_META_TTL: Duration = Duration::from_hours(720);

#[cfg(test)]
mod tests {
    use std::mem::size_of;

    use veche_protocol::channel::Channel;

    use super::Stream;

    #[test]
    fn a_channel_with_history_costs_no_more_than_was_decided() {
        // In a shard's table; the epoch's name is an allocation of its own. Channels without history are not here.
        assert!(size_of::<(Channel, Stream)>() <= 80);
    }
}
