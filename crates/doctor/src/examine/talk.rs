//! What a client says first, and how long it waits for replies: in the Centrifuge dialect, or in the plain one.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::upgrade::Upgraded;
use crate::advice;
use crate::check::{Check, Mark};
use crate::conversation::{Conversation, Heard};

/// How the server is spoken with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    Centrifuge,
    Plain,
}

/// A conversation with the server.
#[derive(Debug)]
pub(super) struct Talk {
    pub(super) conversation: Conversation,
    dialect: Dialect,
    /// Between pings; `None` if the server sends none.
    ping: Option<Duration>,
    /// Whether a ping is answered by a message.
    pong: bool,
    last_id: u32,
}

/// A server of the plain dialect speaks first; one that names no dialect has so long for it.
const FIRST_WORD: Duration = Duration::from_secs(1);
/// Replies that are waited for, one after the other.
const REPLIES: u32 = 5;
/// A channel that is nobody's. It is not subscribed to: to unsubscribe from it succeeds everywhere and changes nothing.
const NO_CHANNEL: &str = "veche-doctor";

impl Talk {
    /// Finds out the dialect.
    pub(super) fn begin(upgraded: Upgraded, deadline: Instant) -> Self {
        let mut talk = Self {
            conversation: upgraded.conversation,
            dialect: Dialect::Centrifuge,
            ping: None,
            pong: false,
            last_id: 0,
        };
        if upgraded.names_dialect {
            return talk;
        }
        let first_word = deadline.min(Instant::now() + FIRST_WORD);
        if let Heard::Text(text) = talk.conversation.hear(first_word) {
            let word: Value = serde_json::from_str(&text).unwrap_or_default();
            if word.get("event").is_some_and(|event| event == "welcome") {
                talk.dialect = Dialect::Plain;
                talk.ping = seconds(word.get("ping"));
            }
        }
        talk
    }

    /// Between pings; `None` if the server sends none.
    pub(super) fn ping(&self) -> Option<Duration> {
        self.ping
    }

    /// Connects, and says as whom.
    pub(super) fn connect(
        &mut self,
        token: Option<&str>,
        deadline: Instant,
    ) -> Result<String, Check> {
        match self.dialect {
            Dialect::Centrifuge => self.connect_centrifuge(token, deadline),
            Dialect::Plain => self.login(token, deadline),
        }
    }

    fn connect_centrifuge(
        &mut self,
        token: Option<&str>,
        deadline: Instant,
    ) -> Result<String, Check> {
        let mut connect = json!({ "name": "veche doctor" });
        if let (Some(token), Some(fields)) = (token, connect.as_object_mut()) {
            fields.insert("token".to_owned(), token.into());
        }
        let reply = self.ask("connect", connect, deadline);
        let reply = reply.map_err(|heard| refused_connect(&heard, token.is_some()))?;
        if let Some(error) = reply.get("error") {
            return Err(refused_by_error(error, token.is_some()));
        }
        let connected = reply.get("connect").unwrap_or(&Value::Null);
        self.ping = seconds(connected.get("ping"));
        self.pong = connected.get("pong") == Some(&Value::Bool(true));
        let version = connected.get("version").and_then(Value::as_str);
        let version = version.map(|it| format!(" to {}", clean(it)));
        let version = version.unwrap_or_default();
        Ok(match token {
            Some(_) => format!("the token connects{version}"),
            None => format!("an anonymous client connects{version}"),
        })
    }

    fn login(&mut self, token: Option<&str>, deadline: Instant) -> Result<String, Check> {
        let Some(token) = token else {
            return Ok("the server speaks the plain dialect; --token checks a login".to_owned());
        };
        let id = self.next_id();
        let login = json!({ "action": "login", "token": token, "id": id });
        match self.exchange(&login.to_string(), id, deadline) {
            Ok(reply) if reply.get("error").is_none() => {
                Ok("the token logs in, in the plain dialect".to_owned())
            }
            Ok(reply) => Err(refused_by_error(&reply, true)),
            Err(heard) => Err(refused_connect(&heard, true)),
        }
    }

    /// The longest of some replies. One that comes only together with the next was held back.
    pub(super) fn latency(&mut self, timeout: Duration) -> Result<Duration, Check> {
        let mut longest = Duration::ZERO;
        for _ in 0..REPLIES {
            let began = Instant::now();
            let (id, text) = self.small_talk();
            match self.exchange(&text, id, began + timeout) {
                Ok(_) => longest = longest.max(began.elapsed()),
                Err(Heard::Nothing) => return Err(self.held_back(id, timeout)),
                Err(heard) => return Err(ended("replies", &heard)),
            }
        }
        Ok(longest)
    }

