//! A small model of the server: streams with positions and keys, sessions, tokens. It acts on each frame at once.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use crate::happening::Wire;

mod stream;

pub(crate) use stream::{Item, Stream};

/// Keys are remembered for so long.
const KEY_TTL_MS: u64 = 300_000;
/// A frame to a client.
pub(crate) type Reply = (Wire, Out);

/// What goes to a client.
#[derive(Clone, Debug)]
pub(crate) enum Out {
    Text(String),
    Binary(Vec<u8>),
    Close(u16, String),
}

#[derive(Default)]
pub(crate) struct Server {
    pub(crate) streams: BTreeMap<String, Stream>,
    sessions: BTreeMap<Wire, Session>,
    pub(crate) is_up: bool,
    is_anonymous_allowed: bool,
    epochs: u64,
    subscribes: u64,
    /// Publishing is refused for the moment, until then.
    pub(crate) busy_until: u64,
    /// How often a key made two publications one.
    pub(crate) deduplicated: u64,
}

#[derive(Default)]
struct Session {
    user: Option<String>,
    expires: Option<u64>,
    subscriptions: BTreeMap<String, Vec<String>>,
    announced: Option<Value>,
}

/// What the server said to the latest `subscribe`; the application's reader must have been told the same.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) what: What,
    pub(crate) epoch: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Fresh,
    Recovered,
    Unrecoverable,
}

impl Server {
    pub(crate) fn new(is_anonymous_allowed: bool) -> Self {
        Self {
            is_up: true,
            is_anonymous_allowed,
            ..Self::default()
        }
    }

    pub(crate) fn stream(&mut self, channel: &str) -> &mut Stream {
        let epochs = &mut self.epochs;
        self.streams.entry(channel.to_owned()).or_insert_with(|| {
            *epochs += 1;
            Stream {
                epoch: format!("e:{epochs}"),
                ..Stream::default()
            }
        })
    }

    /// Ends all connections; a server that keeps nothing begins new streams.
    pub(crate) fn restart(&mut self, forgets: bool) -> Vec<Wire> {
        if forgets {
            for stream in self.streams.values_mut() {
                self.epochs += 1;
                stream.epoch = format!("e:{}", self.epochs);
                stream.top = 0;
                stream.keys.clear();
            }
        }
        let links = self.sessions.keys().copied().collect();
        self.sessions.clear();
        links
    }

    pub(crate) fn connect(&mut self, link: Wire) -> Vec<Reply> {
        let user = self.is_anonymous_allowed.then(String::new);
        let session = Session {
            user: user.filter(String::is_empty).map(|_| String::new()),
            ..Session::default()
        };
        self.sessions.insert(link, session);
        let welcome = json!({"event": "welcome", "client": format!("c{link:?}"), "ping": 25,
            "retry": {"min_ms": 500, "max_ms": 20_000}, "system": true});
        vec![(link, Out::Text(welcome.to_string()))]
    }

    pub(crate) fn forget(&mut self, link: Wire) {
        self.sessions.remove(&link);
    }

    pub(crate) fn is_connected(&self, link: Wire) -> bool {
        self.sessions.contains_key(&link)
    }

    /// Somebody else publishes.
    pub(crate) fn publish(&mut self, channel: &str, item: Item) -> Vec<Reply> {
        let (frames, event) = {
            let stream = self.stream(channel);
            stream.append(item.clone());
            (stream.frames(channel, stream.top), item.event)
        };
        self.fan_out(channel, event, &frames)
    }

    fn fan_out(&self, channel: &str, event: &str, frames: &[Out]) -> Vec<Reply> {
        let mut out = Vec::new();
        for (link, session) in &self.sessions {
            if let Some(events) = session.subscriptions.get(channel)
                && wants(events, event)
            {
                out.extend(frames.iter().map(|frame| (*link, frame.clone())));
            }
        }
        out
    }

