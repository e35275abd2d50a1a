//! Differences between two byte strings, in the format of the Fossil delta.
//!
//! A delta is the length of the target and a newline, then segments, then a checksum of the target. A segment is
//! `LENGTH@OFFSET,` for bytes of the base, or `LENGTH:` and the bytes themselves. The checksum ends with `;`.
//! Numbers are written in base 64, most significant digit first.
//!
//! Where the target is UTF-8, so is the delta: copies begin and end between characters, so that the delta can stand in
//! a JSON string.
//!
//! Source: "The Fossil Delta Format" and "Fossil Delta Encoding Algorithm", in the documentation of Fossil.

use std::ops::Range;

/// Bytes of base and of target beyond which [`patch`] does not try: what it costs must stay small.
pub const MAX_PATCHED: usize = 256 << 10;

/// The delta that makes `target` of `base`; `None` if it would not be smaller than the target, or one of the two has
/// more than [`MAX_PATCHED`] bytes.
#[must_use]
pub fn patch(base: &[u8], target: &[u8]) -> Option<Vec<u8>> {
    if base.len().max(target.len()) > MAX_PATCHED {
        return None;
    }
    Some(create(base, target)).filter(|delta| delta.len() < target.len())
}

/// The delta that makes `target` of `base`.
///
/// # Panics
/// When one of the two has 2^32 bytes or more, for which the format has no numbers.
#[must_use]
pub fn create(base: &[u8], target: &[u8]) -> Vec<u8> {
    let mut delta = Vec::with_capacity(target.len().min(base.len()) / 2 + 32);
    push_number(&mut delta, target.len());
    delta.push(b'\n');
    let mut done = 0;
    if base.len() > BLOCK {
        let blocks = Blocks::of(base);
        let is_text = simdutf8::basic::from_utf8(target).is_ok();
        while let Some(copy) = blocks.next_copy(target, done, is_text) {
            push_literal(&mut delta, target, done..copy.at);
            push_number(&mut delta, copy.len);
            delta.push(b'@');
            push_number(&mut delta, copy.offset);
            delta.push(b',');
            done = copy.at + copy.len;
        }
    }
    push_literal(&mut delta, target, done..target.len());
    push_digits(&mut delta, checksum(target));
    delta.push(b';');
    delta
}

/// Why a delta can't be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeltaError {
    /// It isn't one.
    Malformed,
    /// It makes more bytes than allowed.
    TooLarge,
    /// It was made for another base.
    WrongBase,
}

impl std::fmt::Display for DeltaError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Malformed => "not a delta",
            Self::TooLarge => "the delta makes more bytes than allowed",
            Self::WrongBase => "the delta was made for other data",
        })
    }
}

impl std::error::Error for DeltaError {}

/// Makes the target of its base and a delta.
///
/// # Errors
/// When `delta` is none, would make more than `limit` bytes, or belongs to another base.
pub fn apply(base: &[u8], delta: &[u8], limit: usize) -> Result<Vec<u8>, DeltaError> {
    let mut rest = delta;
    let size = take_number(&mut rest)? as usize;
    take_byte(&mut rest, b'\n')?;
    if size > limit {
        return Err(DeltaError::TooLarge);
    }
    let mut target = Vec::with_capacity(size.min(base.len() + delta.len()));
    loop {
        let number = take_number(&mut rest)?;
        let (&kind, after) = rest.split_first().ok_or(DeltaError::Malformed)?;
        rest = after;
        let len = number as usize;
        match kind {
            b'@' => {
                let offset = take_number(&mut rest)? as usize;
                take_byte(&mut rest, b',')?;
                let end = offset.checked_add(len).ok_or(DeltaError::Malformed)?;
                let copy = base.get(offset..end).ok_or(DeltaError::WrongBase)?;
                if copy.len() > size - target.len() {
                    return Err(DeltaError::Malformed);
                }
                target.extend_from_slice(copy);
            }
            b':' => {
                let (literal, after) = rest.split_at_checked(len).ok_or(DeltaError::Malformed)?;
                if literal.len() > size - target.len() {
                    return Err(DeltaError::Malformed);
                }
                target.extend_from_slice(literal);
                rest = after;
            }
            b';' if target.len() != size || !rest.is_empty() => return Err(DeltaError::Malformed),
            b';' if number != checksum(&target) => return Err(DeltaError::WrongBase),
            b';' => return Ok(target),
            _ => return Err(DeltaError::Malformed),
        }
    }
}

