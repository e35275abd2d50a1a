//! The plain dialect, as far as a load generator speaks it.

use serde::Deserialize;

use super::Heard;

/// A frame without a publication; of its parts only what matters here.
#[derive(Debug, Deserialize)]
struct Frame {
    #[serde(default)]
    event: String,
    id: Option<u32>,
    error: Option<String>,
    #[serde(default)]
    code: u32,
}

pub(super) fn subscribe(channel: &str) -> Vec<u8> {
    let action = serde_json::json!({"action": "subscribe", "channel": channel, "id": 2});
    action.to_string().into_bytes()
}

/// `channel` holds nothing that JSON would escape: it is one of ours.
pub(super) fn publish(channel: &str, data: &[u8], id: u32, out: &mut Vec<u8>) {
    let before = format!(r#"{{"action":"publish","id":{id},"channel":"{channel}","data":"#);
    out.extend_from_slice(before.as_bytes());
    out.extend_from_slice(data);
    out.push(b'}');
}

pub(super) fn hear(item: &[u8]) -> Heard {
    let Ok(frame) = serde_json::from_slice::<Frame>(item) else {
        return Heard::Other;
    };
    if let Some(error) = frame.error {
        return Heard::Refused(format!("{error} ({})", frame.code));
    }
    match frame.event.as_str() {
        "welcome" => Heard::Connected { pong: false },
        "subscribed" => Heard::Subscribed,
        "published" => Heard::Published,
        "unsubscribed" if frame.id.is_none() => Heard::Unsubscribed("unsubscribed".to_owned()),
        _ => Heard::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::{Heard, hear};

    #[test]
    fn frames_are_understood() {
        for (item, heard) in [
            (
                r#"{"event":"welcome","client":"x","system":true}"#,
                Heard::Connected { pong: false },
            ),
            (
                r#"{"event":"subscribed","id":2,"channel":"a","data":{}}"#,
                Heard::Subscribed,
            ),
            (
                r#"{"event":"published","id":3,"data":{}}"#,
                Heard::Published,
            ),
            (
                r#"{"error":"log in first","code":101}"#,
                Heard::Refused("log in first (101)".to_owned()),
            ),
            (r#"{"event":"pong","data":{}}"#, Heard::Other),
        ] {
            assert_eq!(hear(item.as_bytes()), heard, "{item}");
        }
    }
}
