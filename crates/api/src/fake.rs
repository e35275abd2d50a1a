//! A backend that writes down what it is asked, and answers with constants.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;

use veche_protocol::claims::SubscriptionOptions;
use veche_protocol::disconnect::Disconnect;
use veche_protocol::error_code::ErrorCode;
use veche_protocol::history::{Page, Query};
use veche_protocol::idempotency::KeyOwner;
use veche_protocol::identity::{App, ClientId, ClientInfo, UserId};
use veche_protocol::payload::Payload;
use veche_protocol::position::StreamPosition;
use veche_protocol::publication::{Publication, PublishOptions};
use veche_protocol::reply::PresenceStats;

use crate::backend::{
    Addressees, Backend, BackendFuture, NodeInfo, NodeMetrics, Observed, Refresh,
};
use crate::listing::{Connection, ConnectionFilter, Listing, PageRequest};
use crate::pattern::Pattern;

/// A backend that writes down what it is asked.
#[derive(Debug, Default)]
pub(crate) struct Fake {
    asked: Mutex<Vec<String>>,
    observed: Mutex<Vec<(&'static str, Option<ErrorCode>)>>,
    refuses: Option<ErrorCode>,
    is_closing: bool,
    is_empty: bool,
    is_silent: bool,
}

impl Fake {
    /// A backend that answers what it can with this error.
    pub(crate) fn refusing(code: ErrorCode) -> Self {
        Self {
            refuses: Some(code),
            ..Self::default()
        }
    }

    pub(crate) fn closing() -> Self {
        Self {
            is_closing: true,
            ..Self::default()
        }
    }

    /// A backend with nothing in it.
    pub(crate) fn empty() -> Self {
        Self {
            is_empty: true,
            ..Self::default()
        }
    }

