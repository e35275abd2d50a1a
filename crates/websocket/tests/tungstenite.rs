//! An independent implementation understands us, and we it: tungstenite at the other end, in
//! memory.

use std::io::{self, Read, Write};

use proptest::prelude::*;
use tungstenite::protocol::{CloseFrame, Role as TheirRole, WebSocketConfig};
use tungstenite::{Message, WebSocket};
use veche_websocket::close;
use veche_websocket::decoder::{Decoder, Event, Limits, Workspace};
use veche_websocket::frame::{self, Opcode, Role};

/// What was written for the peer, and what it wrote.
#[derive(Default)]
struct Pipe {
    to_peer: Vec<u8>,
    from_peer: Vec<u8>,
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.to_peer.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let len = self.to_peer.as_slice().read(buffer)?;
        self.to_peer.drain(..len);
        Ok(len)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.from_peer.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const LIMITS: Limits = Limits {
    max_message: 1 << 20,
    max_inflated: 1 << 20,
};

fn peer(role: Role) -> WebSocket<Pipe> {
    let role = match role {
        Role::Server => TheirRole::Client,
        Role::Client => TheirRole::Server,
    };
    WebSocket::from_raw_socket(Pipe::default(), role, Some(WebSocketConfig::default()))
}

fn write(role: Role, out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
    match role {
        Role::Server => frame::write(out, opcode, payload),
        Role::Client => {
            frame::write_masked(out, opcode, false, payload, fastrand::u32(..).to_ne_bytes())
        }
    }
}

/// Echoes all that the peer wrote back to it.
fn echo(role: Role, decoder: &mut Decoder, pipe: &mut Pipe) {
    let mut bytes = std::mem::take(&mut pipe.from_peer);
    let mut input = bytes.as_mut_slice();
    let mut workspace = Workspace::new();
    while let Some(event) = decoder
        .next(&mut input, &LIMITS, &mut workspace)
        .expect("a correct peer")
    {
        let out = &mut pipe.to_peer;
        match event {
            Event::Text(text) => write(role, out, Opcode::Text, text.as_bytes()),
            Event::Binary(bytes) => write(role, out, Opcode::Binary, bytes),
            Event::Ping(payload) => write(role, out, Opcode::Pong, payload),
            Event::Pong(_) => {}
            Event::Close(received) => write(role, out, Opcode::Close, &close::answer(received)),
        }
    }
}

fn messages() -> impl Strategy<Value = Vec<Message>> {
    let message = prop_oneof![
        "\\PC{0,300}".prop_map(Message::text),
        proptest::collection::vec(any::<u8>(), 0..70_000).prop_map(Message::binary),
    ];
    proptest::collection::vec(message, 0..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn each_message_comes_back_from_us_as_it_was_sent(messages in messages(), is_server: bool) {
        let role = if is_server { Role::Server } else { Role::Client };
        let mut peer = peer(role);
        let mut decoder = Decoder::new(role, false);
        for message in messages {
            peer.send(message.clone()).expect("sent");
            echo(role, &mut decoder, peer.get_mut());
            prop_assert_eq!(peer.read().expect("an echo"), message);
        }
        peer.send(Message::Ping("ping".into())).expect("sent");
        echo(role, &mut decoder, peer.get_mut());
        prop_assert_eq!(peer.read().expect("a pong"), Message::Pong("ping".into()));
    }
}

#[test]
fn a_close_frame_of_ours_is_read_with_its_reason() {
    let mut peer = peer(Role::Server);
    peer.get_mut().to_peer = close::frame(3501, "bad request");
    let expected = CloseFrame {
        code: 3501.into(),
        reason: "bad request".into(),
    };
    assert_eq!(
        peer.read().expect("a close"),
        Message::Close(Some(expected))
    );
}

#[test]
fn a_close_frame_of_theirs_is_answered_with_its_code() {
    let mut peer = peer(Role::Server);
    let frame = CloseFrame {
        code: 4000.into(),
        reason: "done".into(),
    };
    peer.close(Some(frame)).expect("sent");
    echo(
        Role::Server,
        &mut Decoder::new(Role::Server, false),
        peer.get_mut(),
    );
    assert_eq!(peer.get_mut().to_peer, [0x88, 2, 0x0f, 0xa0]);
}
