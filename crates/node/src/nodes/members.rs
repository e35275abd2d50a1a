//! How a node joins the others, hears them, and is heard.

use std::sync::{Arc, Weak};

use veche_engine::control::{ControlSink, Message, NodeId, Recipient, Summary};
use veche_engine::error::EngineError;

use super::{ANNOUNCE, Listed};
use crate::node::Node;

impl Node {
    /// Begins to hear other nodes, and tells them of this one. Blocks while the controller joins.
    pub(crate) fn join_cluster(self: &Arc<Self>) -> Result<(), EngineError> {
        let Some(cluster) = self.cluster() else {
            return Ok(());
        };
        let sink = Arc::new(FromOthers(Arc::downgrade(self)));
        let joined = cluster.controller.join(self.node_id().clone(), sink);
        let late = || {
            Err(EngineError::Uncertain(
                "the controller does not join".into(),
            ))
        };
        self.wait_for(joined, crate::life::START_TIMEOUT)
            .unwrap_or_else(late)?;
        self.announce();
        let node = Arc::downgrade(self);
        self.answers().spawn(async move {
            loop {
                tokio::time::sleep(ANNOUNCE).await;
                let Some(node) = node.upgrade() else { return };
                node.announce();
                if let Some(cluster) = node.cluster() {
                    cluster.forget_silent(node.now().monotonic);
                }
            }
        });
        Ok(())
    }

    /// Tells the others that this node ends.
    pub(crate) fn leave_cluster(&self) {
        self.send_to(Recipient::All, Message::Leaving);
    }

    pub(super) fn announce(&self) {
        let summary = Box::new(self.summary());
        self.send_to(Recipient::All, Message::Announce(summary));
    }

    /// Sends a message that nobody waits for; one that is lost is sent again, or missed by its deadline.
    pub(super) fn send_to(&self, to: Recipient, message: Message) {
        if let Some(cluster) = self.cluster() {
            let sent = cluster.controller.send(to, message);
            self.see_through("reach other nodes", sent);
        }
    }

    /// What this node has.
    pub(super) fn summary(&self) -> Summary {
        let info = self.info();
        let config = self.config();
        Summary {
            name: config.name.clone(),
            version: config.version.clone(),
            clients: info.clients,
            users: info.users,
            subscriptions: info.subscriptions,
            channels: info.channels,
            uptime: self.uptime(),
            metrics: None,
        }
    }

    /// This node and the others, in the order of their ids.
    pub async fn nodes(&self) -> Vec<Listed> {
        let mut listed = vec![Listed {
            node: self.node_id().clone(),
            summary: self.summary(),
            has_answered: true,
        }];
        if let Some(cluster) = self.cluster() {
            let answers = self.survey_summaries().await;
            for (node, known) in &*cluster.known.lock() {
                let answer = answers.get(node);
                listed.push(Listed {
                    node: node.clone(),
                    summary: answer.unwrap_or(&known.summary).clone(),
                    has_answered: answer.is_some(),
                });
            }
        }
        listed.sort_by(|a, b| a.node.cmp(&b.node));
        listed
    }
}

/// Where the controller delivers.
#[derive(Debug)]
struct FromOthers(Weak<Node>);

impl ControlSink for FromOthers {
    fn message(&self, from: &NodeId, message: Message) {
        let Some(node) = self.0.upgrade() else { return };
        let Some(cluster) = node.cluster() else {
            return;
        };
        match message {
            Message::Announce(summary) => {
                if cluster.heard(from, *summary, node.now().monotonic) {
                    // So a new node knows all within a round trip.
                    let summary = Box::new(node.summary());
                    node.send_to(Recipient::Node(from.clone()), Message::Announce(summary));
                }
            }
            Message::Leaving => cluster.left(from),
            Message::Order(order) => node.apply_order(*order),
            Message::Survey(survey) => node.answer_later(from.clone(), survey),
            Message::Answer(answer) => cluster.surveys.answered(from, answer),
        }
    }
}
