//! The Centrifuge client protocol in JSON, as far as a load generator speaks it.

use memchr::memchr;
use serde::Deserialize;

use super::Heard;

/// A reply without publications; of its parts only what matters here.
#[derive(Debug, Deserialize)]
struct Reply {
    id: Option<u32>,
    error: Option<CommandError>,
    connect: Option<Connect>,
    subscribe: Option<Empty>,
    publish: Option<Empty>,
    push: Option<Push>,
}

#[derive(Debug, Deserialize)]
pub(super) struct CommandError {
    code: u32,
    #[serde(default)]
    message: String,
}

impl CommandError {
    fn text(&self) -> String {
        format!("{} ({})", self.message, self.code)
    }
}

#[derive(Debug, Deserialize)]
struct Connect {
    #[serde(default)]
    pong: bool,
}

#[derive(Debug, Deserialize)]
struct Empty {}

#[derive(Debug, Deserialize)]
struct Push {
    unsubscribe: Option<Unsubscribe>,
}

#[derive(Debug, Deserialize)]
struct Unsubscribe {
    #[serde(default)]
    code: u32,
    #[serde(default)]
    reason: String,
}

pub(super) fn connect(token: Option<&str>) -> Vec<u8> {
    let command = match token {
        Some(token) => serde_json::json!({"id": 1, "connect": {"token": token}}),
        None => serde_json::json!({"id": 1, "connect": {}}),
    };
    command.to_string().into_bytes()
}

pub(super) fn subscribe(channel: &str) -> Vec<u8> {
    let command = serde_json::json!({"id": 2, "subscribe": {"channel": channel}});
    command.to_string().into_bytes()
}

/// `channel` holds nothing that JSON would escape: it is one of ours.
pub(super) fn publish(channel: &str, data: &[u8], id: u32, out: &mut Vec<u8>) {
    let before = format!(r#"{{"id":{id},"publish":{{"channel":"{channel}","data":"#);
    out.extend_from_slice(before.as_bytes());
    out.extend_from_slice(data);
    out.extend_from_slice(b"}}");
}

pub(super) fn split_line<'m>(message: &mut &'m [u8]) -> &'m [u8] {
    let whole = *message;
    let end = memchr(b'\n', whole).unwrap_or(whole.len());
    let (line, rest) = whole.split_at(end);
    *message = rest.get(1..).unwrap_or_default();
    line
}

pub(super) fn hear(item: &[u8]) -> Heard {
    if item == b"{}" {
        return Heard::Ping;
    }
    let Ok(reply) = serde_json::from_slice::<Reply>(item) else {
        return Heard::Other;
    };
    match reply {
        Reply {
            error: Some(error), ..
        } => Heard::Refused(error.text()),
        Reply {
            connect: Some(connect),
            ..
        } => Heard::Connected { pong: connect.pong },
        Reply {
            subscribe: Some(_), ..
        } => Heard::Subscribed,
        Reply {
            publish: Some(_), ..
        } => Heard::Published,
        Reply {
            push: Some(Push {
                unsubscribe: Some(unsubscribe),
            }),
            ..
        } => Heard::Unsubscribed(format!("{} ({})", unsubscribe.reason, unsubscribe.code)),
        Reply {
            id: None,
            push: None,
            ..
        } => Heard::Ping,
        _ => Heard::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::{Heard, hear, publish};

    #[test]
    fn replies_are_understood() {
        let connected = br#"{"id":1,"connect":{"client":"x","version":"6","ping":25,"pong":true}}"#;
        for (item, heard) in [
            (&connected[..], Heard::Connected { pong: true }),
            (
                br#"{"id":1,"connect":{"client":"x"}}"#,
                Heard::Connected { pong: false },
            ),
            (br#"{"id":2,"subscribe":{}}"#, Heard::Subscribed),
            (br#"{"id":9,"publish":{}}"#, Heard::Published),
            (
                br#"{"id":2,"error":{"code":103,"message":"permission denied"}}"#,
                Heard::Refused("permission denied (103)".to_owned()),
            ),
            (
                br#"{"push":{"channel":"a","unsubscribe":{"code":2500,"reason":"gone"}}}"#,
                Heard::Unsubscribed("gone (2500)".to_owned()),
            ),
            (br#"{"push":{"channel":"a","join":{}}}"#, Heard::Other),
            (b"not JSON", Heard::Other),
        ] {
            assert_eq!(hear(item), heard, "{}", String::from_utf8_lossy(item));
        }
    }

    #[test]
    fn a_publication_is_one_command() {
        let mut out = Vec::new();
        publish("bench:0", b"[1]", 3, &mut out);
        let expected = br#"{"id":3,"publish":{"channel":"bench:0","data":[1]}}"#;
        assert_eq!(out, expected);
    }
}
