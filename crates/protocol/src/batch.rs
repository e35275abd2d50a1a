//! Several messages in one: lines of JSON, or Protobuf messages with their lengths.
//!
//! Reading is lazy: a message of ten thousand commands costs nothing until they are asked for.

use crate::command::Command;
use crate::decode_error::DecodeError;
use crate::{json, protobuf};

/// How the Centrifuge dialects are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// A JSON object a line.
    Json,
    /// Protobuf messages, each after its length.
    Protobuf,
}

impl Encoding {
    /// The commands of a message, one by one. After an error nothing follows.
    #[must_use]
    pub fn commands(self, message: &[u8]) -> Commands<'_> {
        match self {
            Self::Json => Commands(Parts::Json(lines(message))),
            Self::Protobuf => Commands(Parts::Protobuf(messages(message))),
        }
    }

    /// Adds a reply, which `write` appends, at the end of a message that is being made there. `is_first` says whether it
    /// is the message's first.
    pub fn append_with(
        self,
        message: &mut Vec<u8>,
        is_first: bool,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        match self {
            Self::Json => {
                if !is_first {
                    message.push(b'\n');
                }
                write(message);
            }
            Self::Protobuf => {
                let start = message.len();
                write(message);
                let end = message.len();
                protobuf::push_length(message, end - start);
                let length = message.len() - end;
                if let Some(reply) = message.get_mut(start..) {
                    reply.rotate_right(length);
                }
            }
        }
    }

    /// A ping: the empty reply.
    #[must_use]
    pub fn ping(self) -> &'static [u8] {
        match self {
            Self::Json => b"{}",
            Self::Protobuf => b"",
        }
    }
}

/// The commands of a message.
#[derive(Clone, Debug)]
pub struct Commands<'a>(Parts<'a>);

#[derive(Clone, Debug)]
enum Parts<'a> {
    Json(Lines<'a>),
    Protobuf(Messages<'a>),
    Failed,
}

impl<'a> Commands<'a> {
    /// What of the message has not been read yet: [`Encoding::commands`] of it goes on where these end. It is empty
    /// when nothing follows; before the first command it is the message.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        match &self.0 {
            Parts::Json(lines) => lines.rest,
            Parts::Protobuf(messages) => messages.rest,
            Parts::Failed => &[],
        }
    }
}

impl Iterator for Commands<'_> {
    type Item = Result<Command, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let command = match &mut self.0 {
            Parts::Json(lines) => lines.next()?.and_then(json::decode_command),
            Parts::Protobuf(messages) => messages.next()?.and_then(protobuf::decode_command),
            Parts::Failed => return None,
        };
        if command.is_err() {
            self.0 = Parts::Failed;
        }
        Some(command)
    }
}

/// Splits a message at newlines; one newline may end it. A message or line that is empty is an error.
#[must_use]
pub fn lines(message: &[u8]) -> Lines<'_> {
    Lines {
        rest: message,
        is_first: true,
    }
}

/// The lines of a message.
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    rest: &'a [u8],
    is_first: bool,
}

impl<'a> Iterator for Lines<'a> {
    type Item = Result<&'a [u8], DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() && !self.is_first {
            return None;
        }
        self.is_first = false;
        let rest = self.rest;
        let split = memchr::memchr(b'\n', rest).and_then(|at| rest.split_at_checked(at));
        let (line, rest) = match split {
            Some((line, rest)) => (line, rest.strip_prefix(b"\n").unwrap_or_default()),
            None => (rest, &[][..]),
        };
        if line.is_empty() {
            self.rest = &[];
            return Some(Err(DecodeError::new("an empty line")));
        }
        self.rest = rest;
        Some(Ok(line))
    }
}

/// Splits a message at the lengths before its parts; a part may be empty, the message may not.
#[must_use]
pub fn messages(message: &[u8]) -> Messages<'_> {
    Messages {
        rest: message,
        is_first: true,
    }
}

