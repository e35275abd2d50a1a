//! A channel, a broker and a client in every interleaving: the client sees each publication once and in order, or is
//! told that it did not.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use veche_protocol::command::{self, Command, Verb};
use veche_protocol::history::{Page, Query};
use veche_protocol::identity::ClientId;
use veche_protocol::payload::Payload;
use veche_protocol::position::{Epoch, StreamPosition};
use veche_protocol::publication::Publication;
use veche_protocol::push;
use veche_protocol::reply;

use super::{options, rules};
use crate::application::{Denial, Response};
use crate::driver::Contract;
use crate::effect::{Effect, Effects};
use crate::order::Order;
use crate::profile::Profile;
use crate::question::{Answer, Ask, Failure, Question};
use crate::rules::Rules;
use crate::session::{Session, SessionInit};
use crate::turn::{Now, Turn};

/// What happens next, if it can.
#[derive(Clone, Copy, Debug)]
enum Step {
    Publish,
    /// The broker begins a new stream.
    NewEpoch,
    /// The broker forgets the publications.
    RemoveHistory,
    /// The oldest delivery on its way arrives at the client's worker.
    Deliver,
    /// The oldest delivery on its way is lost, and the worker knows.
    Lose,
    /// The oldest delivery on its way is lost, and nobody knows.
    Vanish,
    /// The broker reads what the oldest question asks for; the answer is on its way from now on.
    Read,
    /// The world answers the oldest question.
    Answer,
    /// ... or fails.
    Fail,
    /// The client subscribes, from where it stands.
    Subscribe,
    Unsubscribe,
    /// The server API ends the subscription.
    Order,
    /// The client's connection is cut; it comes again.
    Cut,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => Just(Step::Publish),
        1 => Just(Step::NewEpoch),
        1 => Just(Step::RemoveHistory),
        8 => Just(Step::Deliver),
        1 => Just(Step::Lose),
        1 => Just(Step::Vanish),
        4 => Just(Step::Read),
        6 => Just(Step::Answer),
        1 => Just(Step::Fail),
        5 => Just(Step::Subscribe),
        1 => Just(Step::Unsubscribe),
        1 => Just(Step::Order),
        1 => Just(Step::Cut),
    ];
    proptest::collection::vec(step, 1..120)
}

/// How many publications the broker keeps.
const KEPT: usize = 6;

struct World {
    rules: Rules,
    session: Session,
    contract: Contract,
    asked: VecDeque<(Ask, Question)>,
    /// What was read for the oldest question.
    page: Option<Page>,
    broker: Broker,
    hub: Hub,
    client: Client,
    /// Ids of commands.
    last_id: u32,
}

#[derive(Default)]
struct Broker {
    epochs: u32,
    top: StreamPosition,
    kept: VecDeque<Arc<Publication>>,
}

/// The client's worker, as far as it knows the channel.
#[derive(Default)]
struct Hub {
    /// Whether the session has asked for the channel, and not left it since.
    is_entered: bool,
    /// Whether the broker's deliveries come here.
    is_wanted: bool,
    on_the_way: VecDeque<(Arc<Publication>, Epoch)>,
    attached: Option<StreamPosition>,
    /// The latest publication that the worker has seen or knows to be lost.
    seen: Age,
}

/// Number of the epoch, and the offset: what is later is greater.
type Age = (u32, u64);

fn age(offset: u64, epoch: &Epoch) -> Age {
    (
        epoch
            .as_str()
            .trim_start_matches('e')
            .parse()
            .expect("a number"),
        offset,
    )
}

#[derive(Default)]
struct Client {
    /// Where it stands; `None` before the first subscription, and where it was told that the past is gone.
    position: Option<StreamPosition>,
    is_subscribed: bool,
}

impl World {
    /// `asks` says whether the application decides who subscribes.
    fn new(asks: bool) -> Self {
        let rules = rules(|rules| {
            rules.client.concurrency = 4;
            rules.client.ping_interval = None;
            options(rules, |options| {
                options.force_recovery = true;
                options.presence = true;
                options.subscribe_proxy = asks.then(|| "default".into());
            });
        });
        let mut world = Self {
            session: Session::new(init(), &turn(&rules)),
            rules,
            contract: Contract::default(),
            asked: VecDeque::new(),
            page: None,
            broker: Broker::default(),
            hub: Hub::default(),
            client: Client::default(),
            last_id: 0,
        };
        world.broker.renew();
        world.connect();
        world
    }

    fn connect(&mut self) {
        self.session = Session::new(init(), &turn(&self.rules));
        self.contract = Contract::default();
        self.command(Verb::Connect(Box::default()));
    }

    fn command(&mut self, verb: Verb) {
        self.last_id += 1;
        let command = Command {
            id: self.last_id,
            verb,
        };
        self.input(|session, turn, effects| session.handle_command(command, turn, effects));
    }

