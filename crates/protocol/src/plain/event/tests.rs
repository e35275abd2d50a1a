//! The dialect's frames, word for word.

use std::sync::Arc;

use bytes::Bytes;

use super::*;
use crate::error_code::ErrorCode;
use crate::plain::decode_action;
use crate::push::{Subscribe, Unsubscribe};

const CLIENT: &str = "6444ed02-c552-4b6d-8825-ded2eabd8959";

fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    let text = String::from_utf8(out).unwrap();
    assert!(
        serde_json::from_str::<serde_json::Value>(&text)
            .unwrap()
            .is_object()
    );
    text.replace(CLIENT, "C")
}

fn asked(text: &str) -> RequestEcho {
    match decode_action(text.as_bytes()) {
        Ok(action) => action.asked,
        Err(rejected) => rejected.asked,
    }
}

fn json(text: &'static str) -> Payload {
    Payload::json(Bytes::from_static(text.as_bytes()))
}

fn client() -> ClientInfo {
    ClientInfo {
        user: UserId::new("ann"),
        client: CLIENT.parse().unwrap(),
        conn_info: Some(json("{\"n\":1}")),
        chan_info: None,
    }
}

fn publication() -> Publication {
    Publication {
        offset: 7,
        time_ms: 1_795_460_179_459,
        info: Some(Arc::new(client())),
        ..Publication::new(json("{\"a\": 1.50}"))
    }
}

#[test]
fn welcome_has_its_fields_at_the_top() {
    let mut welcome = Welcome {
        client: CLIENT.parse().unwrap(),
        user: UserId::new("ann"),
        ping_secs: 25,
        retry_ms: (500, 20_000),
    };
    assert_eq!(
        written(|out| encode_welcome(&welcome, out)),
        r#"{"event":"welcome","client":"C","user":"ann","ping":25,"retry":{"min_ms":500,"max_ms":20000},"system":true}"#
    );
    welcome.user = UserId::default();
    assert!(!written(|out| encode_welcome(&welcome, out)).contains("user"));
}

#[test]
fn publications_are_not_system_frames() {
    let epoch = Epoch::new("e");
    assert_eq!(
        written(|out| encode_publication(&"chat".into(), &publication(), &epoch, out)),
        r#"{"event":"message","channel":"chat","data":{"a": 1.50},"id":"e:7","time":1795460179459,"from":{"user":"ann","client":"C","conn_info":{"n":1}}}"#
    );
    let tags = [("event".into(), "typing".into())].into();
    let named = Publication {
        tags: Some(Arc::new(tags)),
        ..Publication::new(json("null"))
    };
    assert_eq!(
        written(|out| encode_publication(&"chat".into(), &named, &epoch, out)),
        r#"{"event":"typing","channel":"chat","data":null}"#
    );
}

#[test]
fn a_publication_has_an_id_only_with_an_epoch_and_an_offset() {
    let id = |offset, epoch: &str| {
        let publication = Publication {
            offset,
            ..Publication::new(json("1"))
        };
        let text = written(|out| {
            encode_publication(&"chat".into(), &publication, &Epoch::new(epoch), out)
        });
        let frame: serde_json::Value = serde_json::from_str(&text).unwrap();
        frame.get("id").cloned()
    };
    assert_eq!(id(7, "e"), Some("e:7".into()));
    assert_eq!(id(7, ""), None);
    assert_eq!(id(0, "e"), None);
    assert_eq!(id(0, ""), None);
}

