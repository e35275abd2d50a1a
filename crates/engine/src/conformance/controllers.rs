//! What every controller must do.

#![expect(missing_docs, reason = "the names are sentences already")]
#![expect(clippy::indexing_slicing, reason = "a panic is the verdict of a check")]

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use parking_lot::Mutex;

use veche_protocol::channel::Channel;
use veche_protocol::claims::{Overrides, SubscriptionOptions};
use veche_protocol::disconnect::Disconnect;
use veche_protocol::identity::ClientId;
use veche_protocol::payload::Payload;
use veche_protocol::position::StreamPosition;

use crate::control::{
    Addressees, ControlSink, Controller, Demand, Message, Metrics, NodeId, Order, Recipient,
    Summary, Survey, SurveyAnswer, SurveyCode,
};
use crate::error::EngineError;

/// Three controllers of one cluster, not started yet.
pub type Controllers = [Arc<dyn Controller>; 3];

/// Makes a test of each check of a controller: `controller_conformance_suite!(make, block_on)`.
///
/// `make` is a `fn() -> Controllers`, `block_on` runs a future to its end.
#[macro_export]
macro_rules! controller_conformance_suite {
    ($make:path, $block_on:path) => {
        $crate::controller_conformance_suite! { @checks $make, $block_on;
            a_message_to_all_reaches_every_other_node
            a_message_to_one_reaches_that_one_alone
            messages_arrive_in_the_order_in_which_they_were_sent
            every_message_arrives_as_it_was_sent
            a_node_that_has_ended_neither_sends_nor_hears
        }
    };
    (@checks $make:path, $block_on:path; $($check:ident)*) => {
        $(
            #[test]
            fn $check() {
                $block_on($crate::conformance::controllers::$check($make()));
            }
        )*
    };
}

/// A node that writes down what it is told.
#[derive(Debug, Default)]
struct Listener {
    heard: Mutex<Vec<(NodeId, Message)>>,
    waiting: Mutex<Vec<Waker>>,
}

impl ControlSink for Listener {
    fn message(&self, from: &NodeId, message: Message) {
        self.heard.lock().push((from.clone(), message));
        for waker in self.waiting.lock().drain(..) {
            waker.wake();
        }
    }
}

impl Listener {
    async fn heard(&self, count: usize) -> Vec<(NodeId, Message)> {
        poll_fn(|context| {
            self.waiting.lock().push(context.waker().clone());
            let heard = self.heard.lock();
            if heard.len() >= count {
                return Poll::Ready(heard.clone());
            }
            Poll::Pending
        })
        .await
    }
}

struct Joined {
    controller: Arc<dyn Controller>,
    node: NodeId,
    listener: Arc<Listener>,
}

impl Joined {
    async fn send(&self, to: Recipient, message: Message) {
        let sent = self.controller.send(to, message).wait().await;
        sent.expect("the controller is up");
    }
}

async fn join(controllers: Controllers) -> Vec<Joined> {
    let mut joined = Vec::new();
    for (controller, name) in controllers.into_iter().zip(["a", "b", "c"]) {
        controller.start().wait().await.expect("it starts");
        let listener = Arc::new(Listener::default());
        let node = NodeId::new(&format!("00000000-0000-4000-8000-00000000000{name}"));
        let done = controller.join(node.clone(), listener.clone()).wait().await;
        done.expect("it joins");
        joined.push(Joined {
            controller,
            node,
            listener,
        });
    }
    joined
}

fn survey(id: u64) -> Message {
    Message::Survey(Survey {
        id,
        operation: "channels".into(),
        data: id.to_string().into(),
    })
}

pub async fn a_message_to_all_reaches_every_other_node(controllers: Controllers) {
    let nodes = join(controllers).await;
    nodes[0].send(Recipient::All, survey(1)).await;
    nodes[1].send(Recipient::All, survey(2)).await;
    let from = |node: usize, id| (nodes[node].node.clone(), survey(id));
    assert_eq!(nodes[0].listener.heard(1).await, [from(1, 2)]);
    assert_eq!(nodes[1].listener.heard(1).await, [from(0, 1)]);
    let both = nodes[2].listener.heard(2).await;
    assert!(both.contains(&from(0, 1)) && both.contains(&from(1, 2)));
}

