//! Actions: what a client of the plain dialect asks.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::parse_position;
use crate::error_code::{CommandError, ErrorCode};
use crate::filter::FilterNode;
use crate::json::object;
use crate::json::reader::Reader;
use crate::payload::{MAX_DEPTH, Payload, nests_within};
use crate::position::StreamPosition;

/// What a client asks.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// What the answer repeats.
    pub asked: Asked,
    /// What is asked.
    pub verb: Verb,
}

/// What an answer repeats of what was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Chosen by the client.
    pub id: Option<RequestId>,
    /// The action's name, as the client wrote it.
    pub action: Option<Cow<'static, str>>,
    /// The channel. Actions that need one have one, and it is not empty.
    pub channel: Option<String>,
}

impl Asked {
    /// The channel, or an empty string.
    #[must_use]
    pub fn channel(&self) -> &str {
        self.channel.as_deref().unwrap_or_default()
    }
}

/// A client's own mark for an action: any JSON string or number, repeated as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Box<str>);

impl RequestId {
    /// The JSON text.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Verb {
    /// Says who the client is, or renews its token.
    Login {
        /// A JWT.
        token: Option<String>,
        /// A name without proof.
        user: Option<String>,
    },
    /// Asks for a channel.
    Subscribe(Box<Subscribe>),
    /// Gives a channel back.
    Unsubscribe,
    /// Puts data into a channel.
    Publish(Box<Publish>),
    /// Asks for past publications.
    History {
        /// At most so many; `None` for as many as the server gives.
        limit: Option<u32>,
        /// Begins after this position (before it, in reverse).
        since: Option<StreamPosition>,
        /// Newest first.
        reverse: bool,
    },
    /// Asks who is in a channel.
    Presence {
        /// Counts are enough.
        stats: bool,
    },
    /// Calls the backend.
    Call {
        /// Name of the method.
        method: String,
        /// Arguments.
        data: Option<Payload>,
    },
    /// Asks for a sign of life.
    Ping,
}

/// Asks for a channel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subscribe {
    /// A JWT, or empty.
    pub token: String,
    /// Event names that are wanted; empty for all.
    pub events: Vec<String>,
    /// Which publications are wanted.
    pub filter: Option<Box<FilterNode>>,
    /// Where the client stood.
    pub since: Option<StreamPosition>,
    /// So many recent publications are wanted.
    pub history: u32,
    /// Wants to know who is there, comes and leaves.
    pub presence: bool,
}

/// Puts data into a channel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Publish {
    /// The data; `None` where the next binary frame is the data.
    pub data: Option<Payload>,
    /// The event's name, unless it is the default.
    pub event: Option<String>,
    /// Makes a repeated publish the same publication; may be empty.
    pub key: String,
    /// Media type of binary data, such as `image/png`.
    pub media_type: Option<String>,
}

/// What could not be read, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejected {
    /// As far as it could be read.
    pub asked: Asked,
    /// 104 for an unknown action, else 107; with a reason.
    pub error: CommandError,
}

/// Reads one action.
///
/// # Errors
/// It is not one JSON object, the action is unknown, or a field it needs is missing or has the wrong type.
pub fn decode_action(text: &[u8]) -> Result<Action, Box<Rejected>> {
    let mut asked = Asked::default();
    match read(text, &mut asked) {
        Ok(verb) => Ok(Action { asked, verb }),
        Err(error) => Err(Box::new(Rejected { asked, error })),
    }
}

