//! What an idle channel costs, counted by the allocator.

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tokio::net::TcpListener;
use veche_channel::Connect;
use veche_websocket::handshake::accept_key;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Bytes, with TCP and without TLS; the channel itself and all that stands behind it, with its
/// socket's registration and its timer.
const MOST: usize = 2048;
const CHANNELS: usize = 200;

#[tokio::test(flavor = "current_thread")]
async fn an_idle_channel_keeps_at_most_two_kilobytes() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("ws://{}/", listener.local_addr().expect("bound"));
    // Servers on a thread that allocates nothing that stays.
    let mut channels = Vec::with_capacity(CHANNELS);
    let mut peers = Vec::with_capacity(CHANNELS);
    let warm_up = 3;
    let mut before = None;
    for n in 0..CHANNELS {
        if n == warm_up {
            before = Some(Region::new(ALLOCATOR));
        }
        let connecting = Connect::new(&url).connect();
        let (channel, peer) = tokio::join!(connecting, answer(&listener));
        let mut channel = channel.expect("a channel");
        // It has read, sent, and waits with its timer set.
        channel.send("x").await.expect("sent");
        let waits = futures_util::FutureExt::now_or_never(channel.next());
        assert!(waits.is_none());
        channels.push(channel);
        peers.push(peer);
    }
    let change = before.expect("more than the first").change();
    let kept = change.bytes_allocated - change.bytes_deallocated;
    let each = kept / (CHANNELS - warm_up) + size_of::<veche_channel::Channel>();
    let inline = size_of::<veche_channel::Channel>();
    eprintln!("{each} bytes for an idle channel, of which {inline} inline");
    assert!(each <= MOST, "{each} bytes each");
}

/// The peer is a descriptor alone, so that what is counted is the channel's.
async fn answer(listener: &TcpListener) -> std::net::TcpStream {
    use std::io::{Read, Write};
    let (stream, _) = listener.accept().await.expect("a connection");
    let mut stream = stream.into_std().expect("a socket");
    stream.set_nonblocking(false).expect("a socket");
    let mut head = Vec::new();
    let mut byte = [0];
    // The request was written whole before; on one thread it is there, or comes at the next turn.
    stream.set_nonblocking(true).expect("a socket");
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_exact(&mut byte) {
            Ok(()) => head.extend_from_slice(&byte),
            Err(_) => tokio::task::yield_now().await,
        }
    }
    let head = String::from_utf8(head).expect("text");
    let key = head
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        accept_key(key.expect("a key"))
    );
    stream.write_all(answer.as_bytes()).expect("sent");
    stream
}
