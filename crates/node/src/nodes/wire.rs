//! How surveys and their answers are spelled: Protobuf messages of ours.
//!
//! A node of another version may leave fields out, and may send some that are not known here.

use std::sync::Arc;
use std::time::Duration;

use veche_engine::control::Summary;
use veche_protocol::channel::Channel;
use veche_protocol::identity::{App, UserId};

use crate::listing::{Criteria, Mark, Names, Row};

/// Asks what a node has. The question is empty, the answer is [`SummaryAnswer`].
pub(super) const SUMMARY: &str = "veche.summary";
/// Asks for connections: [`ConnectionsQuestion`], [`ConnectionsAnswer`].
pub(super) const CONNECTIONS: &str = "veche.connections";
/// Asks for users: [`NamesQuestion`], [`NamesAnswer`].
pub(super) const USERS: &str = "veche.users";
/// Asks for channels: [`NamesQuestion`], [`NamesAnswer`].
pub(super) const CHANNELS: &str = "veche.channels";

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SummaryAnswer {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    version: String,
    #[prost(uint64, tag = "3")]
    clients: u64,
    #[prost(uint64, tag = "4")]
    users: u64,
    #[prost(uint64, tag = "5")]
    subscriptions: u64,
    #[prost(uint64, tag = "6")]
    channels: u64,
    #[prost(uint64, tag = "7")]
    uptime_ms: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct NamesQuestion {
    #[prost(string, optional, tag = "1")]
    after: Option<String>,
    #[prost(string, tag = "2")]
    prefix: String,
    #[prost(uint64, tag = "3")]
    pub(super) limit: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct NamesAnswer {
    #[prost(message, repeated, tag = "1")]
    pub(super) rows: Vec<NameRow>,
    /// The name up to which this is all; absent if it is all to the end.
    #[prost(string, optional, tag = "2")]
    pub(super) upto: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct NameRow {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(uint64, tag = "2")]
    pub(super) count: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ConnectionsQuestion {
    #[prost(string, optional, tag = "1")]
    user: Option<String>,
    #[prost(string, optional, tag = "2")]
    channel: Option<String>,
    #[prost(string, optional, tag = "3")]
    transport: Option<String>,
    #[prost(string, optional, tag = "4")]
    protocol: Option<String>,
    #[prost(sint64, optional, tag = "5")]
    after_ms: Option<i64>,
    #[prost(sint64, optional, tag = "6")]
    before_ms: Option<i64>,
    #[prost(message, optional, tag = "7")]
    from: Option<MarkMessage>,
    #[prost(uint64, tag = "8")]
    pub(super) limit: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ConnectionsAnswer {
    #[prost(message, repeated, tag = "1")]
    pub(super) rows: Vec<ConnectionRow>,
    #[prost(message, optional, tag = "2")]
    pub(super) next: Option<MarkMessage>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct MarkMessage {
    #[prost(uint64, tag = "1")]
    worker: u64,
    #[prost(uint32, tag = "2")]
    slot: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ConnectionRow {
    #[prost(string, tag = "1")]
    client: String,
    #[prost(string, tag = "2")]
    user: String,
    #[prost(string, tag = "3")]
    app_name: String,
    #[prost(string, tag = "4")]
    app_version: String,
    #[prost(string, tag = "5")]
    transport: String,
    #[prost(string, tag = "6")]
    protocol: String,
    #[prost(sint64, tag = "7")]
    connected_ms: i64,
    #[prost(uint64, optional, tag = "8")]
    latency_us: Option<u64>,
    #[prost(message, repeated, tag = "9")]
    channels: Vec<ChannelRow>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ChannelRow {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(uint32, tag = "2")]
    source: u32,
}

/// A number of things, as it is sent.
pub(super) fn sent(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// A number of things, as it came.
pub(super) fn came(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

impl From<Summary> for SummaryAnswer {
    fn from(summary: Summary) -> Self {
        Self {
            name: summary.name,
            version: summary.version,
            clients: sent(summary.clients),
            users: sent(summary.users),
            subscriptions: sent(summary.subscriptions),
            channels: sent(summary.channels),
            uptime_ms: u64::try_from(summary.uptime.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

impl From<SummaryAnswer> for Summary {
    fn from(answer: SummaryAnswer) -> Self {
        Self {
            name: answer.name,
            version: answer.version,
            clients: came(answer.clients),
            users: came(answer.users),
            subscriptions: came(answer.subscriptions),
            channels: came(answer.channels),
            uptime: Duration::from_millis(answer.uptime_ms),
            metrics: None,
        }
    }
}

impl NamesQuestion {
    pub(super) fn new(names: &Names, limit: usize) -> Self {
        Self {
            after: names.after.clone(),
            prefix: names.prefix.clone(),
            limit: sent(limit),
        }
    }

    pub(super) fn names(self) -> Names {
        Names {
            after: self.after,
            prefix: self.prefix,
        }
    }
}

impl ConnectionsQuestion {
    pub(super) fn new(wanted: &Criteria, from: Mark, limit: usize) -> Self {
        let text = |text: &str| text.to_owned();
        Self {
            user: wanted.user.as_ref().map(|user| text(user.as_str())),
            channel: wanted.channel.as_ref().map(|it| text(it.as_str())),
            transport: wanted.transport.clone(),
            protocol: wanted.protocol.clone(),
            after_ms: wanted.after_ms,
            before_ms: wanted.before_ms,
            from: Some(from.into()),
            limit: sent(limit),
        }
    }

    pub(super) fn parts(self) -> (Criteria, Mark) {
        let from = self.from.map(Mark::from).unwrap_or_default();
        let wanted = Criteria {
            user: self.user.as_deref().map(UserId::new),
            channel: self.channel.as_deref().map(Channel::new),
            transport: self.transport,
            protocol: self.protocol,
            after_ms: self.after_ms,
            before_ms: self.before_ms,
        };
        (wanted, from)
    }
}

impl From<Mark> for MarkMessage {
    fn from(mark: Mark) -> Self {
        Self {
            worker: sent(mark.worker),
            slot: mark.slot,
        }
    }
}

impl From<MarkMessage> for Mark {
    fn from(mark: MarkMessage) -> Self {
        Self {
            worker: came(mark.worker),
            slot: mark.slot,
        }
    }
}

impl From<Row> for ConnectionRow {
    fn from(row: Row) -> Self {
        let app = row.app.as_deref().cloned().unwrap_or_default();
        let latency = row.latency.map(|it| it.as_micros());
        Self {
            client: row.client.to_string(),
            user: row.user.as_str().to_owned(),
            app_name: app.name.into(),
            app_version: app.version.into(),
            transport: row.transport.to_owned(),
            protocol: row.protocol.to_owned(),
            connected_ms: row.connected_ms,
            latency_us: latency.map(|it| u64::try_from(it).unwrap_or(u64::MAX)),
            channels: (row.channels.into_iter())
                .map(|(channel, source)| ChannelRow {
                    name: channel.to_string(),
                    source,
                })
                .collect(),
        }
    }
}

impl ConnectionRow {
    /// The row; `None` if it names no client.
    pub(super) fn row(self) -> Option<Row> {
        Some(Row {
            client: self.client.parse().ok()?,
            user: UserId::new(&self.user),
            app: App::new(&self.app_name, &self.app_version).map(Arc::new),
            transport: known(&self.transport, &TRANSPORTS),
            protocol: known(&self.protocol, &PROTOCOLS),
            connected_ms: self.connected_ms,
            latency: self.latency_us.map(Duration::from_micros),
            channels: (self.channels.into_iter())
                .map(|row| (Channel::from(row.name), row.source))
                .collect(),
        })
    }
}

/// A word that is known here; another node may know more.
fn known(word: &str, words: &[&'static str]) -> &'static str {
    let known = words.iter().find(|known| **known == word);
    known.copied().unwrap_or("unknown")
}

const TRANSPORTS: [&str; 10] = [
    "websocket",
    "http_stream",
    "sse",
    "webtransport",
    "emulation",
    "uni_websocket",
    "uni_http_stream",
    "uni_sse",
    "uni_grpc",
    "grpc",
];
const PROTOCOLS: [&str; 3] = ["json", "protobuf", "plain"];
