//! Actions as clients write them, and what is said of those that are wrong.

use super::*;
use crate::payload::MAX_DEPTH;
use crate::plain::{RequestId, parse_position};

fn action(text: &str) -> Action {
    decode_action(text.as_bytes()).unwrap_or_else(|rejected| panic!("{text}: {rejected:?}"))
}

fn rejected(text: &str) -> (u32, String) {
    let rejected = decode_action(text.as_bytes()).unwrap_err();
    (
        rejected.error.code.0,
        rejected.error.why.unwrap().into_owned(),
    )
}

#[test]
fn every_action_is_read() {
    let subscribe = action(
        r#"{"action":"subscribe","channel":"c","id":"x","token":"t","events":["a"],"since":"e:p:5","history":3,
            "presence":true,"filter":{"key":"k","cmp":"ex"},"unknown":[1]}"#,
    );
    assert_eq!(subscribe.asked.channel(), "c");
    assert_eq!(
        subscribe.asked.id.as_ref().map(RequestId::as_json),
        Some("\"x\"")
    );
    let Verb::Subscribe(subscribe) = subscribe.verb else {
        panic!("not subscribe")
    };
    assert_eq!(subscribe.since, parse_position("e:p:5"));
    assert_eq!(
        (
            subscribe.history,
            subscribe.presence,
            subscribe.events.len()
        ),
        (3, true, 1)
    );
    assert_eq!(subscribe.filter.unwrap().cmp, "ex");
    let history = action(r#"{"action":"history","channel":"c","limit":2,"reverse":true}"#).verb;
    assert_eq!(
        history,
        Verb::History {
            limit: Some(2),
            since: None,
            reverse: true
        }
    );
    let stats = action(r#"{"action":"presence","channel":"c","stats":true}"#).verb;
    assert_eq!(stats, Verb::Presence { stats: true });
    assert_eq!(
        action(r#"{"action":"unsubscribe","channel":"c"}"#).verb,
        Verb::Unsubscribe
    );
    assert_eq!(action(r#"{"action":"ping"}"#).verb, Verb::Ping);
    let login = action(r#"{"action":"login","user":"ann","token":""}"#).verb;
    assert_eq!(
        login,
        Verb::Login {
            token: None,
            user: Some("ann".into())
        }
    );
    let call = action(r#"{"action":"call","method":"m","data":null}"#).verb;
    assert!(matches!(call, Verb::Call { data: Some(_), .. }));
}

#[test]
fn publications_have_a_name_and_data_as_it_was_written() {
    let Verb::Publish(publish) =
        action(r#"{"action":"publish","channel":"c","event":"typing","data": [1.50] ,"key":"k"}"#)
            .verb
    else {
        panic!("not publish")
    };
    assert_eq!(&publish.data.unwrap().bytes()[..], b"[1.50]");
    assert_eq!(
        (publish.event.as_deref(), publish.key.as_str()),
        (Some("typing"), "k")
    );
    let Verb::Publish(publish) =
        action(r#"{"action":"publish","channel":"c","binary":true,"type":"image/png"}"#).verb
    else {
        panic!("not publish")
    };
    assert_eq!(
        (publish.data, publish.media_type.as_deref()),
        (None, Some("image/png"))
    );
}

#[test]
fn data_nests_within_512_levels() {
    let publish = |levels: usize| {
        let data = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        format!(r#"{{"action":"publish","channel":"c","data":{data}}}"#)
    };
    let Verb::Publish(taken) = action(&publish(MAX_DEPTH)).verb else {
        panic!("not publish")
    };
    assert_eq!(taken.data.map(|data| data.len()), Some(2 * MAX_DEPTH));
    let (code, why) = rejected(&publish(MAX_DEPTH + 1));
    assert_eq!(code, 107);
    assert!(why.contains("more than 512 levels of nesting"), "{why}");
}

#[test]
fn the_lectures_words_are_understood() {
    let published = action(r#"{"event":"publish","topic":"news","data":{"a":1}}"#);
    assert_eq!(published.asked.channel(), "news");
    let Verb::Publish(publish) = published.verb else {
        panic!("not publish")
    };
    assert_eq!(publish.event, None);
    assert_eq!(
        action(r#"{"event":"subscribe","topic":"a","channel":"b"}"#)
            .asked
            .channel(),
        "b"
    );
}

#[test]
fn what_is_wrong_is_said_with_a_code() {
    for (text, code, part) in [
        ("", 107, "not one JSON object"),
        ("{", 107, "not one JSON object"),
        ("[]", 107, "not one JSON object"),
        ("{} {}", 107, "not one JSON object"),
        ("null", 107, "not one JSON object"),
        ("{}", 107, "\"action\" is missing"),
        (r#"{"action":"dance"}"#, 104, "no action \"dance\""),
        (r#"{"action":5}"#, 107, "\"action\" must be a string"),
        (r#"{"action":"ping","id":[]}"#, 107, "\"id\" must be"),
        (r#"{"action":"subscribe"}"#, 107, "needs \"channel\""),
        (
            r#"{"action":"subscribe","channel":""}"#,
            107,
            "needs \"channel\"",
        ),
        (
            r#"{"action":"subscribe","channel":"c","since":"x"}"#,
            107,
            "no position",
        ),
        (
            r#"{"action":"subscribe","channel":"c","since":5}"#,
            107,
            "\"since\" must be a string",
        ),
        (
            r#"{"action":"subscribe","channel":"c","history":-1}"#,
            107,
            "\"history\" must be",
        ),
        (
            r#"{"action":"subscribe","channel":"c","events":"a"}"#,
            107,
            "\"events\" must be",
        ),
        (
            r#"{"action":"subscribe","channel":"c","filter":5}"#,
            107,
            "no tags filter",
        ),
        (
            r#"{"action":"publish","channel":"c"}"#,
            107,
            "needs \"data\"",
        ),
        (
            r#"{"action":"publish","channel":"c","data":1,"binary":1}"#,
            107,
            "\"binary\" must be",
        ),
        (r#"{"action":"login"}"#, 107, "needs \"token\""),
        (r#"{"action":"call"}"#, 107, "needs \"method\""),
    ] {
        let (found, why) = rejected(text);
        assert_eq!(found, code, "{text}");
        assert!(why.contains(part), "{text}: {why}");
    }
    assert!(decode_action(b"{\"action\":\"\xff\"}").is_err());
    let asked = decode_action(br#"{"id":7,"action":"history","channel":"c","limit":"x"}"#)
        .unwrap_err()
        .asked;
    assert_eq!(
        (asked.channel(), asked.action.as_deref()),
        ("c", Some("history"))
    );
    assert_eq!(asked.id.unwrap().as_json(), "7");
}

#[test]
fn positions_are_split_at_the_last_colon() {
    let position = parse_position("a:b:7").unwrap();
    assert_eq!((position.epoch.as_str(), position.offset), ("a:b", 7));
    assert!(parse_position(":0").is_some());
    for bad in [
        "",
        "7",
        "e:",
        "e:-1",
        "e:+1",
        "e:1.5",
        "e:99999999999999999999",
    ] {
        assert!(parse_position(bad).is_none(), "{bad}");
    }
}

#[test]
fn a_subscription_names_a_bounded_number_of_events() {
    let subscribe = |names: &[String]| {
        let names = serde_json::to_string(names).unwrap();
        format!(r#"{{"action":"subscribe","channel":"c","events":{names}}}"#)
    };
    let many = |count: usize, len: usize| vec!["x".repeat(len); count];
    for names in [many(MAX_EVENTS, 1), many(1, MAX_EVENT_BYTES), many(64, 64)] {
        assert!(decode_action(subscribe(&names).as_bytes()).is_ok());
    }
    for names in [
        many(MAX_EVENTS + 1, 1),
        many(1, MAX_EVENT_BYTES + 1),
        many(33, 128),
    ] {
        let (code, why) = rejected(&subscribe(&names));
        assert_eq!(code, 107);
        assert!(why.contains("at most 64 names"), "{why}");
    }
}
