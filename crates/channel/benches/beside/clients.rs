//! Clients of three libraries, and a peer of bare bytes for them.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream as StdStream};
use std::thread::JoinHandle;

use fastwebsockets::{Frame, OpCode, Payload, Role};
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite;
use veche_channel::{Channel, Connect, Message};
use veche_websocket::handshake::accept_key;

/// A client of one of the libraries.
pub(crate) trait Client: Sized {
    const NAME: &'static str;
    fn connect(address: &str) -> impl Future<Output = Self>;
    fn receive(&mut self) -> impl Future<Output = usize>;
    fn send(&mut self, payload: &[u8]) -> impl Future<Output = ()>;
    /// Waits once, as an idle client does.
    fn rest(&mut self);
}

pub(crate) struct Ours(Channel);

impl Client for Ours {
    const NAME: &'static str = "veche-channel";

    async fn connect(address: &str) -> Self {
        let connect = Connect::new(format!("ws://{address}/")).no_ping();
        Self(connect.connect().await.expect("a channel"))
    }

    async fn receive(&mut self) -> usize {
        let message = self.0.next().await.expect("open").expect("no failure");
        message.len()
    }

    async fn send(&mut self, payload: &[u8]) {
        let message = Message::from(payload);
        self.0.send(message).await.expect("sent");
    }

    fn rest(&mut self) {
        assert!(self.0.next().now_or_never().is_none());
    }
}

pub(crate) struct Tungstenite(WebSocketStream<TcpStream>);

impl Client for Tungstenite {
    const NAME: &'static str = "tokio-tungstenite";

    async fn connect(address: &str) -> Self {
        let tcp = TcpStream::connect(address).await.expect("connected");
        tcp.set_nodelay(true).expect("a socket");
        let url = format!("ws://{address}/");
        let (client, _) = tokio_tungstenite::client_async(url, tcp)
            .await
            .expect("a WebSocket");
        Self(client)
    }

    async fn receive(&mut self) -> usize {
        let message = self.0.next().await.expect("open").expect("no failure");
        message.len()
    }

    async fn send(&mut self, payload: &[u8]) {
        let message = tungstenite::Message::binary(payload.to_vec());
        self.0.send(message).await.expect("sent");
    }

    fn rest(&mut self) {
        assert!(self.0.next().now_or_never().is_none());
    }
}

pub(crate) struct Fast(fastwebsockets::WebSocket<TcpStream>);

impl Client for Fast {
    const NAME: &'static str = "fastwebsockets";

    async fn connect(address: &str) -> Self {
        // It has no handshake without hyper; ours goes before.
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut tcp = TcpStream::connect(address).await.expect("connected");
        tcp.set_nodelay(true).expect("a socket");
        let head = b"GET / HTTP/1.1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        tcp.write_all(head).await.expect("sent");
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(tcp.read_u8().await.expect("an answer"));
        }
        Self(fastwebsockets::WebSocket::after_handshake(
            tcp,
            Role::Client,
        ))
    }

    async fn receive(&mut self) -> usize {
        let frame = self.0.read_frame().await.expect("no failure");
        assert_eq!(frame.opcode, OpCode::Binary);
        frame.payload.len()
    }

    async fn send(&mut self, payload: &[u8]) {
        let payload = Payload::Owned(payload.to_vec());
        let frame = Frame::binary(payload);
        self.0.write_frame(frame).await.expect("sent");
        self.0.flush().await.expect("sent");
    }

    fn rest(&mut self) {
        assert!(self.0.read_frame().now_or_never().is_none());
    }
}

/// A listener that upgrades one client, and then does `work` with it on a thread.
pub(crate) fn peer(work: impl FnOnce(StdStream) + Send + 'static) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    let thread = std::thread::spawn(move || work(accept(&listener)));
    (address, thread)
}

fn accept(listener: &TcpListener) -> StdStream {
    let (mut stream, _) = listener.accept().expect("a client");
    stream.set_nodelay(true).expect("a socket");
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("a request");
        head.extend_from_slice(&byte);
    }
    let head = String::from_utf8(head).expect("text");
    let key = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("sec-websocket-key")
            .then_some(value)
    });
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        accept_key(key.expect("a key"))
    );
    stream.write_all(answer.as_bytes()).expect("sent");
    stream
}
