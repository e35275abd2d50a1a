//! What calls do to a stream that is in memory, and when they are answered.

use std::time::Instant;

use veche_engine::broker::Published;
use veche_engine::error::EngineError;
use veche_engine::memory::idempotency::{IDEMPOTENCY_TTL, KeyHash};
use veche_engine::pending::Pending;
use veche_engine::sink::Delivery;
use veche_protocol::channel::Channel;
use veche_protocol::history::{Page, Query};
use veche_protocol::position::{Epoch, StreamPosition};
use veche_protocol::publication::{Publication, PublishOptions, Retention};

use crate::call::{Answer, Call, Notice, answer};
use crate::commit_queue::Waiting;
use crate::disk::{CHECKPOINT_BYTES, Disk, MAX_JOURNAL_BYTES, Moment};
use crate::durability::Durability;
use crate::journal::Lsn;
use crate::journal::entry::{Change, Kind};
use crate::load_queue::Load;
use crate::record;
use crate::shard::Shard;
use crate::stream::{Reading, Stream};
use crate::trouble::Part;

/// What a call did.
#[derive(Debug)]
pub(crate) struct Done<T> {
    pub(crate) result: T,
    pub(crate) notice: Option<Notice>,
    /// It is told and answered when this change is safe.
    pub(crate) after: Option<Lsn>,
}

impl<T> Done<T> {
    pub(crate) fn now(result: T, notice: Option<Notice>) -> Self {
        Self {
            result,
            notice,
            after: None,
        }
    }
}

/// Whether a retention keeps a publication for any time at all.
pub(crate) fn keeps_anything(retention: &Retention) -> bool {
    retention.size > 0 && !retention.ttl.is_zero()
}

