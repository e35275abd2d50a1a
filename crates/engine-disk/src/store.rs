//! Where streams are kept: what the engine needs of a database, and nothing more.
//!
//! Publications lie in chunks, each of one stream and about a page long: one behind the other, each with its own
//! checksum. A row for each channel says how its stream stands.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use veche_protocol::channel::Channel;
use veche_protocol::position::{Epoch, Offset};
use veche_protocol::publication::Publication;

use crate::durability::Durability;
use crate::journal::Lsn;

pub(crate) mod chunk;
pub(crate) mod row;
pub(crate) mod sqlite;

/// A database for streams. Calls may come from several threads; a write is one transaction, and survives a power cut
/// when the call returns.
pub(crate) trait Store: Send + Sync + fmt::Debug {
    /// Reads the row of a channel.
    fn row(&self, channel: &Channel) -> Result<Option<Row>, StoreError>;

    /// Reads publications with offsets in `from..to`: all that are there, the lowest first, and none before a gap or
    /// damage. At most `limit` are read, from the end if `is_reverse`.
    fn publications(&self, range: &Range) -> Result<Found, StoreError>;

    /// Writes.
    fn write(&self, batch: &mut Batch) -> Result<(), StoreError>;

    /// Channels of which something is over at a time, at most `limit`.
    fn due(&self, now_ms: u64, limit: usize) -> Result<Vec<Channel>, StoreError>;

    /// The oldest chunks, at most `limit`.
    fn oldest_chunks(&self, limit: usize) -> Result<Vec<OldChunk>, StoreError>;

    /// The channels whose streams go first, at most `limit`.
    fn first_to_go(&self, limit: usize) -> Result<Vec<Channel>, StoreError>;

    /// Batches of idempotency keys.
    fn keys(&self) -> Result<Vec<Vec<u8>>, StoreError>;

    /// How much it takes.
    fn size(&self) -> Result<Size, StoreError>;

    /// Gives at most so many bytes that nothing needs back to the system. Returns whether there is more.
    fn give_back(&self, bytes: u64) -> Result<bool, StoreError>;

    /// The highest number of a stream.
    fn last_stream(&self) -> Result<u64, StoreError>;

    /// Lets it have no more than so many pages, as if the disk were full.
    #[cfg(test)]
    fn set_most_pages(&self, pages: u64);
}

/// Which publications are read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    pub(crate) stream: u64,
    pub(crate) from: Offset,
    pub(crate) to: Offset,
    pub(crate) limit: usize,
    pub(crate) is_reverse: bool,
}

/// What was found in the store.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The lowest offset first.
    pub(crate) publications: Vec<Arc<Publication>>,
    /// The newest publication that is damaged; it and those before it can't be had.
    pub(crate) damaged: Option<Offset>,
}

/// A chunk that takes more publications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tail {
    pub(crate) chunk: u64,
    pub(crate) len: usize,
}

/// How a stream stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// The stream's number.
    pub(crate) id: u64,
    pub(crate) epoch: Epoch,
    pub(crate) generation: u64,
    pub(crate) top: Offset,
    pub(crate) first: Offset,
    pub(crate) until: Duration,
    pub(crate) position_until: Duration,
    pub(crate) version: u64,
    pub(crate) version_epoch: Box<str>,
    pub(crate) durability: Durability,
    pub(crate) lsn: Lsn,
    pub(crate) tail: Option<Tail>,
    /// When the sweep looks at it; 0 is never.
    pub(crate) due_ms: u64,
}

/// What is written in one transaction.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// Channels whose rows are damaged: they go before anything is written.
    pub(crate) lost: Vec<Channel>,
    pub(crate) streams: Vec<StreamWrite>,
    /// Idempotency keys, as one value.
    pub(crate) keys: Option<KeyBatch>,
    /// Batches of keys that were over by this time go.
    pub(crate) keys_over_ms: u64,
    /// From which file on the journal is needed, and the last change before it.
    pub(crate) journal: Option<(u64, Lsn)>,
    /// Chunks that belong to no stream.
    pub(crate) orphans: Vec<u64>,
}

/// Idempotency keys of some time.
#[derive(Debug)]
pub(crate) struct KeyBatch {
    pub(crate) until_ms: u64,
    pub(crate) bytes: Vec<u8>,
}

/// What is written of one stream.
#[derive(Debug)]
pub(crate) struct StreamWrite {
    pub(crate) channel: Channel,
    pub(crate) row: Row,
    pub(crate) is_gone: bool,
    /// There is a row already, and its due time stays.
    pub(crate) has_row: bool,
    pub(crate) is_due_new: bool,
    /// All chunks that are there go.
    pub(crate) is_stale: bool,
    /// Chunks of publications before `row.first` go.
    pub(crate) trims: bool,
    /// What is put behind the chunks that are there.
    pub(crate) publications: Vec<Arc<Publication>>,
}

/// A chunk among the oldest.
#[derive(Clone, Debug)]
pub(crate) struct OldChunk {
    pub(crate) id: u64,
    /// `None` where no stream has it.
    pub(crate) channel: Option<Channel>,
    /// The offset behind it.
    pub(crate) end: Option<Offset>,
    pub(crate) bytes: u64,
}

/// How much a store takes, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Size {
    /// What is in use.
    pub(crate) used: u64,
    /// What is free, and not given back.
    pub(crate) free: u64,
}

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// What is there is not what was written.
    #[error("damaged: {0}")]
    Damaged(String),
    /// The disk is full.
    #[error("no space is left on the disk")]
    Full,
    /// The system or the database says no.
    #[error("{0}")]
    Failed(String),
}

/// What the store says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Info {
    /// Begins the checksums of the journal.
    pub(crate) salt: u32,
    /// Of the system's run in which the store was opened last.
    pub(crate) boot: String,
    /// It was closed in order.
    pub(crate) is_clean: bool,
    pub(crate) interval_generation: u64,
    pub(crate) sync_generation: u64,
    /// From which file on the journal is needed.
    pub(crate) journal: u64,
    /// The last change before it.
    pub(crate) lsn: Lsn,
    /// Up to which file the journal was looked at for damage, with consequences for the generations.
    pub(crate) assessed: u64,
}

/// The name of the database's file.
pub(crate) const FILE: &str = "store.sqlite3";

/// The database's file in a folder.
pub(crate) fn path(folder: &Path) -> std::path::PathBuf {
    folder.join(FILE)
}