/// Bytes that are looked for at once.
const BLOCK: usize = 16;
/// Blocks with the same hash that are tried for one place of the target; the bound of the work.
const MAX_TRIES: usize = 64;

/// A part of the target that is in the base too.
#[derive(Clone, Copy, Debug)]
struct Copy {
    /// In the target.
    at: usize,
    /// In the base.
    offset: usize,
    len: usize,
}

/// The blocks of a base, to be found by their hash. Blocks have numbers from 1; 0 is none.
struct Blocks<'a> {
    base: &'a [u8],
    /// By hash: the last block that has it.
    last: Vec<u32>,
    /// By block: the one before it with the same hash.
    before: Vec<u32>,
}

impl<'a> Blocks<'a> {
    fn of(base: &'a [u8]) -> Self {
        let count = base.len() / BLOCK;
        let mut blocks = Self {
            base,
            last: vec![0; count],
            before: vec![0; count + 1],
        };
        // A block that ends with the base is not looked for.
        let wanted = (base.len() - 1) / BLOCK;
        for (block, number) in base.chunks_exact(BLOCK).take(wanted).zip(1_u32..) {
            let at = blocks.bucket(Window::of(block));
            if let (Some(last), Some(before)) = (
                blocks.last.get_mut(at),
                blocks.before.get_mut(number as usize),
            ) {
                *before = *last;
                *last = number;
            }
        }
        blocks
    }

    fn bucket(&self, window: Window) -> usize {
        window.hash() as usize % self.last.len()
    }

    /// The next part of the target, from `done` on, that is worth copying.
    fn next_copy(&self, target: &[u8], done: usize, is_text: bool) -> Option<Copy> {
        if target.len() <= done + BLOCK {
            return None;
        }
        let mut window = Window::of(target.get(done..done + BLOCK)?);
        let mut at = done;
        loop {
            let best = self.best_copy(target, done, at, window, is_text);
            if best.is_some() {
                return best;
            }
            let (&old, &new) = (target.get(at)?, target.get(at + BLOCK)?);
            window.slide(old, new);
            at += 1;
        }
    }

    /// The longest copy around `at` that takes fewer bytes than it saves.
    fn best_copy(
        &self,
        target: &[u8],
        done: usize,
        at: usize,
        window: Window,
        is_text: bool,
    ) -> Option<Copy> {
        let mut best: Option<Copy> = None;
        let mut block = self.last.get(self.bucket(window)).copied()?;
        for _ in 0..MAX_TRIES {
            if block == 0 {
                break;
            }
            let copy = self.copy_around((block as usize - 1) * BLOCK, target, done, at);
            let copy = if is_text {
                whole_characters(target, copy)
            } else {
                copy
            };
            let cost = digits(copy.at - done) + digits(copy.len) + digits(copy.offset) + 3;
            if copy.len >= cost && best.is_none_or(|best| copy.len > best.len) {
                best = Some(copy);
            }
            block = self.before.get(block as usize).copied().unwrap_or_default();
        }
        best
    }

    /// All that is the same before and behind a place of the base and one of the target.
    fn copy_around(&self, offset: usize, target: &[u8], done: usize, at: usize) -> Copy {
        let same =
            |pairs: &mut dyn Iterator<Item = (&u8, &u8)>| pairs.take_while(|(a, b)| a == b).count();
        let (base_before, base_after) = self.base.split_at(offset);
        let (target_before, target_after) = target.split_at(at);
        let ahead = same(&mut base_after.iter().zip(target_after));
        let room = (at - done).min(offset.saturating_sub(1));
        let back = same(
            &mut base_before
                .iter()
                .rev()
                .zip(target_before.iter().rev())
                .take(room),
        );
        Copy {
            at: at - back,
            offset: offset - back,
            len: ahead + back,
        }
    }
}

