//! Reads an action from its fields.

use std::borrow::Cow;

use super::fields::{Fields, bad};
use super::{Action, Publish, RequestEcho, Subscribe, Verb};
use crate::error_code::{CommandError, ErrorCode};
use crate::filter::FilterNode;
use crate::json::object;
use crate::json::reader::Reader;

/// An action that could not be read, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejected {
    /// As far as it could be read.
    pub asked: RequestEcho,
    /// 104 for an unknown action, else 107; with a reason.
    pub error: CommandError,
}

/// Reads one action.
///
/// # Errors
/// It is not one JSON object, the action is unknown, or a field it needs is missing or has the wrong type.
pub fn decode_action(text: &[u8]) -> Result<Action, Box<Rejected>> {
    let mut asked = RequestEcho::default();
    match read(text, &mut asked) {
        Ok(verb) => Ok(Action { asked, verb }),
        Err(error) => Err(Box::new(Rejected { asked, error })),
    }
}

fn read(text: &[u8], asked: &mut RequestEcho) -> Result<Verb, CommandError> {
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
        "login" => login(&fields),
        "subscribe" => subscribe(&fields),
        "unsubscribe" => Ok(Verb::Unsubscribe),
        "publish" => publish(&fields, event),
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

/// Names in the `events` of a subscription.
const MAX_EVENTS: usize = 64;
/// Bytes of those names together.
const MAX_EVENT_BYTES: usize = 4096;

fn login(fields: &Fields<'_>) -> Result<Verb, CommandError> {
    let token = fields.string("token")?.filter(|token| !token.is_empty());
    let user = fields.string("user")?.filter(|user| !user.is_empty());
    if token.is_none() && user.is_none() {
        return Err(bad("\"login\" needs \"token\", a JWT"));
    }
    Ok(Verb::Login { token, user })
}

fn subscribe(fields: &Fields<'_>) -> Result<Verb, CommandError> {
    Ok(Verb::Subscribe(Box::new(Subscribe {
        token: fields.string("token")?.unwrap_or_default(),
        events: events(fields)?,
        filter: filter(fields)?,
        since: fields.position()?,
        history: fields.number("history")?.unwrap_or_default(),
        presence: fields.flag("presence")?,
    })))
}

/// The subscription keeps them for as long as it lives.
fn events(fields: &Fields<'_>) -> Result<Vec<String>, CommandError> {
    let names = fields.strings("events")?.unwrap_or_default();
    let bytes: usize = names.iter().map(String::len).sum();
    if names.len() > MAX_EVENTS || bytes > MAX_EVENT_BYTES {
        return Err(bad(format!(
            "\"events\" has at most {MAX_EVENTS} names, of {MAX_EVENT_BYTES} bytes together"
        )));
    }
    Ok(names)
}

fn filter(fields: &Fields<'_>) -> Result<Option<Box<FilterNode>>, CommandError> {
    let Some(filter) = fields.get("filter") else {
        return Ok(None);
    };
    let mut node = Box::<FilterNode>::default();
    object::fields(&mut Reader::new(filter.as_str()), &mut *node)
        .map_err(|error| bad(format!("\"filter\" is no tags filter: {error}")))?;
    Ok(Some(node))
}

fn publish(fields: &Fields<'_>, event: Option<String>) -> Result<Verb, CommandError> {
    let is_binary = fields.flag("binary")?;
    let data = fields.data()?.filter(|_| !is_binary);
    if data.is_none() && !is_binary {
        return Err(bad(
            "\"publish\" needs \"data\", any JSON value, or \"binary\": true before a binary frame",
        ));
    }
    Ok(Verb::Publish(Box::new(Publish {
        data,
        event: event.filter(|event| !event.is_empty()),
        key: fields.string("key")?.unwrap_or_default(),
        media_type: fields
            .string("type")?
            .filter(|_| is_binary)
            .filter(|media_type| !media_type.is_empty()),
    })))
}

#[cfg(test)]
mod tests;
