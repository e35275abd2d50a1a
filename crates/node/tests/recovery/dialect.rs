//! What a client says and hears, whichever way it is spelled. The spelling here is the test's own: of the server's code
//! only the framing is used.

use std::collections::BTreeMap;

mod json;
mod plain;
mod protobuf;

/// How a client spells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Json,
    Protobuf,
    Plain,
}

/// What a client says.
#[derive(Clone, Debug)]
pub(crate) enum Said {
    Connect {
        /// Server-side subscriptions that it had.
        subs: Vec<Wish>,
    },
    Subscribe(Wish),
    Unsubscribe(String),
    Publish {
        channel: String,
        data: Vec<u8>,
    },
}

/// A subscription as it is asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wish {
    pub(crate) channel: String,
    pub(crate) since: Option<(String, u64)>,
    pub(crate) positioned: bool,
    pub(crate) delta: bool,
    pub(crate) compact: bool,
    pub(crate) rejects: bool,
    pub(crate) filter: Filter,
}

/// The filters of this test, by the tag `k`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Filter {
    #[default]
    All,
    IsA,
    IsAOrB,
    IsNotA,
    HasNone,
}

impl Filter {
    pub(crate) const ANY: [Self; 5] = [
        Self::All,
        Self::IsA,
        Self::IsAOrB,
        Self::IsNotA,
        Self::HasNone,
    ];

    pub(crate) fn wants(self, tag: Option<&str>) -> bool {
        match self {
            Self::All => true,
            Self::IsA => tag == Some("a"),
            Self::IsAOrB => tag == Some("a") || tag == Some("b"),
            Self::IsNotA => tag != Some("a"),
            Self::HasNone => tag.is_none(),
        }
    }

    /// Operator, comparison and values; a `not` stands around the comparison.
    fn parts(self) -> Option<(bool, &'static str, &'static [&'static str])> {
        match self {
            Self::All => None,
            Self::IsA => Some((false, "eq", &["a"])),
            Self::IsAOrB => Some((false, "in", &["a", "b"])),
            Self::IsNotA => Some((true, "eq", &["a"])),
            Self::HasNone => Some((false, "nex", &[])),
        }
    }
}

/// What a client hears.
#[derive(Debug)]
pub(crate) enum Heard {
    /// Nothing that matters here.
    Nothing,
    Connected {
        id: u32,
        subs: Vec<(String, Subscribed)>,
    },
    Subscribed {
        id: u32,
        subscribed: Subscribed,
    },
    Unsubscribed {
        id: u32,
    },
    Published {
        id: u32,
    },
    Failed {
        id: u32,
        code: u32,
    },
    /// The server has made a subscription.
    Given {
        channel: String,
        subscribed: Subscribed,
    },
    /// The server has ended a subscription.
    Taken {
        channel: String,
        code: u32,
    },
    Publication {
        channel: Name,
        publication: Publication,
    },
    /// The connection ends.
    Closed(u16),
}

/// How a channel is named in a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Whole(String),
    Number(i64),
}

#[derive(Debug, Default)]
pub(crate) struct Subscribed {
    /// Empty where the position is not watched.
    pub(crate) epoch: String,
    pub(crate) offset: u64,
    pub(crate) recovered: bool,
    pub(crate) was_recovering: bool,
    pub(crate) delta: bool,
    pub(crate) id: i64,
    pub(crate) publications: Vec<Publication>,
    /// What was missed follows as pushes, and `offset` is where the client stands after them.
    pub(crate) publications_follow: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Publication {
    pub(crate) data: Data,
    pub(crate) is_delta: bool,
    pub(crate) offset: u64,
    pub(crate) epoch: String,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) version: u64,
    pub(crate) is_by_client: bool,
}

/// The data as they stand in the message.
#[derive(Debug)]
pub(crate) enum Data {
    /// A JSON value, byte for byte.
    Json(Vec<u8>),
    /// The text of a JSON string, in which a client that takes deltas finds its data.
    Text(String),
    Bytes(Vec<u8>),
}

impl Default for Data {
    fn default() -> Self {
        Self::Bytes(Vec::new())
    }
}

/// Spells and reads, and remembers what is only half there.
#[derive(Debug)]
pub(crate) struct Speech {
    dialect: Dialect,
    /// Channels whose data are strings.
    told_strings: std::collections::BTreeSet<String>,
    /// Numbers of channels, to know whose data are strings.
    numbers: BTreeMap<i64, String>,
    /// Channels of subscriptions that were not answered yet.
    asked: BTreeMap<u32, String>,
    /// Data that was announced and comes with the next binary frame.
    announced: Option<(String, Publication)>,
}

impl Speech {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            told_strings: std::collections::BTreeSet::default(),
            numbers: BTreeMap::default(),
            asked: BTreeMap::default(),
            announced: None,
        }
    }

    /// One message that says this; a text, or bytes.
    pub(crate) fn spell(&mut self, id: u32, said: &Said) -> (bool, Vec<u8>) {
        if let Said::Subscribe(wish) = said {
            self.asked.insert(id, wish.channel.clone());
        }
        match self.dialect {
            Dialect::Json => (true, json::spell(id, said)),
            Dialect::Protobuf => (false, protobuf::spell(id, said)),
            Dialect::Plain => (true, plain::spell(id, said)),
        }
    }

    /// What a message of the server says.
    pub(crate) fn read(&mut self, is_text: bool, message: &[u8]) -> Vec<Heard> {
        match self.dialect {
            Dialect::Json => json::read(self, message),
            Dialect::Protobuf => protobuf::read(message),
            Dialect::Plain => plain::read(self, is_text, message).into_iter().collect(),
        }
    }
}
