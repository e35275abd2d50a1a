//! A model of the application, which knows what it must be told: what each reader has got, and what became of each
//! publication.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use veche_client::machine::{PublicationId, Recovery, SubscriptionEvent, SubscriptionId};
use veche_client::{Position, Publication, PublishError};

use crate::server::{Item, Said, Server, Stream, What, wants};

/// A publication of the application's.
pub(crate) struct Published {
    pub(crate) channel: String,
    pub(crate) number: u64,
    /// When it may first have been sent, in true time.
    pub(crate) since: u64,
}

/// A subscription, and how far its reader is.
pub(crate) struct Reader {
    pub(crate) channel: String,
    pub(crate) events: Vec<String>,
    pub(crate) history: u64,
    pub(crate) is_live: bool,
    epoch: String,
    cursor: u64,
    /// Up to here publications may be missing: history that is gone.
    floor: u64,
    /// In a channel without positions: the last one of this subscription.
    last: Option<u64>,
    /// Events that are not reported as read.
    pub(crate) unread: (usize, usize),
}

#[derive(Default)]
pub(crate) struct Application {
    pub(crate) open: BTreeMap<PublicationId, Published>,
    /// Those that have left the outbox.
    closed: BTreeMap<PublicationId, Published>,
    pub(crate) readers: BTreeMap<SubscriptionId, Reader>,
    pub(crate) delivered: u64,
    pub(crate) confirmed: u64,
    /// Numbers that were reported as uncertain: they may still arrive, late.
    pub(crate) uncertain: BTreeSet<u64>,
    pub(crate) resumed: u64,
    pub(crate) lost: u64,
}

impl Reader {
    pub(crate) fn new(channel: &str, events: Vec<String>, history: u64) -> Self {
        Self {
            channel: channel.to_owned(),
            events,
            history,
            is_live: false,
            epoch: String::new(),
            cursor: 0,
            floor: 0,
            last: None,
            unread: (0, 0),
        }
    }

    fn is_positioned(&self) -> bool {
        !self.channel.starts_with('n')
    }

    fn subscribed(&mut self, recovery: Recovery, position: Option<&Position>, said: &Said) {
        self.is_live = true;
        let expected = match said.what {
            What::Recovered => Recovery::Resumed,
            What::Unrecoverable => Recovery::Lost,
            What::Fresh if self.epoch.is_empty() => Recovery::Fresh,
            What::Fresh => Recovery::Lost,
        };
        assert_eq!(recovery, expected, "{}: {said:?}", self.channel);
        let Some(position) = position else {
            assert!(!self.is_positioned(), "there is no position");
            self.epoch.clone_from(&said.epoch);
            self.last = None;
            return;
        };
        assert!(
            said.what != What::Fresh || self.epoch.is_empty(),
            "{} did not ask to resume",
            self.channel
        );
        let text = position.to_string();
        let (epoch, offset) = text.rsplit_once(':').expect("a position");
        let offset: u64 = offset.parse().expect("an offset");
        if recovery == Recovery::Resumed {
            assert_eq!(epoch, self.epoch);
            self.floor = 0;
        } else {
            self.epoch = epoch.to_owned();
            self.floor = offset;
            self.cursor = offset.saturating_sub(self.history);
        }
    }

    /// A publication must be the next one that this reader wants.
    fn got(&mut self, publication: &Publication, server: &Server) {
        let stream = &server.streams[&self.channel];
        let number = number(publication);
        let Some(position) = &publication.position else {
            return self.got_unpositioned(number, stream);
        };
        let text = position.to_string();
        let (epoch, offset) = text.rsplit_once(':').expect("a position");
        let offset: u64 = offset.parse().expect("an offset");
        assert_eq!(epoch, self.epoch, "{} changed its epoch", self.channel);
        let truth = &stream.truth[epoch];
        assert_eq!(item(truth, offset).number, number, "another publication");
        assert_eq!(item(truth, offset).event, publication.event);
        assert!(offset > self.cursor, "{} {text}: doubled", self.channel);
        let missing = (self.cursor.max(self.floor) + 1..offset)
            .find(|missing| wants(&self.events, item(truth, *missing).event));
        assert_eq!(missing, None, "{} {text}: lost", self.channel);
        self.cursor = offset;
    }

    /// Within one subscription nothing may be missing, either.
    fn got_unpositioned(&mut self, number: u64, stream: &Stream) {
        let offset = stream.offset(number, &self.epoch);
        let offset = offset.expect("it was published");
        if let Some(last) = self.last.replace(offset) {
            assert!(offset > last, "{}: doubled", self.channel);
            let truth = &stream.truth[&self.epoch];
            let missing =
                (last + 1..offset).find(|missing| wants(&self.events, item(truth, *missing).event));
            assert!(missing.is_none(), "{}: lost {missing:?}", self.channel);
        }
    }

