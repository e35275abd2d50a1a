//! Subscribers with deltas against a model: what each makes of what it got is what was published.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, prop_assert_eq};
use proptest::prelude::{prop_oneof, proptest};
use proptest::test_runner::TestCaseResult;
use serde_json::Value;
use veche_engine::sink::Delivery;
use veche_protocol::delta;
use veche_protocol::filter::Filter;
use veche_protocol::payload::Payload;
use veche_protocol::position::Epoch;
use veche_protocol::publication::Publication;

use super::{CLIENTS, World, key, position};
use crate::fanout::EventBody;
use crate::hub::{Deltas, GroupKey, group};

#[derive(Clone, Debug)]
enum Step {
    Publish {
        seed: u8,
        is_goal: bool,
        is_delta: bool,
        is_kept: bool,
    },
    /// History was removed, or its time ran out.
    Forget,
    /// The worker takes the next item of its inbox.
    Process,
    /// A client subscribes, and may have recovered the last publication that it wants.
    Come {
        slot: u32,
        has_recovered: bool,
    },
    Leave {
        slot: u32,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let slot = 0..CLIENTS;
    let flags = (any::<u8>(), any::<bool>(), 0..8_u8, 0..8_u8);
    let publish = flags.prop_map(|(seed, is_goal, delta, kept)| Step::Publish {
        seed,
        is_goal,
        is_delta: delta > 0,
        is_kept: kept > 0,
    });
    let come = (slot.clone(), any::<bool>());
    let step = prop_oneof![
        40 => publish,
        50 => any::<()>().prop_map(|()| Step::Process),
        2 => any::<()>().prop_map(|()| Step::Forget),
        20 => come.prop_map(|(slot, has_recovered)| Step::Come { slot, has_recovered }),
        6 => slot.prop_map(|slot| Step::Leave { slot }),
    ];
    proptest::collection::vec(step, 1..150)
}

/// A subscriber: where it came, and the data it has.
#[derive(Debug)]
struct Client {
    after: u64,
    has: Option<String>,
}

struct Model {
    world: World,
    clients: Vec<Option<Client>>,
    stream: Vec<Arc<Publication>>,
    /// The stream's latest, if it is remembered.
    previous: Option<Arc<Publication>>,
    inbox: VecDeque<Delivery>,
    deltas: usize,
}

impl Model {
    fn new() -> Self {
        Self {
            world: World::new(),
            clients: (0..CLIENTS).map(|_| None).collect(),
            stream: Vec::new(),
            previous: None,
            inbox: VecDeque::new(),
            deltas: 0,
        }
    }

    fn take(&mut self, step: &Step) -> TestCaseResult {
        match *step {
            Step::Publish {
                seed,
                is_goal,
                is_delta,
                is_kept,
            } => self.publish(seed, is_goal, is_delta, is_kept),
            Step::Forget => self.previous = None,
            Step::Process => self.process()?,
            Step::Come {
                slot,
                has_recovered,
            } => self.come(slot, has_recovered),
            Step::Leave { slot } => {
                self.clients[slot as usize] = None;
                self.world.detach(slot);
            }
        }
        Ok(())
    }

    fn publish(&mut self, seed: u8, is_goal: bool, is_delta: bool, is_kept: bool) {
        let mut publication = Publication::new(Payload::detect(Bytes::from(text(seed))));
        let event = if is_goal { "goal" } else { "foul" };
        let tags = [("event".into(), event.into())];
        publication.tags = Some(Arc::new(tags.into_iter().collect()));
        if is_kept {
            publication.offset = self.stream.len() as u64 + 1;
        }
        let publication = Arc::new(publication);
        let mut previous = None;
        if is_kept {
            self.stream.push(publication.clone());
            previous = self.previous.replace(publication.clone());
        }
        self.inbox.push_back(Delivery {
            publication,
            epoch: Epoch::new(if is_kept { "e" } else { "" }),
            previous: previous.filter(|_| is_delta),
            delta: is_delta,
        });
    }

    fn come(&mut self, slot: u32, has_recovered: bool) {
        if self.clients[slot as usize].is_some() {
            return;
        }
        let key = group(slot);
        let wanted = |it: &&Arc<Publication>| key.filter.as_ref().is_none_or(|by| by.wants(it));
        let base = self.stream.iter().rev().find(wanted);
        let base = base.filter(|_| has_recovered && is_taking(slot)).cloned();
        let after = self.stream.len() as u64;
        let has = base.as_ref().map(|base| data(base));
        self.clients[slot as usize] = Some(Client { after, has });
        self.world
            .join_with(slot, key, Some(position("e", after)), base);
    }

    fn process(&mut self) -> TestCaseResult {
        let Some(delivery) = self.inbox.pop_front() else {
            return Ok(());
        };
        let publication = delivery.publication.clone();
        let aftermath = self.world.deliver(EventBody::Publication(delivery));
        prop_assert!(aftermath.gap.is_empty(), "a false alarm");
        for slot in 0..CLIENTS {
            let got = pushes(&self.world.news(slot));
            self.check_client(slot, &publication, &got)?;
        }
        Ok(())
    }

