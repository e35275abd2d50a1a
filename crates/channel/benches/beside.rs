//! What a message and an idle connection cost, beside tokio-tungstenite and fastwebsockets.
//!
//! `cargo bench -p veche-channel --bench beside` prints a table: nanoseconds of this thread's
//! processor time for each message, sent and received over TCP on this machine, with the other
//! end on a thread of its own; and the bytes that an idle client keeps.

use std::alloc::System;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream as StdStream};
use std::thread::JoinHandle;

use fastwebsockets::{Frame, OpCode, Payload, Role};
use futures_util::{FutureExt, SinkExt, StreamExt};
use rustix::time::{ClockId, clock_gettime};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite;
use veche_channel::{Channel, Connect, Message};
use veche_websocket::frame::{self, Opcode};
use veche_websocket::handshake::accept_key;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const SIZES: [(usize, usize); 2] = [(128, 200_000), (64 << 10, 8_000)];
const ROUNDS: usize = 5;
const IDLE: usize = 100;

/// A client of one of the libraries.
trait Client: Sized {
    const NAME: &'static str;
    fn connect(address: &str) -> impl Future<Output = Self>;
    fn receive(&mut self) -> impl Future<Output = usize>;
    fn send(&mut self, payload: &[u8]) -> impl Future<Output = ()>;
    /// Waits once, as an idle client does.
    fn rest(&mut self);
}

struct Ours(Channel);

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

struct Tungstenite(WebSocketStream<TcpStream>);

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

struct Fast(fastwebsockets::WebSocket<TcpStream>);

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
fn peer(work: impl FnOnce(StdStream) + Send + 'static) -> (String, JoinHandle<()>) {
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

fn processor_time() -> i64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// Nanoseconds for each message received. The peer writes many messages at once, and waits for
/// nobody.
async fn receiving<C: Client>(len: usize, count: usize) -> f64 {
    let (address, thread) = peer(move |mut stream| {
        let mut frames = Vec::new();
        let batch = ((64 << 10) / len).max(1);
        for _ in 0..batch {
            frame::write(&mut frames, Opcode::Binary, &vec![7; len]);
        }
        for _ in 0..count.div_ceil(batch) {
            stream.write_all(&frames).expect("sent");
        }
        // Until the client goes.
        let _ = stream.read(&mut [0]);
    });
    let mut client = C::connect(&address).await;
    let began = processor_time();
    for _ in 0..count {
        assert_eq!(client.receive().await, len);
    }
    let took = processor_time() - began;
    drop(client);
    thread.join().expect("no panic");
    took as f64 / count as f64
}

/// Nanoseconds for each message sent on its own.
async fn sending<C: Client>(len: usize, count: usize) -> f64 {
    let (address, thread) = peer(move |mut stream| {
        let mut buffer = vec![0; 1 << 20];
        while stream.read(&mut buffer).is_ok_and(|count| count > 0) {}
    });
    let mut client = C::connect(&address).await;
    let payload = vec![7; len];
    let began = processor_time();
    for _ in 0..count {
        client.send(&payload).await;
    }
    let took = processor_time() - began;
    drop(client);
    thread.join().expect("no panic");
    took as f64 / count as f64
}

/// Bytes that an idle client keeps, its own value included.
async fn idle<C: Client>() -> usize {
    let mut threads = Vec::new();
    let mut clients = Vec::with_capacity(IDLE);
    let mut kept = 0;
    for n in 0..IDLE {
        let (address, thread) = peer(|mut stream| {
            let _ = stream.read(&mut [0]);
        });
        let region = Region::new(ALLOCATOR);
        let mut client = C::connect(&address).await;
        client.rest();
        let change = region.change();
        if n >= 10 {
            kept += change
                .bytes_allocated
                .saturating_sub(change.bytes_deallocated);
        }
        clients.push(client);
        threads.push(thread);
    }
    drop(clients);
    for thread in threads {
        thread.join().expect("no panic");
    }
    kept / (IDLE - 10) + size_of::<C>()
}

async fn best(mut run: impl AsyncFnMut() -> f64) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        best = best.min(run().await);
    }
    best
}

async fn measure<C: Client>() -> Vec<f64> {
    let mut row = Vec::new();
    for (len, count) in SIZES {
        row.push(best(async || receiving::<C>(len, count).await).await);
        row.push(best(async || sending::<C>(len, count).await).await);
    }
    row.push(idle::<C>().await as f64);
    row
}

#[expect(clippy::print_stdout, reason = "its figures are what it is for")]
#[tokio::main(flavor = "current_thread")]
async fn main() {
    println!(
        "{:<20}{:>12}{:>12}{:>12}{:>12}{:>12}",
        "", "128 B in", "128 B out", "64 KiB in", "64 KiB out", "idle bytes"
    );
    let rows = [
        (Ours::NAME, measure::<Ours>().await),
        (Tungstenite::NAME, measure::<Tungstenite>().await),
        (Fast::NAME, measure::<Fast>().await),
    ];
    for (name, row) in &rows {
        print!("{name:<20}");
        row.iter().for_each(|figure| print!("{figure:>12.0}"));
        println!();
    }
    let [(_, ours), others @ ..] = &rows;
    for (name, row) in others {
        print!("{:<20}", format!("ours / {name}"));
        (ours.iter().zip(row)).for_each(|(ours, theirs)| print!("{:>12.2}", ours / theirs));
        println!();
    }
}
