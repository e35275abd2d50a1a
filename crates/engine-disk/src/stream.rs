//! One channel's history, as far as it is in memory.
//!
//! The position is here whole. Of the publications the newest are here: all that the store does not have yet, and as many
//! before them as the cache holds.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use veche_engine::error::EngineError;
use veche_protocol::history::{Page, Query};
use veche_protocol::position::{Epoch, Offset, StreamPosition};
use veche_protocol::publication::{Publication, Retention};

use crate::durability::Durability;
use crate::journal::Lsn;
use crate::journal::entry::Change;
use crate::record::weight;
use crate::store::{Row, Tail};

/// The stream of a channel.
#[derive(Debug)]
pub(crate) struct Stream {
    /// Its number in the store.
    pub(crate) id: u64,
    pub(crate) epoch: Epoch,
    /// Which lives of the store the epoch has seen ([`Generations`]).
    pub(crate) generation: u64,
    pub(crate) top: Offset,
    /// The oldest publication that is kept; behind `top` where none is.
    pub(crate) first: Offset,
    /// When the publications go.
    pub(crate) until: Duration,
    /// When the position goes, and the stream with it.
    pub(crate) position_until: Duration,
    pub(crate) version: u64,
    pub(crate) version_epoch: Box<str>,
    /// Of the last publication.
    pub(crate) durability: Durability,
    /// The last change.
    pub(crate) lsn: Lsn,
    /// The newest publications, without holes; the last one has offset `top`.
    recent: VecDeque<Arc<Publication>>,
    recent_weight: usize,
    /// What the store has.
    pub(crate) stored: Stored,
    /// Whether the store does not have the stream as it is.
    pub(crate) is_dirty: bool,
    /// A write to the store is under way that has some of it.
    pub(crate) is_storing: bool,
    /// Asked for since the cache last looked at it.
    pub(crate) was_used: bool,
}

/// How a stream stands in the store.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stored {
    /// There is a row.
    pub(crate) has_row: bool,
    /// Publications up to here are there, or need not be.
    pub(crate) top: Offset,
    /// The oldest publication in it that is kept.
    pub(crate) first: Offset,
    /// The chunk that takes the next publications.
    pub(crate) tail: Option<Tail>,
    /// When the sweep looks at it; 0 is never.
    pub(crate) due_ms: u64,
    /// How long the store says that the position is kept.
    pub(crate) position_until: Duration,
    /// The chunks in it are of an earlier life.
    pub(crate) is_stale: bool,
}

/// How often positions became doubtful: an epoch that was begun in an earlier generation is given up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Generations {
    /// Of streams whose publications wait for nothing.
    pub(crate) interval: u64,
    /// Of streams whose publications are synced before anybody sees them.
    pub(crate) sync: u64,
}

impl Generations {
    fn of(self, durability: Durability) -> u64 {
        match durability {
            Durability::Interval => self.interval.max(self.sync),
            Durability::Sync => self.sync,
        }
    }

    /// The newest of both: what a fresh epoch has seen.
    pub(crate) fn newest(self) -> u64 {
        self.interval.max(self.sync)
    }
}

/// What a read found.
#[derive(Debug)]
pub(crate) enum Reading {
    /// All of it.
    Page(Page),
    /// Publications before those are only in the store.
    Partial(Partial),
}

/// A page of which a part is to be read from the store.
#[derive(Debug)]
pub(crate) struct Partial {
    pub(crate) stream: u64,
    pub(crate) epoch: Epoch,
    /// The offsets that are to be read.
    pub(crate) from: Offset,
    pub(crate) to: Offset,
    /// The publications behind them, as far as they are asked for.
    pub(crate) newer: Vec<Arc<Publication>>,
    pub(crate) limit: usize,
    pub(crate) is_reverse: bool,
    pub(crate) position: StreamPosition,
}

