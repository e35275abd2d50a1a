//! A publication as bytes, with a checksum of its own.
//!
//! Records lie one behind the other in a chunk of the store; the journal holds one with each publish. Offset and epoch are
//! not in it: the place where it lies says them, and the checksum holds for that place alone.

use std::sync::Arc;

use bytes::Bytes;
use veche_protocol::identity::{ClientId, ClientInfo};
use veche_protocol::payload::Payload;
use veche_protocol::position::Offset;
use veche_protocol::publication::{Publication, Tags};

use crate::coding::{Reader, put_bytes, put_number};

/// The bytes are not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damaged;

const IS_JSON: u8 = 1;
const HAS_INFO: u8 = 1 << 1;
const HAS_TAGS: u8 = 1 << 2;
const HAS_VERSION: u8 = 1 << 3;
/// Key, score and removal: of map channels.
const HAS_KEY: u8 = 1 << 4;
const IS_REMOVED: u8 = 1 << 5;
const IS_DELTA: u8 = 1 << 6;

const INFO_CONN: u8 = 1;
const INFO_CONN_JSON: u8 = 1 << 1;
const INFO_CHAN: u8 = 1 << 2;
const INFO_CHAN_JSON: u8 = 1 << 3;

/// The stream in the place of one whose record is in the journal.
pub(crate) const IN_JOURNAL: u64 = 0;

/// Appends a publication of a stream: its length, a checksum, and the body.
pub(crate) fn encode(
    publication: &Publication,
    stream: u64,
    into: &mut Vec<u8>,
    scratch: &mut Vec<u8>,
) {
    scratch.clear();
    put_body(scratch, publication);
    put_number(into, u64::try_from(scratch.len()).unwrap_or(u64::MAX));
    let sum = checksum(scratch, stream, publication.offset);
    into.extend_from_slice(&sum.to_le_bytes());
    into.extend_from_slice(scratch);
}

fn checksum(body: &[u8], stream: u64, offset: Offset) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&stream.to_le_bytes());
    hasher.update(&offset.to_le_bytes());
    hasher.update(body);
    hasher.finalize()
}

/// Reads the next publication of a chunk. After damage inside a record the next one can be read; after damage of a length
/// the rest is damaged too.
pub(crate) fn decode(
    reader: &mut Reader<'_>,
    stream: u64,
    offset: Offset,
) -> Result<Publication, Damaged> {
    let body = next_body(reader, stream, offset).ok_or(Damaged)?;
    let mut body = Reader::new(body?);
    let mut publication = read_body(&mut body).ok_or(Damaged)?;
    publication.offset = offset;
    if body.is_at_end() {
        Ok(publication)
    } else {
        Err(Damaged)
    }
}

/// The body of the next record; `None` where the chunk ends inside of it.
fn next_body<'a>(
    reader: &mut Reader<'a>,
    stream: u64,
    offset: Offset,
) -> Option<Result<&'a [u8], Damaged>> {
    let len = usize::try_from(reader.number()?).ok()?;
    let sum = u32::from_le_bytes(reader.array()?);
    let body = reader.take(len)?;
    Some(if checksum(body, stream, offset) == sum {
        Ok(body)
    } else {
        Err(Damaged)
    })
}

fn put_body(into: &mut Vec<u8>, publication: &Publication) {
    let mut flags = 0;
    let mut flag = |is_set: bool, bit: u8| {
        if is_set {
            flags |= bit;
        }
    };
    flag(publication.data.is_json(), IS_JSON);
    flag(publication.info.is_some(), HAS_INFO);
    flag(publication.tags.is_some(), HAS_TAGS);
    flag(publication.version > 0, HAS_VERSION);
    let has_key = publication.key.is_some() || publication.score != 0;
    flag(has_key, HAS_KEY);
    flag(publication.removed, IS_REMOVED);
    flag(publication.delta, IS_DELTA);
    into.push(flags);
    put_number(into, publication.time_ms.cast_unsigned());
    put_bytes(into, publication.data.bytes());
    if let Some(info) = &publication.info {
        put_info(into, info);
    }
    if let Some(tags) = &publication.tags {
        put_number(into, u64::try_from(tags.len()).unwrap_or(u64::MAX));
        for (name, value) in tags.iter() {
            put_bytes(into, name.as_bytes());
            put_bytes(into, value.as_bytes());
        }
    }
    if publication.version > 0 {
        put_number(into, publication.version);
    }
    if has_key {
        put_bytes(
            into,
            publication.key.as_deref().unwrap_or_default().as_bytes(),
        );
        put_number(into, publication.score.cast_unsigned());
    }
}

fn put_info(into: &mut Vec<u8>, info: &ClientInfo) {
    let mut flags = 0;
    for (payload, is_there, is_json) in [
        (&info.conn_info, INFO_CONN, INFO_CONN_JSON),
        (&info.chan_info, INFO_CHAN, INFO_CHAN_JSON),
    ] {
        if let Some(payload) = payload {
            flags |= is_there | if payload.is_json() { is_json } else { 0 };
        }
    }
    into.push(flags);
    into.extend_from_slice(&info.client.to_bytes());
    put_bytes(into, info.user.as_str().as_bytes());
    for payload in [&info.conn_info, &info.chan_info].into_iter().flatten() {
        put_bytes(into, payload.bytes());
    }
}

