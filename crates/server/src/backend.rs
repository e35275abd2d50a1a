//! The API's view of the node.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use veche_api::backend::{
    Addressees, Backend, BackendFuture, NodeInfo, NodeMetrics, Observed, Refresh,
};
use veche_api::listing::{Connection, ConnectionFilter, Listing, PageRequest};
use veche_api::pattern::Pattern;
use veche_engine::control;
use veche_node::counters::{Tally, Timings};
use veche_node::listing::{Criteria, Names, Row};
use veche_node::node::Node;
use veche_node::nodes::{ListError, Listed};
use veche_protocol::channel::Channel;
use veche_protocol::claims::SubscriptionOptions;
use veche_protocol::disconnect::Disconnect;
use veche_protocol::error_code::{CommandError, ErrorCode};
use veche_protocol::history::{Page, Query};
use veche_protocol::identity::{ClientInfo, UserId};
use veche_protocol::position::StreamPosition;
use veche_protocol::publication::{Publication, PublishOptions};
use veche_protocol::push::Unsubscribe;
use veche_protocol::reply::PresenceStats;
use veche_session::order::Order;

use crate::cursor::{self, Named};

/// The API's view of the node, for one of its doors.
#[derive(Debug)]
pub(crate) struct NodeBackend {
    node: Arc<Node>,
    closing: AtomicBool,
    calls: Arc<Calls>,
}

/// The counters of one protocol of the API.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    /// How long commands took, by method.
    pub(crate) durations: Timings,
    /// Errors, by method and code.
    pub(crate) errors: Tally<(&'static str, u32)>,
}

impl NodeBackend {
    pub(crate) fn new(node: Arc<Node>) -> Self {
        Self {
            node,
            closing: AtomicBool::new(false),
            calls: Arc::default(),
        }
    }

    /// The counters of its calls.
    pub(crate) fn calls(&self) -> Arc<Calls> {
        self.calls.clone()
    }

    /// From now on calls are refused.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// Sends an order without waiting for the number of connections that it reached.
    fn order(&self, addressees: Addressees, order: Order) -> BackendFuture<'_, ()> {
        Box::pin(async move {
            let addressees = control::Addressees {
                user: addressees.user,
                client: addressees.client,
                session: addressees.session.into(),
                except: addressees.except,
                all_users: false,
            };
            self.node.order(addressees, order).await?;
            Ok(())
        })
    }
}

