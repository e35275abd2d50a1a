//! One client's view of one channel, held against the book: everything after its position once, in order, byte for
//! byte; or it was told.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use crate::book::{Book, Counts, Entry};
use crate::dialect::{Data, Dialect, Filter, Publication, Subscribed, Wish};
use crate::fossil;
use crate::past::Held;

/// What a client has of a channel.
#[derive(Debug, Default)]
pub(crate) struct View {
    /// Where it stands, as a client library knows it; kept while it is away.
    pub(crate) known: Option<(String, u64)>,
    pub(crate) live: Option<Live>,
    /// The server made the latest subscription.
    pub(crate) is_given: bool,
}

/// How things stood when a subscription was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Before {
    pub(crate) top: (String, u64),
    /// In the past of the stream.
    pub(crate) moment: usize,
    pub(crate) counts: Counts,
}

/// A subscription.
#[derive(Debug)]
pub(crate) struct Live {
    dialect: Dialect,
    channel: String,
    filter: Filter,
    delta: bool,
    /// What the next delta is for.
    base: Option<Vec<u8>>,
    /// Empty where the position is not watched.
    epoch: String,
    /// Offsets up to here must not come.
    seen: u64,
    /// Offsets beyond must come, if the filter wants them.
    strict: u64,
    /// The next publication may be any that was the latest since.
    jumps_since: Option<(String, u64)>,
    /// Deliveries up to here must not come (of those that are followed by delivery).
    cursor: usize,
    /// Deliveries from here on must come.
    must: usize,
    /// Inboxes may be too small: whoever is not told of losses may have some.
    is_lossy: bool,
    pub(crate) troubles: u64,
}

/// What recovery brings, where anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Stream,
    Cache,
}

/// What the client asked for, as far as the answer depends on it.
pub(crate) struct Asked<'a> {
    pub(crate) dialect: Dialect,
    pub(crate) wish: &'a Wish,
    pub(crate) before: &'a Before,
    pub(crate) mode: Mode,
    /// Whether the channel recovers for this client.
    pub(crate) recovers: bool,
    /// Whether everything was still there since it was asked for.
    pub(crate) recoverable: Held,
    /// Where the stream stands now.
    pub(crate) top: (String, u64),
    pub(crate) is_lossy: bool,
}

impl Asked<'_> {
    /// Whether what is wanted of a cache came while the subscription was being made.
    fn was_published(&self, book: &Book) -> bool {
        let past = book.past(&self.wish.channel);
        self.mode == Mode::Cache && past.has_moved(self.before.moment)
    }
}

impl View {
    /// The client is told that it is subscribed.
    pub(crate) fn begin(&mut self, asked: &Asked<'_>, told: Subscribed, book: &Book) {
        let Asked { wish, before, .. } = *asked;
        let channel = wish.channel.clone();
        check_recovered(asked, &told, book);
        let is_cached = told.recovered && asked.mode == Mode::Cache;
        let since = wish.since.as_ref().map_or(0, |(_, offset)| *offset);
        let start = if told.recovered { since } else { told.offset };
        if told.recovered && !told.publications_follow {
            assert_eq!(told.offset, since, "the client's own offset comes back");
        }
        let mut live = Live {
            dialect: asked.dialect,
            channel: channel.clone(),
            filter: wish.filter,
            delta: told.delta,
            base: None,
            epoch: told.epoch.clone(),
            seen: if is_cached { 0 } else { start },
            strict: start,
            jumps_since: is_cached.then(|| before.top.clone()),
            cursor: before.counts.sent,
            must: book.sent.get(&channel).map_or(0, Vec::len),
            is_lossy: asked.is_lossy,
            troubles: before.counts.troubles,
        };
        if is_cached {
            live.strict = book.life(&channel, &told.epoch).len() as u64;
        }
        assert!(
            told.recovered || told.publications.is_empty(),
            "a part of the past"
        );
        if !told.recovered && !told.epoch.is_empty() {
            let (epoch, top) = &before.top;
            assert!(
                told.offset <= asked.top.1 || told.epoch != asked.top.0,
                "the future"
            );
            assert!(
                told.offset >= *top || told.epoch != *epoch,
                "an old position"
            );
        }
        self.known = (!told.epoch.is_empty()).then(|| (told.epoch.clone(), told.offset));
        if told.publications_follow && told.recovered {
            self.known = Some((told.epoch.clone(), since));
        }
        if told.recovered && asked.mode == Mode::Stream && !told.publications_follow {
            let last = told.publications.last().map_or(since, |it| it.offset);
            let (epoch, top) = &before.top;
            if told.epoch == *epoch {
                live.assert_nothing_wanted(book, last, *top);
            }
        }
        self.live = Some(live);
        self.is_given = false;
        for publication in told.publications {
            self.receive(publication, book);
        }
    }