fn read(text: &[u8], asked: &mut Asked) -> Result<Verb, CommandError> {
    let text = simdutf8::basic::from_utf8(text).map_err(|_| bad("not UTF-8"))?;
    let fields = Fields::parse(text)?;
    asked.id = fields.id()?;
    // As a courtesy `event` is the verb where there is no `action`.
    let (name, event) = match fields.string("action")? {
        Some(name) => (Some(name), fields.string("event")?),
        None => (fields.string("event")?, None),
    };
    let Some(name) = name else {
        return Err(bad(format!(
            "\"action\" is missing; it is one of {ACTIONS}"
        )));
    };
    asked.action = Some(Cow::Owned(name.clone()));
    asked.channel = match fields.string("channel")? {
        Some(channel) => Some(channel),
        None => fields.string("topic")?,
    };
    let needs_channel = !matches!(name.as_str(), "login" | "call" | "ping");
    if KNOWN.contains(&name.as_str()) && needs_channel && asked.channel().is_empty() {
        return Err(bad(format!(
            "\"{name}\" needs \"channel\", a string that is not empty"
        )));
    }
    match name.as_str() {
        "login" => fields.login(),
        "subscribe" => fields.subscribe(),
        "unsubscribe" => Ok(Verb::Unsubscribe),
        "publish" => fields.publish(event),
        "history" => Ok(Verb::History {
            limit: fields.number("limit")?,
            since: fields.position()?,
            reverse: fields.flag("reverse")?,
        }),
        "presence" => Ok(Verb::Presence {
            stats: fields.flag("stats")?,
        }),
        "call" => Ok(Verb::Call {
            method: fields
                .string("method")?
                .ok_or_else(|| bad("\"call\" needs \"method\", a string"))?,
            data: fields.data()?,
        }),
        "ping" => Ok(Verb::Ping),
        _ => {
            let why = format!("there is no action \"{name}\"; known are {ACTIONS}");
            Err(CommandError::because(ErrorCode::METHOD_NOT_FOUND, why))
        }
    }
}

const ACTIONS: &str = "login, subscribe, unsubscribe, publish, history, presence, call, ping";
const KNOWN: [&str; 8] = [
    "login",
    "subscribe",
    "unsubscribe",
    "publish",
    "history",
    "presence",
    "call",
    "ping",
];

fn bad(why: impl Into<Cow<'static, str>>) -> CommandError {
    CommandError::because(ErrorCode::BAD_REQUEST, why)
}

/// Names in the `events` of a subscription.
const MAX_EVENTS: usize = 64;
/// Bytes of those names together.
const MAX_EVENT_BYTES: usize = 4096;

/// The fields of an object that some action has; of duplicates the last.
struct Fields<'a>(Vec<(&'static str, &'a RawValue)>);

const NAMES: [&str; 21] = [
    "action", "event", "id", "channel", "topic", "token", "user", "events", "filter", "since",
    "history", "presence", "data", "key", "binary", "type", "limit", "reverse", "stats", "method",
    "size",
];

impl<'a> Fields<'a> {
    fn parse(text: &'a str) -> Result<Self, CommandError> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let fields = deserializer
            .deserialize_map(FieldsVisitor)
            .and_then(|fields| deserializer.end().map(|()| fields));
        fields.map_err(|error| bad(format!("not one JSON object: {error}")))
    }

