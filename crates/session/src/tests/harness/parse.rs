//! Lines of a transcript as inputs.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use veche_protocol::channel::Channel;
use veche_protocol::claims::{
    ConnectionClaims, Overrides, SubscriptionClaims, SubscriptionOptions, TokenError,
};
use veche_protocol::command::{self, Command, Verb};
use veche_protocol::disconnect::Disconnect;
use veche_protocol::filter::FilterNode;
use veche_protocol::history::Page;
use veche_protocol::identity::{ClientId, ClientInfo, UserId};
use veche_protocol::payload::Payload;
use veche_protocol::position::{Epoch, StreamPosition};
use veche_protocol::publication::Publication;
use veche_protocol::push::Unsubscribe;
use veche_protocol::reply::PresenceStats;

use super::BIRTH;
use super::application::response;
use crate::order::Order;
use crate::question::{Answer, Failure, Question};

pub(super) fn command(text: &str) -> Command {
    if text == "pong" {
        return Command {
            id: 0,
            verb: Verb::Empty,
        };
    }
    let (id, text) = text.split_once(' ').unwrap();
    let words = Words::new(text);
    let channel = words.plain(1);
    let verb = match words.plain(0).as_str() {
        "connect" => Verb::Connect(Box::new(connect(&words))),
        "subscribe" => Verb::Subscribe(Box::new(subscribe(&words))),
        "unsubscribe" => Verb::Unsubscribe(command::Unsubscribe { channel }),
        "publish" => Verb::Publish(Box::new(publish(&words))),
        "presence" => Verb::Presence(command::Presence { channel }),
        "presence_stats" => Verb::PresenceStats(command::Presence { channel }),
        "history" => Verb::History(command::History {
            channel,
            limit: words
                .value("limit")
                .map_or(0, |limit| limit.parse().unwrap()),
            since: words.value("since").map(|text| position(&text)),
            reverse: words.has("reverse"),
        }),
        "rpc" => Verb::Rpc(command::Rpc {
            data: words.payload("data"),
            method: channel,
        }),
        "send" => Verb::Send(command::Send::default()),
        "refresh" => Verb::Refresh(command::Refresh { token: channel }),
        "sub_refresh" => Verb::SubRefresh(Box::new(command::SubRefresh {
            channel,
            token: words.value("token").unwrap_or_default(),
            ..command::SubRefresh::default()
        })),
        "ping" => Verb::Ping,
        "nothing" => Verb::Empty,
        other => panic!("{other}"),
    };
    Command {
        id: id.parse().unwrap(),
        verb,
    }
}

fn connect(words: &Words<'_>) -> command::Connect {
    command::Connect {
        token: words.value("token").unwrap_or_default(),
        name_login: words.value("name"),
        data: words.payload("data"),
        name: words.value("app").unwrap_or_default(),
        headers: words
            .values("header")
            .map(|header| header.split_once(':').unwrap())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        subs: words
            .values("sub")
            .map(|text| {
                let (channel, since) = text
                    .split_once('/')
                    .map_or((text, None), |(c, s)| (c, Some(s)));
                let subscribe = command::Subscribe {
                    recover: since.is_some(),
                    since: since.map(position).unwrap_or_default(),
                    delta: words.value("delta").unwrap_or_default(),
                    ..command::Subscribe::default()
                };
                (channel.to_owned(), subscribe)
            })
            .collect(),
        ..command::Connect::default()
    }
}

