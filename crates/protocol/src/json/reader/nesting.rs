//! What is open while a value is passed over.

/// Levels of lists and objects in JSON that is taken from anybody: what is deeper is valid, but would run
/// subscribers' parsers out of stack (Python's ends at about 990).
pub const MAX_DEPTH: usize = 512;

/// Which of the open objects and lists are objects, a bit each.
pub(super) trait Nesting {
    /// Whether one more may be entered.
    fn has_room(&self) -> bool;

    /// Enters an object or a list.
    fn push(&mut self, is_object: bool);

    fn pop(&mut self);

    /// Whether the innermost is an object; `None` where nothing is open.
    fn innermost(&self) -> Option<bool>;
}

/// At most [`MAX_DEPTH`] levels, without an allocation.
#[derive(Debug, Default)]
pub(super) struct Bounded {
    bits: [u64; MAX_DEPTH / 64],
    len: usize,
}

/// Any number of levels.
#[derive(Debug, Default)]
pub(super) struct Unbounded {
    bits: Vec<u64>,
    len: usize,
}

impl Nesting for Bounded {
    #[inline]
    fn has_room(&self) -> bool {
        self.len < MAX_DEPTH
    }

    #[inline]
    fn push(&mut self, is_object: bool) {
        set_bit(&mut self.bits, self.len, is_object);
        self.len += 1;
    }

    #[inline]
    fn pop(&mut self) {
        self.len = self.len.saturating_sub(1);
    }

    #[inline]
    fn innermost(&self) -> Option<bool> {
        last_bit(&self.bits, self.len)
    }
}

impl Nesting for Unbounded {
    #[inline]
    fn has_room(&self) -> bool {
        true
    }

    #[inline]
    fn push(&mut self, is_object: bool) {
        if self.len / 64 == self.bits.len() {
            self.bits.push(0);
        }
        set_bit(&mut self.bits, self.len, is_object);
        self.len += 1;
    }

    #[inline]
    fn pop(&mut self) {
        self.len = self.len.saturating_sub(1);
    }

    #[inline]
    fn innermost(&self) -> Option<bool> {
        last_bit(&self.bits, self.len)
    }
}

#[inline]
fn set_bit(bits: &mut [u64], at: usize, is_set: bool) {
    let bit = 1 << (at % 64);
    if let Some(word) = bits.get_mut(at / 64) {
        *word = if is_set { *word | bit } else { *word & !bit };
    }
}

#[inline]
fn last_bit(bits: &[u64], len: usize) -> Option<bool> {
    let last = len.checked_sub(1)?;
    let word = bits.get(last / 64)?;
    Some(word >> (last % 64) & 1 == 1)
}
