//! The other end of the tests: servers of another implementation, and servers of bare bytes.

use std::future::Future;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};

pub(crate) type Theirs = WebSocketStream<TcpStream>;

/// Serves one connection after the other, each in a task; yields the URL.
pub(crate) async fn serve<F, T>(serve: F) -> String
where
    F: Fn(TcpStream) -> T + Send + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    format!("ws://{address}/")
}

/// A WebSocket server made by tungstenite, for the tests that need a correct peer.
pub(crate) async fn websocket<F, T>(serve_one: F) -> String
where
    F: Fn(Theirs) -> T + Send + Clone + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    serve(move |stream| {
        let serve_one = serve_one.clone();
        async move {
            if let Ok(theirs) = tokio_tungstenite::accept_async(stream).await {
                serve_one(theirs).await;
            }
        }
    })
    .await
}

/// The echo server of the Dart tests: the text `close` is answered by 3001, "you asked me to".
pub(crate) async fn echo() -> String {
    websocket(echo_one).await
}

/// As [`echo`], and chooses the subprotocol `chosen`, whatever was offered.
pub(crate) async fn echo_with_protocol(chosen: Option<&'static str>) -> String {
    serve(move |stream| async move {
        #[expect(clippy::result_large_err, reason = "tungstenite's type")]
        let choose = move |_: &Request, mut answer: Response| -> Result<Response, ErrorResponse> {
            if let Some(chosen) = chosen {
                let headers = answer.headers_mut();
                headers.insert("sec-websocket-protocol", chosen.parse().expect("a value"));
            }
            Ok(answer)
        };
        if let Ok(theirs) = tokio_tungstenite::accept_hdr_async(stream, choose).await {
            echo_one(theirs).await;
        }
    })
    .await
}

pub(crate) async fn echo_one(mut theirs: Theirs) {
    while let Some(Ok(message)) = theirs.next().await {
        let sent = match message {
            Message::Text(text) if text.as_str() == "close" => {
                let frame = CloseFrame {
                    code: 3001.into(),
                    reason: "you asked me to".into(),
                };
                theirs.close(Some(frame)).await
            }
            Message::Text(_) | Message::Binary(_) => theirs.send(message).await,
            _ => Ok(()),
        };
        if sent.is_err() {
            break;
        }
    }
}

/// What a correct peer saw as the end: the code and the reason of our close frame.
pub(crate) async fn read_close(theirs: &mut Theirs) -> Option<(u16, String)> {
    loop {
        match theirs.next().await {
            Some(Ok(Message::Close(frame))) => {
                // Flushes the answer.
                while !matches!(
                    theirs.next().await,
                    None | Some(Err(Error::ConnectionClosed))
                ) {}
                return frame.map(|frame| (frame.code.into(), frame.reason.to_string()));
            }
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return None,
        }
    }
}

/// Reads a request's head.
pub(crate) async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a request"));
    }
    String::from_utf8(head).expect("text")
}

/// The value of a header in a head.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (other, value) = line.split_once(": ")?;
        other.eq_ignore_ascii_case(name).then_some(value)
    })
}

/// The answer 101 to a head, with `extra` header lines.
pub(crate) fn answer_101(head: &str, extra: &str) -> String {
    let key = header(head, "sec-websocket-key").expect("a key");
    let accept = veche_websocket::handshake::accept_key(key);
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{extra}\r\n"
    )
}

/// A server that upgrades, and then does with the stream what it is told.
pub(crate) async fn raw<F, T>(serve_one: F) -> String
where
    F: Fn(TcpStream) -> T + Send + Clone + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    serve(move |mut stream| {
        let serve_one = serve_one.clone();
        async move {
            let head = read_head(&mut stream).await;
            let answer = answer_101(&head, "");
            stream.write_all(answer.as_bytes()).await.expect("sent");
            serve_one(stream).await;
        }
    })
    .await
}

/// A server that answers each request with these bytes and ends the connection.
pub(crate) async fn answering(answer: &'static [u8]) -> String {
    serve(move |mut stream| async move {
        read_head(&mut stream).await;
        stream.write_all(answer).await.expect("sent");
    })
    .await
}
