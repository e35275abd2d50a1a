//! Looks at the first bytes of each socket: a client's upgrade is answered here, other HTTP is passed on.

use std::fmt;
use std::sync::Arc;

use veche_node::link::handover::Handover;
use veche_node::listener::Role;
use veche_node::reception::{Decision, MAX_HEAD, Reception};

use crate::doors::Doors;
use crate::head::{Head, split_target};
use crate::host_header;
use crate::refusal::HttpRefusal;

/// Headers of a request; more are refused.
const MAX_HEADERS: usize = 100;

/// Looks at the first bytes of each socket.
pub struct HttpReception {
    doors: Arc<Doors>,
    other: Box<dyn Fn(Handover) + Send + Sync>,
}

impl HttpReception {
    /// Knows these doors, and gives what is for none of them to `other`.
    pub fn new(doors: Arc<Doors>, other: impl Fn(Handover) + Send + Sync + 'static) -> Self {
        Self {
            doors,
            other: Box::new(other),
        }
    }

    fn decide(&self, request: &httparse::Request<'_, '_>, consumed: usize, role: Role) -> Decision {
        let (Some(method), Some(target), Some(minor_version)) =
            (request.method, request.path, request.version)
        else {
            return Decision::Incomplete;
        };
        if has_two_lengths(request) {
            let text =
                "a request has either Content-Length or Transfer-Encoding, not both".to_owned();
            return refuse(text);
        }
        let hosts = request
            .headers
            .iter()
            .filter(|header| header.name.eq_ignore_ascii_case("host"))
            .map(|header| header.value);
        if let Err(wrong) = host_header::check(hosts, minor_version > 0) {
            return refuse(wrong.to_string());
        }
        let (path, query) = split_target(target);
        let Some(door) = self.doors.find(path, role) else {
            return Decision::PassOn;
        };
        let headers: Vec<(&str, &[u8])> = request
            .headers
            .iter()
            .map(|header| (header.name, header.value))
            .collect();
        let head = Head {
            method,
            minor_version,
            path,
            query,
            headers: &headers,
        };
        match self.doors.enter(door, &head) {
            Ok(agreement) => Decision::Open {
                opening: Box::new(agreement.into_opening()),
                consumed,
            },
            Err(refusal) => Decision::Refuse(refusal.into_answer()),
        }
    }
}

impl Reception for HttpReception {
    fn receive(&self, received: &[u8], role: Role) -> Decision {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let too_large = || Decision::Refuse(HttpRefusal::large_head().into_answer());
        match request.parse(received) {
            // The same limit, whether the head came in one piece or in several.
            Ok(httparse::Status::Complete(consumed)) if consumed > MAX_HEAD => too_large(),
            Ok(httparse::Status::Complete(consumed)) => self.decide(&request, consumed, role),
            Ok(httparse::Status::Partial) if received.len() > MAX_HEAD => too_large(),
            Ok(httparse::Status::Partial) => Decision::Incomplete,
            // HTTP/2 begins with a line that is no request of HTTP/1; hyper says what it thinks of it.
            Err(httparse::Error::Version) => Decision::PassOn,
            Err(error) => refuse(format!("not an HTTP request: {error}")),
        }
    }

    fn pass_on(&self, handover: Handover) {
        (self.other)(handover);
    }
}

/// Whether it could be read in two ways, by us and by a proxy before us (RFC 9112, section 6.3).
fn has_two_lengths(request: &httparse::Request<'_, '_>) -> bool {
    let has = |name: &str| {
        request
            .headers
            .iter()
            .any(|header| header.name.eq_ignore_ascii_case(name))
    };
    has("content-length") && has("transfer-encoding")
}

fn refuse(text: String) -> Decision {
    Decision::Refuse(
        HttpRefusal {
            status: 400,
            header: None,
            text,
        }
        .into_answer(),
    )
}

impl fmt::Debug for HttpReception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpReception")
            .field("doors", &self.doors)
            .finish_non_exhaustive()
    }
}
