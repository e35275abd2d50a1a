//! Each subscriber gets what it is owed once and in order, or is told that it does not.

mod deltas;
mod model;
mod positions;

use std::sync::Arc;

use bytes::Bytes;
use veche_engine::sink::Delivery;
use veche_protocol::batch::Encoding;
use veche_protocol::channel::Channel;
use veche_protocol::filter::Filter;
use veche_protocol::identity::{ClientId, ClientInfo};
use veche_protocol::payload::Payload;
use veche_protocol::position::{Epoch, StreamPosition};
use veche_protocol::publication::Publication;

use super::{Aftermath, Attachments, AttachmentsBySlot, Deltas, GroupKey, Hub, Newcomer};
use crate::encoder::Encoder;
use crate::fanout::{Event, EventBody};
use crate::format::{Dialect, Format};
use crate::framing::Framing;
use crate::link::metered::Metered;
use crate::outbox::Outboxes;

const CLIENTS: u32 = 6;
const JSON: Format = Format {
    dialect: Dialect::Centrifuge(Encoding::Json),
    framing: Framing::WebSocket,
};
const PROTOBUF: Format = Format {
    dialect: Dialect::Centrifuge(Encoding::Protobuf),
    framing: Framing::WebSocket,
};

/// A hub with clients who read at once.
struct World {
    hub: Hub,
    outboxes: Outboxes,
    encoder: Encoder,
    clients: Clients,
    readers: Vec<Metered>,
    /// What each client has read so far.
    read: Vec<usize>,
}

struct Clients(Vec<Attachments>);

impl AttachmentsBySlot for Clients {
    fn attachments(&mut self, slot: u32) -> Option<&mut Attachments> {
        self.0.get_mut(slot as usize)
    }
}

impl World {
    fn new() -> Self {
        let mut outboxes = Outboxes::new(usize::MAX);
        let readers: Vec<_> = (0..CLIENTS).map(|_| Metered::new(usize::MAX)).collect();
        for (slot, reader) in (0..).zip(&readers) {
            outboxes.insert(slot, reader.link());
        }
        Self {
            hub: Hub::default(),
            outboxes,
            encoder: Encoder::new(1, 0),
            clients: Clients((0..CLIENTS).map(|_| Attachments::new()).collect()),
            readers,
            read: vec![0; CLIENTS as usize],
        }
    }

    fn enter(&mut self, slot: u32) -> bool {
        let attachments = &mut self.clients.0[slot as usize];
        self.hub.enter(&channel(), slot, attachments)
    }

    fn attach(&mut self, slot: u32, key: GroupKey, after: Option<StreamPosition>) {
        self.attach_with(slot, key, after, None);
    }

    fn attach_with(
        &mut self,
        slot: u32,
        key: GroupKey,
        after: Option<StreamPosition>,
        base: Option<Arc<Publication>>,
    ) {
        let attachments = &mut self.clients.0[slot as usize];
        let newcomer = Newcomer {
            slot,
            key,
            after,
            base,
        };
        self.hub.attach(&channel(), newcomer, attachments);
    }

    fn join(&mut self, slot: u32, key: GroupKey, after: Option<StreamPosition>) {
        self.enter(slot);
        self.attach(slot, key, after);
    }

    fn join_with(
        &mut self,
        slot: u32,
        key: GroupKey,
        after: Option<StreamPosition>,
        base: Option<Arc<Publication>>,
    ) {
        self.enter(slot);
        self.attach_with(slot, key, after, base);
    }

    fn detach(&mut self, slot: u32) -> bool {
        let unwanted = self.hub.detach(&channel(), slot, &mut self.clients);
        unwanted.is_some()
    }

    fn deliver(&mut self, body: EventBody) -> Aftermath {
        let event = Event::new(channel(), 7, body);
        let mut aftermath = Aftermath::default();
        self.hub.deliver(
            &event,
            &mut self.outboxes,
            &mut self.encoder,
            &mut self.clients,
            &mut aftermath,
        );
        aftermath
    }

    fn publish(&mut self, epoch: &str, offset: u64) -> Aftermath {
        self.deliver(publication(epoch, offset))
    }