/// Leaves out parts of characters at both ends.
fn whole_characters(target: &[u8], copy: Copy) -> Copy {
    let is_inside = |at: usize| target.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
    let (mut begin, mut end) = (copy.at, copy.at + copy.len);
    while begin < end && is_inside(begin) {
        begin += 1;
    }
    while begin < end && is_inside(end) {
        end -= 1;
    }
    Copy {
        at: begin,
        offset: copy.offset + (begin - copy.at),
        len: end - begin,
    }
}

/// The rolling hash of [`BLOCK`] bytes.
#[derive(Clone, Copy)]
struct Window {
    sum: u16,
    weighted: u16,
}

impl Window {
    fn of(block: &[u8]) -> Self {
        let mut window = Self {
            sum: 0,
            weighted: 0,
        };
        for &byte in block {
            window.sum = window.sum.wrapping_add(byte.into());
            // The first byte is added with each that follows: the earlier, the heavier.
            window.weighted = window.weighted.wrapping_add(window.sum);
        }
        window
    }

    fn slide(&mut self, old: u8, new: u8) {
        self.sum = self.sum.wrapping_sub(old.into()).wrapping_add(new.into());
        let leaving = u16::from(old).wrapping_mul(16);
        self.weighted = self.weighted.wrapping_sub(leaving).wrapping_add(self.sum);
    }

    fn hash(self) -> u32 {
        u32::from(self.weighted) << 16 | u32::from(self.sum)
    }
}

/// The sum of all words of four bytes, most significant first; the last is filled up with zeros.
fn checksum(bytes: &[u8]) -> u32 {
    let words = bytes.chunks(4).map(|chunk| {
        let shifts = [24, 16, 8, 0];
        chunk
            .iter()
            .zip(shifts)
            .map(|(&byte, shift)| u32::from(byte) << shift)
            .sum::<u32>()
    });
    words.fold(0, u32::wrapping_add)
}

const DIGITS: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~";

/// How many digits a number takes.
fn digits(number: usize) -> usize {
    let bits = (usize::BITS - number.leading_zeros()) as usize;
    bits.div_ceil(6).max(1)
}

fn push_number(delta: &mut Vec<u8>, number: usize) {
    push_digits(
        delta,
        u32::try_from(number).expect("lengths are below 2^32"),
    );
}

fn push_digits(delta: &mut Vec<u8>, number: u32) {
    for place in (0..digits(number as usize)).rev() {
        let digit = (number >> (6 * place)) & 63;
        delta.extend(DIGITS.get(digit as usize));
    }
}

fn push_literal(delta: &mut Vec<u8>, target: &[u8], range: Range<usize>) {
    if range.is_empty() {
        return;
    }
    push_number(delta, range.len());
    delta.push(b':');
    delta.extend_from_slice(target.get(range).unwrap_or_default());
}

fn take_number(rest: &mut &[u8]) -> Result<u32, DeltaError> {
    let mut number = 0_u32;
    let mut count = 0;
    while let Some((&byte, after)) = rest.split_first()
        && let Some(digit) = digit(byte)
    {
        if number >> 26 != 0 {
            return Err(DeltaError::Malformed);
        }
        number = number << 6 | digit;
        count += 1;
        *rest = after;
    }
    (count > 0).then_some(number).ok_or(DeltaError::Malformed)
}

fn digit(byte: u8) -> Option<u32> {
    let digit = match byte {
        b'0'..=b'9' => byte - b'0',
        b'A'..=b'Z' => byte - b'A' + 10,
        b'_' => 36,
        b'a'..=b'z' => byte - b'a' + 37,
        b'~' => 63,
        _ => return None,
    };
    Some(digit.into())
}

fn take_byte(rest: &mut &[u8], wanted: u8) -> Result<(), DeltaError> {
    *rest = rest.strip_prefix(&[wanted]).ok_or(DeltaError::Malformed)?;
    Ok(())
}

#[cfg(test)]
mod tests;