impl Backend for NodeBackend {
    fn publish<'a>(
        &'a self,
        channel: &'a str,
        publication: Publication,
        options: PublishOptions,
        skip_history: bool,
    ) -> BackendFuture<'a, StreamPosition> {
        Box::pin(async move {
            let published = self
                .node
                .publish(channel, publication, options, skip_history)
                .await?;
            Ok(published.position)
        })
    }

    fn presence<'a>(&'a self, channel: &'a str) -> BackendFuture<'a, Vec<ClientInfo>> {
        Box::pin(self.node.presence(channel))
    }

    fn presence_stats<'a>(&'a self, channel: &'a str) -> BackendFuture<'a, PresenceStats> {
        Box::pin(self.node.presence_stats(channel))
    }

    fn history<'a>(&'a self, channel: &'a str, query: Query) -> BackendFuture<'a, Page> {
        Box::pin(self.node.history(channel, query))
    }

    fn remove_history<'a>(&'a self, channel: &'a str) -> BackendFuture<'a, ()> {
        Box::pin(self.node.remove_history(channel))
    }

    fn channels<'a>(
        &'a self,
        pattern: Option<&'a Pattern>,
    ) -> BackendFuture<'a, BTreeMap<String, u32>> {
        Box::pin(async move {
            let names = names(pattern, None);
            let channels = self.node.channels(names, matches(pattern)).await;
            let channels = channels.ok_or_else(ending)?.items.into_iter();
            Ok(channels
                .map(|(name, count)| (name.to_string(), count_of(count)))
                .collect())
        })
    }

    fn channels_in_pages<'a>(
        &'a self,
        pattern: Option<&'a Pattern>,
        page: PageRequest,
    ) -> BackendFuture<'a, Listing<(String, u32)>> {
        Box::pin(async move {
            let names = names(pattern, Named::Channels.read(&page.cursor)?);
            let channels = self
                .node
                .channels_in_pages(names, matches(pattern), page.limit);
            let channels = channels.await.ok_or_else(ending)?;
            Ok(Listing {
                cursor: Named::Channels.cursor(channels.next.as_deref()),
                items: channels
                    .items
                    .into_iter()
                    .map(|(name, count)| (name.to_string(), count_of(count)))
                    .collect(),
            })
        })
    }

    fn users<'a>(
        &'a self,
        pattern: Option<&'a Pattern>,
        page: PageRequest,
    ) -> BackendFuture<'a, Listing<(UserId, u32)>> {
        Box::pin(async move {
            let names = names(pattern, Named::Users.read(&page.cursor)?);
            let users = self.node.users(names, matches(pattern), page.limit);
            let users = users.await.ok_or_else(ending)?;
            Ok(Listing {
                cursor: Named::Users.cursor(users.next.as_deref()),
                items: users
                    .items
                    .into_iter()
                    .map(|(user, count)| (user, count_of(count)))
                    .collect(),
            })
        })
    }

    fn connections(
        &self,
        filter: ConnectionFilter,
        page: PageRequest,
    ) -> BackendFuture<'_, Listing<Connection>> {
        Box::pin(async move {
            let from = cursor::read_connections(&page.cursor)?;
            let ConnectionFilter {
                user,
                channel,
                pattern,
                transport,
                protocol,
                connected_after_ms: after_ms,
                connected_before_ms: before_ms,
            } = filter;
            let wanted = Criteria {
                user,
                channel,
                transport,
                protocol,
                after_ms,
                before_ms,
            };
            let keeps = move |row: &Row| {
                let mut channels = row.channels.iter();
                let matches = |pattern: &Pattern| {
                    channels.any(|(channel, _)| pattern.matches(channel.as_str()))
                };
                pattern.as_ref().is_none_or(matches)
            };
            let page = (self.node).connections_of_all(wanted, keeps, from, page.limit);
            let page = page.await.map_err(|error| match error {
                ListError::Ending => ending(),
                ListError::NodeGone => cursor::node_gone(),
            })?;
            Ok(Listing {
                cursor: cursor::of_connections(page.next.as_ref()),
                items: page.items.into_iter().map(connection).collect(),
            })
        })
    }

    fn info(&self) -> BackendFuture<'_, Vec<NodeInfo>> {
        Box::pin(async move {
            let nodes = self.node.nodes().await.into_iter();
            Ok(nodes.map(node_info).collect())
        })
    }

    fn disconnect(&self, addressees: Addressees, disconnect: Disconnect) -> BackendFuture<'_, ()> {
        self.order(addressees, Order::Disconnect(disconnect))
    }

    fn unsubscribe<'a>(
        &'a self,
        addressees: Addressees,
        channel: Option<&'a str>,
    ) -> BackendFuture<'a, ()> {
        let channel = channel.map(Channel::new);
        self.order(
            addressees,
            Order::Unsubscribe {
                channel,
                reason: Unsubscribe::SERVER,
            },
        )
    }

    fn subscribe<'a>(
        &'a self,
        addressees: Addressees,
        channel: &'a str,
        options: SubscriptionOptions,
        recover_since: Option<StreamPosition>,
    ) -> BackendFuture<'a, ()> {
        self.order(
            addressees,
            Order::Subscribe {
                channel: Channel::new(channel),
                options,
                recover_since,
            },
        )
    }

    fn refresh(&self, addressees: Addressees, refresh: Refresh) -> BackendFuture<'_, ()> {
        let Refresh {
            expired,
            expire_at,
            info,
        } = refresh;
        self.order(
            addressees,
            Order::Refresh {
                expired,
                expire_at,
                info,
            },
        )
    }

    fn observe(&self, command: Observed) {
        self.calls.durations.add(command.method, command.took);
        if let Some(error) = command.error {
            self.calls.errors.add((command.method, error.0));
        }
    }

    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }
}

/// Which names are wanted, before the pattern looks at each.
fn names(pattern: Option<&Pattern>, after: Option<String>) -> Names {
    let prefix = pattern.map(Pattern::prefix).unwrap_or_default();
    Names {
        after,
        prefix: prefix.to_owned(),
    }
}

fn matches(pattern: Option<&Pattern>) -> impl Fn(&str) -> bool + Send {
    move |name| pattern.is_none_or(|pattern| pattern.matches(name))
}

fn connection(row: Row) -> Connection {
    Connection {
        client: row.client,
        user: row.user,
        app: row.app,
        transport: row.transport,
        protocol: row.protocol,
        connected_at_ms: row.connected_ms,
        latency: row.latency,
        channels: row.channels,
    }
}

fn node_info(Listed { node, summary, .. }: Listed) -> NodeInfo {
    NodeInfo {
        uid: node.as_str().to_owned(),
        name: summary.name,
        version: summary.version,
        num_clients: count_of(summary.clients),
        num_users: count_of(summary.users),
        num_channels: count_of(summary.channels),
        num_subs: count_of(summary.subscriptions),
        uptime: summary.uptime,
        metrics: summary.metrics.map(|metrics| NodeMetrics {
            interval: metrics.interval,
            items: metrics.items,
        }),
    }
}

/// Workers are gone that should have answered.
fn ending() -> CommandError {
    CommandError::because(ErrorCode::INTERNAL, "the node ends")
}

/// A count as the wire has it.
fn count_of(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