    /// The server has made a subscription: it says where, and everything after that follows.
    pub(crate) fn given(
        &mut self,
        dialect: Dialect,
        channel: &str,
        told: &Subscribed,
        (mode, Counts { troubles, sent }): (Mode, Counts),
        is_lossy: bool,
        book: &Book,
    ) {
        // The latest may follow, if it was asked for; nothing says whether it will.
        let (seen, strict) = match mode {
            Mode::Stream => (told.offset, told.offset),
            Mode::Cache => (0, book.life(channel, &told.epoch).len() as u64),
        };
        self.known = (!told.epoch.is_empty()).then(|| (told.epoch.clone(), told.offset));
        self.is_given = true;
        self.live = Some(Live {
            dialect,
            channel: channel.to_owned(),
            filter: Filter::All,
            delta: false,
            base: None,
            epoch: told.epoch.clone(),
            seen,
            strict,
            jumps_since: None,
            cursor: sent,
            must: book.sent.get(channel).map_or(0, Vec::len),
            is_lossy,
            troubles,
        });
    }

    pub(crate) fn receive(&mut self, publication: Publication, book: &Book) {
        let live = self
            .live
            .as_mut()
            .expect("something of a channel that was left");
        let offset = publication.offset;
        let entry = if offset == 0 || live.epoch.is_empty() {
            live.next_sent(&publication, book)
        } else {
            let entry = live.next_placed(offset, book);
            self.known = Some((live.epoch.clone(), offset));
            entry
        };
        live.compare(publication, &entry);
    }
}

fn check_recovered(asked: &Asked<'_>, told: &Subscribed, book: &Book) {
    let Asked { wish, before, .. } = *asked;
    let tries = wish.since.is_some() && asked.recovers;
    let is_plain = asked.dialect == Dialect::Plain;
    assert!(is_plain || told.was_recovering == wish.since.is_some());
    assert!(tries || !told.recovered, "recovered what nobody asked for");
    assert!(
        !tries || !told.epoch.is_empty(),
        "recovery needs a position"
    );
    // The engine was asked at some time in between.
    let could_be = match told.recovered {
        true => asked.recoverable.sometimes || asked.was_published(book),
        false => asked.recoverable.not_always,
    };
    assert!(
        !tries || could_be,
        "recovered {}: {wish:?} {before:?} {:?}",
        told.recovered,
        book.past(&wish.channel)
    );
    let must_refuse = wish.rejects && tries && asked.mode == Mode::Stream && !is_plain;
    assert!(!must_refuse || told.recovered, "it wanted an error instead");
    assert!(!told.delta || wish.delta, "deltas that nobody wanted");
}

impl Live {
    /// The publication with this offset, if it may come now.
    fn next_placed(&mut self, offset: u64, book: &Book) -> Arc<Entry> {
        let life = book.life(&self.channel, &self.epoch);
        let entry = &life[usize::try_from(offset - 1).expect("an offset")];
        assert!(offset > self.seen, "{offset} twice, or too late: {self:?}");
        assert!(self.wants(entry), "{offset} is not wanted: {self:?}");
        self.assert_nothing_wanted(book, self.strict, offset - 1);
        if let Some((epoch, top)) = self.jumps_since.take()
            && epoch == self.epoch
        {
            self.assert_nothing_wanted(book, offset, top);
        }
        self.seen = offset;
        self.strict = offset;
        entry.clone()
    }

    /// Asserts that the client misses nothing after one offset and up to another.
    fn assert_nothing_wanted(&self, book: &Book, after: u64, until: u64) {
        let life = book.life(&self.channel, &self.epoch).iter();
        let missed =
            life.filter(|entry| entry.offset > after && entry.offset <= until && self.wants(entry));
        let missed: Vec<_> = missed.map(|entry| entry.offset).collect();
        assert!(missed.is_empty(), "missed {missed:?}: {self:?}");
    }