    fn check_client(&mut self, slot: u32, sent: &Publication, got: &[Value]) -> TestCaseResult {
        let Some(client) = &mut self.clients[slot as usize] else {
            prop_assert!(got.is_empty());
            return Ok(());
        };
        let is_wanted = group(slot).filter.is_none_or(|by| by.wants(sent));
        if sent.offset > 0 {
            let is_owed = is_wanted && sent.offset > client.after;
            prop_assert_eq!(got.len(), usize::from(is_owed));
        }
        for push in got {
            prop_assert!(is_wanted);
            prop_assert_eq!(push["id"] == 7, slot.is_multiple_of(3), "{}", push);
            let publication = &push["pub"];
            prop_assert_eq!(publication["offset"].as_u64().unwrap_or(0), sent.offset);
            if !is_taking(slot) {
                let plain: Value = serde_json::from_str(&data(sent)).expect("JSON");
                prop_assert_eq!(&publication["data"], &plain);
                continue;
            }
            let said = publication["data"].as_str().expect("a string");
            let has = if publication["delta"] == true {
                self.deltas += 1;
                let base = client.has.as_deref().expect("it was given a base");
                let made = delta::apply(base.as_bytes(), said.as_bytes(), 1 << 20);
                String::from_utf8(made.expect("the base is the right one")).expect("text")
            } else {
                said.to_owned()
            };
            prop_assert_eq!(&has, &data(sent));
            client.has = Some(has);
        }
        Ok(())
    }
}

/// Half of the clients have a filter, most take deltas, some take numbers for names.
fn group(slot: u32) -> GroupKey {
    GroupKey {
        filter: (!slot.is_multiple_of(2)).then(|| Arc::new(Filter::events(["goal"]))),
        deltas: if is_taking(slot) {
            Deltas::Fresh
        } else {
            Deltas::Off
        },
        compact: slot.is_multiple_of(3),
        ..key(true)
    }
}

fn is_taking(slot: u32) -> bool {
    slot < 5
}

fn text(seed: u8) -> String {
    format!(
        "{{\"say\":\"что-то, что остаётся тем же самым\",\"n\":{seed},\"tail\":\"the same to the end\"}}"
    )
}

fn data(publication: &Publication) -> String {
    String::from_utf8(publication.data.bytes().to_vec()).expect("text")
}

/// The pushes in some WebSocket frames.
fn pushes(news: &str) -> Vec<Value> {
    let begin = "{\"push\":";
    let parts = news.match_indices(begin).map(|(at, _)| &news[at..]);
    parts
        .map(|part| {
            let mut values = serde_json::Deserializer::from_str(part).into_iter::<Value>();
            values.next().expect("a push").expect("JSON")["push"].take()
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_a_client_makes_of_deltas_is_what_was_published(steps in steps()) {
        let mut model = Model::new();
        for step in &steps {
            model.take(step)?;
        }
        while !model.inbox.is_empty() {
            model.process()?;
        }
    }
}

#[test]
fn newcomers_get_one_whole_publication_and_then_deltas_with_the_others() {
    let mut model = Model::new();
    let publish = |model: &mut Model, seed| {
        model.publish(seed, true, true, true);
        model.process().expect("as in the model");
    };
    model.come(0, false);
    for seed in 0..3 {
        publish(&mut model, seed);
    }
    assert_eq!(model.deltas, 2);
    model.come(3, false);
    model.come(1, true);
    for seed in 3..5 {
        publish(&mut model, seed);
    }
    assert_eq!(model.deltas, 2 + 2 + 1 + 2);
}

#[test]
fn after_what_has_no_place_in_the_stream_the_next_comes_whole() {
    let mut model = Model::new();
    model.come(0, false);
    let mut deltas = Vec::new();
    for is_kept in [true, true, false, true, true] {
        let before = model.deltas;
        model.publish(1, true, true, is_kept);
        model.process().expect("as in the model");
        deltas.push(model.deltas - before);
    }
    assert_eq!(deltas, [0, 1, 0, 0, 1]);
}

#[test]
fn a_publication_that_no_delta_is_made_of_is_not_kept() {
    let of = |len: usize| {
        let data = format!("\"{}\"", "x".repeat(len - 2));
        let mut publication = Publication::new(Payload::detect(Bytes::from(data)));
        publication.offset = 1;
        Arc::new(publication)
    };
    assert!(group::base(&of(delta::MAX_PATCHED)).is_some());
    assert!(group::base(&of(delta::MAX_PATCHED + 1)).is_none());
}

/// Bytes of some type, with a place in the stream.
fn bytes(offset: u64, media_type: &str) -> Arc<Publication> {
    let data: Vec<u8> = (0..200).map(|at| at ^ 0xa5).collect();
    let mut publication = Publication::new(Payload::detect(Bytes::from(data)));
    publication.offset = offset;
    publication.tags = Some(Arc::new([("type".into(), media_type.into())].into()));
    Arc::new(publication)
}

#[test]
fn clients_who_have_the_same_bytes_of_different_types_have_different_bases() {
    let mut world = World::new();
    let key = GroupKey {
        deltas: Deltas::Fresh,
        ..key(true)
    };
    // JSON clients have bytes in an envelope that names their type.
    let has = ["image/png", "image/jpeg"];
    for (slot, media_type) in (0..).zip(has) {
        let after = Some(position("e", 1));
        world.join_with(slot, key.clone(), after, Some(bytes(1, media_type)));
    }
    world.deliver(EventBody::Publication(Delivery {
        publication: bytes(2, "image/png"),
        epoch: Epoch::new("e"),
        previous: Some(bytes(1, "image/png")),
        delta: true,
    }));
    let first = pushes(&world.news(0)).remove(0);
    let second = pushes(&world.news(1)).remove(0);
    assert_eq!(first["pub"]["delta"], true, "{first}");
    assert_ne!(second["pub"]["delta"], true, "{second}");
}
