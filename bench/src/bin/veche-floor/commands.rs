//! The three commands, recognised without parsing what stands around them.

use memchr::memmem;

/// What a client wants.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command<'m> {
    Connect,
    Subscribe(&'m [u8]),
    Publish(&'m [u8], &'m [u8]),
}

/// The id and the command of a line, if it is one of the three.
pub(crate) fn recognise(line: &[u8]) -> Option<(u32, Command<'_>)> {
    let digits = after(line, b"\"id\":")?
        .iter()
        .take_while(|byte| byte.is_ascii_digit());
    let id = digits.fold(0_u32, |id, digit| {
        id.wrapping_mul(10).wrapping_add(u32::from(digit - b'0'))
    });
    let command = if let Some(publish) = after(line, b"\"publish\":") {
        let data = after(publish, b"\"data\":")?;
        // The data is the last field: behind it the request and the command are closed.
        Command::Publish(channel(publish)?, data.get(..data.len().checked_sub(2)?)?)
    } else if let Some(subscribe) = after(line, b"\"subscribe\":") {
        Command::Subscribe(channel(subscribe)?)
    } else {
        after(line, b"\"connect\":")?;
        Command::Connect
    };
    Some((id, command))
}

fn channel(request: &[u8]) -> Option<&[u8]> {
    let name = after(request, b"\"channel\":\"")?;
    name.get(..memchr::memchr(b'"', name)?)
}

fn after<'m>(line: &'m [u8], word: &[u8]) -> Option<&'m [u8]> {
    line.get(memmem::find(line, word)? + word.len()..)
}

#[cfg(test)]
mod tests {
    use super::{Command, recognise};

    #[test]
    fn the_three_commands_are_recognised() {
        let check =
            |line: &str, expected| assert_eq!(recognise(line.as_bytes()), expected, "{line}");
        check(r#"{"id":1,"connect":{}}"#, Some((1, Command::Connect)));
        check(
            r#"{"id":2,"subscribe":{"channel":"a-0"}}"#,
            Some((2, Command::Subscribe(b"a-0"))),
        );
        let publish = r#"{"id":33,"publish":{"channel":"a-0","data":{"v":"x"}}}"#;
        check(
            publish,
            Some((33, Command::Publish(b"a-0", br#"{"v":"x"}"#))),
        );
        check("{}", None);
    }
}
