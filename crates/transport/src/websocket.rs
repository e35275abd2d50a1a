//! Doors that a client enters by an upgrade to WebSocket.

use veche_node::connection::{Conversation, Opening};
use veche_node::gate::Closed;
use veche_protocol::batch::Encoding;
use veche_protocol::identity::UserId;
use veche_websocket::handshake;

use crate::doors::{Agreement, Door, Doors, Refusal};
use crate::head::Head;
use crate::refusals::Reason;

/// Subprotocol of the JSON dialect.
const CENTRIFUGE_JSON: &str = "centrifuge-json";
/// Subprotocol of the Protobuf dialect.
const CENTRIFUGE_PROTOBUF: &str = "centrifuge-protobuf";
/// The window that compressed pushes, shared by all clients, need.
const FULL_WINDOW: u8 = 15;

pub(crate) fn enter(doors: &Doors, door: Door, head: &Head<'_>) -> Result<Agreement, Refusal> {
    let tells_by_websocket = door == Door::Plain && crate::plain::wants_errors_by_websocket(head);
    let room = doors.gate.enter();
    if let Err(closed) = &room {
        doors.refusals.add(match closed {
            Closed::Full => Reason::Limit,
            Closed::TooFast => Reason::Rate,
        });
    }
    if let Err(closed) = &room
        && !tells_by_websocket
    {
        return Err(Refusal {
            status: 503,
            header: None,
            text: closed.to_string(),
        });
    }
    let headers = head.headers.iter().map(|(name, value)| (*name, *value));
    let upgrade =
        handshake::server::check(head.method, head.minor_version, headers, doors.compression)
            .map_err(|refusal| {
                doors.refusals.add(Reason::Handshake);
                Refusal {
                    status: refusal.status(),
                    header: refusal.header(),
                    text: refusal.text().into(),
                }
            })?;
    let pass = match room {
        Ok(pass) => pass,
        Err(closed) => {
            let told = crate::plain::refused(&closed.to_string(), crate::plain::TOO_MANY);
            return Ok(agree(&upgrade, None, told));
        }
    };
    let origin = head.header("origin");
    if !doors.origins.admit(origin, head.header("host")) {
        doors.refusals.add(Reason::Origin);
        let origin = origin.unwrap_or_default();
        let text = format!(
            "pages of the origin {origin:?} may not connect: add it to client.allowed_origins"
        );
        if tells_by_websocket {
            let told = crate::plain::refused(&text, crate::plain::FORBIDDEN);
            return Ok(agree(&upgrade, None, told));
        }
        return Err(Refusal {
            status: 403,
            header: None,
            text,
        });
    }
    let (protocol, conversation) = match door {
        Door::WebSocket => centrifuge(&upgrade, head),
        Door::Plain => crate::plain::converse(&upgrade, head),
        Door::Echo => (None, Conversation::Echo),
    };
    let mut agreement = agree(&upgrade, protocol, conversation);
    agreement.opening.user = user(doors, head);
    agreement.opening.pass = pass;
    Ok(agreement)
}

/// Who the proxy before the server says it is.
fn user(doors: &Doors, head: &Head<'_>) -> Option<UserId> {
    let user = head.header(doors.user_header.as_deref()?)?;
    (!user.is_empty()).then(|| UserId::new(user))
}

fn agree<'a>(
    upgrade: &handshake::server::Upgrade<'a>,
    protocol: Option<&'a str>,
    conversation: Conversation,
) -> Agreement {
    let opening = Opening {
        answer: Vec::new(),
        conversation,
        inflate: upgrade.deflate.is_some(),
        deflate: upgrade
            .deflate
            .is_some_and(|deflate| deflate.window_bits >= FULL_WINDOW),
        user: None,
        pass: None,
    };
    Agreement {
        headers: upgrade.answer_headers(protocol).collect(),
        opening,
    }
}

/// The subprotocol decides, or else the address.
fn centrifuge<'a>(
    upgrade: &handshake::server::Upgrade<'a>,
    head: &Head<'_>,
) -> (Option<&'a str>, Conversation) {
    let protocol = upgrade.choose(&[CENTRIFUGE_PROTOBUF, CENTRIFUGE_JSON]);
    let asks = |name: &str, value: &str| head.parameter(name).as_deref() == Some(value);
    let encoding = match protocol {
        Some(CENTRIFUGE_PROTOBUF) => Encoding::Protobuf,
        _ if asks("format", "protobuf") || asks("cf_protocol", "protobuf") => Encoding::Protobuf,
        _ => Encoding::Json,
    };
    (
        protocol,
        Conversation::Centrifuge {
            encoding,
            frame_ping: asks("cf_ws_frame_ping_pong", "true"),
        },
    )
}
