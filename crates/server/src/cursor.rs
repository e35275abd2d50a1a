//! Cursors: where a list goes on, as its callers carry it from page to page. To them it is a word without meaning.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use veche_api::listing::bad_cursor;
use veche_node::listing::Mark;
use veche_protocol::error_code::CommandError;

/// Begins the cursors of lists of names; what they list follows.
const USERS: &str = "u1 ";
const CHANNELS: &str = "h1 ";
/// Begins those of connections; the node, the worker and the slot follow.
const CONNECTIONS: &str = "c1 ";

/// What a list of names lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    Users,
    Channels,
}

impl Named {
    fn sign(self) -> &'static str {
        match self {
            Self::Users => USERS,
            Self::Channels => CHANNELS,
        }
    }

    /// The cursor behind a name; empty at the end.
    pub(crate) fn cursor(self, last: Option<&str>) -> String {
        last.map_or_else(String::new, |last| {
            encode(&format!("{}{last}", self.sign()))
        })
    }

    /// The name behind which a list goes on; `None` for the beginning.
    pub(crate) fn read(self, cursor: &str) -> Result<Option<String>, CommandError> {
        if cursor.is_empty() {
            return Ok(None);
        }
        decode(cursor, self.sign()).map(Some)
    }
}

/// The cursor of a place among a node's connections; empty at the end.
pub(crate) fn of_connections(node: &str, next: Option<Mark>) -> String {
    next.map_or_else(String::new, |Mark { worker, slot }| {
        encode(&format!("{CONNECTIONS}{node} {worker} {slot}"))
    })
}

/// Where a list of a node's connections goes on.
pub(crate) fn read_connections(node: &str, cursor: &str) -> Result<Mark, CommandError> {
    if cursor.is_empty() {
        return Ok(Mark::default());
    }
    let text = decode(cursor, CONNECTIONS)?;
    let mut words = text.split(' ');
    let (name, worker, slot) = (words.next(), words.next(), words.next());
    let worker = worker.and_then(|worker| worker.parse().ok());
    let slot = slot.and_then(|slot| slot.parse().ok());
    let (Some(name), Some(worker), Some(slot), None) = (name, worker, slot, words.next()) else {
        return Err(unknown());
    };
    if name != node {
        return Err(bad_cursor(
            "is from before the server was restarted: begin again without one",
        ));
    }
    Ok(Mark { worker, slot })
}

fn encode(text: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(text)
}

fn decode(cursor: &str, sign: &str) -> Result<String, CommandError> {
    let bytes = BASE64_URL_SAFE_NO_PAD
        .decode(cursor)
        .map_err(|_| unknown())?;
    let text = String::from_utf8(bytes).map_err(|_| unknown())?;
    let rest = text.strip_prefix(sign).ok_or_else(unknown)?;
    Ok(rest.to_owned())
}

fn unknown() -> CommandError {
    bad_cursor("is not one that this method gave")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_given() {
        for name in ["a", "", "é ü", "u1 "] {
            let cursor = Named::Users.cursor(Some(name));
            assert_eq!(Named::Users.read(&cursor), Ok(Some(name.to_owned())));
            assert!(Named::Channels.read(&cursor).is_err());
            assert!(read_connections("n", &cursor).is_err());
        }
        let mark = Mark {
            worker: 3,
            slot: 70,
        };
        let cursor = of_connections("n", Some(mark));
        assert_eq!(read_connections("n", &cursor), Ok(mark));
        assert!(Named::Users.read(&cursor).is_err());
    }

    #[test]
    fn the_beginning_and_the_end_have_no_cursor() {
        assert_eq!(Named::Users.cursor(None), "");
        assert_eq!(of_connections("n", None), "");
        assert_eq!(Named::Users.read(""), Ok(None));
        assert_eq!(read_connections("n", ""), Ok(Mark::default()));
    }

    #[test]
    fn what_is_no_cursor_is_a_bad_request_that_says_so() {
        let other = of_connections("another", Some(Mark::default()));
        let broken = [
            encode("c1 n 1"),
            encode("c1 n 1 -1"),
            encode("c1 n 1 4294967296"),
            encode("c1 n 1 1 1"),
            encode("c2 n 1 1"),
            "%".into(),
            "x".into(),
        ];
        for cursor in broken.iter().chain([&other]) {
            let error = read_connections("n", cursor).expect_err("it is none");
            assert_eq!(error.code.0, 107, "{cursor}");
            assert!(
                error.message.starts_with("bad request: `cursor` "),
                "{error:?}"
            );
        }
        let error = read_connections("n", &other).expect_err("it is another's");
        assert!(error.message.contains("restarted"));
    }
}
