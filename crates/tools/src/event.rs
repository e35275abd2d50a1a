//! What happens, as a line of JSON: the contract with scripts, which `docs/tools.md` spells out.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::payload::Payload;
use crate::position::Position;

/// One line.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Event {
    Connecting {
        code: u32,
        reason: String,
    },
    Connected {
        client: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        user: Option<String>,
        transport: &'static str,
    },
    Disconnected(Ended),
    Subscribing {
        channel: String,
        code: u32,
        reason: String,
    },
    Subscribed {
        channel: String,
        was_recovering: bool,
        recovered: bool,
        #[serde(flatten)]
        position: Option<Position>,
    },
    Unsubscribed {
        channel: String,
        code: u32,
        reason: String,
    },
    Publication(Publication),
    Join {
        channel: String,
        info: Info,
    },
    Leave {
        channel: String,
        info: Info,
    },
    Error(Error),
    /// A publication of ours was confirmed.
    Published {
        channel: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        line: Option<u64>,
        #[serde(flatten)]
        position: Option<Position>,
    },
    /// What a backend answered.
    Answer {
        method: String,
        #[serde(flatten)]
        data: Payload,
    },
    /// The end of a list of past publications.
    History {
        channel: String,
        count: usize,
        #[serde(flatten)]
        position: Option<Position>,
    },
    /// One connection that is in a channel.
    Presence {
        channel: String,
        info: Info,
    },
    PresenceStats {
        channel: String,
        num_clients: u64,
        num_users: u64,
    },
}

/// Something was published, now or before.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Publication {
    pub(crate) channel: String,
    #[serde(flatten)]
    pub(crate) data: Payload,
    #[serde(flatten)]
    pub(crate) position: Option<Position>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) tags: BTreeMap<String, String>,
    /// Milliseconds of Unix time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) time: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) info: Option<Info>,
}

/// A connection of somebody.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Info {
    pub(crate) user: String,
    pub(crate) client: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) conn_info: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) chan_info: Option<Box<RawValue>>,
}

/// Something failed. What failed only for the moment is tried again.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Error {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) channel: Option<String>,
    /// Which line of the standard input it was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<u32>,
    pub(crate) reason: String,
    /// Whether what was asked for may have been done all the same.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) uncertain: bool,
}

/// The connection has ended for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Ended {
    pub(crate) code: u32,
    pub(crate) reason: String,
}

impl Event {
    /// The line, without its end.
    pub(crate) fn json(&self) -> String {
        serde_json::to_string(self).expect("an event has string keys and no fallible value")
    }

    /// What it counts for in a bounded queue, in bytes.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Publication(publication) => {
                let data = match &publication.data {
                    Payload::Data(value) => value.get().len(),
                    Payload::Base64(text) => text.len(),
                };
                OVERHEAD + publication.channel.len() + data
            }
            _ => OVERHEAD,
        }
    }
}

/// Bytes that an event takes beside its data.
const OVERHEAD: usize = 512;

#[cfg(test)]
mod tests {
    use super::{Ended, Error, Event, Position, Publication};
    use crate::payload::Payload;

    #[test]
    fn a_line_has_its_type_first_and_leaves_out_what_does_not_apply() {
        let data = serde_json::value::to_raw_value(&[1.5]).unwrap();
        let publication = Publication {
            channel: "news".into(),
            data: Payload::Data(data),
            position: Some(Position {
                offset: 7,
                epoch: "e".into(),
            }),
            tags: [("event".into(), "post".into())].into(),
            time: None,
            info: None,
        };
        assert_eq!(
            Event::Publication(publication).json(),
            r#"{"type":"publication","channel":"news","data":[1.5],"offset":7,"epoch":"e","tags":{"event":"post"}}"#
        );
        let ended = Ended {
            code: 3500,
            reason: "invalid token".into(),
        };
        assert_eq!(
            Event::Disconnected(ended).json(),
            r#"{"type":"disconnected","code":3500,"reason":"invalid token"}"#
        );
        let subscribed = Event::Subscribed {
            channel: "news".into(),
            was_recovering: false,
            recovered: false,
            position: None,
        };
        assert_eq!(
            subscribed.json(),
            r#"{"type":"subscribed","channel":"news","was_recovering":false,"recovered":false}"#
        );
        let error = Error {
            reason: "x".into(),
            ..Error::default()
        };
        assert_eq!(
            Event::Error(error).json(),
            r#"{"type":"error","reason":"x"}"#
        );
    }
}
