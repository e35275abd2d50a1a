//! Servers that do not keep to the protocol: the client goes on, with a value that says what was wrong, and takes no
//! more memory than it may.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;
use veche_client::{Cause, Client, PublishError, RequestError, State, SubscriptionEvent};

use crate::peer::{WELCOME, answer, hear, say, serve};
use crate::wait::{soon, state, subscribed};

async fn client(url: &str) -> Client {
    let client = Client::builder(url)
        .backoff(Duration::from_millis(50), Duration::from_millis(100))
        .answer_timeout(Duration::from_secs(1));
    client.connect().await.expect("it starts")
}

/// A server that says this after its welcome, on the first connection, and behaves on the next.
async fn once(bad: Vec<Message>) -> String {
    let count = Arc::new(AtomicUsize::new(0));
    serve(move |mut theirs| {
        let (bad, count) = (bad.clone(), Arc::clone(&count));
        async move {
            say(&mut theirs, WELCOME).await;
            if count.fetch_add(1, Ordering::SeqCst) == 0 {
                for message in bad {
                    theirs.send(message).await.ok();
                }
            }
            while let Some(action) = hear(&mut theirs).await {
                answer(&mut theirs, &action).await;
            }
        }
    })
    .await
}

#[tokio::test]
async fn what_is_no_frame_ends_the_link_and_the_next_one_is_good() {
    let text = |text: &str| Message::Text(text.into());
    let bytes = |len: usize| Message::Binary(vec![0; len].into());
    let announced = r#"{"event":"e","channel":"c","binary":true,"size":3}"#;
    for bad in [
        vec![text("")],
        vec![text("nonsense")],
        vec![text("[]")],
        vec![text(r#"{"event":"message"}"#)],
        vec![text(&"[".repeat(1 << 20))],
        vec![text(&format!(
            "{{\"channel\":\"c\",\"id\":{}",
            "[".repeat(1 << 20)
        ))],
        vec![bytes(3)],
        vec![text(announced), bytes(4)],
        vec![text(announced), text(announced)],
        vec![Message::Binary(vec![0; 1 << 20].into())],
    ] {
        let url = once(bad.clone()).await;
        let client = client(&url).await;
        let failed = |state: &State| {
            matches!(
                state,
                State::Waiting {
                    cause: Cause::Violation(_),
                    ..
                }
            )
        };
        // The states may change faster than they are looked at: the second connection shows it too.
        let mut seen = false;
        let state = state(&client, |state| {
            seen |= failed(state);
            seen && matches!(state, State::Online { .. })
        });
        let second = tokio::time::timeout(Duration::from_secs(5), state).await;
        if second.is_err() {
            assert!(matches!(client.state(), State::Online { .. }), "{bad:?}");
        }
        client
            .publish("c", &1)
            .await
            .expect("the next link is good");
        client.close().await;
    }
}

#[tokio::test]
async fn answers_that_nobody_waits_for_change_nothing() {
    let url = serve(|mut theirs| async move {
        // Before its time, for other ids, and for none.
        for id in ["1", "99", "-1", "\"1\"", "null", "18446744073709551616"] {
            say(
                &mut theirs,
                format!(r#"{{"event":"published","id":{id},"data":{{}},"system":true}}"#),
            )
            .await;
            say(
                &mut theirs,
                format!(r#"{{"error":"no","code":103,"id":{id},"system":true}}"#),
            )
            .await;
        }
        say(&mut theirs, WELCOME).await;
        while let Some(action) = hear(&mut theirs).await {
            answer(&mut theirs, &action).await;
            answer(&mut theirs, &action).await;
            say(&mut theirs, WELCOME).await;
            let error = serde_json::json!({"error": "no", "code": 103, "id": action["id"]});
            say(&mut theirs, error.to_string()).await;
        }
    })
    .await;
    // The first error comes in place of the welcome, and would end a client that is not let in:
    // so this one has no answer to wait for yet.
    let client = client(&url).await;
    match soon("online", client.online()).await {
        Ok(()) => {
            for n in 0..10 {
                client.publish("c", &n).await.expect("published once");
            }
        }
        Err(end) => assert!(end.to_string().contains("no (103)"), "{end}"),
    }
}

#[tokio::test]
async fn a_server_that_answers_nothing_is_left() {
    for silent_on in ["login", "subscribe", "publish"] {
        let url = serve(move |mut theirs| async move {
            say(&mut theirs, WELCOME).await;
            while let Some(action) = hear(&mut theirs).await {
                if action["action"] != silent_on {
                    answer(&mut theirs, &action).await;
                }
            }
        })
        .await;
        let client = Client::builder(&url)
            .user("anna")
            .answer_timeout(Duration::from_millis(500));
        let client = client.connect().await.expect("it starts");
        let _reader = client.subscribe("c").await.expect("declared");
        let _receipt = client.publish("c", &1).queue().await.expect("queued");
        state(&client, |state| {
            matches!(
                state,
                State::Waiting {
                    cause: Cause::NoAnswer,
                    ..
                }
            )
        })
        .await;
        let is_kept = silent_on != "subscribe";
        assert_eq!(client.unconfirmed(), usize::from(is_kept), "{silent_on}");
    }
}

#[tokio::test]
async fn an_answer_of_another_kind_is_a_violation() {
    let url = serve(|mut theirs| async move {
        say(&mut theirs, WELCOME).await;
        while let Some(mut action) = hear(&mut theirs).await {
            if action["action"] == "history" {
                action["action"] = "presence".into();
            }
            answer(&mut theirs, &action).await;
        }
    })
    .await;
    let client = Client::builder(&url).request_timeout(Duration::from_secs(1));
    let client = client.connect().await.expect("it starts");
    // `presence` is an answer to a request, of the wrong kind; the value says so.
    let history = soon("an answer", client.history("c").into_future()).await;
    assert!(matches!(history, Err(RequestError::Data(_))), "{history:?}");
}

#[tokio::test]
async fn an_endless_stream_of_publications_stays_within_the_readers_bound() {
    let url = serve(|mut theirs| async move {
        say(&mut theirs, WELCOME).await;
        let Some(action) = hear(&mut theirs).await else {
            return;
        };
        answer(&mut theirs, &action).await;
        // It never stops, whatever is asked of it.
        let text = format!(
            r#"{{"event":"e","channel":"c","data":"{}"}}"#,
            "x".repeat(1000)
        );
        loop {
            let message = Message::Text(text.clone().into());
            if theirs.send(message).await.is_err() {
                return;
            }
        }
    })
    .await;
    let client = Client::builder(&url)
        .unread_limit(100, 1 << 20)
        .answer_timeout(Duration::from_secs(1));
    let client = client.connect().await.expect("it starts");
    let mut reader = client.subscribe("c").await.expect("declared");
    // The server does not answer the pause, so it is left; then nothing more has come.
    state(&client, |state| matches!(state, State::Waiting { .. })).await;
    client.close().await;
    let mut count = 0;
    while let Some(event) = reader.next().await {
        count += u32::from(matches!(event, SubscriptionEvent::Publication(_)));
    }
    assert!((90..=100).contains(&count), "{count}");
}

#[tokio::test]
async fn a_frame_of_100_megabytes_that_is_only_declared_costs_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("ws://{}/", listener.local_addr().expect("bound"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.expect("a request"));
            }
            let head = String::from_utf8(head).expect("text");
            let key = head
                .lines()
                .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
            let accept = tokio_tungstenite::tungstenite::handshake::derive_accept_key(
                key.expect("a key").trim().as_bytes(),
            );
            let answer = format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
            );
            stream.write_all(answer.as_bytes()).await.expect("sent");
            let mut frame = vec![0x81, 127];
            frame.extend_from_slice(&(100_u64 << 20).to_be_bytes());
            stream.write_all(&frame).await.ok();
            stream.write_all(&[b' '; 1000]).await.ok();
            stream.read_to_end(&mut Vec::new()).await.ok();
        }
    });
    let client = client(&url).await;
    let waiting = state(&client, |state| matches!(state, State::Waiting { .. })).await;
    let State::Waiting {
        cause: Cause::Lost(why),
        ..
    } = waiting
    else {
        panic!("{waiting:?}");
    };
    assert!(why.contains("bytes"), "{why}");
}

