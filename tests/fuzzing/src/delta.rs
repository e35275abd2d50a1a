//! Deltas: any bytes are refused or applied within bounds, and what is made fits.

use veche_protocol::delta::{MAX_PATCHED, apply, create, patch};

const LIMIT: usize = 64 << 10;

/// The first two bytes say where the base ends; the rest is taken for a delta, and for a target.
pub fn run(input: &[u8]) {
    let Some((len, rest)) = input.split_first_chunk::<2>() else {
        return;
    };
    let at = usize::from(u16::from_be_bytes(*len)).min(rest.len());
    let (base, other) = rest.split_at(at);
    if let Ok(target) = apply(base, other, LIMIT) {
        assert!(target.len() <= LIMIT);
    }
    let delta = create(base, other);
    let made = apply(base, &delta, MAX_PATCHED.max(other.len()));
    assert_eq!(made.as_deref(), Ok(other));
    if std::str::from_utf8(other).is_ok() {
        assert!(
            std::str::from_utf8(&delta).is_ok(),
            "a delta of text is text"
        );
    }
    if let Some(delta) = patch(base, other) {
        assert!(delta.len() < other.len());
    }
}