    /// What the client has got since the last time, as text.
    fn news(&mut self, slot: u32) -> String {
        assert!(self.outboxes.flush(std::time::Duration::MAX));
        let got = self.readers[slot as usize].got();
        let news = &got[self.read[slot as usize]..];
        self.read[slot as usize] = got.len();
        String::from_utf8_lossy(news).into_owned()
    }

    /// The data of the publications that the client has got since the last time; each is a number.
    fn numbers(&mut self, slot: u32) -> Vec<u64> {
        let news = self.news(slot);
        let data = news.split("\"data\":").skip(1);
        data.map(|data| {
            let end = data
                .find(|it: char| !it.is_ascii_digit())
                .expect("more follows");
            data[..end].parse().expect("digits")
        })
        .collect()
    }
}

fn channel() -> Channel {
    Channel::new("news")
}

fn position(epoch: &str, offset: u64) -> StreamPosition {
    StreamPosition::new(offset, Epoch::new(epoch))
}

/// A publication whose data is its offset.
fn publication(epoch: &str, offset: u64) -> EventBody {
    numbered(epoch, offset, offset)
}

fn numbered(epoch: &str, offset: u64, number: u64) -> EventBody {
    let mut publication = Publication::new(Payload::detect(Bytes::from(number.to_string())));
    publication.offset = offset;
    EventBody::Publication(Delivery {
        publication: Arc::new(publication),
        epoch: Epoch::new(epoch),
        previous: None,
        delta: false,
    })
}

fn somebody() -> Arc<ClientInfo> {
    Arc::new(ClientInfo {
        user: "ann".into(),
        client: ClientId::from_random([7; 16]),
        conn_info: None,
        chan_info: None,
    })
}

fn key(positioned: bool) -> GroupKey {
    GroupKey {
        format: JSON,
        join_leave: false,
        positioned,
        filter: None,
        deltas: Deltas::Off,
        compact: false,
    }
}

#[test]
fn a_delivery_that_came_already_is_skipped() {
    let mut world = World::new();
    world.join(0, key(true), Some(position("a", 3)));
    for offset in [4, 4, 3, 5, 1] {
        assert!(world.publish("a", offset).gap.is_empty());
    }
    assert_eq!(world.numbers(0), [4, 5]);
}

#[test]
fn deliveries_before_the_reply_are_skipped_for_the_newcomer_alone() {
    let mut world = World::new();
    world.join(0, key(true), Some(position("a", 3)));
    world.join(1, key(true), Some(position("a", 5)));
    for offset in 4..=6 {
        assert!(world.publish("a", offset).gap.is_empty());
    }
    assert_eq!(world.numbers(0), [4, 5, 6]);
    assert_eq!(world.numbers(1), [6]);
}

#[test]
fn a_publication_without_offset_reaches_everybody() {
    let mut world = World::new();
    world.join(0, key(true), Some(position("a", 3)));
    world.join(1, key(true), Some(position("a", 4)));
    world.deliver(numbered("", 0, 76));
    world.publish("a", 4);
    world.deliver(numbered("", 0, 77));
    assert_eq!(world.numbers(0), [76, 4, 77]);
    assert_eq!(world.numbers(1), [76, 77]);
}