    /// Ends a subscription by itself.
    pub(crate) fn unsubscribe(&mut self, channel: &str, code: u32) -> Vec<Reply> {
        let mut out = Vec::new();
        for (link, session) in &mut self.sessions {
            if session.subscriptions.remove(channel).is_some() {
                let event = json!({"event": "unsubscribed", "channel": channel,
                    "data": {"code": code, "reason": "model"}, "system": true});
                out.push((*link, Out::Text(event.to_string())));
            }
        }
        out
    }

    /// Closes connections whose tokens have run out.
    pub(crate) fn expire(&mut self, now: u64) -> Vec<Reply> {
        let expired = self
            .sessions
            .iter()
            .filter(|(_, session)| session.expires < Some(now));
        let links: Vec<_> = expired
            .filter(|(_, session)| session.expires.is_some())
            .map(|(link, _)| *link)
            .collect();
        let mut out = Vec::new();
        for link in links {
            out.extend(self.close(link, 3005, "connection expired"));
        }
        out
    }

    pub(crate) fn close(&mut self, link: Wire, code: u16, reason: &str) -> Vec<Reply> {
        self.sessions.remove(&link);
        let text = json!({"event": "disconnect", "data": {"code": code, "reason": reason,
            "reconnect": true}, "system": true});
        let close = Out::Close(code, reason.to_owned());
        vec![(link, Out::Text(text.to_string())), (link, close)]
    }

    pub(crate) fn links(&self) -> Vec<Wire> {
        self.sessions.keys().copied().collect()
    }

    /// Acts on a text frame. `said` is told what was answered to a `subscribe`.
    pub(crate) fn text(
        &mut self,
        link: Wire,
        text: &str,
        now: u64,
        said: &mut HashMap<String, Said>,
    ) -> Vec<Reply> {
        let Some(session) = self.sessions.get_mut(&link) else {
            return Vec::new();
        };
        assert!(session.announced.is_none(), "announced bytes are missing");
        let action: Value = serde_json::from_str(text).expect("the client writes JSON");
        let verb = action["action"].as_str().expect("a verb");
        if session.user.is_none() && !matches!(verb, "login" | "ping") {
            return vec![refuse(link, &action, 101)];
        }
        let channel = action["channel"].as_str().unwrap_or_default();
        match verb {
            "ping" => vec![answer(link, "pong", &action, json!({}))],
            "login" => self.login(link, &action, now),
            "subscribe" => self.subscribe(link, &action, said),
            "unsubscribe" => {
                session.subscriptions.remove(channel);
                vec![answer(link, "unsubscribed", &action, json!({}))]
            }
            "publish" if action["binary"] == true => {
                session.announced = Some(action);
                Vec::new()
            }
            "publish" => {
                let number = action["data"]["n"].as_u64().expect("a number");
                self.take(link, &action, number, false, now)
            }
            "history" => {
                let stream = self.stream(channel);
                let position = stream.position();
                let data = json!({"publications": [], "position": position});
                vec![answer(link, "history", &action, data)]
            }
            "call" => vec![answer(link, "call", &action, json!({"called": true}))],
            other => panic!("the client says {other}"),
        }
    }

    pub(crate) fn binary(&mut self, link: Wire, bytes: &[u8], now: u64) -> Vec<Reply> {
        let Some(session) = self.sessions.get_mut(&link) else {
            return Vec::new();
        };
        let action = session.announced.take().expect("bytes were announced");
        let number = u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
        self.take(link, &action, number, true, now)
    }

    /// A token says `user/expiry`.
    fn login(&mut self, link: Wire, action: &Value, now: u64) -> Vec<Reply> {
        let session = self.sessions.get_mut(&link).expect("it was found");
        let (user, expires) = match action["user"].as_str() {
            Some(user) => (user.to_owned(), None),
            None => {
                let token = action["token"].as_str().expect("a token");
                let (user, expiry) = token.split_once('/').expect("a token of the model");
                (user.to_owned(), Some(expiry.parse().expect("a number")))
            }
        };
        if expires.is_some_and(|expires: u64| expires <= now) {
            return vec![refuse(link, action, 109)];
        }
        session.user = Some(user.clone());
        session.expires = expires;
        let ttl = expires.map(|expires| (expires - now) / 1000);
        vec![answer(
            link,
            "login",
            action,
            json!({"user": user, "ttl": ttl}),
        )]
    }