pub async fn a_message_to_one_reaches_that_one_alone(controllers: Controllers) {
    let nodes = join(controllers).await;
    let to = Recipient::Node(nodes[2].node.clone());
    nodes[0].send(to, survey(1)).await;
    // Behind it, so that it would have come before.
    nodes[0].send(Recipient::All, survey(2)).await;
    assert_eq!(
        nodes[1].listener.heard(1).await,
        [(nodes[0].node.clone(), survey(2))]
    );
    assert_eq!(nodes[2].listener.heard(2).await.len(), 2);
}

pub async fn messages_arrive_in_the_order_in_which_they_were_sent(controllers: Controllers) {
    let nodes = join(controllers).await;
    let to = Recipient::Node(nodes[1].node.clone());
    let sent: Vec<_> = (0..100)
        .map(|id| nodes[0].controller.send(to.clone(), survey(id)))
        .collect();
    for sent in sent.into_iter().rev() {
        sent.wait().await.expect("it is up");
    }
    let heard = nodes[1].listener.heard(100).await;
    let ids = heard.iter().map(|(_, message)| message);
    assert!(ids.eq((0..100).map(survey).collect::<Vec<_>>().iter()));
}

pub async fn every_message_arrives_as_it_was_sent(controllers: Controllers) {
    let nodes = join(controllers).await;
    let sent = messages();
    for message in &sent {
        nodes[0].send(Recipient::All, message.clone()).await;
    }
    let heard = nodes[1].listener.heard(sent.len()).await;
    let heard: Vec<_> = heard.into_iter().map(|(_, message)| message).collect();
    assert_eq!(heard, sent);
}

pub async fn a_node_that_has_ended_neither_sends_nor_hears(controllers: Controllers) {
    let nodes = join(controllers).await;
    nodes[0].controller.close().wait().await;
    let sent = nodes[0].controller.send(Recipient::All, survey(1));
    let sent = sent.wait().await;
    assert!(matches!(sent, Err(EngineError::Unavailable(_))), "{sent:?}");
    nodes[1].send(Recipient::All, survey(2)).await;
    assert_eq!(nodes[2].listener.heard(1).await.len(), 1);
    assert!(nodes[0].listener.heard.lock().is_empty());
}

/// One of each kind, with all that it can hold.
fn messages() -> Vec<Message> {
    let addressees = Addressees {
        user: "anna".into(),
        client: Some(ClientId::from_random([1; 16])),
        session: "a.b.c".into(),
        all_users: true,
        except: vec![ClientId::from_random([2; 16])],
    };
    let mut messages = vec![
        Message::Announce(Box::new(Summary {
            name: "node".to_owned(),
            version: "1".to_owned(),
            clients: 1,
            users: 2,
            subscriptions: 3,
            channels: 4,
            uptime: Duration::from_secs(5),
            metrics: Some(Metrics {
                interval: Duration::from_secs(60),
                items: [("a".to_owned(), 1.5)].into(),
            }),
        })),
        survey(u64::MAX),
        Message::Answer(SurveyAnswer {
            id: 1,
            code: SurveyCode::UNKNOWN,
            data: [0, 255].as_slice().to_vec().into(),
        }),
        Message::Leaving,
    ];
    messages.extend(demands().map(|demand| {
        Message::Order(Box::new(Order {
            addressees: addressees.clone(),
            demand,
        }))
    }));
    messages
}

fn demands() -> [Demand; 6] {
    let channel = Channel::new("news:a b");
    let json = |text: &'static str| Some(Payload::json(text.into()));
    let overrides = Overrides {
        presence: Some(true),
        join_leave: Some(false),
        force_push_join_leave: Some(true),
        force_recovery: Some(true),
        force_positioning: Some(false),
    };
    [
        Demand::Disconnect(Disconnect::new(3503, "force disconnect")),
        Demand::Unsubscribe {
            channel: None,
            code: 2000,
            reason: "server unsubscribe".into(),
        },
        Demand::Unsubscribe {
            channel: Some(channel.clone()),
            code: 2500,
            reason: "".into(),
        },
        Demand::Subscribe {
            channel,
            options: SubscriptionOptions {
                info: json(r#"{"a":1}"#),
                data: json("[]"),
                expire_at: Some(1_900_000_000),
                overrides,
                ..SubscriptionOptions::default()
            },
            recover_since: Some(StreamPosition::new(7, "epoch".into())),
        },
        Demand::Refresh {
            expired: true,
            expire_at: None,
            info: None,
        },
        Demand::Refresh {
            expired: false,
            expire_at: Some(1_900_000_000),
            info: json("{}"),
        },
    ]
}