    /// The next delivery that is this publication, where no position is watched.
    fn next_sent(&mut self, publication: &Publication, book: &Book) -> Arc<Entry> {
        let sent = book.sent.get(&self.channel).map_or(&[][..], Vec::as_slice);
        let found = (self.cursor..sent.len()).find(|&at| {
            let entry = &sent[at].entry;
            // Where no epoch is known, there is no id.
            let has_id = publication.offset > 0 || self.dialect != Dialect::Plain;
            let is_it = !has_id || entry.offset == publication.offset;
            is_it && self.is_followed(entry) && {
                let fits = self.data(publication, false);
                fits.is_none_or(|data| self.is_data_of(&data, entry))
            }
        });
        let found = found.unwrap_or_else(|| panic!("{publication:?} from nowhere: {self:?}"));
        self.assert_none_skipped(book, found);
        assert!(!sent[found].is_lost, "what was lost");
        assert!(
            self.wants(&sent[found].entry),
            "not wanted: {publication:?}"
        );
        self.cursor = found + 1;
        sent[found].entry.clone()
    }

    fn assert_none_skipped(&self, book: &Book, until: usize) {
        let sent = book.sent.get(&self.channel).map_or(&[][..], Vec::as_slice);
        for sent in &sent[self.cursor.max(self.must).min(until)..until] {
            let must_come = self.is_followed(&sent.entry) && self.wants(&sent.entry);
            assert!(
                !must_come || sent.is_lost || self.is_lossy,
                "{sent:?} did not come: {self:?}"
            );
        }
    }

    /// Whether a publication is followed by its delivery, and not by its offset.
    fn is_followed(&self, entry: &Entry) -> bool {
        entry.offset == 0 || self.epoch.is_empty()
    }

    /// Everything has arrived that is to arrive.
    pub(crate) fn is_complete(&self, book: &Book, top: &(String, u64)) {
        let sent = book.sent.get(&self.channel).map_or(0, Vec::len);
        self.assert_none_skipped(book, sent);
        if !self.epoch.is_empty() {
            assert_eq!(self.epoch, top.0, "another life of the stream: {self:?}");
            self.assert_nothing_wanted(book, self.strict, top.1);
        }
    }

    fn wants(&self, entry: &Entry) -> bool {
        self.filter.wants(entry.tag.as_deref())
    }

    /// The data that the client takes out of a publication; `None` for a delta that is not to be applied yet.
    fn data(&self, publication: &Publication, applies: bool) -> Option<Vec<u8>> {
        let raw = match &publication.data {
            Data::Text(text) => text.as_bytes(),
            Data::Json(bytes) | Data::Bytes(bytes) => bytes,
        };
        if !publication.is_delta {
            return Some(raw.to_vec());
        }
        assert!(self.delta, "a delta that nobody wanted");
        assert!(!self.epoch.is_empty(), "a delta, and no position");
        applies.then(|| {
            let base = self.base.as_ref();
            fossil::apply(base.expect("a delta, and nothing before it"), raw)
        })
    }

    fn compare(&mut self, publication: Publication, entry: &Entry) {
        let data = self.data(&publication, true).expect("applied");
        assert!(
            self.is_data_of(&data, entry),
            "{:?} instead of {:?}",
            String::from_utf8_lossy(&data),
            String::from_utf8_lossy(&entry.data)
        );
        self.base = Some(data);
        assert_eq!(publication.is_by_client, entry.is_by_client);
        if self.dialect == Dialect::Plain {
            // What has no place has no id.
            let has_place = entry.offset > 0;
            assert!(publication.epoch == self.epoch || self.epoch.is_empty() || !has_place);
            return;
        }
        assert_eq!(publication.tags.get("k"), entry.tag.as_ref());
        let hides_version = self.delta && publication.version == 0;
        assert!(publication.version == entry.version || hides_version);
        let told = publication.epoch;
        assert!(told.is_empty() || entry.offset == 1);
        assert!(told.is_empty() || self.epoch.is_empty() || told == self.epoch);
    }

    /// Whether what the client has now is what was published.
    fn is_data_of(&self, data: &[u8], entry: &Entry) -> bool {
        let is_raw = self.dialect == Dialect::Protobuf || self.delta && entry.is_json;
        if is_raw || self.dialect == Dialect::Plain && !entry.is_json {
            return data == entry.data;
        }
        if entry.is_json {
            // A message is a line.
            let line = entry.data.iter().filter(|byte| **byte != b'\n');
            return data.iter().eq(line);
        }
        let Ok(envelope) = serde_json::from_slice::<Value>(data) else {
            return false;
        };
        envelope["base64"].as_str().is_some_and(|text| {
            envelope["binary"] == true && BASE64_STANDARD.decode(text) == Ok(entry.data.clone())
        })
    }
}
