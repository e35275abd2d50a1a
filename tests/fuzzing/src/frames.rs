//! WebSocket frames and compressed messages: however the bytes are cut, the same is said, and little is kept.

use veche_websocket::close::ProtocolError;
use veche_websocket::decoder::{Decoder, Event, Limits, Workspace};
use veche_websocket::frame::Role;

const LIMITS: Limits = Limits {
    max_message: 4096,
    max_inflated: 40_960,
};

/// What a decoder keeps beside a message's bytes.
const OVERHEAD: usize = 1024;

/// The first byte says which role, whether compression was agreed, and where the bytes are cut.
pub fn run(input: &[u8]) {
    let Some((&first, bytes)) = input.split_first() else {
        return;
    };
    let role = if first & 1 == 0 {
        Role::Server
    } else {
        Role::Client
    };
    let deflate = first & 2 != 0;
    let whole = read(role, deflate, bytes, bytes.len().max(1));
    for cut in [1, 7, usize::from(first >> 2) + 2] {
        assert_eq!(read(role, deflate, bytes, cut), whole, "cut at every {cut}");
    }
}

#[derive(Debug, PartialEq)]
enum Said {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
    Wrong(ProtocolError),
}

fn read(role: Role, deflate: bool, bytes: &[u8], cut: usize) -> Vec<Said> {
    let mut decoder = Decoder::new(role, deflate);
    let mut workspace = Workspace::new();
    let mut said = Vec::new();
    for chunk in bytes.chunks(cut) {
        let mut chunk = chunk.to_vec();
        let mut input = chunk.as_mut_slice();
        loop {
            match decoder.next(&mut input, &LIMITS, &mut workspace) {
                Ok(Some(event)) => said.push(keep(event)),
                Ok(None) => break,
                Err(error) => {
                    assert!(matches!(error.close_code(), 1002 | 1007 | 1009));
                    said.push(Said::Wrong(error));
                }
            }
        }
        assert!(input.is_empty(), "what is left is kept by the decoder");
        let kept = decoder.heap_bytes();
        assert!(kept <= 2 * LIMITS.max_message + OVERHEAD, "{kept} bytes");
    }
    let is_end = |said: &Said| matches!(said, Said::Close(_) | Said::Wrong(_));
    let ends = said.iter().filter(|it| is_end(it)).count();
    assert!(ends <= 1 && said.iter().rev().skip(1).all(|it| !is_end(it)));
    said
}

fn keep(event: Event<'_>) -> Said {
    let text = |text: &str| text.to_owned();
    match event {
        Event::Text(it) => {
            assert!(it.len() <= LIMITS.max_inflated);
            Said::Text(text(it))
        }
        Event::Binary(bytes) => {
            assert!(bytes.len() <= LIMITS.max_inflated);
            Said::Binary(bytes.to_vec())
        }
        Event::Ping(bytes) => {
            assert!(bytes.len() <= 125);
            Said::Ping(bytes.to_vec())
        }
        Event::Pong(bytes) => Said::Pong(bytes.to_vec()),
        Event::Close(close) => Said::Close(close.map(|(code, reason)| (code, text(reason)))),
    }
}
