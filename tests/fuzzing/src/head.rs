//! The head of a connection's first request: it is decided once it is whole, and not before.

use std::sync::{Arc, LazyLock};

use veche_node::listener::Role;
use veche_node::reception::{Decision, MAX_HEAD, Reception};
use veche_transport::doors::{Door, Doors};
use veche_transport::origin::Origins;
use veche_transport::reception::HttpReception;

/// Any bytes as the beginning of a connection.
pub fn run(input: &[u8]) {
    let receive = |bytes: &[u8]| RECEPTION.receive(bytes, Role::OUTSIDE);
    let whole = receive(input);
    match &whole {
        Decision::Open { consumed, opening } => {
            assert!(*consumed <= input.len());
            assert!(opening.answer.starts_with(b"HTTP/1.1 101 "));
            // Less of it is not enough.
            let before = input.get(..*consumed - 1).unwrap_or_default();
            assert!(matches!(receive(before), Decision::Incomplete));
        }
        Decision::Refuse(answer) => {
            let text = std::str::from_utf8(answer).expect("an answer is text");
            assert!(text.starts_with("HTTP/1.1 4") || text.starts_with("HTTP/1.1 5"));
            let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
            let said = format!("Content-Length: {}", body.len()).to_ascii_lowercase();
            assert!(head.to_ascii_lowercase().contains(&said), "{text}");
        }
        Decision::Incomplete => assert!(input.len() <= MAX_HEAD),
        Decision::PassOn => {}
    }
    // What is still incomplete was never decided before.
    if matches!(whole, Decision::Incomplete) {
        for end in [input.len() / 2, input.len().saturating_sub(1)] {
            let before = input.get(..end).unwrap_or_default();
            assert!(matches!(receive(before), Decision::Incomplete));
        }
    }
}

static RECEPTION: LazyLock<HttpReception> = LazyLock::new(reception);

pub(crate) fn reception() -> HttpReception {
    let doors = [
        ("/connection/websocket", Door::WebSocket),
        ("/connection/plain", Door::Plain),
    ];
    let doors = Doors {
        doors: doors.map(|(path, door)| (path.to_owned(), door)).into(),
        origins: Origins::new(&["https://*.example.com".to_owned()], true).expect("a pattern"),
        compression: true,
        user_header: Some("X-User-Id".to_owned()),
        ..Doors::default()
    };
    HttpReception::new(Arc::new(doors), |_| {})
}
