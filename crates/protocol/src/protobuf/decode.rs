//! Commands from Protobuf.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::reader::{Fields, Value};
use crate::command::{
    Command, Connect, History, Presence, Publish, Refresh, Rpc, Send, SubRefresh, Subscribe,
    TrackBatch, Unsubscribe,
};
use crate::decode_error::DecodeError;
use crate::filter::FilterNode;
use crate::parts::{Nothing, Parts};
use crate::payload::Payload;
use crate::position::{Epoch, StreamPosition};

/// Reads one command, without the length before it; no bytes at all are a pong.
///
/// Unknown fields are skipped; of a field that comes twice the last counts. Strings may be anything: what is not UTF-8
/// becomes U+FFFD, which no channel rule takes.
///
/// # Errors
/// The bytes are no message, a field has the wrong type, or a filter has too many nodes within nodes.
pub fn decode_command(bytes: &[u8]) -> Result<Command, DecodeError> {
    let mut parts = Parts::default();
    read(bytes, &mut parts)?;
    if let Some(connect) = &mut parts.connect {
        keep_last(&mut connect.subs);
        keep_last(&mut connect.headers);
    }
    Ok(parts.into_command())
}

/// Of a map's entries with equal names the last counts.
fn keep_last<V>(entries: &mut Vec<(String, V)>) {
    let all: BTreeMap<_, _> = entries.drain(..).collect();
    entries.extend(all);
}

