//! Opening a store: what the last run left in the journal is taken over, and what can't be relied on is given up.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use parking_lot::Mutex;
use veche_engine::memory::clock::Clock;
use veche_engine::memory::shards::Shards;
use veche_engine::sink::Sink;
use veche_protocol::position::StreamPosition;

use crate::coding::Reader;
use crate::commit_queue::CommitQueue;
use crate::counters::Counters;
use crate::disk::{Disk, Limits, Moment, Signal};
use crate::durability::Policy;
use crate::files::{Files, Folder};
use crate::journal::entry::{Change, Entry, Kind};
use crate::journal::scan::{End, scan};
use crate::journal::{Journal, Lsn};
use crate::keys::Keys;
use crate::load_queue::LoadQueue;
use crate::lock::{Lock, OpenError};
use crate::record;
use crate::shard::Shard;
use crate::store::sqlite::{DatabaseError, Sqlite, VERSION};
use crate::store::{self, Info, Store, StoreError};
use crate::stream::{Generations, Stream};
use crate::trouble::Trouble;

/// How a store is used.
#[derive(Clone, Debug)]
pub struct DiskOptions {
    /// The folder. It is made if there is none.
    pub path: PathBuf,
    /// What a publication waits for.
    pub durability: Policy,
    /// Between two syncs of what waits for none; a power cut takes so much, and what the sync itself takes of time.
    pub interval: Duration,
    /// Most bytes of store and journal together; 0 is no limit. A few MiB may pass it for a moment.
    pub max_size: u64,
    /// Bytes of memory for streams and the database's pages.
    pub cache_size: u64,
}

impl DiskOptions {
    /// The defaults, for a folder.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            durability: Policy::default(),
            interval: Duration::from_secs(1),
            max_size: 0,
            cache_size: 64 << 20,
        }
    }
}

/// A store that is open, and serves nobody yet.
#[derive(Debug)]
pub struct Opened {
    lock: Lock,
    options: DiskOptions,
    pub(crate) store: Arc<Sqlite>,
    info: Info,
    replay: Replay,
    journal: Journal,
}

/// A store in use. It is closed in order by [`Closing::close`], or left as it is when it is dropped.
#[derive(Debug)]
pub(crate) struct Closing {
    store: Arc<Sqlite>,
    info: Info,
    _lock: Lock,
}

/// What the journal said.
#[derive(Debug)]
struct Replay {
    shards: Shards<Shard>,
    keys: Keys,
    last: Lsn,
    next_stream: u64,
    /// Numbers and lengths of the files.
    files: Vec<(u64, u64)>,
    /// Places of which nobody knows which channels they were of.
    holes: u64,
    /// Files that end with a piece of an entry, for which nobody has said yet why.
    cut: BTreeSet<u64>,
    damaged: u64,
}

/// Of the tables of streams.
const SHARDS: usize = 64;

impl Opened {
    /// Opens the store in a folder, or makes it.
    ///
    /// # Errors
    /// One line that says why it can't be used.
    pub fn new(options: DiskOptions) -> Result<Self, OpenError> {
        let files = Arc::new(Folder::new(&options.path));
        Self::with_files(options, files, &boot())
    }

