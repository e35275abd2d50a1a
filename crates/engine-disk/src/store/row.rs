//! A row of the store, as bytes with a checksum.

use std::time::Duration;

use veche_protocol::position::Epoch;

use crate::coding::{Reader, put_bytes, put_number};
use crate::durability::Durability;
use crate::journal::entry::millis;
use crate::store::{Row, Tail};

const IS_SYNC: u8 = 1;
const HAS_TAIL: u8 = 1 << 1;
const HAS_VERSION: u8 = 1 << 2;

/// All of a row but its number and its due time, which the database keeps itself. The checksum holds for this channel and
/// number alone.
pub(crate) fn put(channel: &str, row: &Row) -> Vec<u8> {
    let mut into = vec![0; 4];
    let has_version = row.version > 0 || !row.version_epoch.is_empty();
    let mut flags = 0;
    for (is_set, bit) in [
        (row.durability == Durability::Sync, IS_SYNC),
        (row.tail.is_some(), HAS_TAIL),
        (has_version, HAS_VERSION),
    ] {
        flags |= if is_set { bit } else { 0 };
    }
    into.push(flags);
    put_bytes(&mut into, row.epoch.as_str().as_bytes());
    for number in [row.generation, row.top, row.first, millis(row.until)] {
        put_number(&mut into, number);
    }
    put_number(&mut into, millis(row.position_until));
    put_number(&mut into, row.lsn);
    if has_version {
        put_number(&mut into, row.version);
        put_bytes(&mut into, row.version_epoch.as_bytes());
    }
    if let Some(tail) = row.tail {
        put_number(&mut into, tail.chunk);
        put_number(&mut into, u64::try_from(tail.len).unwrap_or(u64::MAX));
    }
    let sum = checksum(channel, row.id, into.get(4..).unwrap_or_default());
    if let Some(place) = into.first_chunk_mut::<4>() {
        *place = sum.to_le_bytes();
    }
    into
}

/// `None` where it is not what was written.
pub(crate) fn get(channel: &str, id: u64, due_ms: u64, bytes: &[u8]) -> Option<Row> {
    let mut reader = Reader::new(bytes);
    let sum = u32::from_le_bytes(reader.array()?);
    if checksum(channel, id, bytes.get(4..)?) != sum {
        return None;
    }
    let flags = reader.byte()?;
    let epoch = Epoch::new(reader.text()?);
    let generation = reader.number()?;
    let (top, first) = (reader.number()?, reader.number()?);
    let until = Duration::from_millis(reader.number()?);
    let position_until = Duration::from_millis(reader.number()?);
    let lsn = reader.number()?;
    let (mut version, mut version_epoch) = (0, "");
    if flags & HAS_VERSION != 0 {
        version = reader.number()?;
        version_epoch = reader.text()?;
    }
    let mut tail = None;
    if flags & HAS_TAIL != 0 {
        tail = Some(Tail {
            chunk: reader.number()?,
            len: usize::try_from(reader.number()?).ok()?,
        });
    }
    Some(Row {
        id,
        epoch,
        generation,
        top,
        first,
        until,
        position_until,
        version,
        version_epoch: version_epoch.into(),
        durability: if flags & IS_SYNC != 0 {
            Durability::Sync
        } else {
            Durability::Interval
        },
        lsn,
        tail,
        due_ms,
    })
}

fn checksum(channel: &str, id: u64, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(channel.as_bytes());
    hasher.update(&id.to_le_bytes());
    hasher.update(bytes);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_comes_back_and_no_flipped_bit_goes_unnoticed() {
        let row = Row {
            id: 3,
            epoch: Epoch::new("abcdefgh"),
            generation: 2,
            top: 300,
            first: 201,
            until: Duration::from_millis(1_800_000_000_123),
            position_until: Duration::from_millis(1_900_000_000_000),
            version: 5,
            version_epoch: "v".into(),
            durability: Durability::Sync,
            lsn: 77,
            tail: Some(Tail {
                chunk: 9,
                len: 4000,
            }),
            due_ms: 5,
        };
        let plain = Row {
            version: 0,
            version_epoch: "".into(),
            durability: Durability::Interval,
            tail: None,
            ..row.clone()
        };
        for row in [row, plain] {
            let bytes = put("news", &row);
            assert_eq!(get("news", 3, 5, &bytes), Some(row));
            assert_eq!(get("new", 3, 5, &bytes), None);
            assert_eq!(get("news", 4, 5, &bytes), None);
            for at in 0..bytes.len() {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1;
                assert_eq!(get("news", 3, 5, &flipped), None, "byte {at}");
            }
        }
        assert_eq!(get("news", 3, 5, &[]), None);
    }
}
