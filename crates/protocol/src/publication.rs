//! Data in a channel.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::channel::Channel;
use crate::idempotency::IdempotencyKey;
use crate::identity::ClientInfo;
use crate::payload::Payload;
use crate::position::{Epoch, Offset};

/// Names and values that the publisher attached, for filters.
pub type Tags = BTreeMap<Box<str>, Box<str>>;

/// The tag that carries the media type of binary data, such as `image/png`.
pub const TYPE_TAG: &str = "type";

/// Data in a channel, with all that travels with it.
///
/// Source: client protocol, `Publication`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// The data.
    pub data: Payload,
    /// The client that published it, if a client did.
    pub info: Option<Arc<ClientInfo>>,
    /// Its number in the stream; 0 in a channel without history.
    pub offset: Offset,
    /// Attached by the publisher; never empty.
    pub tags: Option<Arc<Tags>>,
    /// Whether `data` is a difference from the previous publication.
    pub delta: bool,
    /// When it was published, in milliseconds of Unix time; 0 if not known. The client protocol does not tell it:
    /// there only -1 is sent, for a publication that a filter holds back and whose offset the client must know.
    pub time_ms: i64,
    /// Its channel, where the subscription's name is a pattern.
    pub channel: Option<Channel>,
    /// Its key in a map channel.
    pub key: Option<Box<str>>,
    /// Whether it removes its key.
    pub removed: bool,
    /// Its place in an ordered map channel.
    pub score: i64,
    /// The epoch; sent only with offset 1.
    pub epoch: Epoch,
    /// The base of a delta, if the broker provides it.
    pub prev_data: Option<Payload>,
    /// The publisher's own version; 0 if none.
    pub version: u64,
}

impl Publication {
    /// A publication that has nothing but data.
    #[must_use]
    pub fn new(data: Payload) -> Self {
        Self {
            data,
            info: None,
            offset: 0,
            tags: None,
            delta: false,
            time_ms: 0,
            channel: None,
            key: None,
            removed: false,
            score: 0,
            epoch: Epoch::default(),
            prev_data: None,
            version: 0,
        }
    }

    /// The field `time` of the client protocol: 0 unless [`time_ms`](Self::time_ms) is below it.
    #[must_use]
    pub(crate) fn wire_time(&self) -> i64 {
        self.time_ms.min(0)
    }

    /// The value of a tag.
    #[must_use]
    pub fn tag(&self, name: &str) -> Option<&str> {
        self.tags.as_ref()?.get(name).map(AsRef::as_ref)
    }
}

/// How a publication is to be kept and told apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublishOptions {
    /// Keeps the publication in the channel's history and gives it an offset.
    pub retention: Option<Retention>,
    /// A second publish with the same key within five minutes is the same publication.
    pub idempotency_key: Option<IdempotencyKey>,
    /// Refused where the channel has seen this version or a later one; 0 for none. Needs history.
    pub version: u64,
    /// Versions of different epochs are not compared; empty matches any.
    pub version_epoch: String,
    /// Whether subscribers that can may get the difference from the previous publication.
    pub delta: bool,
}

/// How long a channel remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// At most so many publications; at least 1.
    pub size: usize,
    /// A publication is forgotten this long after the channel's last one.
    pub ttl: Duration,
    /// Epoch and offset are forgotten this long after they were last used.
    pub meta_ttl: Duration,
}
