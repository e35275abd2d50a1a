//! Chunks: the publications of a stream, a page at a time.

use std::sync::Arc;

use veche_protocol::position::Offset;
use veche_protocol::publication::Publication;

use crate::coding::Reader;
use crate::record;
use crate::store::{Found, Range};

/// Bytes of a chunk, unless one publication has more: what fits on a page of the database beside the chunk's own fields.
pub(crate) const CHUNK: usize = 4032;

/// Gathers the publications of a range from chunks, which come one after the other.
pub(crate) struct Gathering {
    range: Range,
    found: Found,
    /// Where the next chunk must begin (end, in reverse).
    edge: Option<Offset>,
    is_full: bool,
}

impl Gathering {
    pub(crate) fn new(range: Range) -> Self {
        Self {
            range,
            found: Found::default(),
            edge: None,
            is_full: false,
        }
    }

    /// Adds a chunk: the next one, or the one before in reverse. Returns whether another one is wanted.
    pub(crate) fn add(&mut self, first: Offset, bytes: &[u8]) -> bool {
        let mut records = Vec::new();
        let mut damaged = None;
        let mut reader = Reader::new(bytes);
        let mut offset = first;
        while !reader.is_at_end() {
            match record::decode(&mut reader, self.range.stream, offset) {
                Ok(publication) => records.push(Arc::new(publication)),
                Err(record::Damaged) => {
                    damaged = Some(offset);
                    records.clear();
                }
            }
            offset += 1;
        }
        let end = offset;
        let is_connected = match (self.edge, self.range.is_reverse) {
            (None, _) => true,
            (Some(edge), false) => edge == first,
            (Some(edge), true) => edge == end,
        };
        let is_wanted = damaged.is_none_or(|at| at + 1 < end);
        if !self.range.is_reverse {
            if damaged.is_some() || !is_connected {
                self.found.publications.clear();
            }
            self.edge = Some(end);
        } else if !is_connected {
            return false;
        } else {
            self.edge = Some(first);
        }
        self.found.damaged = self.found.damaged.max(damaged);
        if is_wanted {
            self.take(records);
        }
        !(self.is_full || (self.range.is_reverse && damaged.is_some()))
    }

    fn take(&mut self, records: Vec<Arc<Publication>>) {
        let Range {
            from, to, limit, ..
        } = self.range;
        let wanted = (records.into_iter()).filter(|it| (from..to).contains(&it.offset));
        if self.range.is_reverse {
            let mut wanted: Vec<_> = wanted.collect();
            let room = limit.saturating_sub(self.found.publications.len());
            wanted.drain(..wanted.len().saturating_sub(room));
            wanted.append(&mut self.found.publications);
            self.found.publications = wanted;
        } else {
            self.found.publications.extend(wanted);
        }
        self.is_full = self.found.publications.len() >= limit;
    }

    /// What was found.
    pub(crate) fn finish(self) -> Found {
        let mut found = self.found;
        if !self.range.is_reverse {
            found.publications.truncate(self.range.limit);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use veche_protocol::payload::Payload;

    use super::*;

    fn chunk(first: u64, count: u64) -> Vec<u8> {
        let (mut bytes, mut scratch) = (Vec::new(), Vec::new());
        for offset in first..first + count {
            let mut publication = Publication::new(Payload::binary(Bytes::from_static(b"data")));
            publication.offset = offset;
            record::encode(&publication, 1, &mut bytes, &mut scratch);
        }
        bytes
    }

    /// Offsets 1 to 9 in chunks of three, of which one byte is damaged where it is said.
    fn gather(range: Range, damage: Option<(usize, usize)>) -> (Vec<u64>, Option<u64>) {
        let mut chunks: Vec<_> = [1, 4, 7].map(|first| (first, chunk(first, 3))).into();
        if let Some((number, at)) = damage {
            chunks[number].1[at] ^= 1;
        }
        if range.is_reverse {
            chunks.reverse();
        }
        let mut gathering = Gathering::new(range);
        for (first, bytes) in chunks {
            if !gathering.add(first, &bytes) {
                break;
            }
        }
        let found = gathering.finish();
        let offsets = found.publications.iter().map(|it| it.offset);
        (offsets.collect(), found.damaged)
    }

    const ALL: Range = Range {
        stream: 1,
        from: 1,
        to: 10,
        limit: usize::MAX,
        is_reverse: false,
    };

    #[test]
    fn a_range_and_a_limit_cut_from_either_side() {
        let some = Range {
            from: 3,
            to: 9,
            ..ALL
        };
        assert_eq!(gather(some, None).0, [3, 4, 5, 6, 7, 8]);
        assert_eq!(gather(Range { limit: 2, ..some }, None).0, [3, 4]);
        let reverse = Range {
            limit: 4,
            is_reverse: true,
            ..some
        };
        assert_eq!(gather(reverse, None).0, [5, 6, 7, 8]);
    }

    #[test]
    fn nothing_is_told_from_before_a_damaged_publication() {
        let len = chunk(1, 1).len();
        for is_reverse in [false, true] {
            let range = Range { is_reverse, ..ALL };
            let (offsets, damaged) = gather(range, Some((1, len + 6)));
            assert_eq!((offsets, damaged), (vec![6, 7, 8, 9], Some(5)));
            let (offsets, damaged) = gather(range, Some((2, 2 * len + 6)));
            assert_eq!((offsets, damaged), (vec![], Some(9)));
        }
    }
}
