//! The server's side: upgrades of hyper and of axum.

use std::convert::Infallible;

use axum::Router;
use axum::response::Response;
use axum::routing::any;
use futures_util::{SinkExt, StreamExt};
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message as TheirMessage;
use veche_channel::axum::Upgrade;
use veche_channel::server::Accept;
use veche_channel::{By, Channel, CloseCode, Connect};

use crate::dart_channel::check_echo;
use crate::peer;

/// Echoes, and closes with 3001 when it is asked to.
async fn echo(mut channel: Channel) {
    while let Some(Ok(message)) = channel.next().await {
        if message.as_text() == Some("close") {
            let code = CloseCode::new(3001).expect("an application's code");
            channel.close(code, "you asked me to").await;
        } else if channel.send(message).await.is_err() {
            break;
        }
    }
}

fn accept() -> Accept {
    Accept::new()
        .protocols(["chat.v2", "chat.v1"])
        .compression(200)
}

async fn serve_axum(upgrade: Upgrade) -> Response {
    upgrade.accept(&accept(), echo)
}

async fn axum_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let app = Router::new().route("/", any(serve_axum));
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("ws://{address}/")
}

async fn serve_hyper(mut request: Request<Incoming>) -> Result<http::Response<String>, Infallible> {
    Ok(match accept().upgrade(&mut request) {
        Ok((answer, upgrade)) => {
            tokio::spawn(async move { echo(upgrade.channel().await.expect("a channel")).await });
            answer
        }
        Err(rejected) => rejected.response(),
    })
}

async fn hyper_server() -> String {
    peer::serve(|stream| async move {
        let served = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service_fn(serve_hyper))
            .with_upgrades();
        served.await.expect("it was served");
    })
    .await
}

#[tokio::test]
async fn our_client_speaks_with_our_server_by_either_library() {
    for url in [axum_server().await, hyper_server().await] {
        let connect = Connect::new(&url).protocols(["chat.v1"]).compression(0);
        let mut channel = connect.connect().await.expect("a channel");
        assert_eq!(channel.protocol(), Some("chat.v1"));
        check_echo(&mut channel, "short").await;
        check_echo(&mut channel, "long and repeated ".repeat(1000)).await;
        check_echo(&mut channel, vec![3; 300_000]).await;
        channel.send("close").await.expect("sent");
        assert!(channel.next().await.is_none());
        let closed = channel.closed().expect("it ended");
        assert_eq!(
            (closed.by, closed.code, closed.clean),
            (By::Peer, 3001, true)
        );
    }
}

#[tokio::test]
async fn another_client_speaks_with_our_server() {
    let url = axum_server().await;
    let address = url.trim_start_matches("ws://").trim_end_matches('/');
    let tcp = TcpStream::connect(address).await.expect("connected");
    let (mut theirs, _) = tokio_tungstenite::client_async(&url, tcp)
        .await
        .expect("a WebSocket");
    theirs
        .send(TheirMessage::Text("hello".into()))
        .await
        .expect("sent");
    let echo = theirs.next().await.expect("open").expect("no failure");
    assert_eq!(echo, TheirMessage::Text("hello".into()));
    theirs
        .send(TheirMessage::Text("close".into()))
        .await
        .expect("sent");
    let close = theirs.next().await.expect("open").expect("no failure");
    let TheirMessage::Close(Some(frame)) = close else {
        panic!("{close:?}");
    };
    assert_eq!(
        (u16::from(frame.code), frame.reason.as_str()),
        (3001, "you asked me to")
    );
}

/// The status and the body that `request` is answered with.
async fn answer(url: &str, request: &str) -> (String, String) {
    let address = url.trim_start_matches("ws://").trim_end_matches('/');
    let mut tcp = TcpStream::connect(address).await.expect("connected");
    let request = format!("{request}Host: x\r\nConnection: close\r\n\r\n");
    tcp.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).await.expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head.to_lowercase(), body.to_owned())
}

#[tokio::test]
async fn a_request_that_is_no_upgrade_is_told_what_is_wrong_with_it() {
    for url in [axum_server().await, hyper_server().await] {
        let (head, body) = answer(&url, "GET / HTTP/1.1\r\n").await;
        assert!(head.starts_with("http/1.1 400"), "{head}");
        assert!(body.contains("Upgrade header"), "{body}");
        let (head, _) = answer(&url, "POST / HTTP/1.1\r\n").await;
        assert!(head.starts_with("http/1.1 405"), "{head}");
        assert!(head.contains("allow: get"), "{head}");
        let (head, _) = answer(&url, "GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 8\r\n").await;
        assert!(head.starts_with("http/1.1 426"), "{head}");
        assert!(head.contains("sec-websocket-version: 13"), "{head}");
    }
}

#[tokio::test]
async fn a_server_closes_with_a_deadline_too() {
    let (mut client, mut server) = veche_channel::pair();
    let closing = tokio::spawn(async move { server.close(CloseCode::GOING_AWAY, "").await });
    assert!(client.next().await.is_none());
    let closed = closing.await.expect("no panic");
    assert_eq!(
        (closed.by, closed.code, closed.clean),
        (By::Local, 1001, true)
    );
}
