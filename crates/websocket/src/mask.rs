//! Masking: what a client does to every payload it sends.

/// Masks or unmasks `payload` in place; the two are one operation.
///
/// `offset` is how far into the frame's payload the slice begins, so that a payload may be
/// treated in pieces.
///
/// # Source
/// RFC 6455, section 5.3.
pub fn apply(key: [u8; 4], offset: usize, payload: &mut [u8]) {
    let [a, b, c, d] = key;
    let key = match offset % 4 {
        0 => [a, b, c, d],
        1 => [b, c, d, a],
        2 => [c, d, a, b],
        _ => [d, a, b, c],
    };
    let [a, b, c, d] = key;
    let word = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = payload.as_chunks_mut::<8>();
    for bytes in words {
        *bytes = (u64::from_ne_bytes(*bytes) ^ word).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_masked_hello_of_the_rfc_is_unmasked() {
        let mut payload = [0x7f, 0x9f, 0x4d, 0x51, 0x58];
        apply([0x37, 0xfa, 0x21, 0x3d], 0, &mut payload);
        assert_eq!(&payload, b"Hello");
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_give_what_byte_by_byte_gives(
            key: [u8; 4],
            payload in proptest::collection::vec(any::<u8>(), 0..200),
            cut: prop::sample::Index,
        ) {
            let expected: Vec<u8> = payload.iter().zip(key.iter().cycle()).map(|(b, k)| b ^ k).collect();
            let mut masked = payload.clone();
            let cut = cut.index(payload.len() + 1);
            let (head, tail) = masked.split_at_mut(cut);
            apply(key, 0, head);
            apply(key, cut, tail);
            prop_assert_eq!(masked, expected);
        }
    }
}
