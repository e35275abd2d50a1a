//! Writes the fields of Protobuf messages. Zero and empty values are omitted, except messages.
//!
//! Source: "Protocol Buffers Encoding"; fields go in ascending order, as the reference server writes them.

const VARINT: u32 = 0;
const BYTES: u32 = 2;

/// Writes the length that goes before a message.
pub fn push_length(out: &mut Vec<u8>, len: usize) {
    varint(
        out,
        u64::try_from(len).expect("a length in memory has at most 64 bits"),
    );
}

pub(super) fn varint(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            out.push(low & 0x7f);
            return;
        }
        out.push(low | 0x80);
    }
}

pub(super) fn number(out: &mut Vec<u8>, field: u32, value: u64) {
    if value != 0 {
        tag(out, field, VARINT);
        varint(out, value);
    }
}

/// A number of type `int64`: a negative one takes ten bytes.
pub(super) fn signed(out: &mut Vec<u8>, field: u32, value: i64) {
    number(out, field, value.cast_unsigned());
}

/// A number of type `sint64`: small negative ones are short.
pub(super) fn zigzag(out: &mut Vec<u8>, field: u32, value: i64) {
    number(out, field, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

pub(super) fn flag(out: &mut Vec<u8>, field: u32, value: bool) {
    number(out, field, u64::from(value));
}

pub(super) fn string(out: &mut Vec<u8>, field: u32, value: &str) {
    bytes(out, field, value.as_bytes());
}

pub(super) fn bytes(out: &mut Vec<u8>, field: u32, value: &[u8]) {
    if !value.is_empty() {
        tag(out, field, BYTES);
        push_length(out, value.len());
        out.extend_from_slice(value);
    }
}

/// A message within a message; written even if it is empty.
pub(super) fn message(out: &mut Vec<u8>, field: u32, fields: impl FnOnce(&mut Vec<u8>)) {
    tag(out, field, BYTES);
    let begin = out.len();
    fields(out);
    let end = out.len();
    // The length is known only now: it goes to the end, and then around to the front.
    push_length(out, end - begin);
    let width = out.len() - end;
    if let Some(message) = out.get_mut(begin..) {
        message.rotate_right(width);
    }
}

fn tag(out: &mut Vec<u8>, field: u32, wire_type: u32) {
    varint(out, u64::from(field << 3 | wire_type));
}