impl Stream {
    /// A stream in which nothing was published yet.
    pub(crate) fn new(id: u64, generation: u64, now: Duration) -> Self {
        Self {
            id,
            epoch: random_epoch(),
            generation,
            top: 0,
            first: 1,
            until: Duration::ZERO,
            position_until: now.saturating_add(DEFAULT_META_TTL),
            version: 0,
            version_epoch: "".into(),
            durability: Durability::default(),
            lsn: 0,
            recent: VecDeque::new(),
            recent_weight: 0,
            stored: Stored::default(),
            is_dirty: false,
            is_storing: false,
            was_used: true,
        }
    }

    /// A stream as the store has it.
    pub(crate) fn from_row(row: Row) -> Self {
        Self {
            id: row.id,
            epoch: row.epoch,
            generation: row.generation,
            top: row.top,
            first: row.first,
            until: row.until,
            position_until: row.position_until,
            version: row.version,
            version_epoch: row.version_epoch,
            durability: row.durability,
            lsn: row.lsn,
            recent: VecDeque::new(),
            recent_weight: 0,
            stored: Stored {
                has_row: true,
                top: row.top,
                first: row.first,
                tail: row.tail,
                due_ms: row.due_ms,
                position_until: row.position_until,
                is_stale: false,
            },
            is_dirty: false,
            is_storing: false,
            was_used: true,
        }
    }

    /// The stream as the store is to have it.
    pub(crate) fn row(&self) -> Row {
        Row {
            id: self.id,
            epoch: self.epoch.clone(),
            generation: self.generation,
            top: self.top,
            first: self.first,
            until: self.until,
            position_until: self.position_until,
            version: self.version,
            version_epoch: self.version_epoch.clone(),
            durability: self.durability,
            lsn: self.lsn,
            tail: self.stored.tail,
            due_ms: self.stored.due_ms,
        }
    }

    /// Where the stream ends.
    pub(crate) fn position(&self) -> StreamPosition {
        StreamPosition::new(self.top, self.epoch.clone())
    }

    /// Whether any publication is kept.
    pub(crate) fn keeps_any(&self) -> bool {
        self.first <= self.top
    }

    /// The newest publication that is still kept, where it is in memory.
    pub(crate) fn last(&self) -> Option<&Arc<Publication>> {
        self.recent.back()
    }

    /// Whether the newest publication is kept, and only in the store.
    pub(crate) fn misses_last(&self) -> bool {
        self.keeps_any() && self.recent.is_empty()
    }

    /// Whether the channel has seen this version or a later one.
    pub(crate) fn has_seen(&self, version: u64, version_epoch: &str) -> bool {
        let is_comparable = version_epoch.is_empty() || version_epoch == &*self.version_epoch;
        version > 0 && is_comparable && version <= self.version
    }

    /// What keeping a publication will change.
    pub(crate) fn plan(&self, change: Change, retention: Retention, now: Duration) -> Change {
        let top = self.top + 1;
        let size = u64::try_from(retention.size.max(1)).unwrap_or(u64::MAX);
        let position_until = match retention.meta_ttl {
            Duration::ZERO => self.position_until,
            ttl => now.saturating_add(ttl),
        };
        Change {
            epoch: self.epoch.clone(),
            generation: self.generation,
            top,
            first: self.first.max((top + 1).saturating_sub(size)),
            until: now.saturating_add(retention.ttl),
            position_until,
            ..change
        }
    }

    /// Keeps a publication as it was planned.
    pub(crate) fn add(&mut self, publication: Arc<Publication>, change: &Change, lsn: Lsn) {
        self.follow(change, lsn);
        self.recent_weight += weight(&publication);
        self.recent.push_back(publication);
        self.trim();
    }

    /// Takes over how the stream stands after a change, without its publication.
    pub(crate) fn follow(&mut self, change: &Change, lsn: Lsn) {
        self.top = change.top;
        self.first = change.first;
        self.until = change.until;
        self.position_until = change.position_until;
        self.version = change.version;
        if *self.version_epoch != *change.version_epoch {
            self.version_epoch = change.version_epoch.clone();
        }
        self.durability = change.durability;
        self.lsn = lsn;
    }