    fn input(&mut self, input: impl FnOnce(&mut Session, &Turn<'_>, &mut Effects)) {
        let mut effects = Effects::new();
        input(&mut self.session, &turn(&self.rules), &mut effects);
        self.contract.ask_for(&effects);
        for effect in effects {
            self.contract.carry_out(&effect);
            self.carry_out(effect);
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Publish => {
                let delivery = self.broker.publish();
                if self.hub.is_wanted {
                    self.hub.on_the_way.push_back(delivery);
                }
            }
            Step::NewEpoch => self.broker.renew(),
            Step::RemoveHistory => self.broker.kept.clear(),
            Step::Deliver => self.deliver(),
            Step::Lose => {
                if let Some((publication, epoch)) = self.hub.on_the_way.pop_front() {
                    self.hub.seen = age(publication.offset, &epoch);
                    self.lose();
                }
            }
            Step::Vanish => drop(self.hub.on_the_way.pop_front()),
            Step::Read => self.read(),
            Step::Answer => self.answer(false),
            Step::Fail => self.answer(true),
            Step::Subscribe => {
                if !self.client.is_subscribed {
                    self.subscribe();
                }
            }
            Step::Unsubscribe => self.command(Verb::Unsubscribe(command::Unsubscribe {
                channel: "chat".into(),
            })),
            Step::Order => self.input(|session, turn, effects| {
                let order = Order::Unsubscribe {
                    channel: Some("chat".into()),
                    reason: push::Unsubscribe::SERVER,
                };
                session.handle_order(order, turn, effects);
            }),
            Step::Cut => {
                self.end();
                assert!(
                    !self.hub.is_wanted && self.hub.attached.is_none(),
                    "something stays behind"
                );
                self.page = None;
                self.client.is_subscribed = false;
                self.connect();
            }
        }
    }

    /// The client's connection ends. Whatever is answered after that comes too late.
    fn end(&mut self) {
        self.contract.end();
        self.input(|session, turn, effects| session.handle_closed(turn, effects));
        self.contract.forget();
        self.asked.clear();
    }

    fn subscribe(&mut self) {
        let since = self.client.position.clone();
        self.command(Verb::Subscribe(Box::new(command::Subscribe {
            channel: "chat".into(),
            recover: since.is_some(),
            since: since.unwrap_or_default(),
            ..command::Subscribe::default()
        })));
    }

    fn deliver(&mut self) {
        let Some((publication, epoch)) = self.hub.on_the_way.pop_front() else {
            return;
        };
        self.hub.seen = age(publication.offset, &epoch);
        let Some(after) = &mut self.hub.attached else {
            self.contract.deliver(&"chat".into());
            return self.input(|session, turn, effects| {
                session.handle_delivery(&"chat".into(), publication, &epoch, turn, effects);
            });
        };
        if epoch == after.epoch && publication.offset <= after.offset {
            return;
        }
        if epoch != after.epoch || publication.offset != after.offset + 1 {
            return self.lose();
        }
        after.offset = publication.offset;
        self.client.receive(&publication);
    }

    fn lose(&mut self) {
        self.input(|session, turn, effects| {
            let channel = "chat".into();
            session.handle_order(Order::InsufficientState { channel }, turn, effects);
        });
    }

    fn read(&mut self) {
        if let (Some((_, Question::History { query, .. })), None) = (self.asked.front(), &self.page)
        {
            self.page = Some(self.broker.read(query));
        }
    }

    fn answer(&mut self, fails: bool) {
        self.read();
        let Some((ask, question)) = self.asked.pop_front() else {
            return;
        };
        let page = self.page.take();
        let answer = match question {
            Question::History { .. } if fails => Answer::History(Err(Failure::Unavailable)),
            Question::History { .. } => Answer::History(Ok(page.expect("it was read"))),
            Question::Enter { .. } if !fails => {
                self.hub.is_wanted = self.hub.is_entered;
                Answer::Done(Ok(()))
            }
            Question::Application(_) => {
                let verdict = match fails {
                    true => Err(Denial::Failed),
                    false => Ok(Box::default()),
                };
                Answer::Application(Response::Subscribe(verdict))
            }
            _ if fails => Answer::Done(Err(Failure::Unavailable)),
            _ => Answer::Done(Ok(())),
        };
        self.contract.answer(ask, &answer);
        self.input(|session, turn, effects| session.handle_answer(ask, answer, turn, effects));
    }

    /// Lets everything that is on its way arrive.
    fn settle(&mut self) {
        while !self.asked.is_empty() {
            self.answer(false);
        }
        while !self.hub.on_the_way.is_empty() {
            self.deliver();
        }
    }

    /// Once nothing is on its way, the client stands at least where its worker does, or is not subscribed any more.
    fn check(&self) {
        let is_settled = self.asked.is_empty() && self.hub.on_the_way.is_empty();
        if let (true, true, Some(position)) =
            (is_settled, self.client.is_subscribed, &self.client.position)
        {
            let stands = age(position.offset, &position.epoch);
            assert!(
                stands >= self.hub.seen,
                "the worker knows more than the client was told"
            );
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Ask { ask, question } => {
                self.hub.is_entered |= matches!(question, Question::Enter { .. });
                self.asked.push_back((ask, question));
            }
            Effect::Attach(attach) => {
                assert!(self.client.is_subscribed, "attached before the reply");
                assert_eq!(
                    attach.after, self.client.position,
                    "the hub and the client disagree"
                );
                self.hub.attached = attach.after;
            }
            Effect::Detach { .. } => self.hub = Hub::default(),
            Effect::Reply(reply) => self.client.hear(reply.body),
            Effect::Push(push) => match push.body {
                push::Body::Unsubscribe(_) => self.client.is_subscribed = false,
                push::Body::Publication(publication) => self.client.receive(&publication),
                body => panic!("{body:?}"),
            },
            Effect::Tell(_) => {}
            Effect::Ping | Effect::Close(_) => panic!("{effect:?}"),
        }
    }
}

impl Client {
    fn hear(&mut self, body: reply::Body) {
        match body {
            reply::Body::Unsubscribe => self.is_subscribed = false,
            reply::Body::Subscribe(subscribed) => {
                self.is_subscribed = true;
                if subscribed.recovered {
                    let known = self
                        .position
                        .as_ref()
                        .expect("only a client with a past recovers");
                    assert_eq!(
                        known.offset, subscribed.offset,
                        "the client's own offset comes back"
                    );
                    assert_eq!(known.epoch, subscribed.epoch);
                } else {
                    assert_eq!(subscribed.publications, [], "a part of the past");
                    let position = StreamPosition::new(subscribed.offset, subscribed.epoch);
                    self.position = Some(position);
                }
                for publication in &subscribed.publications {
                    self.receive(publication);
                }
            }
            reply::Body::Connect(_) | reply::Body::Error(_) => {}
            body => panic!("{body:?}"),
        }
    }

