//! Reading a file of the journal back, around what is damaged in it.

use crate::journal::entry::{self, Entry, NoEntry};

/// What was found besides entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scan {
    /// Places in the middle that are no entries. Nobody knows of which channel they were.
    pub(crate) holes: u64,
    /// How the file ends.
    pub(crate) end: End,
}

/// How a file of the journal ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum End {
    /// Behind an entry.
    #[default]
    Whole,
    /// Within an entry: it was being appended when the process ended.
    Short,
    /// With bytes that are no entry.
    Damaged,
}

/// Calls `each` with every entry of a file.
pub(crate) fn scan<'a>(mut bytes: &'a [u8], salt: u32, mut each: impl FnMut(Entry<'a>)) -> Scan {
    let mut scan = Scan::default();
    while !bytes.is_empty() {
        match entry::get(bytes, salt) {
            Ok((entry, len)) => {
                each(entry);
                bytes = bytes.get(len..).unwrap_or_default();
            }
            Err(why) => match next(bytes, salt) {
                Some(rest) => {
                    scan.holes += 1;
                    bytes = rest;
                }
                None => {
                    scan.end = match why {
                        NoEntry::Short => End::Short,
                        NoEntry::Damaged => End::Damaged,
                    };
                    break;
                }
            },
        }
    }
    scan
}

/// The bytes from the next entry on that is one by its checksum.
fn next(bytes: &[u8], salt: u32) -> Option<&[u8]> {
    let mut rest = bytes.get(1..)?;
    while rest.len() >= entry::FIXED {
        if entry::get(rest, salt).is_ok() {
            return Some(rest);
        }
        rest = rest.get(1..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::entry::Kind;

    fn journal(count: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        for lsn in 1..=count {
            let header = |it: &mut Vec<u8>| it.extend(b"header");
            let payload = |it: &mut Vec<u8>| it.extend(b"payload");
            entry::put(&mut bytes, 1, Kind::Published, lsn, header, payload).expect("short");
        }
        bytes
    }

    fn scanned(bytes: &[u8]) -> (Vec<u64>, Scan) {
        let mut found = Vec::new();
        let scan = scan(bytes, 1, |entry| found.push(entry.lsn));
        (found, scan)
    }

    #[test]
    fn whatever_is_damaged_the_other_entries_are_read() {
        let whole = journal(5);
        let len = whole.len() / 5;
        assert_eq!(scanned(&whole), (vec![1, 2, 3, 4, 5], Scan::default()));
        for at in 2 * len..3 * len {
            let mut bytes = whole.clone();
            bytes[at] ^= 0xff;
            let (found, scan) = scanned(&bytes);
            let is_payload = at >= 2 * len + entry::FIXED + 6;
            let expected = if is_payload {
                vec![1, 2, 3, 4, 5]
            } else {
                vec![1, 2, 4, 5]
            };
            assert_eq!(
                (found, scan.holes),
                (expected, u64::from(!is_payload)),
                "byte {at}"
            );
            assert_eq!(scan.end, End::Whole);
        }
    }

    #[test]
    fn a_file_that_was_being_written_ends_short_and_zeros_are_damage() {
        let whole = journal(3);
        let len = whole.len() / 3;
        for end in 2 * len + 1..3 * len {
            let (found, scan) = scanned(&whole[..end]);
            assert_eq!((found, scan.end), (vec![1, 2], End::Short), "cut at {end}");
        }
        let mut zeros = whole;
        zeros.extend([0; 100]);
        let (found, scan) = scanned(&zeros);
        assert_eq!(
            (found, scan.end, scan.holes),
            (vec![1, 2, 3], End::Damaged, 0)
        );
    }
}
