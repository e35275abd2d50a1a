//! Doors that a client enters by an upgrade to WebSocket.

use veche_node::connection::{Conversation, Opening};
use veche_node::framing::Framing;
use veche_node::gate::Closed;
use veche_protocol::batch::Encoding;
use veche_protocol::headers::Headers;
use veche_protocol::identity::UserId;
use veche_websocket::deflate::Deflate;
use veche_websocket::handshake;

use super::{Agreement, Door, Doors};
use crate::head::Head;
use crate::refusal::HttpRefusal;
use crate::refusals::Reason;

/// Subprotocol of the JSON dialect.
const CENTRIFUGE_JSON: &str = "centrifuge-json";
/// Subprotocol of the Protobuf dialect.
const CENTRIFUGE_PROTOBUF: &str = "centrifuge-protobuf";
/// The window that compressed pushes, shared by all clients, need.
const FULL_WINDOW: u8 = 15;

pub(super) fn enter(doors: &Doors, door: Door, head: &Head<'_>) -> Result<Agreement, HttpRefusal> {
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
        return Err(HttpRefusal {
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
                HttpRefusal {
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
        return Err(HttpRefusal {
            status: 403,
            header: None,
            text,
        });
    }
    let user = user(doors, head).map_err(|text| bad_request(doors, text))?;
    let (protocol, conversation) = match door {
        Door::WebSocket => centrifuge(&upgrade, head),
        Door::Plain => crate::plain::converse(&upgrade, head),
        Door::Echo => (None, Conversation::Echo),
    };
    let mut agreement = agree(&upgrade, protocol, conversation);
    agreement.opening = pinged(agreement.opening, head);
    agreement.opening.user = user;
    agreement.opening.headers = kept_headers(doors, head);
    agreement.opening.pass = pass;
    Ok(agreement)
}

/// The headers that the application wants to hear of.
fn kept_headers(doors: &Doors, head: &Head<'_>) -> Option<Headers> {
    let texts = head.headers.iter();
    let texts = texts.filter_map(|(name, value)| Some((*name, std::str::from_utf8(value).ok()?)));
    Headers::new(&doors.kept_headers, texts)
}

/// Who the proxy before the server says it is.
///
/// # Errors
/// What is wrong, where the header is there more than once: one may be the client's own, which the proxy has let
/// through, and nobody can tell which. Nor is anybody named by bytes that are no text.
fn user(doors: &Doors, head: &Head<'_>) -> Result<Option<UserId>, String> {
    let Some(header) = doors.user_header.as_deref() else {
        return Ok(None);
    };
    if head.values(header).count() > 1 {
        return Err(format!(
            "the header {header} is there more than once: the proxy before the server must remove what clients send \
             (client.user_id_http_header)"
        ));
    }
    let user = head.header(header);
    if user.is_none() && head.values(header).count() > 0 {
        return Err(format!(
            "the header {header} is not UTF-8 (client.user_id_http_header)"
        ));
    }
    Ok(user.filter(|user| !user.is_empty()).map(UserId::new))
}

fn bad_request(doors: &Doors, text: String) -> HttpRefusal {
    doors.refusals.add(Reason::Handshake);
    HttpRefusal {
        status: 400,
        header: None,
        text,
    }
}

/// The client says by which pings it wants to be watched.
fn pinged(opening: Opening, head: &Head<'_>) -> Opening {
    match head.parameter("cf_ws_frame_ping_pong").as_deref() {
        Some("true") => opening.pinged_by_frames(),
        _ => opening,
    }
}

fn agree<'a>(
    upgrade: &handshake::server::Upgrade<'a>,
    protocol: Option<&'a str>,
    conversation: Conversation,
) -> Agreement {
    let compresses = |deflate: Deflate| deflate.window_bits >= FULL_WINDOW;
    let opening = Opening {
        inflate: upgrade.deflate.is_some(),
        framing: match upgrade.deflate {
            Some(deflate) if compresses(deflate) => Framing::CompressedWebSocket,
            _ => Framing::WebSocket,
        },
        ..Opening::websocket(conversation)
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
    (protocol, Conversation::Centrifuge { encoding })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How a client comes in by an upgrade with these headers besides.
    fn enter_with(doors: &Doors, more: &[(&str, &[u8])]) -> Result<Opening, HttpRefusal> {
        let mut headers: Vec<(&str, &[u8])> = vec![
            ("Host", b"localhost"),
            ("Upgrade", b"websocket"),
            ("Connection", b"Upgrade"),
            ("Sec-WebSocket-Version", b"13"),
            ("Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        headers.extend(more);
        let head = Head {
            method: "GET",
            minor_version: 1,
            path: "/connection/websocket",
            query: "",
            headers: &headers,
        };
        let agreement = enter(doors, Door::WebSocket, &head)?;
        Ok(agreement.opening)
    }

    /// Who comes in, where `X-User` names the user.
    fn user_of(users: &[&[u8]]) -> Result<Option<UserId>, HttpRefusal> {
        let doors = Doors {
            user_header: Some("X-User".to_owned()),
            ..Doors::default()
        };
        let users: Vec<_> = users.iter().map(|user| ("x-user", *user)).collect();
        enter_with(&doors, &users).map(|opening| opening.user)
    }

    #[test]
    fn only_headers_that_the_application_wants_are_kept() {
        let came: [(&str, &[u8]); 4] = [
            ("cookie", b"a=1"),
            ("X-Trace", b"7"),
            ("authorization", b"\xff"),
            ("Cookie", b"b=2"),
        ];
        let opening = enter_with(&Doors::default(), &came).expect("an upgrade");
        assert_eq!(opening.headers, None);
        let doors = Doors {
            kept_headers: vec!["Cookie".to_owned(), "Authorization".to_owned()],
            ..Doors::default()
        };
        let opening = enter_with(&doors, &came).expect("an upgrade");
        let kept = opening.headers.expect("cookies");
        let kept: Vec<_> = kept.iter().collect();
        assert_eq!(kept, [("Cookie", "a=1"), ("Cookie", "b=2")]);
    }

    #[test]
    fn the_header_that_names_the_user_is_there_once_and_is_text() {
        assert_eq!(user_of(&[]), Ok(None));
        assert_eq!(user_of(&[b""]), Ok(None));
        assert_eq!(user_of(&[b"anna"]), Ok(Some(UserId::new("anna"))));
        for users in [
            &[&b"anna"[..], b"anna"][..],
            &[b"", b"anna"],
            &[b"anna", b"bob", b"carl"],
        ] {
            let refusal = user_of(users).expect_err("two names");
            assert_eq!(refusal.status, 400);
            assert!(refusal.text.contains("X-User is there more than once"));
        }
        let refusal = user_of(&[b"\xff"]).expect_err("no text");
        assert_eq!(refusal.status, 400);
    }
}
