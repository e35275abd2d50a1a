//! What the SDK does otherwise than one expects. Each of these is asserted as it is, so that a newer version that does
//! better is noticed: then what `src/centrifuge.rs` does about it can go.

use std::process::Command;
use std::time::Duration;

use centrifuge::{Client, ClientErrorKind, Protocol};
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

use crate::hearing::{client, listen, soon};
use crate::peer::{drain, say, serve, upgrade};
use crate::server::Server;

/// `centrifuge::events::Teller::payload` puts the value back.
#[tokio::test]
async fn the_json_value_null_comes_as_no_bytes() {
    let server = Server::start();
    let anna = client(&server.url(), Protocol::Json).await;
    let mut news = listen(anna.new_subscription("news")).await;
    anna.publish("news", "null").await.unwrap();
    assert_eq!(news.publication().await.data, "");
    server.stop().await;
}

/// `centrifuge::events` adds the one that the subscription was told.
#[tokio::test]
async fn a_publication_has_no_epoch() {
    let server = Server::start();
    let anna = client(&server.url(), Protocol::Json).await;
    let mut news = listen(anna.new_subscription("news").recoverable(true)).await;
    anna.publish("news", "1").await.unwrap();
    let shown = format!("{:?}", news.publication().await);
    assert!(
        shown.contains("offset: 1") && !shown.contains("epoch"),
        "{shown}"
    );
    server.stop().await;
}

/// `centrifuge::events::split_code` reads it.
#[tokio::test]
async fn the_code_of_a_refused_connection_stands_in_the_text_alone() {
    let url = serve(|mut stream| async move {
        let answer = upgrade(&mut stream, "").await;
        stream.write_all(answer.as_bytes()).await.ok();
        let refusal = r#"{"id":1,"error":{"code":111,"message":"too many","temporary":true}}"#;
        say(&mut stream, refusal).await;
        drain(&mut stream).await;
    })
    .await;
    let (sender, mut errors) = mpsc::unbounded_channel();
    let client = Client::builder(url).protocol(Protocol::Json);
    let client = client.on_error(move |_, event| {
        sender.send(event.error).ok();
    });
    let client = client.build().unwrap();
    client.connect().unwrap();
    let error = soon("an error", errors.recv()).await.unwrap();
    assert_eq!(error.kind, ClientErrorKind::Connect);
    assert_eq!(error.message, "too many (111)");
    assert!(error.source.is_none());
}

/// How often its tungstenite reads a head before it gives up. We can do nothing about it: a proxy that sends a head
/// byte by byte is rare, and the client comes back.
#[tokio::test]
async fn an_upgrade_that_is_answered_byte_by_byte_is_dropped() {
    let url = serve(|mut stream| async move {
        for byte in upgrade(&mut stream, "").await.bytes() {
            if stream.write_all(&[byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        drain(&mut stream).await;
    })
    .await;
    let (sender, mut errors) = mpsc::unbounded_channel();
    let client = Client::builder(url).on_error(move |_, event| {
        sender.send(event.error.message).ok();
    });
    let client = client.build().unwrap();
    client.connect().unwrap();
    let error = soon("an error", errors.recv()).await.unwrap();
    assert!(error.contains("handshake failed"), "{error}");
}

/// RFC 6455, section 4.1: the client must fail the connection.
#[tokio::test]
async fn an_extension_that_nobody_offered_is_taken() {
    let url = serve(|mut stream| async move {
        let more = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
        let answer = upgrade(&mut stream, more).await;
        stream.write_all(answer.as_bytes()).await.ok();
        say(
            &mut stream,
            r#"{"id":1,"connect":{"client":"c","version":"1"}}"#,
        )
        .await;
        drain(&mut stream).await;
    })
    .await;
    let client = Client::builder(url).protocol(Protocol::Json);
    let client = client.build().unwrap();
    client.connect().unwrap();
    soon("connected", client.ready(None)).await.unwrap();
}

/// `centrifuge::tls` gives it a configuration of ours.
#[tokio::test]
async fn a_client_without_tls_is_not_built_on_a_machine_without_authorities() {
    const WITHOUT: &str = "SDK_TEST_WITHOUT_AUTHORITIES";
    if std::env::var_os(WITHOUT).is_some() {
        let refused = Client::builder("ws://localhost:1/").build();
        assert!(refused.is_err(), "it can be built");
        return;
    }
    let name = "faults::a_client_without_tls_is_not_built_on_a_machine_without_authorities";
    let this = std::env::current_exe().unwrap();
    let again = Command::new(this)
        .args(["--exact", name])
        .env(WITHOUT, "1")
        .env("SSL_CERT_FILE", "/dev/null")
        .env("SSL_CERT_DIR", "/nonexistent")
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&again.stdout);
    assert!(
        again.status.success() && output.contains("1 passed"),
        "{output}"
    );
}