    /// When all is calm there is nothing left to come.
    pub(crate) fn check_complete(&self, server: &Server) {
        assert!(self.is_live, "{} does not stand", self.channel);
        let Some(stream) = server.streams.get(&self.channel) else {
            return;
        };
        if !self.is_positioned() {
            return;
        }
        assert_eq!(self.epoch, stream.epoch, "{}", self.channel);
        let Some(truth) = stream.truth.get(&self.epoch) else {
            return;
        };
        let missing = (self.cursor.max(self.floor) + 1..=stream.top)
            .find(|missing| wants(&self.events, item(truth, *missing).event));
        assert_eq!(missing, None, "{} never came", self.channel);
    }
}

impl Application {
    pub(crate) fn subscription_event(
        &mut self,
        id: SubscriptionId,
        event: &SubscriptionEvent,
        server: &Server,
        said: &HashMap<String, Said>,
    ) {
        let reader = self.readers.get_mut(&id).expect("it is declared");
        match event {
            SubscriptionEvent::Subscribed {
                recovery, position, ..
            } => {
                let said = &said[&reader.channel];
                reader.subscribed(*recovery, position.as_ref(), said);
                self.resumed += u64::from(*recovery == Recovery::Resumed);
                self.lost += u64::from(*recovery == Recovery::Lost);
            }
            SubscriptionEvent::Publication(publication) => {
                assert!(reader.is_live, "it comes before its subscription");
                reader.got(publication, server);
                self.delivered += 1;
            }
            SubscriptionEvent::Interrupted => reader.is_live = false,
            other => panic!("{}: {other:?}", reader.channel),
        }
    }

    /// The process has crashed. What was not stored is gone, and nothing was promised for it; what left the outbox may be
    /// in it again, if that was not stored.
    pub(crate) fn crash(&mut self, stored: impl Fn(PublicationId) -> bool) {
        self.readers.clear();
        self.closed.append(&mut self.open);
        self.open = self.closed.extract_if(.., |id, _| stored(*id)).collect();
    }

    /// A publication has left the outbox. `is_keyed` says whether its key outlives a connection, `window` for how long.
    pub(crate) fn published(
        &mut self,
        id: PublicationId,
        result: &Result<Option<Position>, PublishError>,
        server: &Server,
        now: u64,
        is_keyed: bool,
    ) {
        let publication = self.open.remove(&id).expect("it leaves the outbox once");
        let publication = self.closed.entry(id).insert_entry(publication).into_mut();
        let stream = server.streams.get(&publication.channel);
        let most = stream.map_or(0, |stream| stream.count(publication.number));
        match result {
            Ok(position) => {
                self.confirmed += 1;
                assert_eq!(most, 1, "confirmed, and published so often");
                if let Some(position) = position {
                    let text = position.to_string();
                    let (epoch, offset) = text.rsplit_once(':').expect("a position");
                    let truth = &stream.expect("it is there").truth[epoch];
                    let there = item(truth, offset.parse().expect("an offset"));
                    assert_eq!(there.number, publication.number);
                }
            }
            Err(PublishError::Uncertain) => {
                self.uncertain.insert(publication.number);
                assert!(most <= 1, "published twice");
                let age = now - publication.since;
                assert!(
                    !is_keyed || age >= KEY_WINDOW_MS,
                    "its key holds: {age} ms old"
                );
            }
            Err(PublishError::Store(_)) => assert_eq!(most, 0, "it was sent all the same"),
            Err(other) => panic!("{other:?}"),
        }
    }

    /// In each epoch every number stands once, and those of this application in their order.
    pub(crate) fn check_streams(&self, server: &Server, own: impl Fn(u64) -> bool) {
        for (channel, stream) in &server.streams {
            for truth in stream.truth.values() {
                let mut seen = BTreeSet::new();
                let mut last = 0;
                for number in truth.iter().map(|item| item.number) {
                    assert!(seen.insert(number), "{channel}: {number} is doubled");
                    if own(number) && !self.uncertain.contains(&number) {
                        assert!(number > last, "{channel}: {number} comes behind {last}");
                        last = number;
                    }
                }
            }
        }
    }
}

/// What the machine may take for granted of a key.
const KEY_WINDOW_MS: u64 = 270_000;

fn number(publication: &Publication) -> u64 {
    match publication.data.as_json() {
        Some(_) => {
            let data: BTreeMap<String, u64> = publication.data.parse().expect("an object");
            data["n"]
        }
        None => {
            let bytes = publication.data.as_bytes();
            u64::from_le_bytes(bytes.try_into().expect("eight bytes"))
        }
    }
}

fn item(truth: &[Item], offset: u64) -> &Item {
    &truth[usize::try_from(offset - 1).expect("it is small")]
}