#[test]
fn bytes_are_announced_live_and_spelled_out_in_history() {
    let tags = [
        ("event".into(), "image".into()),
        ("type".into(), "image/png".into()),
    ]
    .into();
    let image = Publication {
        offset: 2,
        tags: Some(Arc::new(tags)),
        ..Publication::new(Payload::binary(Bytes::from_static(b"\xff\0")))
    };
    let epoch = Epoch::new("e");
    assert_eq!(
        written(|out| encode_publication(&"p".into(), &image, &epoch, out)),
        r#"{"event":"image","channel":"p","binary":true,"type":"image/png","size":2,"id":"e:2"}"#
    );
    let page = Page {
        publications: vec![Arc::new(image)],
        position: StreamPosition::new(2, epoch),
    };
    let asked = asked(r#"{"action":"history","channel":"p","id":1.50}"#);
    assert_eq!(
        written(|out| encode_history(&asked, &page, out)),
        r#"{"event":"history","id":1.50,"channel":"p","data":{"publications":[{"event":"image","channel":"p","data":{"binary":true,"type":"image/png","base64":"/wA="},"id":"e:2"}],"position":"e:2"},"system":true}"#
    );
}

#[test]
fn answers_repeat_id_and_channel_and_carry_data() {
    let asked = asked(r#"{"action":"subscribe","channel":"chat","id":"a\"b"}"#);
    let start = Recovered {
        position: StreamPosition::new(0, Epoch::new("e\"")),
        recovered: false,
    };
    assert_eq!(
        written(|out| encode_subscribed(&asked, &start, Some(&[client()]), out)),
        r#"{"event":"subscribed","id":"a\"b","channel":"chat","data":{"position":"e\":0","recovered":false,"clients":[{"user":"ann","client":"C","conn_info":{"n":1}}]},"system":true}"#
    );
    assert_eq!(
        written(|out| encode_published(
            &asked,
            Some(&StreamPosition::new(3, Epoch::new("e"))),
            out
        )),
        r#"{"event":"published","id":"a\"b","channel":"chat","data":{"position":"e:3"},"system":true}"#
    );
    for without in [None, Some(&StreamPosition::default())] {
        assert!(written(|out| encode_published(&asked, without, out)).contains("\"data\":{}"));
    }
    let stats = PresenceStats {
        num_clients: 2,
        num_users: 0,
    };
    assert!(
        written(|out| encode_presence_stats(&asked, stats, out))
            .contains(r#""data":{"num_clients":2,"num_users":0}"#)
    );
    assert!(written(|out| encode_presence(&asked, &[], out)).contains(r#""data":{"clients":[]}"#));
    assert!(written(|out| encode_call(&asked, Some(&json("5")), out)).contains(r#""data":5"#));
    assert!(written(|out| encode_call(&asked, None, out)).contains(r#""data":{}"#));
    assert_eq!(
        written(|out| encode_done("pong", &RequestEcho::default(), out)),
        r#"{"event":"pong","data":{},"system":true}"#
    );
    assert!(
        written(|out| encode_login(&asked, &UserId::new("ann"), Expiry::In { ttl_secs: 9 }, out))
            .contains(r#""data":{"user":"ann","ttl":9}"#)
    );
}

#[test]
fn errors_are_sentences() {
    let asked = asked(r#"{"action":"subscribe","channel":"news","id":7}"#);
    let error = CommandError::because(
        ErrorCode::PERMISSION_DENIED,
        "channel \"news\" needs a subscription token",
    );
    assert_eq!(
        written(|out| encode_error(&error, &asked, out)),
        r#"{"error":"channel \"news\" needs a subscription token","code":103,"action":"subscribe","channel":"news","id":7,"system":true}"#
    );
    for code in 100..=113 {
        let error = CommandError::from(ErrorCode(code));
        assert!(sentence(&error).len() > 15, "{code}");
    }
    let own = CommandError {
        message: "no pizza".into(),
        ..CommandError::from(ErrorCode(1000))
    };
    assert_eq!(sentence(&own), "no pizza");
}

#[test]
fn what_comes_unasked_is_a_system_frame() {
    let push =
        |channel: &str, body| written(|out| encode_push(&Push::new(channel.into(), body), out));
    let join = r#"{"event":"join","channel":"chat","data":{"user":"ann","client":"C","conn_info":{"n":1}},"system":true}"#;
    assert_eq!(push("chat", Body::Join(Arc::new(client()))), join);
    assert_eq!(
        push("chat", Body::Leave(Arc::new(client()))),
        join.replace("join", "leave")
    );
    assert_eq!(
        push("chat", Body::Unsubscribe(Unsubscribe::SERVER)),
        r#"{"event":"unsubscribed","channel":"chat","data":{"code":2000,"reason":"server unsubscribe"},"system":true}"#
    );
    let subscribe = Subscribe {
        position: StreamPosition::new(4, Epoch::new("e")),
        ..Subscribe::default()
    };
    assert_eq!(
        push("chat", Body::Subscribe(subscribe)),
        r#"{"event":"subscribed","channel":"chat","data":{"position":"e:4"},"system":true}"#
    );
    assert_eq!(
        push("", Body::Message(json("1"))),
        r#"{"event":"message","data":1,"system":true}"#
    );
    assert_eq!(
        written(|out| encode_disconnect(&Disconnect::SHUTDOWN, out)),
        r#"{"event":"disconnect","data":{"code":3001,"reason":"shutdown","reconnect":true},"system":true}"#
    );
}

#[test]
fn an_error_repeats_the_beginning_of_what_is_too_long() {
    let text = "é".repeat(25_000);
    let beginning = format!("{}…", "é".repeat(MAX_REPEATED / 2));
    let asked = RequestEcho {
        id: None,
        action: Some(text.clone().into()),
        channel: Some(text.clone()),
    };
    let error = CommandError::because(ErrorCode::BAD_REQUEST, text);
    assert_eq!(
        written(|out| encode_error(&error, &asked, out)),
        format!(
            r#"{{"error":"{beginning}","code":107,"action":"{beginning}","channel":"{beginning}","system":true}}"#
        )
    );
}