/// A message that knows its fields.
trait Message: Default {
    /// Takes the value of a field.
    fn set(&mut self, field: u64, value: Value<'_>) -> Result<(), DecodeError>;
}

fn read<M: Message>(bytes: &[u8], message: &mut M) -> Result<(), DecodeError> {
    let mut fields = Fields(bytes);
    while let Some((field, value)) = fields.next_field()? {
        message.set(field, value)?;
    }
    Ok(())
}

/// Reads a message into what is there already.
fn merge<M: Message>(value: Value<'_>, slot: &mut Option<Box<M>>) -> Result<(), DecodeError> {
    read(value.bytes()?, &mut **slot.get_or_insert_default())
}

fn whole<M: Message>(value: Value<'_>) -> Result<M, DecodeError> {
    let mut message = M::default();
    read(value.bytes()?, &mut message)?;
    Ok(message)
}

fn payload(value: Value<'_>) -> Result<Option<Payload>, DecodeError> {
    Ok(Some(Payload::detect(Bytes::copy_from_slice(
        value.bytes()?,
    ))))
}

/// Makes `set` of lines `number => how to take the value`; other fields are skipped.
macro_rules! messages {
    ($($name:ty, $this:ident, $value:ident { $($field:pat => $take:expr,)* })*) => {
        $(impl Message for $name {
            fn set(&mut self, field: u64, $value: Value<'_>) -> Result<(), DecodeError> {
                let $this = self;
                match field {
                    $($field => $take,)*
                    _ => {}
                }
                Ok(())
            }
        })*
    };
}

messages! {
    Parts, this, value {
        1 => this.id = value.u32()?,
        4 => merge(value, &mut this.connect)?,
        5 => merge(value, &mut this.subscribe)?,
        6 => merge(value, &mut this.unsubscribe)?,
        7 => merge(value, &mut this.publish)?,
        8 => merge(value, &mut this.presence)?,
        9 => merge(value, &mut this.presence_stats)?,
        10 => merge(value, &mut this.history)?,
        11 => merge(value, &mut this.ping)?,
        12 => merge(value, &mut this.send)?,
        13 => merge(value, &mut this.rpc)?,
        14 => merge(value, &mut this.refresh)?,
        15 => merge(value, &mut this.sub_refresh)?,
    }
    Connect, this, value {
        1 => this.token = value.string()?,
        2 => this.data = payload(value)?,
        3 => this.subs.push(entry(value, whole)?),
        4 => this.name = value.string()?,
        5 => this.version = value.string()?,
        6 => this.headers.push(entry(value, |value| value.string())?),
        7 => this.flag = value.i64()?,
    }
    Subscribe, this, value {
        1 => this.channel = value.string()?,
        2 => this.token = value.string()?,
        3 => this.recover = value.bool()?,
        6 => this.since.epoch = Epoch::new(&value.string()?),
        7 => this.since.offset = value.u64()?,
        8 => this.data = payload(value)?,
        9 => this.positioned = value.bool()?,
        10 => this.recoverable = value.bool()?,
        11 => this.join_leave = value.bool()?,
        12 => this.delta = value.string()?,
        13 => read_filter(value, this.filter.get_or_insert_default(), FilterNode::MAX_DEPTH)?,
        14 => this.flag = value.i64()?,
        15 => this.kind = value.i32()?,
        16 => this.phase = value.i32()?,
        17 => this.cursor = value.string()?,
        18 => this.limit = value.i32()?,
        19 => this.asc = value.bool()?,
    }
    Unsubscribe, this, value {
        1 => this.channel = value.string()?,
    }
    Publish, this, value {
        1 => this.channel = value.string()?,
        2 => this.data = payload(value)?,
        3 => this.kind = value.i32()?,
        4 => this.key = value.string()?,
        5 => this.removed = value.bool()?,
    }
    Presence, this, value {
        1 => this.channel = value.string()?,
    }
    History, this, value {
        1 => this.channel = value.string()?,
        7 => this.limit = value.i32()?,
        8 => read(value.bytes()?, this.since.get_or_insert_default())?,
        9 => this.reverse = value.bool()?,
    }
    StreamPosition, this, value {
        1 => this.offset = value.u64()?,
        2 => this.epoch = Epoch::new(&value.string()?),
    }
    Rpc, this, value {
        1 => this.data = payload(value)?,
        2 => this.method = value.string()?,
    }
    Send, this, value {
        1 => this.data = payload(value)?,
    }
    Refresh, this, value {
        1 => this.token = value.string()?,
    }
    SubRefresh, this, value {
        1 => this.channel = value.string()?,
        2 => this.token = value.string()?,
        3 => this.kind = value.i32()?,
        4 => this.track.push(whole(value)?),
        5 => this.untrack.push(value.string()?),
    }
    TrackBatch, this, value {
        1 => this.signature = value.string()?,
        2 => this.items.push(whole(value)?),
    }
    (String, u64), this, value {
        1 => this.0 = value.string()?,
        2 => this.1 = value.u64()?,
    }
}

impl Message for Nothing {
    fn set(&mut self, _: u64, _: Value<'_>) -> Result<(), DecodeError> {
        Ok(())
    }
}

/// Reads an entry of a map.
fn entry<V: Default>(
    entry: Value<'_>,
    read_value: impl Fn(Value<'_>) -> Result<V, DecodeError>,
) -> Result<(String, V), DecodeError> {
    let mut fields = Fields(entry.bytes()?);
    let mut pair = (String::new(), V::default());
    while let Some((field, value)) = fields.next_field()? {
        match field {
            1 => pair.0 = value.string()?,
            2 => pair.1 = read_value(value)?,
            _ => {}
        }
    }
    Ok(pair)
}

fn read_filter(value: Value<'_>, node: &mut FilterNode, depth: usize) -> Result<(), DecodeError> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(DecodeError::new("a filter has too many nodes within nodes"));
    };
    let mut fields = Fields(value.bytes()?);
    while let Some((field, value)) = fields.next_field()? {
        match field {
            1 => node.op = value.string()?,
            2 => node.key = value.string()?,
            3 => node.cmp = value.string()?,
            4 => node.val = value.string()?,
            5 => node.vals.push(value.string()?),
            6 => {
                let mut child = FilterNode::default();
                read_filter(value, &mut child, depth)?;
                node.nodes.push(child);
            }
            _ => {}
        }
    }
    Ok(())
}