    /// The same, with a layer of one's own below the journal, and the name of the system's run: where it is another one than
    /// before, and the store was not closed, there was a power cut. For tests.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_files(
        options: DiskOptions,
        files: Arc<dyn Files>,
        boot: &str,
    ) -> Result<Self, OpenError> {
        let path = options.path.clone();
        let lock = Lock::take(&path)?;
        let unusable = |why: String| OpenError::Unusable {
            path: path.clone(),
            why,
        };
        let database = store::path(&path);
        let store = Sqlite::open(&database, options.cache_size / 4)
            .map_err(|error| not_opened(&path, &error))?;
        close_to_others(&database);
        let store = Arc::new(store);
        let known = store.info().map_err(|error| unusable(error.to_string()))?;
        let is_new = known.is_none();
        let mut info = known.unwrap_or_else(|| Info {
            salt: fastrand::u32(..),
            boot: String::new(),
            is_clean: true,
            interval_generation: 0,
            sync_generation: 0,
            journal: 0,
            lsn: 0,
            assessed: 0,
        });
        let is_same_boot = !boot.is_empty() && boot == info.boot;
        let replay = Replay::read(&*files, &*store, &info, is_new, is_same_boot);
        let mut replay = replay.map_err(unusable)?;
        if !info.is_clean && !is_same_boot {
            tracing::warn!(
                path = %path.display(),
                "the system was restarted while the store was open: channels with the durability `interval` may have lost \
                 their last publications, and begin a new epoch"
            );
            info.interval_generation = newest(&info) + 1;
        }
        if replay.holes > 0 {
            tracing::error!(
                path = %path.display(),
                places = replay.holes,
                "the journal is damaged, and nobody knows which channels lost publications: all begin a new epoch"
            );
            info.sync_generation = newest(&info) + 1;
        }
        info.is_clean = false;
        info.assessed = replay
            .files
            .last()
            .map_or(info.assessed, |(number, _)| *number);
        info.boot = boot.to_owned();
        store
            .set_info(&info)
            .map_err(|error| unusable(error.to_string()))?;
        let earlier = std::mem::take(&mut replay.files);
        let number = (earlier.last()).map_or(info.journal.max(1), |(number, _)| number + 1);
        let journal = Journal::open(files, info.salt, number, earlier, replay.last)
            .map_err(|error| unusable(error.to_string()))?;
        Ok(Self {
            lock,
            options,
            store,
            info,
            replay,
            journal,
        })
    }

    /// Makes the engine's state of it.
    pub(crate) fn into_disk(self, sink: Arc<dyn Sink>, clock: Arc<dyn Clock>) -> (Disk, Closing) {
        let Replay {
            shards,
            keys,
            next_stream,
            damaged,
            ..
        } = self.replay;
        let generations = Generations {
            interval: self.info.interval_generation,
            sync: self.info.sync_generation,
        };
        for shard in shards.iter() {
            let mut shard = shard.lock();
            for channel in shard.channels() {
                shard.change(&channel, |stream| {
                    stream.is_dirty |= stream.renew(generations)
                });
            }
        }
        let now = Moment::of(clock.now());
        let batches = self.store.keys().unwrap_or_default();
        let unread = batches
            .iter()
            .filter(|batch| !keys.restore(batch, now.time));
        let counters = Counters::default();
        counters
            .damaged
            .add(damaged + u64::try_from(unread.count()).unwrap_or_default());
        let cache = usize::try_from(self.options.cache_size / 2).unwrap_or(usize::MAX);
        let disk = Disk {
            sink,
            clock,
            policy: self.options.durability,
            limits: Limits {
                interval: self.options.interval.max(Duration::from_millis(1)),
                max_size: self.options.max_size,
                shard_budget: cache / SHARDS,
            },
            generations,
            shards,
            keys,
            journal: self.journal,
            store: self.store.clone(),
            commits: CommitQueue::default(),
            loads: LoadQueue::default(),
            checkpoints: Signal::default(),
            trouble: Trouble::default(),
            counters,
            writing: Mutex::default(),
            lost: Mutex::default(),
            last_size: Mutex::new(self.store.size().unwrap_or_default()),
            next_stream: AtomicU64::new(next_stream),
            is_closed: AtomicBool::new(false),
        };
        let closing = Closing {
            store: self.store,
            info: self.info,
            _lock: self.lock,
        };
        (disk, closing)
    }
}

impl Closing {
    /// Notes that nothing is missing, if the journal is empty.
    pub(crate) fn close(&self, is_whole: bool) {
        if !is_whole {
            return;
        }
        // What a checkpoint has written since is newer.
        let closed = self.store.info().and_then(|now| {
            let info = now.unwrap_or_else(|| self.info.clone());
            self.store.set_info(&Info {
                is_clean: true,
                ..info
            })
        });
        if let Err(error) = closed {
            tracing::warn!("the store is not closed in order: {error}");
        }
    }
}

impl Replay {
    fn read(
        files: &dyn Files,
        store: &dyn Store,
        info: &Info,
        is_new: bool,
        is_same_boot: bool,
    ) -> Result<Self, String> {
        let mut replay = Self {
            shards: Shards::default(),
            keys: Keys::default(),
            last: info.lsn,
            next_stream: store.last_stream().map_err(|it| it.to_string())? + 1,
            files: Vec::new(),
            holes: 0,
            cut: BTreeSet::new(),
            damaged: 0,
        };
        let numbers = files.list().map_err(|error| error.to_string())?;
        if is_new && !numbers.is_empty() {
            return Err(
                "there is a journal, and the store that it belongs to is missing".to_owned(),
            );
        }
        let needed: Vec<_> = numbers
            .iter()
            .copied()
            .filter(|it| *it >= info.journal)
            .collect();
        for number in numbers.iter().filter(|it| **it < info.journal) {
            // A checkpoint ended before it could remove them.
            files.remove(*number).map_err(|error| error.to_string())?;
        }
        for (index, number) in needed.iter().enumerate() {
            let bytes = files.read(*number).map_err(|error| error.to_string())?;
            // What is told from now on must not be lost, though the last process may not have waited for the disk.
            files.sync(*number).map_err(|error| error.to_string())?;
            let mut failed = None;
            let scanned = scan(&bytes, info.salt, |entry| {
                if let Err(error) = replay.take(store, entry) {
                    failed = Some(error);
                }
            });
            if let Some(error) = failed {
                return Err(error.to_string());
            }
            let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            replay.files.push((*number, len));
            if *number <= info.assessed {
                continue;
            }
            replay.holes += scanned.holes;
            // The end of the last file was being written. If only the process ended, a piece of an entry is there; after a
            // power cut anything may be. Everywhere else the journal was whole once.
            let is_last = index + 1 == needed.len();
            let was_whole = match scanned.end {
                End::Whole => false,
                End::Short => !is_last && is_same_boot,
                End::Damaged => is_same_boot,
            };
            if was_whole {
                replay.cut.insert(*number);
            }
        }
        replay.holes += u64::try_from(replay.cut.len()).unwrap_or(u64::MAX);
        Ok(replay)
    }