    fn receive(&mut self, publication: &Publication) {
        assert!(
            self.is_subscribed,
            "something of a channel that the client has left"
        );
        let position = self.position.as_mut().expect("a subscriber has a position");
        assert_eq!(publication.offset, position.offset + 1, "twice, or a hole");
        assert_eq!(
            publication.epoch, position.epoch,
            "of another life of the stream"
        );
        position.offset = publication.offset;
    }
}

impl Broker {
    fn renew(&mut self) {
        self.epochs += 1;
        self.top = StreamPosition::new(0, Epoch::new(&format!("e{}", self.epochs)));
        self.kept.clear();
    }

    fn publish(&mut self) -> (Arc<Publication>, Epoch) {
        self.top.offset += 1;
        let publication = Arc::new(Publication {
            offset: self.top.offset,
            epoch: self.top.epoch.clone(),
            ..Publication::new(Payload::json(Bytes::from_static(b"1")))
        });
        self.kept.push_back(publication.clone());
        if self.kept.len() > KEPT {
            self.kept.pop_front();
        }
        (publication, self.top.epoch.clone())
    }

    fn read(&self, query: &Query) -> Page {
        let after = query.since.as_ref().map_or(0, |since| since.offset);
        Page {
            publications: (self.kept.iter())
                .filter(|publication| publication.offset > after)
                .take(query.limit.unwrap_or(usize::MAX))
                .cloned()
                .collect(),
            position: self.top.clone(),
        }
    }
}

fn init() -> SessionInit {
    SessionInit {
        user: None,
        client: ClientId::from_random([7; 16]),
        seed: 7,
        profile: Profile::WEBSOCKET,
        emulation: None,
        headers: None,
    }
}

fn turn(rules: &Rules) -> Turn<'_> {
    let now = Now {
        monotonic: Duration::ZERO,
        unix_ms: 0,
    };
    Turn { now, rules }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_publication_arrives_once_and_in_order_or_the_client_is_told(steps in steps(), asks: bool) {
        let mut world = World::new(asks);
        for step in steps {
            world.step(step);
            world.check();
        }
        world.settle();
        world.check();
        // Whatever happened: a client that comes again and is left in peace has everything, or was told.
        world.step(Step::Cut);
        world.settle();
        world.subscribe();
        world.settle();
        prop_assert!(world.client.is_subscribed);
        prop_assert_eq!(world.client.position, Some(world.broker.top));
    }

    #[test]
    fn no_conversation_leaves_anything_behind(steps in steps(), asks: bool) {
        let mut world = World::new(asks);
        for step in steps {
            world.step(step);
        }
        world.end();
        world.settle();
        prop_assert!(!world.hub.is_wanted && world.hub.attached.is_none());
        prop_assert_eq!(world.session.subscriptions().count(), 0);
        prop_assert_eq!(world.session.poll_timeout(), None);
    }
}