    /// Forgets the publications up to `first`, which are damaged or too old. The position stays.
    pub(crate) fn forget_before(&mut self, first: Offset) {
        self.first = self.first.max(first.min(self.top + 1));
        self.trim();
    }

    /// Forgets all publications; the position stays, and so does the version.
    pub(crate) fn clear(&mut self) {
        self.forget_before(self.top + 1);
    }

    /// Keeps the position for another `meta_ttl`; zero changes nothing. Returns whether the store should know it.
    pub(crate) fn touch(&mut self, meta_ttl: Duration, now: Duration) -> bool {
        if meta_ttl.is_zero() {
            return false;
        }
        self.position_until = now.saturating_add(meta_ttl);
        let difference = self.position_until.abs_diff(self.stored.position_until);
        difference > meta_ttl / TOUCH_SLACK
    }

    /// Forgets what is over. Returns whether the whole stream is.
    pub(crate) fn expire(&mut self, now: Duration) -> bool {
        if self.keeps_any() && self.until <= now {
            self.clear();
        }
        self.position_until <= now
    }

    /// When something of the stream goes next.
    pub(crate) fn deadline(&self) -> Duration {
        if self.keeps_any() {
            self.position_until.min(self.until)
        } else {
            self.position_until
        }
    }

    /// Begins a new life under the same number in the store.
    pub(crate) fn begin_anew(&mut self, generation: u64, now: Duration) {
        let stored = Stored {
            is_stale: true,
            tail: None,
            top: 0,
            first: 1,
            ..self.stored.clone()
        };
        *self = Self {
            stored,
            is_dirty: self.is_dirty,
            is_storing: self.is_storing,
            ..Self::new(self.id, generation, now)
        };
    }

    /// Gives the stream another epoch where its own can't be relied on any more. Publications stay, and so do their
    /// offsets; positions of before are not recovered.
    pub(crate) fn renew(&mut self, generations: Generations) -> bool {
        if self.generation >= generations.of(self.durability) {
            return false;
        }
        let generation = generations.newest();
        let epoch = format!("{}.{generation}", life(&self.epoch));
        self.take_epoch(&Epoch::new(&epoch), generation);
        true
    }

    /// Whether an epoch is of the same life of the stream: the same, or one that took the place of the other.
    pub(crate) fn is_of_this_life(&self, epoch: &Epoch) -> bool {
        life(&self.epoch) == life(epoch)
    }

    /// Goes on under another epoch.
    pub(crate) fn take_epoch(&mut self, epoch: &Epoch, generation: u64) {
        self.generation = generation;
        self.epoch = epoch.clone();
        for publication in self.recent.iter_mut().filter(|it| it.offset == 1) {
            Arc::make_mut(publication).epoch = epoch.clone();
        }
    }

    /// Reads the stream.
    ///
    /// # Errors
    /// [`EngineError::UnrecoverablePosition`] when `since` names another epoch.
    pub(crate) fn read(&self, query: &Query) -> Result<Reading, EngineError> {
        if let Some(since) = &query.since
            && !since.epoch.is_empty()
            && since.epoch != self.epoch
        {
            return Err(EngineError::UnrecoverablePosition);
        }
        let since = query.since.as_ref().map(|since| since.offset);
        let limit = query.limit.unwrap_or(usize::MAX);
        let (from, to) = if query.reverse {
            (
                self.first,
                since.map_or(self.top + 1, |since| self.end_before(since)),
            )
        } else {
            let from = since.map_or(self.first, |since| since.saturating_add(1));
            (from.max(self.first), self.top + 1)
        };
        let position = self.position();
        if from >= to || limit == 0 {
            let publications = Vec::new();
            return Ok(Reading::Page(Page {
                publications,
                position,
            }));
        }
        let (from, to) = limited(from, to, limit, query.reverse);
        let held = self.recent_first();
        let range = self.index(from.max(held))..self.index(to.max(held));
        let mut newer: Vec<_> = self.recent.range(range).cloned().collect();
        if from < held {
            return Ok(Reading::Partial(Partial {
                stream: self.id,
                epoch: self.epoch.clone(),
                from,
                to: to.min(held),
                newer,
                limit,
                is_reverse: query.reverse,
                position,
            }));
        }
        if query.reverse {
            newer.reverse();
        }
        Ok(Reading::Page(Page {
            publications: newer,
            position,
        }))
    }

