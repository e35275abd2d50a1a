//! Which path is which door, and who is let in.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use veche_node::connection::{Conversation, Opening};
use veche_node::gate::Gate;
use veche_node::listener::{Role, Side};
use veche_node::refusal_log::RefusalLog;
use veche_websocket::handshake;

use crate::head::Head;
use crate::host::Hosts;
use crate::origin::Origins;
use crate::refusal::HttpRefusal;
use crate::refusals::{Reason, Refusals};

mod websocket;

/// The doors of a server.
#[derive(Debug, Default)]
pub struct Doors {
    /// Path and kind. A path is matched whole, but for one slash at its end.
    pub doors: Vec<(String, Door)>,
    /// Under which names the server answers.
    pub hosts: Hosts,
    /// Which web pages may connect.
    pub origins: Origins,
    /// Whether offers of permessage-deflate are taken.
    pub compression: bool,
    /// How many may come in.
    pub gate: Gate,
    /// How many did not come in.
    pub refusals: Refusals,
    /// The header in which a proxy before the server says who the user is.
    pub user_header: Option<String>,
    /// Names of the headers that are kept for the application, as long as the connection lives. Values that are no
    /// text are not kept.
    pub kept_headers: Vec<String>,
    /// What the log says of those who are not let in.
    pub log: Log,
}

/// Tells the log who is not let in, within bounds.
#[derive(Debug)]
pub struct Log {
    began: Instant,
    lines: Mutex<RefusalLog>,
}

/// What is spoken behind a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// A Centrifuge dialect over WebSocket.
    WebSocket,
    /// The plain dialect over WebSocket.
    Plain,
    /// Every WebSocket message comes back.
    Echo,
}

/// An upgrade that is agreed.
#[derive(Debug)]
pub struct Agreement {
    /// Headers of the answer 101, beside `Connection` and `Upgrade`.
    pub headers: Vec<(&'static str, String)>,
    /// How to speak with the client; its `answer` is still empty.
    pub opening: Opening,
}

impl Doors {
    /// The door at this path, for whoever came by a listener of this role.
    #[must_use]
    pub fn find(&self, path: &str, role: Role) -> Option<Door> {
        if role.side == Side::Internal {
            return None;
        }
        let path = path.strip_suffix('/').unwrap_or(path);
        self.doors
            .iter()
            .find(|(known, _)| known == path)
            .map(|(_, door)| *door)
    }

    /// Whether a request with these headers `Host` is answered at all, whatever it is for.
    ///
    /// # Errors
    /// The answer to give.
    pub fn admit<'a>(&self, hosts: impl Iterator<Item = &'a [u8]>) -> Result<(), HttpRefusal> {
        self.hosts.admit(hosts).map_err(|foreign| {
            self.refusals.add(Reason::Host);
            HttpRefusal {
                status: 421,
                header: None,
                text: foreign.to_string(),
            }
        })
    }

    /// Lets a request in through a door, or says why not.
    ///
    /// # Errors
    /// The answer to give.
    pub fn enter(&self, door: Door, head: &Head<'_>) -> Result<Agreement, HttpRefusal> {
        let hosts = head.values("host");
        let entered = self
            .admit(hosts)
            .and_then(|()| websocket::enter(self, door, head));
        match &entered {
            Ok(agreement) => {
                if let Conversation::Refused { why, disconnect } = &agreement.opening.conversation {
                    self.log.tell(disconnect.code, head.path, why);
                }
            }
            Err(refusal) => self.log.tell(refusal.status, head.path, &refusal.text),
        }
        entered
    }
}

impl Agreement {
    /// The opening with the whole answer 101 as its first bytes.
    #[must_use]
    pub fn into_opening(self) -> Opening {
        let headers = self.headers.iter();
        let headers = headers.map(|(name, value)| (*name, value.as_str()));
        let mut answer = Vec::new();
        handshake::server::write_answer(headers, &mut answer);
        Opening {
            answer,
            ..self.opening
        }
    }
}

impl Log {
    /// Tells with which status a request for this path was answered, and why.
    fn tell(&self, status: u16, path: &str, why: &str) {
        let now = self.began.elapsed();
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.tell_upgrade(status, path, why, now);
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            lines: Mutex::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_come_in_from_outside_alone() {
        let doors = Doors {
            doors: vec![("/connection/websocket".to_owned(), Door::WebSocket)],
            ..Doors::default()
        };
        let find = |path, role| doors.find(path, role);
        let internal = Role {
            side: Side::Internal,
            ..Role::OUTSIDE
        };
        for path in ["/connection/websocket", "/connection/websocket/"] {
            assert_eq!(find(path, Role::OUTSIDE), Some(Door::WebSocket));
            assert_eq!(find(path, internal), None);
        }
        assert_eq!(find("/connection/websocket//", Role::OUTSIDE), None);
    }
}
