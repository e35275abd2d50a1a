//! How a page is gathered from the workers, and from the other nodes.

use std::sync::Arc;

use tokio::sync::mpsc;
use veche_protocol::channel::Channel;
use veche_protocol::identity::UserId;

use crate::inbox::Item;
use crate::inquiry::Inquiry;
use crate::node::Node;
use crate::nodes::{Ask, Name};

use super::{Criteria, Mark, Names, Page, Row, SLICES, merged};

impl Node {
    /// Connections of this node that are wanted and that `keeps` agrees to, in their order; at most `limit`. `None` if
    /// the node ends.
    pub async fn connections(
        &self,
        wanted: Criteria,
        keeps: impl Fn(&Row) -> bool + Send + Sync,
        from: Mark,
        limit: usize,
    ) -> Option<Page<Row, Mark>> {
        let _turn = self.lists().acquire().await.ok()?;
        self.local_connections(Arc::new(wanted), &keeps, from, limit)
            .await
    }

    pub(crate) async fn local_connections(
        &self,
        wanted: Arc<Criteria>,
        keeps: &(impl Fn(&Row) -> bool + Send + Sync),
        from: Mark,
        limit: usize,
    ) -> Option<Page<Row, Mark>> {
        let mut items = Vec::new();
        let mut at = from;
        let mut slices = 0;
        while at.worker < self.inboxes().len() {
            if items.len() >= limit || slices >= SLICES {
                return Some(Page {
                    items,
                    next: Some(at),
                    missing: Vec::new(),
                });
            }
            let (reply, mut answer) = mpsc::unbounded_channel();
            self.inbox(at.worker)
                .push(Item::Inquiry(Inquiry::Connections {
                    wanted: wanted.clone(),
                    from: at.slot,
                    limit: limit - items.len(),
                    reply,
                }));
            let slice = answer.recv().await?;
            items.extend(slice.rows.into_iter().filter(keeps));
            at = match slice.next {
                Some(slot) => {
                    slices += 1;
                    Mark { slot, ..at }
                }
                None => Mark {
                    worker: at.worker + 1,
                    slot: 0,
                },
            };
        }
        Some(Page {
            items,
            next: None,
            missing: Vec::new(),
        })
    }

    /// Connected users of all nodes that are wanted and that `keeps` agrees to, and how many connections each has, in the order of
    /// their names; at most `limit`. `None` if the node ends.
    pub async fn users(
        &self,
        names: Names,
        keeps: impl Fn(&str) -> bool + Send,
        limit: usize,
    ) -> Option<Page<(UserId, usize), String>> {
        self.names(Inquiry::Users, names, keeps, limit, SLICES)
            .await
    }

    /// Channels that clients of any node are subscribed to, that are wanted and that `keeps` agrees to, and how many
    /// each has, in the order of their names; at most `limit`. `None` if the node ends.
    pub async fn channels_in_pages(
        &self,
        names: Names,
        keeps: impl Fn(&str) -> bool + Send,
        limit: usize,
    ) -> Option<Page<(Channel, usize), String>> {
        self.names(Inquiry::Channels, names, keeps, limit, SLICES)
            .await
    }

    /// All channels that clients of any node are subscribed to, that are wanted and that `keeps` agrees to, and how
    /// many each has, in the order of their names. `None` if the node ends.
    pub async fn channels(
        &self,
        names: Names,
        keeps: impl Fn(&str) -> bool + Send,
    ) -> Option<Page<(Channel, usize), String>> {
        let everything = usize::MAX;
        let page = self.names(Inquiry::Channels, names, keeps, everything, everything);
        page.await
    }

    /// Gathers names from all workers of all nodes, slice by slice.
    async fn names<T: Name>(
        &self,
        inquiry: Ask<T>,
        mut names: Names,
        keeps: impl Fn(&str) -> bool + Send,
        limit: usize,
        slices: usize,
    ) -> Option<Page<(T, usize), String>> {
        let _turn = self.lists().acquire().await.ok()?;
        let mut items = Vec::new();
        let mut others = self.others();
        for _ in 0..slices {
            // One more than is missing tells whether it is the last.
            let missing = limit.saturating_sub(items.len()).saturating_add(1);
            let (here, elsewhere) = tokio::join!(
                self.local_names(inquiry, names.clone(), missing),
                self.names_of_others(&names, missing, &mut others),
            );
            let mut answers = elsewhere;
            answers.push(here?);
            let upto = answers.iter().filter_map(|it| it.upto.clone()).min();
            for (name, count) in merged(answers, upto.as_ref()) {
                if !keeps(name.as_ref()) {
                    continue;
                }
                if items.len() >= limit {
                    let next = last(&items).or(names.after);
                    return Some(Page {
                        items,
                        next,
                        missing: others.missing,
                    });
                }
                items.push((name, count));
            }
            match upto {
                Some(upto) => names.after = Some(upto.as_ref().to_owned()),
                None => {
                    return Some(Page {
                        items,
                        next: None,
                        missing: others.missing,
                    });
                }
            }
        }
        Some(Page {
            items,
            next: names.after,
            missing: others.missing,
        })
    }
}

fn last<T: AsRef<str>>(items: &[(T, usize)]) -> Option<String> {
    items.last().map(|(name, _)| name.as_ref().to_owned())
}
