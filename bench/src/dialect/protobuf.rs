//! The Centrifuge client protocol in Protobuf, as far as a load generator speaks it.

use super::Heard;

pub(super) fn connect(token: Option<&str>) -> Vec<u8> {
    let mut request = Vec::new();
    if let Some(token) = token {
        bytes(&mut request, 1, token.as_bytes());
    }
    let mut out = Vec::new();
    command(&mut out, 1, CONNECT, &request);
    out
}

pub(super) fn subscribe(channel: &str) -> Vec<u8> {
    let mut request = Vec::new();
    bytes(&mut request, 1, channel.as_bytes());
    let mut out = Vec::new();
    command(&mut out, 2, SUBSCRIBE, &request);
    out
}

pub(super) fn publish(channel: &str, data: &[u8], id: u32, out: &mut Vec<u8>) {
    let mut request = Vec::with_capacity(channel.len() + data.len() + 16);
    bytes(&mut request, 1, channel.as_bytes());
    bytes(&mut request, 2, data);
    command(out, id, PUBLISH, &request);
}

/// Cuts off an item that stands behind its length; `None` if it is not whole.
pub(super) fn split_item<'m>(message: &mut &'m [u8]) -> Option<&'m [u8]> {
    let mut rest = *message;
    let len = usize::try_from(read_varint(&mut rest)?).ok()?;
    let (item, rest) = rest.split_at_checked(len)?;
    *message = rest;
    Some(item)
}

/// `None` for what is no reply.
pub(super) fn hear(item: &[u8]) -> Option<Heard> {
    let mut rest = item;
    let mut heard = if item.is_empty() {
        Heard::Ping
    } else {
        Heard::Other
    };
    while !rest.is_empty() {
        match read_field(&mut rest)? {
            (2, Value::Bytes(error)) => return Some(Heard::Refused(refusal(error)?)),
            (4, Value::Bytes(push)) => return unsubscribed(push),
            (5, Value::Bytes(result)) => {
                heard = Heard::Connected {
                    pong: pong(result)?,
                }
            }
            (6, Value::Bytes(_)) => heard = Heard::Subscribed,
            (8, Value::Bytes(_)) => heard = Heard::Published,
            _ => {}
        }
    }
    Some(heard)
}

fn refusal(mut error: &[u8]) -> Option<String> {
    let (mut code, mut message) = (0, String::new());
    while !error.is_empty() {
        match read_field(&mut error)? {
            (1, Value::Number(number)) => code = number,
            (2, Value::Bytes(text)) => message = String::from_utf8_lossy(text).into_owned(),
            _ => {}
        }
    }
    Some(format!("{message} ({code})"))
}

fn unsubscribed(mut push: &[u8]) -> Option<Heard> {
    while !push.is_empty() {
        if let (7, Value::Bytes(_)) = read_field(&mut push)? {
            return Some(Heard::Unsubscribed("unsubscribed".to_owned()));
        }
    }
    Some(Heard::Other)
}

fn pong(mut result: &[u8]) -> Option<bool> {
    let mut pong = false;
    while !result.is_empty() {
        if let (8, Value::Number(number)) = read_field(&mut result)? {
            pong = number != 0;
        }
    }
    Some(pong)
}

enum Value<'m> {
    Number(u64),
    Bytes(&'m [u8]),
}

/// A field and its number.
fn read_field<'m>(input: &mut &'m [u8]) -> Option<(u64, Value<'m>)> {
    let key = read_varint(input)?;
    let value = match key & 7 {
        0 => Value::Number(read_varint(input)?),
        1 => Value::Bytes(split_exactly(input, 8)?),
        2 => Value::Bytes(split_item(input)?),
        5 => Value::Bytes(split_exactly(input, 4)?),
        _ => return None,
    };
    Some((key >> 3, value))
}

fn split_exactly<'m>(input: &mut &'m [u8], len: usize) -> Option<&'m [u8]> {
    let (front, rest) = input.split_at_checked(len)?;
    *input = rest;
    Some(front)
}

fn read_varint(input: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = input.split_first()?;
        *input = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// A command behind its length.
fn command(out: &mut Vec<u8>, id: u32, field: u64, request: &[u8]) {
    let mut command = Vec::with_capacity(request.len() + 16);
    varint(&mut command, ID << 3);
    varint(&mut command, u64::from(id));
    bytes(&mut command, field, request);
    varint(out, command.len() as u64);
    out.extend_from_slice(&command);
}

fn bytes(out: &mut Vec<u8>, field: u64, value: &[u8]) {
    varint(out, field << 3 | 2);
    varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

fn varint(out: &mut Vec<u8>, mut number: u64) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            return out.push(low & 0x7f);
        }
        out.push(low | 0x80);
    }
}

// Fields of `Command`, as the client protocol numbers them.
const ID: u64 = 1;
const CONNECT: u64 = 4;
const SUBSCRIBE: u64 = 5;
const PUBLISH: u64 = 7;

#[cfg(test)]
mod tests {
    use super::{Heard, connect, hear, publish, split_item};

    #[test]
    fn replies_are_understood() {
        for (item, heard) in [
            (
                &[8, 1, 42, 4, 56, 25, 64, 1][..],
                Heard::Connected { pong: true },
            ),
            (&[8, 1, 42, 0], Heard::Connected { pong: false }),
            (&[8, 2, 50, 0], Heard::Subscribed),
            (&[8, 3, 66, 0], Heard::Published),
            (
                &[8, 3, 18, 5, 8, 103, 18, 1, b'x'],
                Heard::Refused("x (103)".to_owned()),
            ),
            (
                &[34, 5, 18, 1, b'a', 58, 0],
                Heard::Unsubscribed("unsubscribed".to_owned()),
            ),
        ] {
            assert_eq!(hear(item), Some(heard), "{item:?}");
        }
        assert_eq!(hear(&[8]), None);
        assert_eq!(hear(&[255; 12]), None);
    }

    #[test]
    fn commands_stand_behind_their_length() {
        assert_eq!(connect(None), [4, 8, 1, 34, 0]);
        let mut out = Vec::new();
        publish("a", &[b'x'; 200], 300, &mut out);
        let mut rest = out.as_slice();
        assert_eq!(
            split_item(&mut rest).map(<[u8]>::len),
            Some(3 + 3 + 3 + 203)
        );
        assert_eq!(rest, b"");
    }
}
