//! The plain dialect's door over WebSocket: where a bare client may have put its token.

use veche_node::connection::Conversation;
use veche_protocol::disconnect::Disconnect;
use veche_websocket::handshake::server::Upgrade;

use crate::head::Head;

/// A subprotocol that is a token, for browsers, which can set no header.
const BEARER_PROTOCOL: &str = "bearer.";
/// How a client ends that would have been answered 403.
pub(crate) const FORBIDDEN: (u16, &str) = (4403, "forbidden");
/// How a client ends that would have been answered 503 for want of room.
pub(crate) const TOO_MANY: (u16, &str) = (4429, "too many connections");

/// Takes the token from the header `Authorization`, the address, or a subprotocol, in this order.
pub(crate) fn converse<'a>(
    upgrade: &Upgrade<'a>,
    head: &Head<'_>,
) -> (Option<&'a str>, Conversation) {
    let protocol = upgrade
        .protocols
        .iter()
        .copied()
        .find(|protocol| protocol.starts_with(BEARER_PROTOCOL));
    let in_header = head
        .header("authorization")
        .and_then(bearer)
        .map(str::to_owned);
    let in_address = || head.parameter("token").map(std::borrow::Cow::into_owned);
    let in_protocol = || protocol?.strip_prefix(BEARER_PROTOCOL).map(str::to_owned);
    let token = in_header
        .or_else(in_address)
        .or_else(in_protocol)
        .filter(|token| !token.is_empty());
    (protocol, Conversation::Plain { token })
}

/// Whether the client can't read a refused upgrade, and wants to be told by WebSocket.
pub(crate) fn wants_errors_by_websocket(head: &Head<'_>) -> bool {
    head.parameter("errors").as_deref() == Some("ws")
}

/// Tells the client why not, and ends the connection.
pub(crate) fn refused(text: &str, (code, reason): (u16, &'static str)) -> Conversation {
    Conversation::Refused {
        why: text.to_owned(),
        disconnect: Disconnect::new(code, reason),
    }
}

fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
