//! Doors that a client enters by an upgrade to WebSocket.

use veche_node::connection::{Conversation, Opening};
use veche_protocol::batch::Encoding;
use veche_websocket::handshake;

use crate::doors::{Agreement, Door, Doors, Refusal};
use crate::head::Head;

/// Subprotocol of the JSON dialect.
const CENTRIFUGE_JSON: &str = "centrifuge-json";
/// Subprotocol of the Protobuf dialect.
const CENTRIFUGE_PROTOBUF: &str = "centrifuge-protobuf";
/// The window that compressed pushes, shared by all clients, need.
const FULL_WINDOW: u8 = 15;

pub(crate) fn enter(doors: &Doors, door: Door, head: &Head<'_>) -> Result<Agreement, Refusal> {
    let headers = head.headers.iter().map(|(name, value)| (*name, *value));
    let upgrade =
        handshake::server::check(head.method, head.minor_version, headers, doors.compression)
            .map_err(|refusal| Refusal {
                status: refusal.status(),
                header: refusal.header(),
                text: refusal.text().into(),
            })?;
    let origin = head.header("origin");
    if !doors.origins.admit(origin, head.header("host")) {
        let origin = origin.unwrap_or_default();
        let text = format!("origin {origin:?} may not connect: add it to client.allowed_origins");
        return match door {
            Door::Plain if crate::plain::wants_errors_by_websocket(head) => {
                Ok(agree(&upgrade, None, crate::plain::refused(&text)))
            }
            _ => Err(Refusal {
                status: 403,
                header: None,
                text,
            }),
        };
    }
    let (protocol, conversation) = match door {
        Door::WebSocket => centrifuge(&upgrade, head),
        Door::Plain => crate::plain::converse(&upgrade, head),
        Door::Echo => (None, Conversation::Echo),
    };
    Ok(agree(&upgrade, protocol, conversation))
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
