//! Lists over all nodes: each node answers for its own part, and what does not answer in time is named.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use prost::Message as _;
use tokio::sync::mpsc;
use tokio::time::Instant;
use veche_engine::control::{NodeId, Summary};
use veche_protocol::channel::Channel;
use veche_protocol::identity::UserId;

use super::wire::{
    CHANNELS, CONNECTIONS, ConnectionRow, ConnectionsAnswer, ConnectionsQuestion, NameRow,
    NamesAnswer, NamesQuestion, SUMMARY, SummaryAnswer, USERS, came, sent,
};
use crate::cluster::Cluster;
use crate::inquiry::Inquiry;
use crate::listing::{Criteria, Mark, Names, Page, Row, SLICES, Stretch, merged};
use crate::node::Node;

/// Where a list of the connections of all nodes goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The node.
    pub node: NodeId,
    /// The place among its connections.
    pub mark: Mark,
}

/// Why there is no list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListError {
    /// The node ends.
    Ending,
    /// The node at which the list should go on is not there any more.
    NodeGone,
}

/// How the workers are asked for names.
pub(crate) type Ask<T> = fn(Arc<Names>, usize, mpsc::UnboundedSender<Stretch<T>>) -> Inquiry;

/// What is listed by its name.
pub(crate) trait Name: Clone + Ord + AsRef<str> + Send + 'static {
    /// The survey that asks other nodes for it.
    const SURVEY: &'static str;

    fn named(name: &str) -> Self;
}

impl Name for UserId {
    const SURVEY: &'static str = USERS;

    fn named(name: &str) -> Self {
        Self::new(name)
    }
}

impl Name for Channel {
    const SURVEY: &'static str = CHANNELS;

    fn named(name: &str) -> Self {
        Self::new(name)
    }
}

/// The other nodes that are still asked for one list.
#[derive(Debug)]
pub(crate) struct Others {
    nodes: Vec<NodeId>,
    deadline: Instant,
    /// Those that have not answered in time.
    pub(crate) missing: Vec<NodeId>,
}

impl Node {
    /// The nodes to ask for a list that begins now.
    pub(crate) fn others(&self) -> Others {
        let nodes = self.cluster().map(Cluster::others);
        Others {
            nodes: nodes.unwrap_or_default(),
            deadline: Instant::now() + self.config().survey_timeout,
            missing: Vec::new(),
        }
    }

    pub(super) async fn survey_summaries(&self) -> BTreeMap<NodeId, Summary> {
        let others = self.others();
        let gathered = self.survey(&others.nodes, SUMMARY, Bytes::new(), others.deadline);
        let answers = gathered.await.answers.into_iter();
        answers
            .filter_map(|(node, data)| Some((node, SummaryAnswer::decode(data).ok()?.into())))
            .collect()
    }

    /// A stretch of names of each of the other nodes. Who does not answer is not asked again.
    pub(crate) async fn names_of_others<T: Name>(
        &self,
        names: &Names,
        limit: usize,
        others: &mut Others,
    ) -> Vec<Stretch<T>> {
        let question = NamesQuestion::new(names, limit).encode_to_vec().into();
        let gathered = self.survey(&others.nodes, T::SURVEY, question, others.deadline);
        let gathered = gathered.await;
        others.miss(gathered.missing);
        let mut stretches = Vec::new();
        for (node, data) in gathered.answers {
            match NamesAnswer::decode(data) {
                Ok(answer) => stretches.push(answer.into()),
                Err(_) => others.miss(vec![node]),
            }
        }
        stretches
    }

    /// What this node's workers have of names, as one stretch: a slice of each.
    pub(crate) async fn local_names<T: Name>(
        &self,
        inquiry: Ask<T>,
        names: Names,
        limit: usize,
    ) -> Option<Stretch<T>> {
        let question = Arc::new(names);
        let answers = self
            .inquire(|reply| inquiry(question.clone(), limit, reply))
            .await;
        if answers.len() < self.inboxes().len() {
            return None;
        }
        let upto = answers.iter().filter_map(|it| it.upto.clone()).min();
        let rows = merged(answers, upto.as_ref()).into_iter().collect();
        Some(Stretch { rows, upto })
    }

