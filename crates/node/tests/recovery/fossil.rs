//! Applies Fossil deltas, written apart from the server's own code: what both get wrong alike, they get wrong twice.

/// The target that `delta` makes of `base`.
///
/// # Panics
/// When the delta is broken, or was made for another base.
pub(crate) fn apply(base: &[u8], delta: &[u8]) -> Vec<u8> {
    let mut at = 0;
    let size = number(delta, &mut at);
    assert_eq!(delta[at], b'\n', "the size ends with a newline");
    at += 1;
    let mut target = Vec::new();
    loop {
        let value = number(delta, &mut at);
        let kind = delta[at];
        at += 1;
        match kind {
            b'@' => {
                let from = number(delta, &mut at) as usize;
                assert_eq!(delta[at], b',', "a copy ends with a comma");
                at += 1;
                let copy = base.get(from..from + value as usize);
                target.extend_from_slice(copy.expect("a copy of what the base has"));
            }
            b':' => {
                target.extend_from_slice(&delta[at..at + value as usize]);
                at += value as usize;
            }
            b';' => {
                assert_eq!(at, delta.len(), "nothing follows the checksum");
                assert_eq!(target.len(), size as usize, "the size that was promised");
                assert_eq!(sum(&target), value, "the delta is for another base");
                return target;
            }
            other => panic!("{:?} is no segment", char::from(other)),
        }
    }
}

fn number(delta: &[u8], at: &mut usize) -> u32 {
    let digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~";
    let mut value = 0_u32;
    while let Some(digit) = digits.find(char::from(delta[*at])) {
        value = (value << 6) + u32::try_from(digit).expect("below 64");
        *at += 1;
    }
    value
}

fn sum(bytes: &[u8]) -> u32 {
    let mut sum = 0_u32;
    for (index, &byte) in bytes.iter().enumerate() {
        let shift = 24 - 8 * (index % 4);
        sum = sum.wrapping_add(u32::from(byte) << shift);
    }
    sum
}