fn read_body(reader: &mut Reader<'_>) -> Option<Publication> {
    let flags = reader.byte()?;
    let has = |bit: u8| flags & bit != 0;
    let time_ms = reader.number()?.cast_signed();
    let data = payload(reader.bytes()?, has(IS_JSON));
    let mut publication = Publication::new(data);
    publication.time_ms = time_ms;
    publication.removed = has(IS_REMOVED);
    publication.delta = has(IS_DELTA);
    if has(HAS_INFO) {
        publication.info = Some(Arc::new(read_info(reader)?));
    }
    if has(HAS_TAGS) {
        let mut tags = Tags::new();
        for _ in 0..reader.number()? {
            tags.insert(reader.text()?.into(), reader.text()?.into());
        }
        publication.tags = Some(Arc::new(tags));
    }
    if has(HAS_VERSION) {
        publication.version = reader.number()?;
    }
    if has(HAS_KEY) {
        let key = Some(reader.text()?).filter(|key| !key.is_empty());
        publication.key = key.map(Into::into);
        publication.score = reader.number()?.cast_signed();
    }
    Some(publication)
}

fn read_info(reader: &mut Reader<'_>) -> Option<ClientInfo> {
    let flags = reader.byte()?;
    let client = ClientId::from_bytes(reader.array()?);
    let user = reader.text()?.into();
    let mut read = |is_there: u8, is_json: u8| {
        if flags & is_there == 0 {
            return Some(None);
        }
        Some(Some(payload(reader.bytes()?, flags & is_json != 0)))
    };
    Some(ClientInfo {
        user,
        client,
        conn_info: read(INFO_CONN, INFO_CONN_JSON)?,
        chan_info: read(INFO_CHAN, INFO_CHAN_JSON)?,
    })
}

/// The checksum says that these are the bytes that were JSON when they were written.
fn payload(bytes: &[u8], is_json: bool) -> Payload {
    let bytes = Bytes::copy_from_slice(bytes);
    if is_json {
        Payload::json(bytes)
    } else {
        Payload::binary(bytes)
    }
}

/// About what a publication costs in memory, in bytes.
pub(crate) fn weight(publication: &Publication) -> usize {
    let tags = publication.tags.as_ref().map_or(0, |tags| {
        let texts = tags.iter().map(|(name, value)| name.len() + value.len());
        texts.sum::<usize>() + 64 * tags.len()
    });
    let info = publication.info.as_ref().map_or(0, |info| {
        let payloads = [&info.conn_info, &info.chan_info].into_iter().flatten();
        128 + info.user.as_str().len() + payloads.map(Payload::len).sum::<usize>()
    });
    OVERHEAD + publication.data.len() + tags + info
}

/// Of the struct, its counters, and the place in the list.
const OVERHEAD: usize = 240;

#[cfg(test)]
mod tests {
    use super::*;

    fn rich() -> Publication {
        let mut publication = Publication::new(Payload::json(Bytes::from_static(b"{\"a\": 1}")));
        publication.time_ms = -1;
        publication.version = 7;
        publication.key = Some("key".into());
        publication.score = -5;
        publication.removed = true;
        publication.tags = Some(Arc::new(Tags::from([("a".into(), "b".into())])));
        publication.info = Some(Arc::new(ClientInfo {
            user: "anna".into(),
            client: ClientId::from_random([3; 16]),
            conn_info: Some(Payload::json(Bytes::from_static(b"1"))),
            chan_info: Some(Payload::binary(Bytes::from_static(b"\xff"))),
        }));
        publication
    }

    fn encoded(publications: &[Publication]) -> Vec<u8> {
        let (mut bytes, mut scratch) = (Vec::new(), Vec::new());
        for publication in publications {
            encode(publication, 3, &mut bytes, &mut scratch);
        }
        bytes
    }

    #[test]
    fn everything_of_a_publication_comes_back() {
        let plain = Publication::new(Payload::binary(Bytes::new()));
        let bytes = encoded(&[rich(), plain.clone()]);
        let mut reader = Reader::new(&bytes);
        assert_eq!(decode(&mut reader, 3, 0), Ok(rich()));
        assert_eq!(decode(&mut reader, 3, 0), Ok(plain));
        assert!(reader.is_at_end());
        for (stream, offset) in [(4, 0), (3, 1)] {
            let elsewhere = decode(&mut Reader::new(&bytes), stream, offset);
            assert_eq!(elsewhere, Err(Damaged), "it is at home in another place");
        }
    }

    #[test]
    fn a_publication_of_128_bytes_costs_14_more() {
        let mut publication = Publication::new(Payload::binary(Bytes::from(vec![0; 128])));
        publication.time_ms = 1_800_000_000_000;
        assert!(encoded(&[publication]).len() <= 128 + 15);
    }

    #[test]
    fn no_flipped_bit_goes_unnoticed_and_the_next_record_is_read_where_lengths_are_whole() {
        let whole = encoded(&[rich(), rich()]);
        let first = encoded(&[rich()]).len();
        for at in 0..first {
            for bit in 0..8 {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << bit;
                let mut reader = Reader::new(&bytes);
                assert_eq!(
                    decode(&mut reader, 3, 0),
                    Err(Damaged),
                    "byte {at}, bit {bit}"
                );
                if at > 0 {
                    assert_eq!(
                        decode(&mut reader, 3, 0),
                        Ok(rich()),
                        "behind byte {at}, bit {bit}"
                    );
                }
            }
        }
    }
}
