//! The stamp in every payload: who published it, as which, and when.

use memchr::memmem::Finder;

/// What a delivery tells about its publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The publisher, counted over all channels.
    pub publisher: u32,
    /// Which of its publications, from 0.
    pub sequence: u32,
    /// When it was made, in nanoseconds of the generator's own clock.
    pub time_ns: u64,
}

/// A payload whose stamp is written anew for each publication.
///
/// It is a JSON object of a single string, so that every dialect takes it.
#[derive(Clone, Debug)]
pub struct Payload {
    bytes: Vec<u8>,
}

impl Payload {
    /// Bytes that the object and the stamp need.
    pub const SHORTEST: usize = BEFORE.len() + STAMP + AFTER.len();

    /// A payload of `size` bytes, or of [`Payload::SHORTEST`] if that is more. What is not the
    /// stamp is letters without much repetition, so that compression gains no more than from text.
    #[must_use]
    pub fn new(size: usize) -> Self {
        let mut letters = fastrand::Rng::with_seed(1);
        let mut bytes = BEFORE.to_vec();
        bytes.resize(BEFORE.len() + STAMP, b'0');
        while bytes.len() + AFTER.len() < size {
            bytes.push(letters.u8(b'a'..=b'z'));
        }
        bytes.extend_from_slice(AFTER);
        Self { bytes }
    }

    /// The payload with this stamp.
    pub fn stamped(&mut self, stamp: Stamp) -> &[u8] {
        let place = self.bytes.iter_mut().skip(BEFORE.len());
        let publisher = stamp.publisher.to_be_bytes();
        let sequence = stamp.sequence.to_be_bytes();
        let time = stamp.time_ns.to_be_bytes();
        let fields = publisher.iter().chain(&sequence).chain(&time);
        let digits = fields.flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
        for (place, digit) in place.zip(digits) {
            *place = digit;
        }
        &self.bytes
    }
}

/// Finds stamps, wherever in a message they are.
#[derive(Clone, Debug)]
pub struct StampFinder(Finder<'static>);

impl Default for StampFinder {
    fn default() -> Self {
        Self(Finder::new(MARK))
    }
}

impl StampFinder {
    /// The stamp in `message`, if it holds one.
    #[must_use]
    pub fn find(&self, message: &[u8]) -> Option<Stamp> {
        let at = self.0.find(message)?;
        let (publisher, rest) = message.get(at + MARK.len()..)?.split_first_chunk::<8>()?;
        let (sequence, rest) = rest.split_first_chunk::<8>()?;
        let (time, _) = rest.split_first_chunk::<16>()?;
        Some(Stamp {
            publisher: u32::try_from(number(publisher)?).ok()?,
            sequence: u32::try_from(number(sequence)?).ok()?,
            time_ns: number(time)?,
        })
    }
}

fn digit(nibble: u8) -> u8 {
    match nibble {
        0..=9 => b'0' + nibble,
        _ => b'a' + (nibble - 10),
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |number, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some((number << 4) | u64::from(digit))
    })
}

/// No server and no dialect has reason to write this.
const MARK: &[u8] = b"@veche@";
const BEFORE: &[u8] = br#"{"v":"@veche@"#;
const AFTER: &[u8] = br#""}"#;
/// Hexadecimal digits: 8 of the publisher, 8 of the sequence, 16 of the time.
const STAMP: usize = 32;

#[cfg(test)]
mod tests {
    use super::{Payload, Stamp, StampFinder};

    const STAMP: Stamp = Stamp {
        publisher: 7,
        sequence: 0xdead_beef,
        time_ns: 0x0123_4567_89ab_cdef,
    };

    #[test]
    fn a_stamp_is_read_as_it_was_written() {
        let mut payload = Payload::new(128);
        let bytes = payload.stamped(STAMP).to_vec();
        assert_eq!(bytes.len(), 128);
        assert_eq!(StampFinder::default().find(&bytes), Some(STAMP));
        let push = [b"{\"push\":{\"pub\":{\"data\":", &bytes[..], b"}}}"].concat();
        assert_eq!(StampFinder::default().find(&push), Some(STAMP));
    }

    #[test]
    fn a_payload_is_one_json_value_however_small_it_was_wanted() {
        for size in [0, 47, 48, 1000] {
            let mut payload = Payload::new(size);
            let bytes = payload.stamped(STAMP);
            assert_eq!(bytes.len(), size.max(Payload::SHORTEST));
            serde_json::from_slice::<serde_json::Value>(bytes).expect("JSON");
        }
    }

    #[test]
    fn what_is_torn_or_not_hexadecimal_is_no_stamp() {
        let mut payload = Payload::new(128);
        let bytes = payload.stamped(STAMP).to_vec();
        let finder = StampFinder::default();
        for end in 0..Payload::SHORTEST - 2 {
            assert_eq!(finder.find(&bytes[..end]), None, "{end} bytes");
        }
        let text = String::from_utf8(bytes).expect("text");
        assert_eq!(finder.find(text.replace('d', "D").as_bytes()), None);
        assert_eq!(finder.find(text.replace('@', "#").as_bytes()), None);
    }
}