impl Disk {
    /// Tells and answers what a call did: at once, or when it is safe. Without an `answer` to give, the result is what
    /// the call returns.
    pub(crate) fn settle<T: Send + 'static>(
        &self,
        shard: &mut Shard,
        channel: &Channel,
        done: Done<T>,
        give: Option<Answer<T>>,
    ) -> Option<Pending<Result<T, EngineError>>> {
        let Done {
            result,
            notice,
            after,
        } = done;
        if after.is_none() && !shard.is_waiting(channel) {
            if let Some(notice) = notice {
                notice.tell(&*self.sink, channel);
            }
            let Some(give) = give else {
                return Some(Pending::Ready(Ok(result)));
            };
            // Whoever asked may have gone.
            let _ = give.send(Ok(result));
            return None;
        }
        let (give, wait) = match give {
            Some(give) => (give, None),
            None => {
                let (give, wait) = answer();
                (give, Some(wait))
            }
        };
        shard.wait(channel);
        self.commits.push(Waiting {
            lsn: after.unwrap_or_else(|| self.journal.last()),
            channel: channel.clone(),
            notice,
            answer: Some(Box::new(move |safe| {
                let _ = give.send(safe.map(|()| result));
            })),
            since: Instant::now(),
        });
        wait
    }

    /// Passes a publication on that nobody keeps. The disk has no part in it.
    pub(crate) fn pass(
        &self,
        channel: &Channel,
        mut publication: Publication,
        options: &PublishOptions,
        now: Moment,
    ) -> Done<Published> {
        let key = key_of(channel, options);
        if let Some(key) = key
            && let Some(position) = self.keys.answer(key, now.time)
        {
            return Done::now(suppressed(position), None);
        }
        stamp(&mut publication, options, now);
        if let Some(key) = key {
            let nowhere = StreamPosition::default();
            self.keys.remember(key, &nowhere, now.time, false);
        }
        let delivery = Delivery {
            publication: publication.into(),
            epoch: Epoch::default(),
            previous: None,
            delta: options.delta,
        };
        Done::now(Published::default(), Some(Notice::Publication(delivery)))
    }

    /// Keeps a publication, whose channel is in memory or new.
    ///
    /// # Errors
    /// The disk does not take it; then nothing has changed.
    pub(crate) fn keep(
        &self,
        shard: &mut Shard,
        channel: &Channel,
        publication: Publication,
        options: &PublishOptions,
        retention: Retention,
        now: Moment,
    ) -> Result<Done<Published>, EngineError> {
        let key = key_of(channel, options);
        if let Some(key) = key
            && let Some(position) = self.keys.answer(key, now.time)
        {
            return Ok(Done::now(suppressed(position), None));
        }
        let done = self.on_stream(shard, channel, now, |stream| {
            if stream.has_seen(options.version, &options.version_epoch) {
                stream.is_dirty |= stream.touch(retention.meta_ttl, now.time);
                return Ok(Done::now(suppressed(stream.position()), None));
            }
            self.add(stream, channel, publication, options, retention, key, now)
        })?;
        if let Some(key) = key
            && !done.result.suppressed
        {
            (self.keys).remember(key, &done.result.position, now.time, true);
        }
        Ok(done)
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one publish")]
    fn add(
        &self,
        stream: &mut Stream,
        channel: &Channel,
        mut publication: Publication,
        options: &PublishOptions,
        retention: Retention,
        key: Option<KeyHash>,
        now: Moment,
    ) -> Result<Done<Published>, EngineError> {
        let durability = self.policy.of(channel.as_str());
        // Where the store says that nothing can be lost, it must know better before something can.
        let waits = durability == Durability::Sync
            || (stream.durability == Durability::Sync && stream.top > 0);
        self.has_room(waits)?;
        stamp(&mut publication, options, now);
        let change = Change {
            channel: channel.clone(),
            epoch: Epoch::default(),
            generation: 0,
            top: 0,
            first: 0,
            until: now.time,
            position_until: now.time,
            version: publication.version,
            version_epoch: options.version_epoch.as_str().into(),
            durability,
            key: key.map(|key| (key, now.time.saturating_add(IDEMPOTENCY_TTL))),
        };
        let change = stream.plan(change, retention, now.time);
        publication.offset = change.top;
        if change.top == 1 {
            publication.epoch = stream.epoch.clone();
        }
        let lsn = self.append(Kind::Published, &change, Some(&publication))?;
        self.counters.kept.add(1);
        let previous = stream.last().filter(|_| options.delta).cloned();
        let publication = std::sync::Arc::new(publication);
        stream.add(publication.clone(), &change, lsn);
        stream.is_dirty = true;
        let delivery = Delivery {
            publication,
            epoch: stream.epoch.clone(),
            previous,
            delta: options.delta,
        };
        Ok(Done {
            result: Published {
                position: stream.position(),
                suppressed: false,
            },
            notice: Some(Notice::Publication(delivery)),
            after: waits.then_some(lsn),
        })
    }

    /// Whether one more publication can be kept.
    fn has_room(&self, waits: bool) -> Result<(), EngineError> {
        let why = if waits && self.commits.is_full() {
            "too many publications wait for the disk"
        } else if self.journal.len() > MAX_JOURNAL_BYTES {
            self.checkpoints.ask();
            "the store is too far behind the journal"
        } else {
            return Ok(());
        };
        self.counters.refused.add(1);
        Err(EngineError::Unavailable(why.into()))
    }

    /// Appends a change to the journal.
    pub(crate) fn append(
        &self,
        kind: Kind,
        change: &Change,
        publication: Option<&Publication>,
    ) -> Result<Lsn, EngineError> {
        let appended = self.journal.append(
            kind,
            |into| change.put(into),
            |into| {
                if let Some(publication) = publication {
                    record::encode(publication, record::IN_JOURNAL, into, &mut Vec::new());
                }
            },
        );
        match appended {
            Ok(lsn) => {
                if self.trouble.is_in(Part::Journal) {
                    self.trouble.end(Part::Journal);
                }
                if self.journal.len() > CHECKPOINT_BYTES {
                    self.checkpoints.ask();
                }
                Ok(lsn)
            }
            Err(error) => {
                self.counters.refused.add(1);
                self.trouble.begin(Part::Journal, &error.to_string());
                // A checkpoint begins a new file, and makes room.
                self.checkpoints.ask();
                Err(EngineError::Unavailable(error.to_string().into()))
            }
        }
    }

    /// Reads a stream that is in memory or new. `None` where the rest is read from the store, and `give` will be
    /// answered from there.
    ///
    /// # Errors
    /// [`EngineError::UnrecoverablePosition`].
    pub(crate) fn read(
        &self,
        shard: &mut Shard,
        channel: &Channel,
        query: &Query,
        now: Moment,
    ) -> Result<Reading, EngineError> {
        self.on_stream(shard, channel, now, |stream| {
            if stream.touch(query.meta_ttl, now.time) {
                stream.is_dirty = true;
            }
            if stream.lsn == 0 {
                // Whoever asks next must be told the same epoch. Where the disk is full, a restart forgets it.
                let change = standing(stream, channel);
                if let Ok(lsn) = self.append(Kind::Created, &change, None) {
                    stream.lsn = lsn;
                    stream.is_dirty = true;
                }
            }
            stream.read(query)
        })
    }

    /// Forgets the publications of a stream.
    ///
    /// # Errors
    /// The disk does not take it; then nothing has changed.
    pub(crate) fn remove(
        &self,
        shard: &mut Shard,
        channel: &Channel,
    ) -> Result<Done<()>, EngineError> {
        let removed = shard.change(channel, |stream| {
            let mut change = standing(stream, channel);
            change.first = stream.top + 1;
            let lsn = self.append(Kind::Removed, &change, None)?;
            stream.clear();
            stream.lsn = lsn;
            stream.is_dirty = true;
            Ok(())
        });
        removed.unwrap_or(Ok(()))?;
        Ok(Done::now((), None))
    }

    /// Does something with a channel's stream as it is now.
    fn on_stream<T>(
        &self,
        shard: &mut Shard,
        channel: &Channel,
        now: Moment,
        action: impl FnOnce(&mut Stream) -> T,
    ) -> T {
        if shard.stream(channel).is_none() {
            shard.insert(channel, self.new_stream(now));
        }
        let result = shard.change(channel, |stream| {
            let kept_any = stream.keeps_any();
            if stream.expire(now.time) {
                stream.begin_anew(self.generations.newest(), now.time);
                stream.is_dirty = true;
            }
            stream.is_dirty |= kept_any && !stream.keeps_any();
            action(stream)
        });
        self.trim(shard);
        result.expect("a stream was put there if there was none")
    }

    /// Carries out calls that waited for their channel to be read.
    pub(crate) fn carry_out(&self, shard: &mut Shard, channel: &Channel, call: Call) {
        let now = self.now();
        match call {
            Call::Publish(publish, give) => {
                let crate::call::Publish {
                    publication,
                    options,
                } = *publish;
                let done = match options.retention.filter(keeps_anything) {
                    Some(retention) => {
                        self.keep(shard, channel, publication, &options, retention, now)
                    }
                    None => Ok(self.pass(channel, publication, &options, now)),
                };
                self.give(shard, channel, done, give);
            }
            Call::Join(info, give) => {
                let done = Done::now((), Some(Notice::Join(info)));
                self.give(shard, channel, Ok(done), give);
            }
            Call::Leave(info, give) => {
                let done = Done::now((), Some(Notice::Leave(info)));
                self.give(shard, channel, Ok(done), give);
            }
            Call::History(query, give) => {
                let reading = self.read(shard, channel, &query, now);
                self.give_page(shard, channel, reading, give);
            }
            Call::Remove(give) => {
                let done = self.remove(shard, channel);
                self.give(shard, channel, done, give);
            }
        }
    }

    fn give<T: Send + 'static>(
        &self,
        shard: &mut Shard,
        channel: &Channel,
        done: Result<Done<T>, EngineError>,
        give: Answer<T>,
    ) {
        match done {
            Ok(done) => drop(self.settle(shard, channel, done, Some(give))),
            // Whoever asked may have gone.
            Err(error) => drop(give.send(Err(error))),
        }
    }

    /// Answers with a page, or has the rest of it read.
    pub(crate) fn give_page(
        &self,
        shard: &mut Shard,
        channel: &Channel,
        reading: Result<Reading, EngineError>,
        give: Answer<Page>,
    ) {
        match reading {
            Ok(Reading::Page(page)) => {
                self.give(shard, channel, Ok(Done::now(page, None)), give);
            }
            Ok(Reading::Partial(partial)) => {
                let after = shard.is_waiting(channel).then(|| self.journal.last());
                self.loads.push(Load::Page {
                    channel: channel.clone(),
                    partial: Box::new(partial),
                    after,
                    answer: give,
                });
            }
            Err(error) => drop(give.send(Err(error))),
        }
    }
}

/// How a stream stands, as a change that changes nothing.
fn standing(stream: &Stream, channel: &Channel) -> Change {
    Change {
        channel: channel.clone(),
        epoch: stream.epoch.clone(),
        generation: stream.generation,
        top: stream.top,
        first: stream.first,
        until: stream.until,
        position_until: stream.position_until,
        version: stream.version,
        version_epoch: stream.version_epoch.clone(),
        durability: stream.durability,
        key: None,
    }
}

fn key_of(channel: &Channel, options: &PublishOptions) -> Option<KeyHash> {
    let key = options.idempotency_key.as_ref();
    key.map(|key| KeyHash::new(channel, key))
}

fn stamp(publication: &mut Publication, options: &PublishOptions, now: Moment) {
    if publication.time_ms == 0 {
        publication.time_ms = now.unix_ms;
    }
    if options.version > 0 {
        publication.version = options.version;
    }
}

fn suppressed(position: StreamPosition) -> Published {
    Published {
        position,
        suppressed: true,
    }
}
