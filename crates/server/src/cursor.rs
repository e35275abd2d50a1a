//! Cursors: where a list goes on, as its callers carry it from page to page. To them it is a word without meaning.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use veche_api::listing::bad_cursor;
use veche_engine::control::NodeId;
use veche_node::listing::Mark;
use veche_node::nodes::Place;
use veche_protocol::error_code::CommandError;

/// Begins the cursors of lists of names; what they list follows.
const USERS: &str = "u1 ";
const CHANNELS: &str = "h1 ";
/// Begins those of connections; the node, the worker and the slot follow.
const CONNECTIONS: &str = "c1 ";

/// The kind of names in a list.
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

    /// The cursor after a name; empty at the end.
    pub(crate) fn cursor(self, last: Option<&str>) -> String {
        last.map_or_else(String::new, |last| {
            encode(&format!("{}{last}", self.sign()))
        })
    }

    /// The name after which a list continues; `None` for the beginning.
    pub(crate) fn read(self, cursor: &str) -> Result<Option<String>, CommandError> {
        if cursor.is_empty() {
            return Ok(None);
        }
        decode(cursor, self.sign()).map(Some)
    }
}

/// The cursor of a place among the connections of all nodes; empty at the end.
pub(crate) fn of_connections(next: Option<&Place>) -> String {
    next.map_or_else(String::new, |Place { node, mark }| {
        let Mark { worker, slot } = mark;
        encode(&format!("{CONNECTIONS}{node} {worker} {slot}"))
    })
}

/// Where a list of the connections of all nodes goes on; `None` for the beginning.
pub(crate) fn read_connections(cursor: &str) -> Result<Option<Place>, CommandError> {
    if cursor.is_empty() {
        return Ok(None);
    }
    let text = decode(cursor, CONNECTIONS)?;
    let mut words = text.split(' ');
    let (name, worker, slot) = (words.next(), words.next(), words.next());
    let worker = worker.and_then(|worker| worker.parse().ok());
    let slot = slot.and_then(|slot| slot.parse().ok());
    let (Some(name), Some(worker), Some(slot), None) = (name, worker, slot, words.next()) else {
        return Err(unknown());
    };
    Ok(Some(Place {
        node: NodeId::new(name),
        mark: Mark { worker, slot },
    }))
}

/// The node of a cursor is not there any more.
pub(crate) fn node_gone() -> CommandError {
    bad_cursor("is from before the server was restarted: begin again without one")
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
            assert!(read_connections(&cursor).is_err());
        }
        let place = Place {
            node: NodeId::new("n"),
            mark: Mark {
                worker: 3,
                slot: 70,
            },
        };
        let cursor = of_connections(Some(&place));
        assert_eq!(read_connections(&cursor), Ok(Some(place)));
        assert!(Named::Users.read(&cursor).is_err());
    }

    #[test]
    fn the_beginning_and_the_end_have_no_cursor() {
        assert_eq!(Named::Users.cursor(None), "");
        assert_eq!(of_connections(None), "");
        assert_eq!(Named::Users.read(""), Ok(None));
        assert_eq!(read_connections(""), Ok(None));
    }

    #[test]
    fn what_is_no_cursor_is_a_bad_request_that_says_so() {
        let broken = [
            encode("c1 n 1"),
            encode("c1 n 1 -1"),
            encode("c1 n 1 4294967296"),
            encode("c1 n 1 1 1"),
            encode("c2 n 1 1"),
            "%".into(),
            "x".into(),
        ];
        for cursor in &broken {
            let error = read_connections(cursor).expect_err("it is none");
            assert_eq!(error.code.0, 107, "{cursor}");
            assert!(
                error.message.starts_with("bad request: `cursor` "),
                "{error:?}"
            );
        }
        assert!(node_gone().message.contains("restarted"));
    }
}
