//! Tests of each method: what the backend is asked, and how it is answered.

use super::*;
use crate::fake::id;

/// Calls a method: the answer, and the one thing that the backend was asked.
async fn one(method: &str, params: &str) -> (String, String) {
    let (status, text, mut asked) = call(&format!("/api/{method}"), params).await;
    assert_eq!(status, 200, "{text}");
    assert!(asked.len() <= 1, "{asked:?}");
    (text, asked.pop().unwrap_or_default())
}

const BAD: &str = r#"{"error":{"code":107,"message":"bad request"}}"#;

#[tokio::test]
async fn publish_passes_on_all_that_it_is_told() {
    let (answer, asked) = one("publish", r#"{"channel": "a", "data": {"x" : 1.50}}"#).await;
    assert_eq!(answer, r#"{"result":{"offset":7,"epoch":"epoch"}}"#);
    assert_eq!(
        asked,
        r#"publish a Json {"x" : 1.50} None "" 0 "" false false"#
    );
    let full = r#"{"Channel": "a", "data": 1, "DATA": null, "tags": {"t": "v", "n": null},
        "idempotency_key": "k", "version": 3, "version_epoch": "e", "delta": true,
        "skip_history": true, "unknown": [1]}"#;
    let (_, asked) = one("publish", full).await;
    let expected = r#"publish a Json null Some({"n": "", "t": "v"}) "k" 3 "e" true true"#;
    assert_eq!(asked, expected);
    let nulls = r#"{"channel": "a", "data": 1, "tags": null, "version": null, "delta": null}"#;
    let (_, asked) = one("publish", nulls).await;
    assert_eq!(asked, r#"publish a Json 1 None "" 0 "" false false"#);
    let (_, asked) = one("publish", r#"{"channel": "a", "tags": {}}"#).await;
    assert_eq!(asked, r#"publish a Binary  None "" 0 "" false false"#);
}

#[tokio::test]
async fn bytes_come_in_base64_and_may_be_json() {
    let (_, asked) = one(
        "publish",
        r#"{"channel": "a", "b64data": "AP8=", "data": 1}"#,
    )
    .await;
    assert!(asked.starts_with("publish a Binary \0\u{fffd} "), "{asked}");
    let (_, asked) = one("publish", r#"{"channel": "a", "b64data": "e30="}"#).await;
    assert!(asked.starts_with("publish a Json {} "), "{asked}");
    let (_, asked) = one("publish", r#"{"channel": "a", "b64data": "", "data": 1}"#).await;
    assert!(asked.starts_with("publish a Json 1 "), "{asked}");
    let refused = one("publish", r#"{"channel": "a", "b64data": "?"}"#).await;
    assert_eq!(refused, (BAD.to_owned(), String::new()));
}

#[tokio::test]
async fn half_a_character_in_a_string_is_a_sign_for_none() {
    let params =
        r#"{"channel": "a\ud800b", "data": "\udc00", "tags": {"t": "\ud83d\ude00\ud83d!"}}"#;
    let (_, asked) = one("publish", params).await;
    let expected = "publish a\u{fffd}b Json \"\\udc00\" Some({\"t\": \"😀\u{fffd}!\"}) ";
    assert!(asked.starts_with(expected), "{asked}");
    let (_, asked) = one("broadcast", r#"{"channels": ["\udfff"], "data": 1}"#).await;
    assert!(asked.starts_with("publish \u{fffd} Json 1 "), "{asked}");
}

#[tokio::test]
async fn what_is_kept_nowhere_has_no_position() {
    let backend = Arc::new(Fake::empty());
    let request = post("/api/publish", r#"{"channel": "a", "data": 1}"#);
    let answer = send(&backend, options(), request).await;
    assert_eq!(answer, (200, r#"{"result":{}}"#.to_owned()));
}

#[tokio::test]
async fn a_channel_without_a_name_is_a_bad_request() {
    for method in [
        "publish",
        "subscribe",
        "presence",
        "presence_stats",
        "history",
        "history_remove",
        "broadcast",
    ] {
        for params in ["{}", "null", r#"{"channel": ""}"#] {
            let answered = one(method, params).await;
            assert_eq!(answered, (BAD.to_owned(), String::new()), "{method}");
        }
    }
}

#[tokio::test]
async fn broadcast_answers_for_each_channel_in_order() {
    let body = r#"{"channels": ["a", "", "b", null], "data": 1}"#;
    let (status, text, mut asked) = call("/api/broadcast", body).await;
    asked.sort();
    assert_eq!((status, asked.len()), (200, 2));
    assert!(asked[0].starts_with("publish a ") && asked[1].starts_with("publish b "));
    let good = r#"{"result":{"offset":7,"epoch":"epoch"}}"#;
    let expected = format!(r#"{{"result":{{"responses":[{good},{BAD},{good},{BAD}]}}}}"#);
    assert_eq!(text, expected);
    let refused = one("broadcast", r#"{"channels": ["a"], "b64data": "?"}"#).await;
    assert_eq!(refused, (BAD.to_owned(), String::new()));
}

#[tokio::test]
async fn presence_is_sorted_and_bytes_are_in_base64() {
    let (answer, asked) = one("presence", r#"{"channel": "a"}"#).await;
    assert_eq!(asked, "presence a");
    let (one_id, two_id) = (id(1), id(2));
    let conn_info = r#""conn_info":{"a":"\u003cb\u003e"}"#;
    let user = r#""user":"a\u003cb""#;
    let expected = format!(
        r#"{{"result":{{"presence":{{"{one_id}":{{{user},"client":"{one_id}",{conn_info}}},"{two_id}":{{{user},"client":"{two_id}",{conn_info},"b64chan_info":"/w=="}}}}}}}}"#
    );
    assert_eq!(answer, expected);
    let request = post("/api/presence", r#"{"channel": "a"}"#);
    let answer = send(&Arc::new(Fake::empty()), options(), request).await;
    assert_eq!(answer.1, r#"{"result":{"presence":{}}}"#);
}

#[tokio::test]
async fn presence_stats_are_written_even_if_zero() {
    let (answer, _) = one("presence_stats", r#"{"channel": "a"}"#).await;
    assert_eq!(answer, r#"{"result":{"num_clients":2,"num_users":1}}"#);
    let request = post("/api/presence_stats", r#"{"channel": "a"}"#);
    let answer = send(&Arc::new(Fake::empty()), options(), request).await;
    assert_eq!(answer.1, r#"{"result":{"num_clients":0,"num_users":0}}"#);
}

#[tokio::test]
async fn history_shows_data_compact_and_neither_epoch_nor_version_of_a_publication() {
    let (answer, _) = one("history", r#"{"channel": "a"}"#).await;
    let client = id(1);
    let expected = format!(
        r#"{{"result":{{"publications":[{{"data":[1.50,"a b"],"info":{{"user":"a\u003cb","client":"{client}","conn_info":{{"a":"\u003cb\u003e"}}}},"offset":1,"tags":{{"a":"","b":"\u003c"}}}},{{"b64data":"/w==","offset":2}}],"epoch":"epoch","offset":2}}}}"#
    );
    assert_eq!(answer, expected);
    let request = post("/api/history", r#"{"channel": "a"}"#);
    let answer = send(&Arc::new(Fake::empty()), options(), request).await;
    assert_eq!(
        answer.1,
        r#"{"result":{"publications":[],"epoch":"","offset":0}}"#
    );
}

#[tokio::test]
async fn history_is_limited_as_asked() {
    for (params, asked) in [
        (r#""#, "Some(0) None false"),
        (r#", "limit": 5, "reverse": true"#, "Some(5) None true"),
        (r#", "limit": -1"#, "None None false"),
        (
            r#", "since": {"offset": 3, "epoch": "e"}"#,
            r#"Some(0) Some((3, "e")) false"#,
        ),
        (
            r#", "since": {}, "limit": 1"#,
            r#"Some(1) Some((0, "")) false"#,
        ),
        (r#", "since": null, "limit": 1"#, "Some(1) None false"),
    ] {
        let (_, heard) = one("history", &format!(r#"{{"channel": "a"{params}}}"#)).await;
        assert_eq!(heard, format!("history a {asked}"));
    }
    let before_all = r#"{"channel": "a", "reverse": true, "since": {"offset": 0}, "limit": 9}"#;
    let (answer, heard) = one("history", before_all).await;
    assert_eq!(answer, BAD);
    assert_eq!(heard, "history a Some(0) None false");
}

#[tokio::test]
async fn history_is_removed() {
    let answered = one("history_remove", r#"{"channel": "a"}"#).await;
    assert_eq!(
        answered,
        (r#"{"result":{}}"#.into(), "remove_history a".into())
    );
}

#[tokio::test]
async fn channels_are_filtered_by_a_glob() {
    let (answer, asked) = one("channels", "{}").await;
    assert_eq!(
        answer,
        r#"{"result":{"channels":{"a":{},"b:\"1\"":{"num_clients":2}}}}"#
    );
    assert_eq!(asked, "channels None");
    let (answer, asked) = one("channels", r#"{"pattern": "a*"}"#).await;
    assert_eq!(answer, r#"{"result":{"channels":{"a":{}}}}"#);
    assert_eq!(asked, "channels Some(\"a*\")");
    let refused = one("channels", r#"{"pattern": "x["}"#).await;
    assert_eq!(refused, (BAD.to_owned(), String::new()));
}

#[tokio::test]
async fn channels_come_in_pages_where_a_limit_or_a_cursor_asks_for_that() {
    let expected =
        r#"{"result":{"channels":{"a":{"num_clients":1},"b":{"num_clients":2}},"cursor":"next"}}"#;
    for (params, asked) in [
        (
            r#"{"limit": 2}"#,
            "None PageRequest { limit: 2, cursor: \"\" }",
        ),
        (
            r#"{"cursor": "c", "pattern": "*"}"#,
            "Some(\"*\") PageRequest { limit: 100, cursor: \"c\" }",
        ),
        (
            r#"{"limit": 4294967295}"#,
            "None PageRequest { limit: 1000, cursor: \"\" }",
        ),
    ] {
        let answered = one("channels", params).await;
        assert_eq!(answered, (expected.into(), format!("channels {asked}")));
    }
    let (_, asked) = one("channels", r#"{"limit": 0, "cursor": ""}"#).await;
    assert_eq!(asked, "channels None");
}

#[tokio::test]
async fn users_are_listed_with_their_connections() {
    let (answer, asked) = one("users", r#"{"pattern": "u*"}"#).await;
    let expected =
        r#"{"result":{"users":{"":{"num_clients":3},"u":{"num_clients":1}},"cursor":"next"}}"#;
    assert_eq!(answer, expected);
    let page = "PageRequest { limit: 100, cursor: \"\" }";
    assert_eq!(asked, format!("users Some(\"u*\") {page}"));
    let refused = one("users", r#"{"pattern": "x["}"#).await;
    assert_eq!(refused, (BAD.to_owned(), String::new()));
}

#[tokio::test]
async fn connections_are_listed_with_all_that_is_known_of_them() {
    let (answer, asked) = one("connections", "{}").await;
    let (one_id, two_id) = (id(1), id(2));
    let bare = r#"{"transport":"websocket","protocol":"json","connected_at_ms":5,"ping_pong_latency_ms":-1}"#;
    let full = r#"{"app_name":"js\u003c","app_version":"1","transport":"websocket","protocol":"protobuf","user":"u","state":{"channels":{"a":{"source":6},"b":{}}},"connected_at_ms":5,"ping_pong_latency_ms":2}"#;
    let expected = format!(
        r#"{{"result":{{"connections":{{"{two_id}":{bare},"{one_id}":{full}}},"cursor":"next"}}}}"#
    );
    assert_eq!(answer, expected);
    let page = "PageRequest { limit: 100, cursor: \"\" }";
    let nothing = format!("connections None None None None None None None {page}");
    assert_eq!(asked, nothing);
    let empty = r#"{"user": "", "channel": "", "pattern": "", "transport": "", "protocol": null,
        "connected_after_ms": 0, "connected_before_ms": 0, "expression": "", "label_filter": null}"#;
    assert_eq!(one("connections", empty).await.1, nothing);
    let full = r#"{"user": "u", "channel": "c", "pattern": "c*", "transport": "websocket",
        "protocol": "json", "connected_after_ms": 1, "connected_before_ms": 2, "limit": 3, "cursor": "x"}"#;
    let (_, asked) = one("connections", full).await;
    let expected = r#"connections Some("u") Some("c") Some("c*") Some("websocket") Some("json") Some(1) Some(2) PageRequest { limit: 3, cursor: "x" }"#;
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn filters_of_connections_that_are_not_known_are_refused_and_not_passed_over() {
    for (params, words) in [
        (r#"{"expression": "true"}"#, "`expression` is not supported"),
        (
            r#"{"label_filter": {"key": "a"}}"#,
            "`label_filter` is not supported",
        ),
    ] {
        let (answer, asked) = one("connections", params).await;
        let error = r#"{"error":{"code":107,"message":"bad request: "#;
        assert!(
            answer.starts_with(error) && answer.contains(words),
            "{answer}"
        );
        assert_eq!(asked, "");
    }
    for params in [
        r#"{"limit": -1}"#,
        r#"{"limit": "1"}"#,
        r#"{"cursor": 1}"#,
        r#"{"connected_after_ms": "now"}"#,
        r#"{"user": 1}"#,
    ] {
        let (status, _, asked) = call("/api/connections", params).await;
        assert_eq!((status, asked.len()), (400, 0), "{params}");
    }
}

#[tokio::test]
async fn info_tells_of_all_nodes() {
    let (answer, _) = one("info", "{}").await;
    let full = r#"{"uid":"u","name":"n","version":"v","num_clients":1,"num_users":2,"num_channels":3,"uptime":5,"metrics":{"interval":60,"items":{"a":0.5}},"num_subs":4}"#;
    let bare = r#"{"uid":"","name":"","version":"","num_clients":0,"num_users":0,"num_channels":0,"num_subs":0}"#;
    assert_eq!(
        answer,
        format!(r#"{{"result":{{"nodes":[{full},{bare}]}}}}"#)
    );
}

#[tokio::test]
async fn orders_are_for_a_user_a_client_or_a_session() {
    let client = id(9);
    let whom = format!(r#""user": "u", "client": "{client}", "session": "s""#);
    let addressees =
        format!(r#"Addressees {{ user: "u", client: Some({client}), session: "s", except: [] }}"#);
    for (method, params, heard) in [
        ("unsubscribe", r#""channel": "a""#, r#"Some("a")"#),
        ("unsubscribe", r#""channel": """#, "None"),
        ("disconnect", r#""x": 1"#, "3503 force disconnect"),
        ("refresh", r#""expired": true"#, "true None None"),
        (
            "refresh",
            r#""expire_at": 5, "info": {}"#,
            "false Some(5) Some(b\"{}\")",
        ),
    ] {
        let (answer, asked) = one(method, &format!("{{{whom}, {params}}}")).await;
        assert_eq!(answer, r#"{"result":{}}"#);
        assert_eq!(asked, format!("{method} {addressees} {heard}"));
    }
    let (_, asked) = one("unsubscribe", "{}").await;
    let nobody = r#"Addressees { user: "", client: None, session: "", except: [] }"#;
    assert_eq!(asked, format!("unsubscribe {nobody} None"));
}

#[tokio::test]
async fn what_would_reach_other_connections_but_is_not_supported_is_refused() {
    for method in ["subscribe", "unsubscribe", "disconnect", "refresh"] {
        for (filter, field) in [
            (
                r#""label_filter": {"key": "a", "cmp": "eq", "val": "b"}"#,
                "label_filter",
            ),
            (r#""Label_Filter": {}"#, "label_filter"),
            (r#""all_users": true"#, "all_users"),
        ] {
            let params = format!(r#"{{"user": "u", "channel": "a", {filter}}}"#);
            let command = format!(r#"{{"method": "{method}", "params": {params}}}"#);
            let batch = format!(r#"{{"commands": [{{"{method}": {params}}}, {{"info": {{}}}}]}}"#);
            let words =
                format!(r#"{{"code":107,"message":"bad request: `{field}` is not supported"#);
            for (path, body, others) in [
                (format!("/api/{method}"), params, &[][..]),
                ("/api".into(), command, &[]),
                ("/api/batch".into(), batch, &["info"]),
            ] {
                let (status, text, asked) = call(&path, &body).await;
                assert_says(&(status, text), 200, &words);
                assert_eq!(asked, others, "{path} {body}");
            }
        }
        let absent = r#"{"user": "u", "channel": "a", "label_filter": null, "all_users": false}"#;
        let (answer, asked) = one(method, absent).await;
        assert_eq!(answer, r#"{"result":{}}"#);
        assert!(asked.starts_with(method), "{asked}");
        for wrong in [r#"{"label_filter": []}"#, r#"{"all_users": 1}"#] {
            let (status, _, asked) = call(&format!("/api/{method}"), wrong).await;
            assert_eq!((status, asked.len()), (400, 0), "{method} {wrong}");
        }
    }
}

#[tokio::test]
async fn a_client_that_can_t_exist_is_nobody_and_that_is_no_error() {
    for method in ["subscribe", "unsubscribe", "disconnect", "refresh"] {
        let answered = one(method, r#"{"user": "u", "channel": "a", "client": "x"}"#).await;
        assert_eq!(answered, (r#"{"result":{}}"#.into(), String::new()));
    }
}

#[tokio::test]
async fn a_disconnect_code_is_checked_and_its_reason_fits_a_close_frame() {
    for (code, is_good) in [
        (3000, true),
        (4999, true),
        (0, false),
        (2999, false),
        (5000, false),
        (68_536, false),
    ] {
        let body = format!(r#"{{"user": "u", "disconnect": {{"code": {code}, "reason": "r"}}}}"#);
        let (answer, asked) = one("disconnect", &body).await;
        assert_eq!(answer == BAD, !is_good, "{code}");
        assert_eq!(asked.ends_with(&format!(" {code} r")), is_good, "{code}");
    }
    let reason = "é".repeat(100);
    let body = format!(r#"{{"disconnect": {{"code": 4000, "reason": "{reason}"}}}}"#);
    let (_, asked) = one("disconnect", &body).await;
    assert!(
        asked.ends_with(&format!(" 4000 {}", "é".repeat(61))),
        "{asked}"
    );
    let spared = id(3);
    let body = format!(r#"{{"user": "u", "whitelist": ["{spared}", "x"]}}"#);
    let (_, asked) = one("disconnect", &body).await;
    assert!(asked.contains(&format!("except: [{spared}]")), "{asked}");
}

#[tokio::test]
async fn subscribe_passes_on_all_that_it_is_told() {
    let body = r#"{"user": "u", "channel": "a", "info": {"i":1}, "b64data": "AQ==", "data": 2,
        "expire_at": 9876543210, "recover_since": {"offset": 4, "epoch": "e"},
        "override": {"presence": {"value": true}, "join_leave": {}, "force_recovery": null}}"#;
    let (answer, asked) = one("subscribe", body).await;
    assert_eq!(answer, r#"{"result":{}}"#);
    for part in [
        r#"} a Some("{\"i\":1}") Some("\u{1}") Some(9876543210) "#,
        "presence: Some(true), join_leave: Some(false), ",
        "force_recovery: None",
        r#"Some(StreamPosition { offset: 4, epoch: "e" })"#,
    ] {
        assert!(asked.contains(part), "{part} in {asked}");
    }
    let refused = one("subscribe", r#"{"channel": "a", "b64info": "?"}"#).await;
    assert_eq!(refused, (BAD.to_owned(), String::new()));
}

#[tokio::test]
async fn a_subscription_that_has_expired_is_not_made() {
    let (answer, asked) = one(
        "subscribe",
        r#"{"channel": "a", "user": "u", "expire_at": 9}"#,
    )
    .await;
    assert_eq!(answer, BAD);
    assert_eq!(asked, "");
}

#[tokio::test]
async fn a_subscription_without_an_end_never_expires() {
    for (end, heard) in [
        ("0", "None"),
        ("-1", "None"),
        ("9876543210", "Some(9876543210)"),
    ] {
        let body = format!(r#"{{"channel": "a", "user": "u", "expire_at": {end}}}"#);
        let (answer, asked) = one("subscribe", &body).await;
        assert_eq!(answer, r#"{"result":{}}"#);
        assert!(asked.contains(&format!(" a None None {heard} ")), "{asked}");
    }
}

#[tokio::test]
async fn there_is_nothing_to_call_by_default() {
    let answered = one("rpc", r#"{"method": "m", "params": {}}"#).await;
    let not_found = r#"{"error":{"code":104,"message":"not found"}}"#;
    assert_eq!(answered, (not_found.to_owned(), String::new()));
    assert_eq!(one("rpc", "{}").await.0, BAD);
}

#[tokio::test]
async fn a_batch_is_answered_in_its_order_whether_parallel_or_not() {
    for parallel in ["true", "false"] {
        let body = format!(
            r#"{{"parallel": {parallel}, "commands": [
                {{"publish": {{"channel": "a", "data": 1}}}}, null, {{}}, {{"unknown": {{}}}},
                {{"presence_stats": {{"channel": "b"}}, "publish": null}},
                {{"history_remove": {{"channel": "c"}}, "unsubscribe": {{"channel": "d"}}}},
                {{"publish": {{}}}}
            ]}}"#
        );
        let (status, text, mut asked) = call("/api/batch", &body).await;
        assert_eq!(status, 200);
        let bad = r#"{"error":{"code":107,"message":"bad request"}}"#;
        let unknown = r#"{"error":{"code":104,"message":"not found"}}"#;
        let expected = [
            r#"{"publish":{"offset":7,"epoch":"epoch"}}"#,
            bad,
            unknown,
            unknown,
            r#"{"presence_stats":{"num_clients":2,"num_users":1}}"#,
            r#"{"unsubscribe":{}}"#,
            bad,
        ];
        assert_eq!(text, format!(r#"{{"replies":[{}]}}"#, expected.join(",")));
        if parallel == "true" {
            asked.sort_by_key(|asked| !asked.starts_with("publish"));
        }
        assert!(asked.len() == 3 && asked[0].starts_with("publish a "));
    }
}

#[tokio::test]
async fn an_empty_batch_has_an_empty_answer() {
    for body in ["{}", "null", r#"{"commands": []}"#, r#"{"commands": null}"#] {
        let (status, text, _) = call("/api/batch", body).await;
        assert_eq!((status, text.as_str()), (200, "{}"));
    }
}

#[tokio::test]
async fn a_batch_with_one_malformed_command_does_nothing() {
    let body = r#"{"commands": [{"info": {}}, {"publish": {"channel": 1}}]}"#;
    let (status, _, asked) = call("/api/batch", body).await;
    assert_eq!((status, asked.len()), (400, 0));
}

#[tokio::test]
async fn a_long_answer_comes_in_pieces_and_is_the_same_as_a_short_one() {
    let publish = r#"{"publish":{"channel":"a","data":1}}"#;
    let published = r#"{"offset":7,"epoch":"epoch"}"#;
    for count in [2, 5000] {
        let commands = vec![publish; count].join(",");
        let replies = vec![format!(r#"{{"publish":{published}}}"#); count].join(",");
        let replies = format!(r#"{{"replies":[{replies}]}}"#);
        let responses = vec![format!(r#"{{"result":{published}}}"#); count].join(",");
        let responses = format!(r#"{{"result":{{"responses":[{responses}]}}}}"#);
        let channels = vec![r#""a""#; count].join(",");
        for (path, body, expected) in [
            ("batch", format!(r#"{{"commands":[{commands}]}}"#), &replies),
            (
                "batch",
                format!(r#"{{"commands":[{commands}],"parallel":true}}"#),
                &replies,
            ),
            (
                "broadcast",
                format!(r#"{{"channels":[{channels}],"data":1}}"#),
                &responses,
            ),
        ] {
            let options = ApiOptions {
                max_body: 1 << 20,
                ..options()
            };
            let request = post(&format!("/api/{path}"), body);
            let answer = router(Arc::<Fake>::default(), options).oneshot(request);
            let mut answer = answer.await.expect("the router always answers").into_body();
            assert_eq!(answer.size_hint().exact().is_some(), count == 2);
            let mut text = Vec::new();
            while let Some(frame) = answer.frame().await {
                let piece = frame.expect("a piece").into_data().expect("data");
                assert!(piece.len() < 80_000, "{}", piece.len());
                text.extend_from_slice(&piece);
            }
            assert_eq!(String::from_utf8(text).as_deref(), Ok(&**expected));
        }
    }
}

#[tokio::test]
async fn who_does_not_read_a_long_answer_is_not_served_on_and_who_leaves_ends_it() {
    let backend = Arc::new(Fake::default());
    let options = ApiOptions {
        max_body: 1 << 20,
        ..options()
    };
    let commands = vec![r#"{"publish":{"channel":"a","data":1}}"#; 20_000].join(",");
    let body = format!(r#"{{"commands":[{commands}]}}"#);
    let request = post("/api/batch", body);
    let answer = router(backend.clone(), options).oneshot(request).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let begun = backend.asked().len();
    assert!((1000..10_000).contains(&begun), "{begun}");
    drop(answer);
    while Arc::strong_count(&backend) > 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(backend.asked().len(), begun);
}

#[tokio::test]
async fn a_broadcast_is_observed_once_whatever_became_of_it() {
    for (body, code) in [
        (r#"{"channels": ["a", "b"], "data": 1}"#, None),
        (
            r#"{"channels": [], "data": 1}"#,
            Some(ErrorCode::BAD_REQUEST),
        ),
    ] {
        let backend = Arc::new(Fake::default());
        let (status, _) = send(&backend, options(), post("/api/broadcast", body)).await;
        assert_eq!(status, 200);
        assert_eq!(backend.observed(), [("broadcast", code)]);
    }
}