fn subscribe(words: &Words<'_>) -> command::Subscribe {
    command::Subscribe {
        channel: words.plain(1),
        token: words.value("token").unwrap_or_default(),
        data: words.payload("data"),
        recover: words.value("since").is_some(),
        since: words
            .value("since")
            .map(|text| position(&text))
            .unwrap_or_default(),
        positioned: words.has("positioned"),
        recoverable: words.has("recoverable"),
        join_leave: words.has("join_leave"),
        delta: words.value("delta").unwrap_or_default(),
        filter: words.value("filter").map(|text| {
            let (key, val) = text.split_once(':').unwrap();
            Box::new(FilterNode {
                key: key.into(),
                cmp: if val == "nonsense" { "nonsense" } else { "eq" }.into(),
                val: val.into(),
                ..FilterNode::default()
            })
        }),
        events: words.values("event").map(str::to_owned).collect(),
        flag: [
            ("compact", command::Subscribe::FLAG_COMPACTION),
            ("reject", command::Subscribe::FLAG_REJECT_UNRECOVERED),
        ]
        .into_iter()
        .filter_map(|(word, flag)| words.has(word).then_some(flag))
        .sum(),
        kind: words.value("type").map_or(0, |kind| kind.parse().unwrap()),
        ..command::Subscribe::default()
    }
}

fn publish(words: &Words<'_>) -> command::Publish {
    command::Publish {
        channel: words.plain(1),
        data: words
            .value("data")
            .map(|data| Payload::detect(Bytes::from(data))),
        kind: words.value("type").map_or(0, |kind| kind.parse().unwrap()),
        key: words.value("map_key").unwrap_or_default(),
        idempotency_key: words.value("key").unwrap_or_default(),
        tags: words
            .value("event")
            .map(|event| ("event".into(), event))
            .into_iter()
            .collect(),
        ..command::Publish::default()
    }
}

pub(super) fn answer(text: &str, question: &Question) -> Answer {
    let words = Words::new(text);
    if words.has("wrong") {
        return Answer::Count(0);
    }
    let number = |at| words.plain(at).parse::<usize>().unwrap();
    let failure = match words.plain(0).as_str() {
        "failed" => Some(Failure::Unavailable),
        "unrecoverable" => Some(Failure::UnrecoverablePosition),
        _ => None,
    };
    match question {
        Question::ConnectionToken { .. } => Answer::ConnectionToken(connection_token(&words)),
        Question::SubscriptionToken { .. } => Answer::SubscriptionToken(subscription_token(&words)),
        Question::UserPlace { .. } => Answer::Count(number(0)),
        Question::Enter { .. } | Question::AddPresence { .. } => {
            Answer::Done(failure.map_or(Ok(()), Err))
        }
        Question::ChannelId { .. } => Answer::ChannelId(words.plain(0).parse().unwrap()),
        Question::History { .. } => Answer::History(failure.map_or_else(
            || {
                Ok(Page {
                    publications: words
                        .plains()
                        .skip(2)
                        .map(|offset| Arc::new(publication(offset.parse().unwrap())))
                        .collect(),
                    position: position(&words.plain(1)),
                })
            },
            Err,
        )),
        Question::Publish { .. } => {
            Answer::Published(failure.map_or_else(|| Ok(position(&words.plain(1))), Err))
        }
        Question::Presence { .. } => Answer::Presence(failure.map_or_else(
            || {
                Ok(words
                    .plains()
                    .skip(1)
                    .map(|user| ClientInfo {
                        user: UserId::new(user),
                        client: ClientId::from_random([1; 16]),
                        conn_info: None,
                        chan_info: None,
                    })
                    .collect())
            },
            Err,
        )),
        Question::PresenceStats { .. } => Answer::PresenceStats(failure.map_or_else(
            || {
                Ok(PresenceStats {
                    num_clients: u32::try_from(number(1)).unwrap(),
                    num_users: u32::try_from(number(2)).unwrap(),
                })
            },
            Err,
        )),
        Question::Application(request) => Answer::Application(response(&words, request)),
    }
}

fn connection_token(words: &Words<'_>) -> Result<Box<ConnectionClaims>, TokenError> {
    token_error(words)?;
    Ok(Box::new(ConnectionClaims {
        user: UserId::new(&words.value("user").unwrap_or_default()),
        expire_at: words.time("expire"),
        info: words.payload("info"),
        meta: words.payload("meta"),
        subs: words
            .values("sub")
            .map(|name| (name.to_owned(), words.options()))
            .collect(),
    }))
}