    fn subscribe(
        &mut self,
        link: Wire,
        action: &Value,
        said: &mut HashMap<String, Said>,
    ) -> Vec<Reply> {
        let channel = action["channel"].as_str().expect("a channel").to_owned();
        let session = self.sessions.get_mut(&link).expect("it was found");
        if session.subscriptions.contains_key(&channel) {
            return vec![refuse(link, action, 105)];
        }
        let events = action["events"].as_array().into_iter().flatten();
        let events: Vec<_> = events
            .map(|event| event.as_str().expect("a name").to_owned())
            .collect();
        session
            .subscriptions
            .insert(channel.clone(), events.clone());
        let since = action["since"].as_str();
        let history = action["history"].as_u64().unwrap_or_default();
        self.subscribes += 1;
        // A client must not rely on its server to know what it has.
        let repeats_one = self.subscribes.is_multiple_of(4);
        let stream = self.stream(&channel);
        let (mut first, what) = stream.recover(since, history);
        if what == What::Recovered && repeats_one {
            first = (first - 1).max(1);
        }
        let epoch = stream.epoch.clone();
        said.insert(channel.clone(), Said { what, epoch });
        let data = match channel.starts_with('n') {
            true => json!({"recovered": false}),
            false => json!({"position": stream.position(), "recovered": what == What::Recovered}),
        };
        let mut out = vec![answer(link, "subscribed", action, data)];
        for offset in first..=stream.top {
            if wants(&events, stream.item(offset).event) {
                let frames = stream.frames(&channel, offset);
                out.extend(frames.into_iter().map(|frame| (link, frame)));
            }
        }
        out
    }

    /// Takes a publication of the client's: once for each key.
    fn take(
        &mut self,
        link: Wire,
        action: &Value,
        number: u64,
        is_binary: bool,
        now: u64,
    ) -> Vec<Reply> {
        if self.busy_until > now {
            return vec![refuse(link, action, 111)];
        }
        let user = self.sessions[&link].user.clone().expect("it is logged in");
        // An anonymous client's keys are its connection's.
        let user = if user.is_empty() {
            format!("{link:?}")
        } else {
            user
        };
        let channel = action["channel"].as_str().expect("a channel").to_owned();
        let key = (user, action["key"].as_str().expect("a key").to_owned());
        let event = event_name(action["event"].as_str());
        let stream = self.stream(&channel);
        let known = stream.keys.get(&key).filter(|(_, until)| *until > now);
        let known = known.map(|(offset, _)| *offset);
        let offset = known.unwrap_or_else(|| {
            stream.append(Item {
                number,
                event,
                is_binary,
            });
            stream.keys.insert(key, (stream.top, now + KEY_TTL_MS));
            stream.top
        });
        let frames = stream.frames(&channel, offset);
        let data = match channel.starts_with('n') {
            true => json!({}),
            false => json!({"position": format!("{}:{offset}", stream.epoch)}),
        };
        let mut out = vec![answer(link, "published", action, data)];
        match known {
            Some(_) => self.deduplicated += 1,
            None => out.extend(self.fan_out(&channel, event, &frames)),
        }
        out
    }
}

pub(crate) fn wants(events: &[String], event: &str) -> bool {
    events.is_empty() || events.iter().any(|wanted| wanted == event)
}

pub(crate) fn event_name(event: Option<&str>) -> &'static str {
    match event {
        Some("post") => "post",
        _ => "message",
    }
}

fn answer(link: Wire, event: &str, action: &Value, data: Value) -> Reply {
    let answer = json!({"event": event, "id": action["id"], "channel": action["channel"],
        "data": data, "system": true});
    (link, Out::Text(answer.to_string()))
}

fn refuse(link: Wire, action: &Value, code: u32) -> Reply {
    let error = json!({"error": "the model refuses", "code": code, "id": action["id"],
        "system": true});
    (link, Out::Text(error.to_string()))
}