    /// A backend that never answers what it can.
    pub(crate) fn silent() -> Self {
        Self {
            is_silent: true,
            ..Self::default()
        }
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn observed(&self) -> Vec<(&'static str, Option<ErrorCode>)> {
        self.observed.lock().unwrap().clone()
    }

    fn answer<'a, T: Send + Default + 'a>(&self, asked: String, answer: T) -> BackendFuture<'a, T> {
        self.asked.lock().unwrap().push(asked);
        if self.is_silent {
            return Box::pin(std::future::pending());
        }
        let answer = match self.refuses {
            Some(code) => Err(code.into()),
            None if self.is_empty => Ok(T::default()),
            None => Ok(answer),
        };
        Box::pin(std::future::ready(answer))
    }
}

pub(crate) fn id(number: u8) -> ClientId {
    ClientId::from_random([number; 16])
}

fn info(number: u8, chan_info: Option<Payload>) -> ClientInfo {
    ClientInfo {
        user: "a<b".into(),
        client: id(number),
        conn_info: Some(Payload::json(Bytes::from_static(b"{\"a\" : \"<b>\"}"))),
        chan_info,
    }
}

fn page() -> Page {
    let mut full = Publication::new(Payload::json(Bytes::from_static(b"[1.50,\n \"a b\"]")));
    full.info = Some(Arc::new(info(1, None)));
    full.offset = 1;
    full.tags = Some(Arc::new(BTreeMap::from([
        ("b".into(), "<".into()),
        ("a".into(), "".into()),
    ])));
    full.epoch = "epoch".into();
    full.version = 3;
    full.time_ms = 5;
    let mut binary = Publication::new(Payload::binary(Bytes::from_static(b"\xff")));
    binary.offset = 2;
    Page {
        publications: vec![Arc::new(full), Arc::new(binary)],
        position: StreamPosition::new(2, "epoch".into()),
    }
}

impl Backend for Fake {
    fn publish<'a>(
        &'a self,
        channel: &'a str,
        publication: Publication,
        options: PublishOptions,
        skip_history: bool,
    ) -> BackendFuture<'a, StreamPosition> {
        let kind = publication.data.kind();
        let data = String::from_utf8_lossy(publication.data.bytes()).into_owned();
        let tags = publication.tags.as_deref();
        let PublishOptions {
            retention: None,
            idempotency_key: key,
            version,
            version_epoch,
            delta,
        } = options
        else {
            panic!("retention is not the API's to say");
        };
        assert_eq!(version, publication.version);
        let key = key.map_or_else(String::new, |key| {
            assert_eq!(*key.owner(), KeyOwner::Backend);
            key.as_str().to_owned()
        });
        let asked = format!(
            "publish {channel} {kind:?} {data} {tags:?} {key:?} {version} {version_epoch:?} {delta} {skip_history}"
        );
        self.answer(asked, StreamPosition::new(7, "epoch".into()))
    }

    fn presence<'a>(&'a self, channel: &'a str) -> BackendFuture<'a, Vec<ClientInfo>> {
        let clients = vec![
            info(2, Some(Payload::binary(Bytes::from_static(b"\xff")))),
            info(1, None),
        ];
        self.answer(format!("presence {channel}"), clients)
    }

    fn presence_stats<'a>(&'a self, channel: &'a str) -> BackendFuture<'a, PresenceStats> {
        let stats = PresenceStats {
            num_clients: 2,
            num_users: 1,
        };
        self.answer(format!("presence_stats {channel}"), stats)
    }

    fn history<'a>(&'a self, channel: &'a str, query: Query) -> BackendFuture<'a, Page> {
        let Query {
            limit,
            since,
            reverse,
            meta_ttl,
        } = query;
        assert!(meta_ttl.is_zero());
        let since = since.map(|it| (it.offset, it.epoch));
        let asked = format!("history {channel} {limit:?} {since:?} {reverse}");
        self.answer(asked, page())
    }

    fn remove_history<'a>(&'a self, channel: &'a str) -> BackendFuture<'a, ()> {
        self.answer(format!("remove_history {channel}"), ())
    }

    fn channels<'a>(
        &'a self,
        pattern: Option<&'a Pattern>,
    ) -> BackendFuture<'a, BTreeMap<String, u32>> {
        let all = [("b:\"1\"".to_owned(), 2), ("a".to_owned(), 0)];
        let matching = all
            .into_iter()
            .filter(|(name, _)| pattern.is_none_or(|pattern| pattern.matches(name)));
        let asked = format!("channels {:?}", pattern.map(Pattern::text));
        self.answer(asked, matching.collect())
    }

    fn channels_in_pages<'a>(
        &'a self,
        pattern: Option<&'a Pattern>,
        page: PageRequest,
    ) -> BackendFuture<'a, Listing<(String, u32)>> {
        let asked = format!("channels {:?} {page:?}", pattern.map(Pattern::text));
        let listing = Listing {
            items: vec![("a".into(), 1), ("b".into(), 2)],
            cursor: "next".into(),
        };
        self.answer(asked, listing)
    }

    fn connections(
        &self,
        filter: ConnectionFilter,
        page: PageRequest,
    ) -> BackendFuture<'_, Listing<Connection>> {
        let text = filter.pattern.as_ref().map(Pattern::text);
        let ConnectionFilter {
            user,
            channel,
            pattern: _,
            transport,
            protocol,
            connected_after_ms: after,
            connected_before_ms: before,
        } = &filter;
        let asked = format!(
            "connections {user:?} {channel:?} {text:?} {transport:?} {protocol:?} {after:?} {before:?} {page:?}"
        );
        let bare = Connection {
            client: id(2),
            user: "".into(),
            app: None,
            transport: "websocket",
            protocol: "json",
            connected_at_ms: 5,
            latency: None,
            channels: Vec::new(),
        };
        let full = Connection {
            client: id(1),
            user: "u".into(),
            app: App::new("js<", "1").map(Arc::new),
            protocol: "protobuf",
            latency: Some(Duration::from_micros(2500)),
            channels: vec![("a".into(), 6), ("b".into(), 0)],
            ..bare.clone()
        };
        let listing = Listing {
            items: vec![bare, full],
            cursor: "next".into(),
        };
        self.answer(asked, listing)
    }

    fn users<'a>(
        &'a self,
        pattern: Option<&'a Pattern>,
        page: PageRequest,
    ) -> BackendFuture<'a, Listing<(UserId, u32)>> {
        let asked = format!("users {:?} {page:?}", pattern.map(Pattern::text));
        let listing = Listing {
            items: vec![("".into(), 3), ("u".into(), 1)],
            cursor: "next".into(),
        };
        self.answer(asked, listing)
    }

    fn info(&self) -> BackendFuture<'_, Vec<NodeInfo>> {
        let node = NodeInfo {
            uid: "u".into(),
            name: "n".into(),
            version: "v".into(),
            num_clients: 1,
            num_users: 2,
            num_channels: 3,
            num_subs: 4,
            uptime: Duration::from_millis(5900),
            metrics: Some(NodeMetrics {
                interval: Duration::from_secs(60),
                items: BTreeMap::from([("a".into(), 0.5)]),
            }),
        };
        self.answer("info".into(), vec![node, NodeInfo::default()])
    }

    fn disconnect(&self, addressees: Addressees, disconnect: Disconnect) -> BackendFuture<'_, ()> {
        let Disconnect { code, reason } = disconnect;
        self.answer(format!("disconnect {addressees:?} {code} {reason}"), ())
    }

    fn unsubscribe<'a>(
        &'a self,
        addressees: Addressees,
        channel: Option<&'a str>,
    ) -> BackendFuture<'a, ()> {
        self.answer(format!("unsubscribe {addressees:?} {channel:?}"), ())
    }

    fn subscribe<'a>(
        &'a self,
        addressees: Addressees,
        channel: &'a str,
        options: SubscriptionOptions,
        recover_since: Option<StreamPosition>,
    ) -> BackendFuture<'a, ()> {
        let text = |payload: Option<Payload>| {
            payload.map(|it| String::from_utf8_lossy(it.bytes()).into_owned())
        };
        let (info, data) = (text(options.info), text(options.data));
        let asked = format!(
            "subscribe {addressees:?} {channel} {info:?} {data:?} {:?} {:?} {recover_since:?}",
            options.expire_at, options.overrides,
        );
        self.answer(asked, ())
    }

    fn refresh(&self, addressees: Addressees, refresh: Refresh) -> BackendFuture<'_, ()> {
        let Refresh {
            expired,
            expire_at,
            info,
        } = refresh;
        let info = info.map(Payload::into_bytes);
        let asked = format!("refresh {addressees:?} {expired} {expire_at:?} {info:?}");
        self.answer(asked, ())
    }

    fn is_closing(&self) -> bool {
        self.is_closing
    }

    fn observe(&self, command: Observed) {
        let mut observed = self.observed.lock().unwrap();
        observed.push((command.method, command.error));
    }
}
