//! Unpredictable bytes: keys of masks and of handshakes.

use std::cell::RefCell;

/// A key to mask one frame with, unpredictable for whoever chose the payload.
///
/// # Source
/// RFC 6455, section 5.3.
pub(crate) fn mask_key() -> [u8; 4] {
    POOL.with_borrow_mut(Pool::take)
}

/// 16 bytes for `Sec-WebSocket-Key`.
pub(crate) fn handshake_nonce() -> [u8; 16] {
    let mut nonce = [0; 16];
    fill(&mut nonce);
    nonce
}

/// Random bytes of the system's, taken in large portions: a call for each frame would cost more
/// than the frame.
struct Pool {
    bytes: [u8; 1024],
    used: usize,
}

impl Pool {
    fn take(&mut self) -> [u8; 4] {
        if self.used + 4 > self.bytes.len() {
            fill(&mut self.bytes);
            self.used = 0;
        }
        let key = self.bytes.get(self.used..).and_then(<[u8]>::first_chunk);
        self.used += 4;
        *key.expect("four bytes are left")
    }
}

fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the system has random bytes");
}

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { bytes: [0; 1024], used: 1024 }) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn keys_do_not_repeat_within_a_portion_or_across_two() {
        let keys: HashSet<_> = (0..600).map(|_| mask_key()).collect();
        // Two of 600 equal by chance: once in 24 000 runs. Three pairs never.
        assert!(keys.len() >= 598, "{}", keys.len());
    }
}