    /// A position beyond the next one is nobody's: nothing is before it.
    fn end_before(&self, offset: Offset) -> Offset {
        if offset > self.top.saturating_add(1) {
            return 0;
        }
        offset
    }

    /// The offset of the oldest publication in memory.
    pub(crate) fn recent_first(&self) -> Offset {
        let held = u64::try_from(self.recent.len()).unwrap_or(u64::MAX);
        (self.top + 1).saturating_sub(held)
    }

    /// The publications in memory from an offset on.
    pub(crate) fn recent_from(&self, from: Offset) -> impl Iterator<Item = &Arc<Publication>> {
        self.recent
            .range(self.index(from.max(self.recent_first()))..)
    }

    /// Puts publications that were read from the store before those in memory, if they end there.
    pub(crate) fn hold(&mut self, older: &[Arc<Publication>]) {
        let ends_here = (older.last()).is_some_and(|it| it.offset + 1 == self.recent_first());
        if !ends_here {
            return;
        }
        for publication in older.iter().rev().take_while(|it| it.offset >= self.first) {
            self.recent_weight += weight(publication);
            self.recent.push_front(publication.clone());
        }
    }

    /// Gives back the memory of publications that the store has.
    pub(crate) fn let_go(&mut self) {
        while self
            .recent
            .front()
            .is_some_and(|it| it.offset <= self.stored.top)
        {
            self.pop_front();
        }
        self.recent.shrink_to_fit();
    }

    /// About how much memory the stream takes, in bytes.
    pub(crate) fn weight(&self) -> usize {
        STREAM_WEIGHT + self.recent_weight
    }

    fn trim(&mut self) {
        while self.recent.front().is_some_and(|it| it.offset < self.first) {
            self.pop_front();
        }
        if self.recent.is_empty() {
            self.recent = VecDeque::new();
        }
    }

    fn pop_front(&mut self) {
        if let Some(publication) = self.recent.pop_front() {
            self.recent_weight -= weight(&publication);
        }
    }

    fn index(&self, offset: Offset) -> usize {
        let index = usize::try_from(offset.saturating_sub(self.recent_first()));
        index.unwrap_or(usize::MAX).min(self.recent.len())
    }
}

/// The first `limit` offsets of a range, or the last ones.
fn limited(from: Offset, to: Offset, limit: usize, from_the_end: bool) -> (Offset, Offset) {
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    if from_the_end {
        (from.max(to.saturating_sub(limit)), to)
    } else {
        (from, to.min(from.saturating_add(limit)))
    }
}

/// What an epoch has in common with those that took its place.
fn life(epoch: &Epoch) -> &str {
    let name = epoch.as_str();
    name.split_once('.').map_or(name, |(life, _)| life)
}

/// Eight random letters: as in the engine in memory.
fn random_epoch() -> Epoch {
    let name: String = (0..8).map(|_| fastrand::alphabetic()).collect();
    Epoch::new(&name)
}

/// For the position of a stream for which nobody says it: `channel.history_meta_ttl` by default.
const DEFAULT_META_TTL: Duration = Duration::from_hours(720);

/// A position that is only read is written anew when so many parts of its time have passed.
const TOUCH_SLACK: u32 = 16;

/// The struct, its name, its places in tables.
const STREAM_WEIGHT: usize = 400;
