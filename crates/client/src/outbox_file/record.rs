//! One record of an outbox: a change, with its length and its sum.
//!
//! Length (4 bytes) and CRC-32 (4 bytes) of the body come first, in little endian. The body is a JSON object, and behind
//! it a zero byte and the data, where the change brings any.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::data::Data;
use crate::machine::{Change, PublicationId, Sent, Stored};

/// A record that was read, and its bytes in the file.
pub(super) struct Record {
    pub(super) change: Change,
    pub(super) len: u64,
}

#[derive(Deserialize, Serialize)]
#[serde(tag = "change", rename_all = "lowercase")]
enum Head {
    Added {
        id: u64,
        key: String,
        channel: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        event: Option<String>,
        is_binary: bool,
        #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
        media_type: Option<String>,
    },
    Sent {
        id: u64,
        wall_ms: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
    },
    Removed {
        id: u64,
    },
}

/// Writes a record.
pub(super) fn write(change: &Change, out: &mut Vec<u8>) {
    let (head, data) = head(change);
    let head = serde_json::to_vec(&head).expect("strings and numbers can be written");
    let mut body = head;
    if let Some(data) = data {
        body.push(0);
        body.extend_from_slice(data.as_bytes());
    }
    let len = u32::try_from(body.len()).expect("the outbox's bound is far below 4 GiB");
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(&crc32fast::hash(&body).to_le_bytes());
    out.extend_from_slice(&body);
}

/// Reads a record, and yields what is behind it; `None` if it is not whole.
pub(super) fn read(bytes: &[u8]) -> Option<(Record, &[u8])> {
    let (len, rest) = bytes.split_first_chunk()?;
    let (sum, rest) = rest.split_first_chunk()?;
    let len = u32::from_le_bytes(*len);
    let (body, rest) = rest.split_at_checked(usize::try_from(len).ok()?)?;
    if crc32fast::hash(body) != u32::from_le_bytes(*sum) {
        return None;
    }
    let change = parse(body)?;
    let len = u64::from(len) + 8;
    Some((Record { change, len }, rest))
}

fn head(change: &Change) -> (Head, Option<&Data>) {
    match change {
        Change::Added(stored) => {
            let head = Head::Added {
                id: stored.id.0,
                key: stored.key.clone(),
                channel: stored.channel.clone(),
                event: stored.event.clone(),
                is_binary: stored.data.as_json().is_none(),
                media_type: stored.data.media_type().map(str::to_owned),
            };
            (head, Some(&stored.data))
        }
        Change::Sent(id, sent) => {
            let head = Head::Sent {
                id: id.0,
                wall_ms: sent.wall_ms,
                user: sent.user.clone(),
            };
            (head, None)
        }
        Change::Removed(id) => (Head::Removed { id: id.0 }, None),
    }
}

fn parse(body: &[u8]) -> Option<Change> {
    // JSON holds no zero byte.
    let end = body.iter().position(|byte| *byte == 0);
    let (head, data) = body.split_at(end.unwrap_or(body.len()));
    Some(match serde_json::from_slice(head).ok()? {
        Head::Added {
            id,
            key,
            channel,
            event,
            is_binary,
            media_type,
        } => Change::Added(Stored {
            id: PublicationId(id),
            key,
            channel,
            event,
            data: parse_data(data.get(1..)?, is_binary, media_type)?,
            sent: None,
        }),
        Head::Sent { id, wall_ms, user } => Change::Sent(PublicationId(id), Sent { wall_ms, user }),
        Head::Removed { id } => Change::Removed(PublicationId(id)),
    })
}

fn parse_data(bytes: &[u8], is_binary: bool, media_type: Option<String>) -> Option<Data> {
    if !is_binary {
        let text = String::from_utf8(bytes.to_vec()).ok()?;
        return RawValue::from_string(text).ok().map(Data::from_raw);
    }
    let data = Data::binary(bytes.to_vec());
    Some(match media_type {
        Some(media_type) => data.with_media_type(media_type),
        None => data,
    })
}