    fn take(&mut self, store: &dyn Store, entry: Entry<'_>) -> Result<(), StoreError> {
        self.last = self.last.max(entry.lsn);
        match entry.kind {
            Kind::Probe => return Ok(()),
            Kind::Cut => {
                if let Some(number) = Reader::new(entry.header).number() {
                    self.cut.remove(&number);
                }
                return Ok(());
            }
            Kind::Created | Kind::Published | Kind::Removed => {}
        }
        let Some(change) = Change::get(entry.header) else {
            self.damaged += 1;
            return Ok(());
        };
        let mut shard = self.shards.lock(&change.channel);
        if shard.stream(&change.channel).is_none() {
            match store.row(&change.channel) {
                Ok(Some(row)) => shard.insert(&change.channel, Stream::from_row(row)),
                Ok(None) | Err(StoreError::Damaged(_)) => {
                    let stream = Stream::new(self.next_stream, 0, change.position_until);
                    self.next_stream += 1;
                    shard.insert(&change.channel, stream);
                }
                Err(error) => return Err(error),
            }
        }
        let publication = entry.payload.filter(|_| entry.kind == Kind::Published);
        let publication = publication.and_then(|bytes| {
            record::decode(&mut Reader::new(bytes), record::IN_JOURNAL, change.top).ok()
        });
        let is_damaged = entry.kind == Kind::Published && publication.is_none();
        shard.change(&change.channel, |stream| {
            if stream.lsn >= entry.lsn {
                return;
            }
            if !stream.is_of_this_life(&change.epoch) {
                stream.begin_anew(change.generation, change.position_until);
            }
            stream.take_epoch(&change.epoch, change.generation);
            follow(stream, &change, entry.lsn, publication);
            stream.is_dirty = true;
        });
        if is_damaged {
            self.damaged += 1;
            tracing::error!(
                channel = change.channel.as_str(),
                offset = change.top,
                "a publication is damaged in the journal: it and those before it can't be recovered any more"
            );
        }
        if let Some((key, until)) = change.key {
            let position = StreamPosition::new(change.top, change.epoch);
            self.keys.replay(key, &position, until);
        }
        Ok(())
    }
}

/// Brings a stream to where a change left it.
fn follow(
    stream: &mut Stream,
    change: &Change,
    lsn: Lsn,
    publication: Option<veche_protocol::publication::Publication>,
) {
    let is_next = change.top == stream.top + 1;
    match publication {
        Some(mut publication) => {
            if change.top == 1 {
                publication.epoch = change.epoch.clone();
            }
            if !is_next {
                // Those between are lost; nothing from before a gap is told.
                stream.clear();
            }
            let first = if is_next { change.first } else { change.top };
            let change = Change {
                first,
                ..change.clone()
            };
            stream.add(Arc::new(publication), &change, lsn);
        }
        None => {
            let has_lost = change.top != stream.top;
            if has_lost {
                stream.clear();
            }
            stream.follow(change, lsn);
            if has_lost {
                stream.clear();
            } else {
                stream.forget_before(change.first);
            }
        }
    }
}

fn newest(info: &Info) -> u64 {
    info.interval_generation.max(info.sync_generation)
}

pub(crate) fn not_opened(path: &Path, error: &DatabaseError) -> OpenError {
    let path = path.to_owned();
    match error {
        DatabaseError::Newer(found) => OpenError::Newer {
            path,
            found: *found,
            known: VERSION,
        },
        error => OpenError::Unusable {
            path,
            why: error.to_string(),
        },
    }
}

/// Which run of the system this is. While it is the same, what was written is there, whatever became of the process.
/// Empty where that can't be told: then every end without a close counts as a power cut.
pub(crate) fn boot() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    boot.trim().to_owned()
}

/// What is published is for the server alone.
fn close_to_others(database: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // On a file system without modes there is nothing to close.
        let _ = fs::set_permissions(database, fs::Permissions::from_mode(0o600));
    }
    #[cfg(not(unix))]
    let _ = database;
}