fn subscription_token(words: &Words<'_>) -> Result<Box<SubscriptionClaims>, TokenError> {
    token_error(words)?;
    Ok(Box::new(SubscriptionClaims {
        user: UserId::new(&words.value("user").unwrap_or_default()),
        channel: words.value("channel").unwrap_or_default(),
        client: words.value("client").unwrap_or_default(),
        expire_at: words.time("expire"),
        options: words.options(),
    }))
}

fn token_error(words: &Words<'_>) -> Result<(), TokenError> {
    match words.plain(0).as_str() {
        "expired" => Err(TokenError::Expired("it expired 5 s ago".into())),
        "invalid" => Err(TokenError::Invalid("bad signature".into())),
        "broken" => Err(TokenError::Failed("b64info is not base64".into())),
        _ => Ok(()),
    }
}

pub(super) fn order(text: &str) -> Order {
    let words = Words::new(text);
    let channel = Channel::from(words.plain(1));
    match words.plain(0).as_str() {
        "disconnect" => Order::Disconnect(Disconnect::new(
            words.plain(1).parse().unwrap(),
            "as ordered",
        )),
        "unsubscribe" => Order::Unsubscribe {
            channel: (channel.as_str() != "*").then_some(channel),
            reason: Unsubscribe::SERVER,
        },
        "subscribe" => Order::Subscribe {
            channel,
            options: words.options(),
            recover_since: words.value("since").map(|text| position(&text)),
        },
        "refresh" => Order::Refresh {
            expired: words.has("expired"),
            expire_at: words.time("expire"),
            info: words.payload("info"),
        },
        "message" => Order::Message(words.payload("data").unwrap()),
        "lost" => Order::InsufficientState { channel },
        other => panic!("{other}"),
    }
}

pub(super) fn publication(offset: u64) -> Publication {
    Publication {
        offset,
        ..Publication::new(Payload::json(Bytes::from(offset.to_string())))
    }
}

/// `epoch:offset`.
pub(super) fn position(text: &str) -> StreamPosition {
    let (epoch, offset) = text.split_once(':').unwrap();
    StreamPosition::new(offset.parse().unwrap(), Epoch::new(epoch))
}

pub(super) fn seconds(text: &str) -> Duration {
    Duration::from_secs_f64(text.trim_end_matches('s').parse().unwrap())
}

/// `word word key=value flag`.
pub(super) struct Words<'a>(Vec<&'a str>);

impl<'a> Words<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self(text.split(' ').collect())
    }

    pub(super) fn plains(&self) -> impl Iterator<Item = &'a str> {
        self.0.iter().copied().filter(|word| !word.contains('='))
    }

    pub(super) fn plain(&self, at: usize) -> String {
        self.plains().nth(at).unwrap_or_default().to_owned()
    }

    pub(super) fn has(&self, flag: &str) -> bool {
        self.0.contains(&flag)
    }

    pub(super) fn values(&self, key: &str) -> impl Iterator<Item = &'a str> {
        let prefix = format!("{key}=");
        self.0
            .clone()
            .into_iter()
            .filter_map(move |word| word.strip_prefix(prefix.as_str()))
    }

    pub(super) fn value(&self, key: &str) -> Option<String> {
        self.values(key).next().map(str::to_owned)
    }

    pub(super) fn payload(&self, key: &str) -> Option<Payload> {
        self.value(key)
            .map(|text| Payload::detect(Bytes::from(text)))
    }

    /// Seconds after the session began.
    pub(super) fn time(&self, key: &str) -> Option<i64> {
        self.value(key)
            .map(|text| BIRTH + text.parse::<i64>().unwrap())
    }

    pub(super) fn options(&self) -> SubscriptionOptions {
        let wish = |name: &str| self.value(name).map(|value| value == "true");
        SubscriptionOptions {
            info: self.payload("chan_info"),
            data: self.payload("data"),
            expire_at: self.time("sub_expire"),
            cache_recover: self.has("cache_recover"),
            overrides: Overrides {
                presence: wish("presence"),
                join_leave: wish("join_leave"),
                force_push_join_leave: wish("push_join_leave"),
                force_recovery: wish("recovery"),
                force_positioning: wish("positioned"),
            },
        }
    }
}
