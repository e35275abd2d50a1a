//! What truly happened in each channel, and how the engine must answer: kept beside the engine, and not by it.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use veche_protocol::history::Query;
use veche_protocol::publication::{Publication, PublishOptions};

use crate::dialect::Filter;
use crate::past::{Past, State};
use crate::world::CHANNELS;

/// One publication, as its publisher meant it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) offset: u64,
    pub(crate) data: Vec<u8>,
    pub(crate) is_json: bool,
    /// Value of the tag `k`.
    pub(crate) tag: Option<String>,
    pub(crate) version: u64,
    pub(crate) is_by_client: bool,
}

/// A delivery on its way to the node.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) entry: Arc<Entry>,
    /// It need not arrive: it was lost on the way, or the node had not asked for the channel.
    pub(crate) is_lost: bool,
}

/// A loss that is to happen to the next delivery of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// The engine notices.
    Told,
    /// Nobody notices.
    Silent,
}

/// What a channel has had so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// Times that something happened to it that a subscriber may be told of.
    pub(crate) troubles: u64,
    /// Deliveries.
    pub(crate) sent: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Book {
    streams: HashMap<String, Stream>,
    /// Where each stream has stood.
    past: HashMap<String, Past>,
    /// What was published in each life of each stream, by offset.
    log: HashMap<(String, String), Vec<Arc<Entry>>>,
    /// What was delivered, in order.
    pub(crate) sent: HashMap<String, Vec<Sent>>,
    /// Channels that the node has asked for.
    pub(crate) wanted: BTreeSet<String>,
    pub(crate) losses: HashMap<String, Loss>,
    /// How often something happened to a channel that a subscriber may be told of.
    pub(crate) troubles: HashMap<String, u64>,
    /// The next requests that fail.
    pub(crate) failing: usize,
    pub(crate) failed: usize,
    keys: HashMap<(String, String), (u64, String, Duration)>,
}

/// A stream as the engine promises to keep it.
#[derive(Debug)]
struct Stream {
    /// Empty until the engine has said it.
    epoch: String,
    top: u64,
    kept: VecDeque<u64>,
    kept_until: Duration,
    until: Duration,
    version: u64,
}

/// What must come of a publish.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is delivered with this offset.
    New(u64),
    /// It is a repetition; the answer names this offset, and the epoch if it is known.
    Repeated(u64, String),
}

/// Longer than any test: what a stream lives for which nobody says it.
const LONG: Duration = Duration::from_hours(720);
const KEY_TTL: Duration = Duration::from_mins(5);

impl Book {
    /// What a publish must come to; it has happened when this returns.
    pub(crate) fn publish(
        &mut self,
        channel: &str,
        publication: &Publication,
        options: &PublishOptions,
        now: Duration,
    ) -> Verdict {
        let key = options.idempotency_key.as_ref();
        let key = key.map_or_else(String::new, |key| key.as_str().to_owned());
        let key = (channel.to_owned(), key);
        if !key.1.is_empty()
            && let Some((offset, epoch, until)) = self.keys.get(&key)
            && now < *until
        {
            return Verdict::Repeated(*offset, epoch.clone());
        }
        let Some(retention) = options.retention else {
            if !key.1.is_empty() {
                self.keys.insert(key, (0, String::new(), now + KEY_TTL));
            }
            return Verdict::New(0);
        };
        let stream = self.stream(channel, now);
        stream.until = now + retention.meta_ttl;
        if options.version > 0 && options.version <= stream.version {
            return Verdict::Repeated(stream.top, stream.epoch.clone());
        }
        stream.top += 1;
        stream.version = publication.version.max(options.version);
        stream.kept.push_back(stream.top);
        while stream.kept.len() > retention.size {
            stream.kept.pop_front();
        }
        stream.kept_until = now + retention.ttl;
        let (top, epoch) = (stream.top, stream.epoch.clone());
        self.note(channel, now);
        if !key.1.is_empty() {
            self.keys.insert(key, (top, epoch, now + KEY_TTL));
        }
        Verdict::New(top)
    }

    /// The offsets that a reading must find, and the top.
    pub(crate) fn read(&mut self, channel: &str, query: &Query, now: Duration) -> (Vec<u64>, u64) {
        let stream = self.stream(channel, now);
        if !query.meta_ttl.is_zero() {
            stream.until = now + query.meta_ttl;
        }
        let since = query.since.as_ref().map(|since| since.offset);
        let wanted = |offset: &u64| match since {
            None => true,
            Some(since) if query.reverse => *offset < since,
            Some(since) => *offset > since,
        };
        let mut offsets: Vec<_> = stream.kept.iter().copied().filter(wanted).collect();
        if query.reverse {
            offsets.reverse();
        }
        offsets.truncate(query.limit.unwrap_or(usize::MAX));
        let top = stream.top;
        self.note(channel, now);
        (offsets, top)
    }

    /// The publications of a channel are forgotten, but not where it stands.
    pub(crate) fn forget(&mut self, channel: &str, now: Duration) {
        self.stream(channel, now).kept.clear();
        self.note(channel, now);
    }

    /// The engine has lost everything.
    pub(crate) fn restart(&mut self, now: Duration) {
        self.streams.clear();
        self.keys.clear();
        self.trouble_all();
        self.pass(now);
    }