    /// The value of a field; `null` is none.
    fn get(&self, name: &str) -> Option<&'a str> {
        let (_, value) = self.0.iter().find(|(known, _)| *known == name)?;
        Some(value.get()).filter(|value| *value != "null")
    }

    fn parsed<T: serde::de::DeserializeOwned>(
        &self,
        name: &str,
        kind: &str,
    ) -> Result<Option<T>, CommandError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        serde_json::from_str(value)
            .map(Some)
            .map_err(|_| bad(format!("\"{name}\" must be {kind}")))
    }

    fn string(&self, name: &str) -> Result<Option<String>, CommandError> {
        self.parsed(name, "a string")
    }

    fn number(&self, name: &str) -> Result<Option<u32>, CommandError> {
        self.parsed(name, "a whole number from 0 to 4294967295")
    }

    fn flag(&self, name: &str) -> Result<bool, CommandError> {
        Ok(self.parsed(name, "true or false")?.unwrap_or_default())
    }

    fn id(&self) -> Result<Option<RequestId>, CommandError> {
        match self.get("id") {
            None => Ok(None),
            Some(id) if id.starts_with(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) => {
                Ok(Some(RequestId(id.into())))
            }
            Some(_) => Err(bad("\"id\" must be a string or a number")),
        }
    }

    fn position(&self) -> Result<Option<StreamPosition>, CommandError> {
        let Some(since) = self.string("since")? else {
            return Ok(None);
        };
        let why =
            "\"since\" is no position: take the id of a publication, or a position of an answer";
        parse_position(&since).map(Some).ok_or_else(|| bad(why))
    }

    fn data(&self) -> Result<Option<Payload>, CommandError> {
        let Some((_, data)) = self.0.iter().find(|(name, _)| *name == "data") else {
            return Ok(None);
        };
        let data = data.get().as_bytes();
        if !nests_within(data, MAX_DEPTH) {
            return Err(bad(format!(
                "\"data\" has more than {MAX_DEPTH} levels of nesting"
            )));
        }
        Ok(Some(Payload::json(Bytes::copy_from_slice(data))))
    }

    fn login(&self) -> Result<Verb, CommandError> {
        let token = self.string("token")?.filter(|token| !token.is_empty());
        let user = self.string("user")?.filter(|user| !user.is_empty());
        if token.is_none() && user.is_none() {
            return Err(bad("\"login\" needs \"token\", a JWT"));
        }
        Ok(Verb::Login { token, user })
    }

    fn subscribe(&self) -> Result<Verb, CommandError> {
        Ok(Verb::Subscribe(Box::new(Subscribe {
            token: self.string("token")?.unwrap_or_default(),
            events: self.events()?,
            filter: self.filter()?,
            since: self.position()?,
            history: self.number("history")?.unwrap_or_default(),
            presence: self.flag("presence")?,
        })))
    }

    /// The subscription keeps them for as long as it lives.
    fn events(&self) -> Result<Vec<String>, CommandError> {
        let names: Vec<String> = self
            .parsed("events", "a list of strings")?
            .unwrap_or_default();
        let bytes: usize = names.iter().map(String::len).sum();
        if names.len() > MAX_EVENTS || bytes > MAX_EVENT_BYTES {
            return Err(bad(format!(
                "\"events\" has at most {MAX_EVENTS} names, of {MAX_EVENT_BYTES} bytes together"
            )));
        }
        Ok(names)
    }

    fn filter(&self) -> Result<Option<Box<FilterNode>>, CommandError> {
        let Some(filter) = self.get("filter") else {
            return Ok(None);
        };
        let mut node = Box::<FilterNode>::default();
        object::fields(&mut Reader::new(filter), &mut *node)
            .map_err(|error| bad(format!("\"filter\" is no tags filter: {error}")))?;
        Ok(Some(node))
    }

    fn publish(&self, event: Option<String>) -> Result<Verb, CommandError> {
        let is_binary = self.flag("binary")?;
        let data = self.data()?.filter(|_| !is_binary);
        if data.is_none() && !is_binary {
            return Err(bad(
                "\"publish\" needs \"data\", any JSON value, or \"binary\": true before a binary frame",
            ));
        }
        Ok(Verb::Publish(Box::new(Publish {
            data,
            event: event.filter(|event| !event.is_empty()),
            key: self.string("key")?.unwrap_or_default(),
            media_type: self
                .string("type")?
                .filter(|_| is_binary)
                .filter(|media_type| !media_type.is_empty()),
        })))
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        let mut fields: Vec<(&'static str, &'de RawValue)> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            let Some(known) = NAMES.into_iter().find(|known| *known == name) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = map.next_value()?;
            match fields.iter_mut().find(|(seen, _)| *seen == known) {
                Some((_, earlier)) => *earlier = value,
                None => fields.push((known, value)),
            }
        }
        Ok(Fields(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(text: &str) -> Action {
        decode_action(text.as_bytes()).unwrap_or_else(|rejected| panic!("{text}: {rejected:?}"))
    }

    fn rejected(text: &str) -> (u32, String) {
        let rejected = decode_action(text.as_bytes()).unwrap_err();
        (
            rejected.error.code.0,
            rejected.error.why.unwrap().into_owned(),
        )
    }

    #[test]
    fn every_action_is_read() {
        let subscribe = action(
            r#"{"action":"subscribe","channel":"c","id":"x","token":"t","events":["a"],"since":"e:p:5","history":3,
                "presence":true,"filter":{"key":"k","cmp":"ex"},"unknown":[1]}"#,
        );
        assert_eq!(subscribe.asked.channel(), "c");
        assert_eq!(
            subscribe.asked.id.as_ref().map(RequestId::as_json),
            Some("\"x\"")
        );
        let Verb::Subscribe(subscribe) = subscribe.verb else {
            panic!("not subscribe")
        };
        assert_eq!(subscribe.since, parse_position("e:p:5"));
        assert_eq!(
            (
                subscribe.history,
                subscribe.presence,
                subscribe.events.len()
            ),
            (3, true, 1)
        );
        assert_eq!(subscribe.filter.unwrap().cmp, "ex");
        let history = action(r#"{"action":"history","channel":"c","limit":2,"reverse":true}"#).verb;
        assert_eq!(
            history,
            Verb::History {
                limit: Some(2),
                since: None,
                reverse: true
            }
        );
        let stats = action(r#"{"action":"presence","channel":"c","stats":true}"#).verb;
        assert_eq!(stats, Verb::Presence { stats: true });
        assert_eq!(
            action(r#"{"action":"unsubscribe","channel":"c"}"#).verb,
            Verb::Unsubscribe
        );
        assert_eq!(action(r#"{"action":"ping"}"#).verb, Verb::Ping);
        let login = action(r#"{"action":"login","user":"ann","token":""}"#).verb;
        assert_eq!(
            login,
            Verb::Login {
                token: None,
                user: Some("ann".into())
            }
        );
        let call = action(r#"{"action":"call","method":"m","data":null}"#).verb;
        assert!(matches!(call, Verb::Call { data: Some(_), .. }));
    }

    #[test]
    fn publications_have_a_name_and_data_as_it_was_written() {
        let Verb::Publish(publish) = action(
            r#"{"action":"publish","channel":"c","event":"typing","data": [1.50] ,"key":"k"}"#,
        )
        .verb
        else {
            panic!("not publish")
        };
        assert_eq!(&publish.data.unwrap().bytes()[..], b"[1.50]");
        assert_eq!(
            (publish.event.as_deref(), publish.key.as_str()),
            (Some("typing"), "k")
        );
        let Verb::Publish(publish) =
            action(r#"{"action":"publish","channel":"c","binary":true,"type":"image/png"}"#).verb
        else {
            panic!("not publish")
        };
        assert_eq!(
            (publish.data, publish.media_type.as_deref()),
            (None, Some("image/png"))
        );
    }

    #[test]
    fn data_nests_within_512_levels() {
        let publish = |levels: usize| {
            let data = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
            format!(r#"{{"action":"publish","channel":"c","data":{data}}}"#)
        };
        let Verb::Publish(taken) = action(&publish(MAX_DEPTH)).verb else {
            panic!("not publish")
        };
        assert_eq!(taken.data.map(|data| data.len()), Some(2 * MAX_DEPTH));
        let (code, why) = rejected(&publish(MAX_DEPTH + 1));
        assert_eq!(code, 107);
        assert!(why.contains("more than 512 levels of nesting"), "{why}");
    }

    #[test]
    fn the_lectures_words_are_understood() {
        let published = action(r#"{"event":"publish","topic":"news","data":{"a":1}}"#);
        assert_eq!(published.asked.channel(), "news");
        let Verb::Publish(publish) = published.verb else {
            panic!("not publish")
        };
        assert_eq!(publish.event, None);
        assert_eq!(
            action(r#"{"event":"subscribe","topic":"a","channel":"b"}"#)
                .asked
                .channel(),
            "b"
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_a_code() {
        for (text, code, part) in [
            ("", 107, "not one JSON object"),
            ("{", 107, "not one JSON object"),
            ("[]", 107, "not one JSON object"),
            ("{} {}", 107, "not one JSON object"),
            ("null", 107, "not one JSON object"),
            ("{}", 107, "\"action\" is missing"),
            (r#"{"action":"dance"}"#, 104, "no action \"dance\""),
            (r#"{"action":5}"#, 107, "\"action\" must be a string"),
            (r#"{"action":"ping","id":[]}"#, 107, "\"id\" must be"),
            (r#"{"action":"subscribe"}"#, 107, "needs \"channel\""),
            (
                r#"{"action":"subscribe","channel":""}"#,
                107,
                "needs \"channel\"",
            ),
            (
                r#"{"action":"subscribe","channel":"c","since":"x"}"#,
                107,
                "no position",
            ),
            (
                r#"{"action":"subscribe","channel":"c","since":5}"#,
                107,
                "\"since\" must be a string",
            ),
            (
                r#"{"action":"subscribe","channel":"c","history":-1}"#,
                107,
                "\"history\" must be",
            ),
            (
                r#"{"action":"subscribe","channel":"c","events":"a"}"#,
                107,
                "\"events\" must be",
            ),
            (
                r#"{"action":"subscribe","channel":"c","filter":5}"#,
                107,
                "no tags filter",
            ),
            (
                r#"{"action":"publish","channel":"c"}"#,
                107,
                "needs \"data\"",
            ),
            (
                r#"{"action":"publish","channel":"c","data":1,"binary":1}"#,
                107,
                "\"binary\" must be",
            ),
            (r#"{"action":"login"}"#, 107, "needs \"token\""),
            (r#"{"action":"call"}"#, 107, "needs \"method\""),
        ] {
            let (found, why) = rejected(text);
            assert_eq!(found, code, "{text}");
            assert!(why.contains(part), "{text}: {why}");
        }
        assert!(decode_action(b"{\"action\":\"\xff\"}").is_err());
        let asked = decode_action(br#"{"id":7,"action":"history","channel":"c","limit":"x"}"#)
            .unwrap_err()
            .asked;
        assert_eq!(
            (asked.channel(), asked.action.as_deref()),
            ("c", Some("history"))
        );
        assert_eq!(asked.id.unwrap().as_json(), "7");
    }

    #[test]
    fn positions_are_split_at_the_last_colon() {
        let position = parse_position("a:b:7").unwrap();
        assert_eq!((position.epoch.as_str(), position.offset), ("a:b", 7));
        assert!(parse_position(":0").is_some());
        for bad in [
            "",
            "7",
            "e:",
            "e:-1",
            "e:+1",
            "e:1.5",
            "e:99999999999999999999",
        ] {
            assert!(parse_position(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_subscription_names_a_bounded_number_of_events() {
        let subscribe = |names: &[String]| {
            let names = serde_json::to_string(names).unwrap();
            format!(r#"{{"action":"subscribe","channel":"c","events":{names}}}"#)
        };
        let many = |count: usize, len: usize| vec!["x".repeat(len); count];
        for names in [many(MAX_EVENTS, 1), many(1, MAX_EVENT_BYTES), many(64, 64)] {
            assert!(decode_action(subscribe(&names).as_bytes()).is_ok());
        }
        for names in [
            many(MAX_EVENTS + 1, 1),
            many(1, MAX_EVENT_BYTES + 1),
            many(33, 128),
        ] {
            let (code, why) = rejected(&subscribe(&names));
            assert_eq!(code, 107);
            assert!(why.contains("at most 64 names"), "{why}");
        }
    }
}