#[tokio::test]
async fn a_server_that_finds_a_message_too_big_does_not_get_it_again() {
    let url = serve(|mut theirs| async move {
        say(&mut theirs, WELCOME).await;
        while let Some(Ok(message)) = theirs.next().await {
            if message.len() > 1000 {
                let frame = tokio_tungstenite::tungstenite::protocol::CloseFrame {
                    code: 1009.into(),
                    reason: "too big".into(),
                };
                theirs.close(Some(frame)).await.ok();
                while let Some(Ok(_)) = theirs.next().await {}
                return;
            }
            if let Message::Text(text) = message {
                let action = serde_json::from_str(&text).expect("JSON");
                answer(&mut theirs, &action).await;
            }
        }
    })
    .await;
    let client = client(&url).await;
    let big = client.publish("c", &"x".repeat(2000)).await;
    assert!(matches!(big, Err(PublishError::TooBig { .. })), "{big:?}");
    client.publish("c", &1).await.expect("published");
}

#[tokio::test]
async fn subscriptions_that_are_ended_again_and_again_do_not_make_a_storm() {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let url = serve(move |mut theirs| {
        let count = Arc::clone(&counted);
        async move {
            say(&mut theirs, WELCOME).await;
            while let Some(action) = hear(&mut theirs).await {
                answer(&mut theirs, &action).await;
                if action["action"] == "subscribe" {
                    count.fetch_add(1, Ordering::SeqCst);
                    say(&mut theirs, r#"{"event":"unsubscribed","channel":"c","data":{"code":2500,"reason":"x"},"system":true}"#).await;
                }
            }
        }
    })
    .await;
    let client = Client::builder(&url).connect().await.expect("it starts");
    let mut reader = client.subscribe("c").await.expect("declared");
    for _ in 0..3 {
        subscribed(&mut reader).await;
    }
    client.close().await;
    assert!(count.load(Ordering::SeqCst) < 10);
}
