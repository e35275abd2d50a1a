//! Servers that do as they are told, byte by byte if need be.

use std::future::Future;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Serves each connection in a task; yields the URL.
pub(crate) async fn serve<F, T>(serve_one: F) -> String
where
    F: Fn(TcpStream) -> T + Send + Clone + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).ok();
            tokio::spawn(serve_one(stream));
        }
    });
    format!("ws://{address}/")
}

/// Reads an upgrade, and returns the answer to it, with more headers if there are some.
pub(crate) async fn upgrade(stream: &mut TcpStream, more: &str) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("the client writes its head"));
    }
    let head = String::from_utf8(head).expect("a head is text");
    let key = head
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
    let accept = derive_accept_key(key.expect("a key").as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{more}\r\n"
    )
}

/// Sends a short text message.
pub(crate) async fn say(stream: &mut TcpStream, text: &str) {
    let len = u8::try_from(text.len()).expect("a short message");
    let mut frame = vec![0x81];
    if len < 126 {
        frame.push(len);
    } else {
        frame.extend([126, 0, len]);
    }
    frame.extend(text.as_bytes());
    stream.write_all(&frame).await.ok();
}

/// Reads until the client goes.
pub(crate) async fn drain(stream: &mut TcpStream) {
    let mut buffer = [0; 1024];
    while let Ok(1..) = stream.read(&mut buffer).await {}
}
