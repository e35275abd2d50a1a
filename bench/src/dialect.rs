//! What a client says and hears, in each of the three spellings.

mod json;
mod plain;
mod protobuf;

use std::str::FromStr;

/// A spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// The Centrifuge client protocol in JSON.
    CentrifugeJson,
    /// The Centrifuge client protocol in Protobuf.
    CentrifugeProtobuf,
    /// One JSON object per frame.
    Plain,
}

/// What an item of a server's message, other than a publication, is to a client of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The connection is accepted; `pong` if pings are to be answered.
    Connected { pong: bool },
    /// The subscription is made.
    Subscribed,
    /// The publication is accepted.
    Published,
    /// An error, in words.
    Refused(String),
    /// A ping that is a message of the dialect.
    Ping,
    /// The server ended the subscription.
    Unsubscribed(String),
    /// Nothing that matters here.
    Other,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::CentrifugeJson, Self::CentrifugeProtobuf, Self::Plain];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CentrifugeJson => "centrifuge-json",
            Self::CentrifugeProtobuf => "centrifuge-protobuf",
            Self::Plain => "plain",
        }
    }

    /// Where servers have it unless they are told otherwise.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::CentrifugeJson | Self::CentrifugeProtobuf => "/connection/websocket",
            Self::Plain => "/connection/plain",
        }
    }

    pub(crate) fn subprotocols(self) -> &'static [&'static str] {
        match self {
            Self::CentrifugeProtobuf => &["centrifuge-protobuf"],
            Self::CentrifugeJson | Self::Plain => &[],
        }
    }

    /// Whether its messages are binary.
    pub(crate) fn is_binary(self) -> bool {
        self == Self::CentrifugeProtobuf
    }

    /// Whether a token goes into the request to upgrade, not into a command.
    pub(crate) fn token_in_header(self) -> bool {
        self == Self::Plain
    }

    /// What a client says first; `None` where the server speaks first.
    pub(crate) fn connect(self, token: Option<&str>) -> Option<Vec<u8>> {
        match self {
            Self::CentrifugeJson => Some(json::connect(token)),
            Self::CentrifugeProtobuf => Some(protobuf::connect(token)),
            Self::Plain => None,
        }
    }

    pub(crate) fn subscribe(self, channel: &str) -> Vec<u8> {
        match self {
            Self::CentrifugeJson => json::subscribe(channel),
            Self::CentrifugeProtobuf => protobuf::subscribe(channel),
            Self::Plain => plain::subscribe(channel),
        }
    }

    /// Writes a publication into `out`, which is emptied before.
    pub(crate) fn publish(self, channel: &str, data: &[u8], id: u32, out: &mut Vec<u8>) {
        out.clear();
        match self {
            Self::CentrifugeJson => json::publish(channel, data, id, out),
            Self::CentrifugeProtobuf => protobuf::publish(channel, data, id, out),
            Self::Plain => plain::publish(channel, data, id, out),
        }
    }

    /// The answer to a ping of the dialect.
    pub(crate) fn pong(self) -> &'static [u8] {
        match self {
            Self::CentrifugeJson => b"{}",
            // An empty command, and its length before it.
            Self::CentrifugeProtobuf => &[0],
            Self::Plain => br#"{"action":"ping"}"#,
        }
    }

    /// Cuts the first item off `message`: what came in one frame may be several.
    pub(crate) fn next_item<'m>(self, message: &mut &'m [u8]) -> Option<&'m [u8]> {
        if message.is_empty() {
            return None;
        }
        match self {
            Self::CentrifugeJson => Some(json::split_line(message)),
            Self::CentrifugeProtobuf => protobuf::split_item(message),
            Self::Plain => Some(std::mem::take(message)),
        }
    }

    /// What an item without a stamp means.
    pub(crate) fn hear(self, item: &[u8]) -> Heard {
        match self {
            Self::CentrifugeJson => json::hear(item),
            Self::CentrifugeProtobuf => protobuf::hear(item).unwrap_or(Heard::Other),
            Self::Plain => plain::hear(item),
        }
    }
}

impl FromStr for Dialect {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|dialect| dialect.name() == name);
        found.ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|dialect| dialect.name()).collect();
            format!("the dialects are {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Dialect, Heard};

    #[test]
    fn a_dialect_is_found_by_its_name() {
        for dialect in Dialect::ALL {
            assert_eq!(dialect.name().parse(), Ok(dialect));
        }
        assert!("json".parse::<Dialect>().is_err());
    }

    #[test]
    fn several_items_of_one_frame_are_told_apart() {
        let check = |dialect: Dialect, mut message: &[u8], expected: &[&[u8]]| {
            let mut items = Vec::new();
            while let Some(item) = dialect.next_item(&mut message) {
                items.push(item);
            }
            assert_eq!(items, expected);
        };
        check(Dialect::CentrifugeJson, b"{}", &[b"{}"]);
        check(
            Dialect::CentrifugeJson,
            b"{}\n{\"id\":1}\n",
            &[b"{}", b"{\"id\":1}"],
        );
        check(
            Dialect::CentrifugeProtobuf,
            &[0, 2, 8, 1, 0],
            &[&[], &[8, 1], &[]],
        );
        check(Dialect::CentrifugeProtobuf, &[2, 8], &[]);
        check(Dialect::Plain, b"{}\n{}", &[b"{}\n{}"]);
    }

    #[test]
    fn an_empty_reply_is_a_ping() {
        assert_eq!(Dialect::CentrifugeJson.hear(b"{}"), Heard::Ping);
        assert_eq!(Dialect::CentrifugeProtobuf.hear(b""), Heard::Ping);
    }
}
