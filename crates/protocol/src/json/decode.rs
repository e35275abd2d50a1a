//! Commands from JSON.

use serde::de::{DeserializeSeed, MapAccess};

use super::object::{Fields, Object, entries, list, object, payload, string, value};
use crate::command::{
    Command, Connect, History, Presence, Publish, Refresh, Rpc, Send, SubRefresh, Subscribe,
    TrackBatch, Unsubscribe,
};
use crate::decode_error::DecodeError;
use crate::filter::FilterNode;
use crate::parts::{Nothing, Parts};
use crate::position::{Epoch, StreamPosition};

/// Reads one command. What follows the first JSON value of the line is ignored.
///
/// Names of fields are taken in any case; unknown ones are ignored. `null` stands for no value, except as `data`, where
/// it is the value `null`. Levels of nesting are bounded: 128 in all, [`crate::payload::MAX_DEPTH`] within data.
///
/// # Errors
/// The line doesn't begin with an object (or `null`, a pong) that is valid, or a field has the wrong type.
pub fn decode_command(line: &[u8]) -> Result<Command, DecodeError> {
    let text = simdutf8::basic::from_utf8(line).map_err(|_| DecodeError::new("not UTF-8"))?;
    let mut parts = Parts::default();
    Object(&mut parts).deserialize(&mut serde_json::Deserializer::from_str(text))?;
    Ok(parts.into_command())
}

impl Fields for Parts {
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "id" => value(map, &mut self.id),
            "connect" => object(map, &mut self.connect),
            "ping" => object(map, &mut self.ping),
            "subscribe" => object(map, &mut self.subscribe),
            "unsubscribe" => object(map, &mut self.unsubscribe),
            "publish" => object(map, &mut self.publish),
            "presence" => object(map, &mut self.presence),
            "presence_stats" => object(map, &mut self.presence_stats),
            "history" => object(map, &mut self.history),
            "rpc" => object(map, &mut self.rpc),
            "send" => object(map, &mut self.send),
            "refresh" => object(map, &mut self.refresh),
            "sub_refresh" => object(map, &mut self.sub_refresh),
            _ => Ok(false),
        }
    }
}

impl Fields for Nothing {
    fn read<'de, A: MapAccess<'de>>(&mut self, _: &str, _: &mut A) -> Result<bool, A::Error> {
        Ok(false)
    }
}

impl Fields for Connect {
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "token" => string(map, &mut self.token),
            "data" => payload(map, &mut self.data),
            "subs" => entries(map, &mut self.subs),
            "name" => string(map, &mut self.name),
            "version" => string(map, &mut self.version),
            "headers" => entries(map, &mut self.headers),
            "flag" => value(map, &mut self.flag),
            _ => Ok(false),
        }
    }
}

impl Fields for Subscribe {
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "channel" => string(map, &mut self.channel),
            "token" => string(map, &mut self.token),
            "recover" => value(map, &mut self.recover),
            "epoch" | "offset" => self.since.read(name, map),
            "data" => payload(map, &mut self.data),
            "positioned" => value(map, &mut self.positioned),
            "recoverable" => value(map, &mut self.recoverable),
            "join_leave" => value(map, &mut self.join_leave),
            "delta" => string(map, &mut self.delta),
            "tf" => object(map, &mut self.filter),
            "flag" => value(map, &mut self.flag),
            "type" => value(map, &mut self.kind),
            "phase" => value(map, &mut self.phase),
            "cursor" => string(map, &mut self.cursor),
            "limit" => value(map, &mut self.limit),
            "asc" => value(map, &mut self.asc),
            _ => Ok(false),
        }
    }
}

impl Fields for StreamPosition {
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "offset" => value(map, &mut self.offset),
            "epoch" => {
                let mut epoch = String::new();
                let known = string(map, &mut epoch)?;
                if !epoch.is_empty() {
                    self.epoch = Epoch::new(&epoch);
                }
                Ok(known)
            }
            _ => Ok(false),
        }
    }
}

impl Fields for FilterNode {
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "op" => string(map, &mut self.op),
            "key" => string(map, &mut self.key),
            "cmp" => string(map, &mut self.cmp),
            "val" => string(map, &mut self.val),
            "vals" => list(map, &mut self.vals),
            "nodes" => list(map, &mut self.nodes),
            _ => Ok(false),
        }
    }
}

impl Fields for Unsubscribe {
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "channel" => string(map, &mut self.channel),
            _ => Ok(false),
        }
    }
}

impl Fields for Publish {
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "channel" => string(map, &mut self.channel),
            "data" => payload(map, &mut self.data),
            "type" => value(map, &mut self.kind),
            "key" => string(map, &mut self.key),
            "removed" => value(map, &mut self.removed),
            _ => Ok(false),
        }
    }
}

impl Fields for Presence {
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "channel" => string(map, &mut self.channel),
            _ => Ok(false),
        }
    }
}

impl Fields for History {
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "channel" => string(map, &mut self.channel),
            "limit" => value(map, &mut self.limit),
            "since" => {
                let mut since = self.since.take().map(Box::new);
                let known = object(map, &mut since)?;
                self.since = since.map(|since| *since);
                Ok(known)
            }
            "reverse" => value(map, &mut self.reverse),
            _ => Ok(false),
        }
    }
}

impl Fields for Rpc {
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "data" => payload(map, &mut self.data),
            "method" => string(map, &mut self.method),
            _ => Ok(false),
        }
    }
}

impl Fields for Send {
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "data" => payload(map, &mut self.data),
            _ => Ok(false),
        }
    }
}

impl Fields for Refresh {
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "token" => string(map, &mut self.token),
            _ => Ok(false),
        }
    }
}

impl Fields for SubRefresh {
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "channel" => string(map, &mut self.channel),
            "token" => string(map, &mut self.token),
            "type" => value(map, &mut self.kind),
            "track" => list(map, &mut self.track),
            "untrack" => list(map, &mut self.untrack),
            _ => Ok(false),
        }
    }
}

impl Fields for TrackBatch {
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "signature" => string(map, &mut self.signature),
            "items" => list(map, &mut self.items),
            _ => Ok(false),
        }
    }
}

/// A key and the version the client has.
impl Fields for (String, u64) {
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "key" => string(map, &mut self.0),
            "version" => value(map, &mut self.1),
            _ => Ok(false),
        }
    }
}