    /// Whether the missing reply comes with the next one.
    fn held_back(&mut self, missing: u32, timeout: Duration) -> Check {
        let (_, text) = self.small_talk();
        let came = self
            .exchange(&text, missing, Instant::now() + timeout)
            .is_ok();
        if came {
            let found =
                "a reply was held back until more was sent: something before the server buffers";
            return Check::new("replies", Mark::Wrong, found).advising(advice::DO_NOT_BUFFER);
        }
        let found = format!("no reply within {} s", timeout.as_secs_f32());
        let advice = ["something before the server swallows or buffers messages:"];
        let advice = advice.into_iter().chain(advice::DO_NOT_BUFFER);
        Check::new("replies", Mark::Wrong, found).advising(advice)
    }

    /// A command that changes nothing and is answered by everybody.
    fn small_talk(&mut self) -> (u32, String) {
        let id = self.next_id();
        let text = match self.dialect {
            Dialect::Centrifuge => json!({ "id": id, "unsubscribe": { "channel": NO_CHANNEL } }),
            Dialect::Plain => json!({ "action": "ping", "id": id }),
        };
        (id, text.to_string())
    }

    fn ask(&mut self, verb: &str, body: Value, deadline: Instant) -> Result<Value, Heard> {
        let id = self.next_id();
        let command = json!({ "id": id, (verb): body });
        self.exchange(&command.to_string(), id, deadline)
    }

    /// Says something and waits for the reply with this id; pings are answered meanwhile.
    fn exchange(&mut self, text: &str, id: u32, deadline: Instant) -> Result<Value, Heard> {
        if self.conversation.say(text).is_err() {
            return Err(Heard::Cut);
        }
        loop {
            match self.hear(deadline) {
                Heard::Text(text) => {
                    let replies = text
                        .lines()
                        .filter_map(|line| serde_json::from_str(line).ok());
                    let is_ours = |reply: &Value| reply.get("id") == Some(&json!(id));
                    if let Some(reply) = replies.into_iter().find(is_ours) {
                        return Ok(reply);
                    }
                }
                Heard::Ping | Heard::Pong | Heard::Binary => {}
                other => return Err(other),
            }
        }
    }

    /// Hears what comes first. A ping of the dialect counts as one of the WebSocket, and is answered.
    pub(super) fn hear(&mut self, deadline: Instant) -> Heard {
        match self.conversation.hear(deadline) {
            Heard::Text(text) if self.dialect == Dialect::Centrifuge && text.trim() == "{}" => {
                if self.pong && self.conversation.say("{}").is_err() {
                    return Heard::Cut;
                }
                Heard::Ping
            }
            other => other,
        }
    }

    fn next_id(&mut self) -> u32 {
        self.last_id += 1;
        self.last_id
    }
}

/// The connection ended where a reply was due.
pub(super) fn ended(name: &'static str, heard: &Heard) -> Check {
    let found = match heard {
        Heard::Closed(Some(code), reason) => {
            format!("the server closed the connection: {code} {}", clean(reason))
        }
        Heard::Closed(None, _) => "the server closed the connection without a code".to_owned(),
        Heard::Broken(what) => format!("what comes is no WebSocket: {what}"),
        Heard::Nothing => "there was no reply in time".to_owned(),
        _ => "the connection was cut without a close frame".to_owned(),
    };
    Check::new(name, Mark::Wrong, found)
}

fn refused_connect(heard: &Heard, has_token: bool) -> Check {
    const NAME: &str = "connect";
    let Heard::Closed(Some(code), reason) = heard else {
        return ended(NAME, heard);
    };
    let said = format!("{code} {}", clean(reason));
    match (code, has_token) {
        (3501, false) => {
            let found = format!("the server lets nobody in without a token ({said})");
            Check::new(NAME, Mark::Doubtful, found).advising([
                "--token TOKEN looks at the rest: replies, pings, proxies that end idle connections",
            ])
        }
        (3500, true) => {
            let found = format!("the token is refused ({said})");
            Check::new(NAME, Mark::Wrong, found)
                .advising(["veche checktoken TOKEN -c config.json, beside the server, says why"])
        }
        _ => ended(NAME, heard),
    }
}

/// A server that answers with an error: of the Centrifuge dialect or of the plain one.
fn refused_by_error(error: &Value, has_token: bool) -> Check {
    let code = error
        .get("code")
        .and_then(Value::as_u64)
        .unwrap_or_default();
    let words = error.get("message").or_else(|| error.get("error"));
    let words = clean(words.and_then(Value::as_str).unwrap_or_default());
    let check = Check::new(
        "connect",
        Mark::Wrong,
        format!("connect is refused: error {code} ({words})"),
    );
    match code {
        109 => check.advising(["the token has run out: make a new one"]),
        _ if has_token => {
            check.advising(["veche checktoken TOKEN -c config.json, beside the server, says why"])
        }
        _ => check,
    }
}

fn seconds(value: Option<&Value>) -> Option<Duration> {
    let seconds = value.and_then(Value::as_u64).filter(|secs| *secs > 0)?;
    Some(Duration::from_secs(seconds))
}

/// What a stranger says, in one line of a terminal.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
