//! Actions: what this client says.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::data::Data;
use crate::position::Position;

/// What is asked.
#[derive(Debug, Serialize)]
#[serde(tag = "action", rename_all = "lowercase")]
pub(crate) enum Verb<'a> {
    Login {
        #[serde(skip_serializing_if = "Option::is_none")]
        token: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        user: Option<&'a str>,
    },
    Subscribe {
        channel: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        token: Option<&'a str>,
        #[serde(skip_serializing_if = "<[String]>::is_empty")]
        events: &'a [String],
        #[serde(skip_serializing_if = "Option::is_none")]
        filter: Option<&'a RawValue>,
        #[serde(skip_serializing_if = "Option::is_none")]
        since: Option<String>,
        #[serde(skip_serializing_if = "is_zero")]
        history: u32,
        #[serde(skip_serializing_if = "is_false")]
        presence: bool,
    },
    Unsubscribe {
        channel: &'a str,
    },
    Publish {
        channel: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        data: Option<&'a RawValue>,
        #[serde(skip_serializing_if = "Option::is_none")]
        event: Option<&'a str>,
        key: &'a str,
        #[serde(skip_serializing_if = "is_false")]
        binary: bool,
        #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
        media_type: Option<&'a str>,
    },
    History {
        channel: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        limit: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        since: Option<String>,
        #[serde(skip_serializing_if = "is_false")]
        reverse: bool,
    },
    Presence {
        channel: &'a str,
        #[serde(skip_serializing_if = "is_false")]
        stats: bool,
    },
    Call {
        method: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        data: Option<&'a RawValue>,
    },
    Ping,
}

/// One action, as the wire has it.
#[derive(Serialize)]
struct Action<'a> {
    #[serde(flatten)]
    verb: &'a Verb<'a>,
    /// Repeated in the answer.
    id: u64,
}

impl<'a> Verb<'a> {
    /// The text frame, with an id that the answer repeats.
    pub(crate) fn encode(&self, id: u64) -> String {
        let action = Action { verb: self, id };
        serde_json::to_string(&action).expect("strings, numbers and raw JSON can be written")
    }

    pub(crate) fn publish(
        channel: &'a str,
        event: Option<&'a str>,
        key: &'a str,
        data: &'a Data,
    ) -> Self {
        let json = data.raw();
        Self::Publish {
            channel,
            data: json,
            event,
            key,
            binary: json.is_none(),
            media_type: data.media_type(),
        }
    }
}

/// How a position is written into `since`.
pub(crate) fn since(position: Option<&Position>) -> Option<String> {
    position.map(ToString::to_string)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(id: u64, verb: Verb<'_>) -> String {
        verb.encode(id)
    }

    #[test]
    fn an_action_says_what_is_asked_and_nothing_else() {
        assert_eq!(encoded(1, Verb::Ping), r#"{"action":"ping","id":1}"#);
        let login = Verb::Login {
            token: None,
            user: Some("anna"),
        };
        assert_eq!(
            encoded(2, login),
            r#"{"action":"login","user":"anna","id":2}"#
        );
        let subscribe = Verb::Subscribe {
            channel: "news",
            token: None,
            events: &["post".to_owned()],
            filter: None,
            since: since("e:7".parse().ok().as_ref()),
            history: 0,
            presence: true,
        };
        assert_eq!(
            encoded(3, subscribe),
            r#"{"action":"subscribe","channel":"news","events":["post"],"since":"e:7","presence":true,"id":3}"#
        );
    }

    #[test]
    fn json_travels_in_the_frame_and_bytes_behind_it() {
        let json = Data::json(&[1, 2]).expect("JSON");
        assert_eq!(
            encoded(1, Verb::publish("c", Some("e"), "k", &json)),
            r#"{"action":"publish","channel":"c","data":[1,2],"event":"e","key":"k","id":1}"#
        );
        let bytes = Data::binary("x").with_media_type("image/png");
        assert_eq!(
            encoded(2, Verb::publish("c", None, "k", &bytes)),
            r#"{"action":"publish","channel":"c","key":"k","binary":true,"type":"image/png","id":2}"#
        );
    }
}