#[test]
fn who_watches_a_position_beside_others_gets_what_has_none() {
    let mut world = World::new();
    world.join(0, key(false), None);
    let wants = GroupKey {
        join_leave: true,
        ..key(true)
    };
    world.join(1, wants, Some(position("a", 0)));
    assert_eq!(world.deliver(numbered("", 0, 77)).delivered, 2);
    assert_eq!(world.deliver(EventBody::Join(somebody())).delivered, 1);
    assert!(world.news(1).contains(r#""join":"#));
}

#[test]
fn behind_a_gap_nothing_is_sent_to_whoever_watches_its_position() {
    let mut world = World::new();
    world.join(0, key(true), Some(position("a", 3)));
    world.join(1, key(false), None);
    world.join(2, key(true), Some(position("a", 6)));
    let aftermath = world.publish("a", 7);
    assert_eq!(aftermath.gap, [0]);
    assert!(
        world.numbers(0).is_empty(),
        "its client would count on from 7"
    );
    assert_eq!(world.numbers(1), [7]);
    assert_eq!(world.numbers(2), [7], "it lost nothing");
}

#[test]
fn a_new_epoch_is_a_gap() {
    let mut world = World::new();
    world.join(0, key(true), Some(position("a", 3)));
    assert_eq!(world.publish("b", 4).gap, [0]);
    assert!(world.numbers(0).is_empty());
}

#[test]
fn who_waits_for_another_epoch_is_told_when_it_does_not_come() {
    let mut world = World::new();
    world.join(0, key(false), None);
    world.publish("a", 1);
    world.join(1, key(true), Some(position("b", 1)));
    assert_eq!(world.publish("a", 2).gap, [1]);
    assert!(world.numbers(1).is_empty());
}

#[test]
fn a_gap_is_told_to_all_that_watch_their_position_and_to_those_that_are_coming() {
    let mut world = World::new();
    world.join(0, key(true), Some(position("a", 3)));
    world.join(1, key(true), Some(position("a", 9)));
    world.join(2, key(false), None);
    world.enter(3);
    let mut aftermath = Aftermath::default();
    world.hub.gap(&channel(), &mut aftermath);
    aftermath.gap.sort_unstable();
    assert_eq!(aftermath.gap, [0, 1, 3]);
}

#[test]
fn what_is_published_while_a_subscription_is_made_goes_to_its_session() {
    let mut world = World::new();
    world.enter(0);
    assert_eq!(world.publish("a", 1).making, [0]);
    world.attach(0, key(true), Some(position("a", 1)));
    assert!(world.publish("a", 2).making.is_empty());
    assert_eq!(world.numbers(0), [2]);
}

#[test]
fn joins_and_leaves_reach_those_that_want_them() {
    let mut world = World::new();
    let wants = GroupKey {
        join_leave: true,
        ..key(false)
    };
    world.join(0, wants, None);
    world.join(1, key(false), None);
    let info = somebody();
    assert_eq!(world.deliver(EventBody::Join(info.clone())).delivered, 1);
    assert!(world.news(0).contains(r#""join":"#));
    assert_eq!(world.deliver(EventBody::Leave(info)).delivered, 1);
    assert!(world.news(0).contains(r#""leave":"#));
    assert!(world.news(1).is_empty());
}

#[test]
fn a_filter_hides_publications_and_still_moves_the_position() {
    let mut world = World::new();
    let picky = GroupKey {
        filter: Some(Arc::new(Filter::events(["goal"]))),
        ..key(true)
    };
    world.join(0, picky, Some(position("a", 0)));
    for offset in 1..=2 {
        assert_eq!(world.publish("a", offset).delivered, 0);
    }
    let EventBody::Publication(mut delivery) = publication("a", 3) else {
        unreachable!("it is one");
    };
    let tags = [("event".into(), "goal".into())];
    Arc::make_mut(&mut delivery.publication).tags = Some(Arc::new(tags.into_iter().collect()));
    let aftermath = world.deliver(EventBody::Publication(delivery));
    assert!(aftermath.gap.is_empty());
    assert_eq!(world.numbers(0), [3]);
}

#[test]
fn each_dialect_gets_its_own_bytes() {
    let mut world = World::new();
    let binary = GroupKey {
        format: PROTOBUF,
        ..key(false)
    };
    world.join(0, key(false), None);
    world.join(1, binary, None);
    world.publish("a", 1);
    assert!(world.news(0).contains(r#"{"push":{"channel":"news""#));
    assert!(!world.news(1).contains("push"));
}

#[test]
fn news_that_a_channel_is_entered_counts_only_for_who_asked_and_is_still_there() {
    let mut world = World::new();
    assert!(!world.enter(0));
    world.detach(0);
    assert!(!world.enter(1));
    world.hub.entered(&channel(), 0, &mut world.clients);
    assert!(
        !world.enter(2),
        "the engine was asked for slot 0, which has left"
    );
    world.hub.entered(&channel(), 1, &mut world.clients);
    assert!(world.enter(3));
}

#[test]
fn a_channel_that_nobody_wants_is_forgotten() {
    let mut world = World::new();
    world.join(0, key(true), Some(position("a", 1)));
    world.join(1, key(true), Some(position("a", 2)));
    world.enter(2);
    assert_eq!(world.hub.subscription_count(), 2);
    assert!(!world.detach(1));
    assert!(!world.detach(0));
    assert!(world.detach(2));
    assert_eq!(world.hub.subscription_count(), 0);
    assert_eq!(world.hub.names().len(), 0);
    assert!(!world.detach(2), "it has left already");
}