    /// The engine on disk has begun anew: it has lost the keys of what it did not keep, and nothing else.
    pub(crate) fn restart_on_disk(&mut self) {
        self.keys.retain(|_, (offset, ..)| *offset > 0);
    }

    /// Time has passed: what was kept may be over.
    pub(crate) fn pass(&mut self, now: Duration) {
        CHANNELS.iter().for_each(|channel| self.note(channel, now));
    }

    /// Something has happened to all channels, also to those that are asked for before the workers hear of it.
    pub(crate) fn trouble_all(&mut self) {
        CHANNELS.iter().for_each(|channel| self.trouble(channel));
    }

    /// The engine has named the present life of a stream.
    pub(crate) fn named(&mut self, channel: &str, epoch: &str) {
        let stream = self.streams.get_mut(channel).expect("it was looked at");
        if stream.epoch.is_empty() {
            epoch.clone_into(&mut stream.epoch);
            self.past.entry(channel.to_owned()).or_default().name(epoch);
        }
        assert_eq!(
            stream.epoch, epoch,
            "a stream keeps its epoch while it lives"
        );
        for (key, (offset, known, _)) in &mut self.keys {
            if key.0 == channel && *offset > 0 && known.is_empty() {
                epoch.clone_into(known);
            }
        }
    }

    /// Something was delivered.
    pub(crate) fn deliver(&mut self, channel: &str, epoch: &str, entry: Entry) -> Option<Loss> {
        let entry = Arc::new(entry);
        if entry.offset > 0 {
            let log = self
                .log
                .entry((channel.to_owned(), epoch.to_owned()))
                .or_default();
            assert_eq!(log.len() as u64 + 1, entry.offset, "offsets have no holes");
            log.push(entry.clone());
        }
        let is_wanted = self.wanted.contains(channel);
        let loss = self.losses.remove(channel).filter(|_| is_wanted);
        let is_lost = loss.is_some() || !is_wanted;
        if loss.is_some() {
            self.trouble(channel);
        }
        let sent = self.sent.entry(channel.to_owned()).or_default();
        sent.push(Sent { entry, is_lost });
        if is_wanted { loss } else { Some(Loss::Silent) }
    }

    pub(crate) fn trouble(&mut self, channel: &str) {
        *self.troubles.entry(channel.to_owned()).or_default() += 1;
    }

    /// What was published in a life of a stream, from offset 1 on.
    pub(crate) fn life(&self, channel: &str, epoch: &str) -> &[Arc<Entry>] {
        let key = (channel.to_owned(), epoch.to_owned());
        self.log.get(&key).map_or(&[], Vec::as_slice)
    }

    /// How many troubles and deliveries a channel has had.
    pub(crate) fn counts(&self) -> HashMap<&'static str, Counts> {
        let counts = |channel| Counts {
            troubles: self.troubles.get(channel).copied().unwrap_or(0),
            sent: self.sent.get(channel).map_or(0, Vec::len),
        };
        CHANNELS.map(|channel| (channel, counts(channel))).into()
    }

    /// Where a stream stands.
    pub(crate) fn top(&mut self, channel: &str, now: Duration) -> (String, u64) {
        let stream = self.stream(channel, now);
        (stream.epoch.clone(), stream.top)
    }

    /// Where each stream has stood.
    pub(crate) fn past(&self, channel: &str) -> &Past {
        &self.past[channel]
    }

    /// Whether in this state the latest publication is there and any passes the filter, or the client has it.
    pub(crate) fn is_cached(
        &self,
        channel: &str,
        state: &State,
        (epoch, offset): (&str, u64),
        filter: Filter,
    ) -> bool {
        let has_it = offset > 0 && offset == state.top && epoch == state.epoch;
        let is_kept = |entry: &&Arc<Entry>| {
            let oldest = state.oldest.is_some_and(|oldest| entry.offset >= oldest);
            oldest && entry.offset <= state.top
        };
        let mut kept = self.life(channel, &state.epoch).iter().filter(is_kept);
        has_it || kept.any(|entry| filter.wants(entry.tag.as_deref()))
    }

    /// Adds where a stream stands now to its past.
    fn note(&mut self, channel: &str, now: Duration) {
        let stream = self.streams.get(channel).filter(|it| now < it.until);
        let state = stream.map_or_else(State::default, |stream| State {
            epoch: stream.epoch.clone(),
            top: stream.top,
            oldest: stream
                .kept
                .front()
                .copied()
                .filter(|_| now < stream.kept_until),
        });
        self.past.entry(channel.to_owned()).or_default().note(state);
    }

    fn stream(&mut self, channel: &str, now: Duration) -> &mut Stream {
        let is_over = (self.streams.get(channel)).is_some_and(|stream| stream.until <= now);
        if is_over {
            self.streams.remove(channel);
            self.trouble(channel);
        }
        let stream = self
            .streams
            .entry(channel.to_owned())
            .or_insert_with(|| Stream {
                epoch: String::new(),
                top: 0,
                kept: VecDeque::new(),
                kept_until: Duration::ZERO,
                until: now + LONG,
                version: 0,
            });
        if stream.kept_until <= now {
            stream.kept.clear();
        }
        stream
    }
}