    /// Connections of all nodes that are wanted and that `keeps` agrees to, at most `limit`: in the order of the nodes'
    /// ids, and within a node in its own.
    ///
    /// # Errors
    /// Where the list can't go on there.
    pub async fn connections_of_all(
        &self,
        wanted: Criteria,
        keeps: impl Fn(&Row) -> bool + Send + Sync,
        from: Option<Place>,
        limit: usize,
    ) -> Result<Page<Row, Place>, ListError> {
        let _turn = self.lists().acquire().await;
        let wanted = Arc::new(wanted);
        let mut others = self.others();
        let mut nodes = others.nodes.clone();
        nodes.push(self.node_id().clone());
        nodes.sort();
        let mut mark = Mark::default();
        if let Some(from) = from {
            if !nodes.contains(&from.node) {
                return Err(ListError::NodeGone);
            }
            nodes.retain(|node| *node >= from.node);
            mark = from.mark;
        }
        let mut items = Vec::new();
        for node in nodes {
            let mut from = Some(std::mem::take(&mut mark));
            let mut rounds = 0;
            while let Some(mark) = from {
                if items.len() >= limit || rounds >= SLICES {
                    let next = Some(Place { node, mark });
                    return Ok(Page {
                        items,
                        next,
                        missing: others.missing,
                    });
                }
                rounds += 1;
                let missing = limit - items.len();
                let page = if node == *self.node_id() {
                    let page = self.local_connections(wanted.clone(), &keeps, mark, missing);
                    page.await.ok_or(ListError::Ending)?
                } else {
                    let page = self.connections_of(&node, &wanted, mark, missing, &mut others);
                    page.await
                };
                items.extend(page.items.into_iter().filter(&keeps));
                from = page.next;
            }
        }
        Ok(Page {
            items,
            next: None,
            missing: others.missing,
        })
    }

    /// Connections of another node; none if it does not answer.
    async fn connections_of(
        &self,
        node: &NodeId,
        wanted: &Criteria,
        from: Mark,
        limit: usize,
        others: &mut Others,
    ) -> Page<Row, Mark> {
        let question = ConnectionsQuestion::new(wanted, from, limit);
        let question = question.encode_to_vec().into();
        let nodes = std::slice::from_ref(node);
        let gathered = self.survey(nodes, CONNECTIONS, question, others.deadline);
        let answer = gathered.await.answers.remove(node);
        let answer = answer.and_then(|data| ConnectionsAnswer::decode(data).ok());
        let Some(answer) = answer else {
            others.miss(vec![node.clone()]);
            return Page::default();
        };
        Page {
            items: (answer.rows.into_iter())
                .filter_map(ConnectionRow::row)
                .collect(),
            next: answer.next.map(Into::into),
            missing: Vec::new(),
        }
    }
}

impl Others {
    fn miss(&mut self, nodes: Vec<NodeId>) {
        self.nodes.retain(|node| !nodes.contains(node));
        self.missing.extend(nodes);
    }
}

impl<T: Name> From<Stretch<T>> for NamesAnswer {
    fn from(stretch: Stretch<T>) -> Self {
        let text = |name: &T| name.as_ref().to_owned();
        Self {
            rows: (stretch.rows.iter())
                .map(|(name, count)| NameRow {
                    name: text(name),
                    count: sent(*count),
                })
                .collect(),
            upto: stretch.upto.as_ref().map(text),
        }
    }
}

impl<T: Name> From<NamesAnswer> for Stretch<T> {
    fn from(answer: NamesAnswer) -> Self {
        Self {
            rows: (answer.rows.into_iter())
                .map(|row| (T::named(&row.name), came(row.count)))
                .collect(),
            upto: answer.upto.as_deref().map(T::named),
        }
    }
}