/// The parts of a message.
#[derive(Clone, Debug)]
pub struct Messages<'a> {
    rest: &'a [u8],
    is_first: bool,
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<&'a [u8], DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            let is_empty_message = std::mem::take(&mut self.is_first);
            return is_empty_message.then(|| Err(DecodeError::new("an empty message")));
        }
        self.is_first = false;
        match protobuf::split_length(self.rest) {
            Ok((part, rest)) => {
                self.rest = rest;
                Some(Ok(part))
            }
            Err(error) => {
                self.rest = &[];
                Some(Err(error))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(message: &str) -> Vec<Option<&str>> {
        lines(message.as_bytes())
            .map(|line| Some(std::str::from_utf8(line.ok()?).unwrap()))
            .collect()
    }

    #[test]
    fn one_newline_may_end_a_message_and_empty_lines_end_it_badly() {
        assert_eq!(split("a"), [Some("a")]);
        assert_eq!(split("a\n"), [Some("a")]);
        assert_eq!(split("a\r\nb"), [Some("a\r"), Some("b")]);
        assert_eq!(split(""), [None]);
        assert_eq!(split("\n"), [None]);
        assert_eq!(split("a\n\n"), [Some("a"), None]);
        assert_eq!(split("a\n\nb"), [Some("a"), None]);
        assert_eq!(split("\na"), [None]);
    }

    #[test]
    fn a_length_beyond_the_message_is_an_error_after_the_earlier_parts() {
        let parts = |bytes: &'static [u8]| messages(bytes).map(Result::ok).collect::<Vec<_>>();
        assert_eq!(
            parts(b"\x02ab\x00\x01c"),
            [Some(&b"ab"[..]), Some(b""), Some(b"c")]
        );
        assert_eq!(parts(b""), [None]);
        assert_eq!(parts(b"\x01a\x03bc"), [Some(&b"a"[..]), None]);
        assert_eq!(parts(b"\xff\xff\xff\xff\xff\xff\xff\xff\x7fa"), [None]);
        assert_eq!(
            parts(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01a"),
            [None]
        );
        assert_eq!(parts(b"\x80"), [None]);
    }

    #[test]
    fn nothing_follows_a_command_that_cannot_be_read() {
        let commands: Vec<_> = Encoding::Json
            .commands(b"{\"id\":1,\"send\":{}}\n{\"id\":\"2\"}\n{\"id\":3}")
            .map(|command| command.map(|command| command.id).ok())
            .collect();
        assert_eq!(commands, [Some(1), None]);
    }

    #[test]
    fn many_commands_are_read_one_by_one() {
        let message = "{}\n".repeat(10_000);
        assert_eq!(
            Encoding::Json.commands(message.as_bytes()).take(3).count(),
            3
        );
        assert_eq!(
            Encoding::Json
                .commands(message.as_bytes())
                .filter(Result::is_ok)
                .count(),
            10_000
        );
    }

    #[test]
    fn the_rest_of_a_message_goes_on_where_its_commands_ended() {
        let outcomes = |encoding: Encoding, message: &[u8], at_once: usize| {
            let (mut all, mut rest) = (Vec::new(), message);
            loop {
                let mut commands = encoding.commands(rest);
                all.extend(
                    commands
                        .by_ref()
                        .take(at_once)
                        .map(|command| command.map(|command| command.id).ok()),
                );
                rest = commands.rest();
                if rest.is_empty() {
                    return all;
                }
            }
        };
        let json = [
            "",
            "\n",
            "{\"id\":1}",
            "{\"id\":1}\n",
            "{\"id\":1}\n\n",
            "{\"id\":1}\n{\"id\":2}\n{\"id\":3}",
            "{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n",
            "{\"id\":1}\n{\"id\":2}\n\n",
            "{\"id\":1}\n\n{\"id\":2}",
            "{\"id\":1}\nx\n{\"id\":2}",
        ];
        let protobuf: [&[u8]; 5] = [
            b"",
            b"\x00",
            b"\x02\x08\x01",
            b"\x02\x08\x01\x02\x08\x02\x00",
            b"\x02\x08\x01\x09\x08",
        ];
        let json = json.map(|text| (Encoding::Json, text.as_bytes()));
        let protobuf = protobuf.map(|bytes| (Encoding::Protobuf, bytes));
        for (encoding, message) in json.into_iter().chain(protobuf) {
            let whole = outcomes(encoding, message, usize::MAX);
            for at_once in [1, 2] {
                assert_eq!(outcomes(encoding, message, at_once), whole, "{message:?}");
            }
        }
    }

    #[test]
    fn what_is_appended_comes_apart_again() {
        let long = vec![b'x'; 300];
        let replies = [&b"{}"[..], b"{\"id\":1}", &long];
        for encoding in [Encoding::Json, Encoding::Protobuf] {
            let mut message = b"before".to_vec();
            for (at, reply) in replies.into_iter().enumerate() {
                encoding.append_with(&mut message, at == 0, |out| out.extend_from_slice(reply));
            }
            let message = message.strip_prefix(b"before").expect("it stays");
            let apart: Vec<_> = match encoding {
                Encoding::Json => lines(message).map(Result::unwrap).collect(),
                Encoding::Protobuf => messages(message).map(Result::unwrap).collect(),
            };
            assert_eq!(apart, replies, "{encoding:?}");
        }
    }
}
