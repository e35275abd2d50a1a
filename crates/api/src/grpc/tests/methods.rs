//! Tests of each method: the backend is asked what HTTP asks it, and the answers say the same.

use axum::body::Body as HttpText;
use prost::Message;
use serde_json::{Value, json};

use super::*;
use crate::http::{ApiOptions, router};
use schema::veche::{UsersRequest, UsersResponse};
use schema::{
    BatchRequest, BatchResponse, BoolValue, BroadcastRequest, BroadcastResponse, ChannelsRequest,
    ChannelsResponse, ClientInfo, Command, ConnectionsRequest, ConnectionsResponse, Disconnect,
    DisconnectRequest, FilterNode, HistoryRemoveRequest, HistoryRequest, HistoryResponse,
    InfoRequest, InfoResponse, Metrics, PresenceStatsRequest, PresenceStatsResponse,
    RefreshRequest, Reply, RpcRequest, StreamPosition, SubscribeOptionOverride, SubscribeRequest,
    UnsubscribeRequest,
};

const CLIENT: &str = "00000000-0000-4000-8000-000000000001";

/// What a backend is asked by an HTTP call.
async fn asked_by_http(method: &str, params: &Value) -> Vec<String> {
    let backend = Arc::new(Fake::default());
    let options = ApiOptions {
        insecure: true,
        ..ApiOptions::default()
    };
    let request = Request::post(format!("/api/{method}"));
    let request = request.body(HttpText::from(params.to_string()));
    let answer = router(backend.clone(), options).oneshot(request.expect("a request"));
    assert_eq!(answer.await.expect("an answer").status(), 200, "{method}");
    backend.asked()
}

/// Calls both doors, and compares what the backend was asked; answers as gRPC does.
async fn both(method: &str, json: Value, path: &str, message: &impl Message) -> Answer {
    let backend = Arc::default();
    let call = request(method, framed(message));
    let answer = send(&backend, GrpcOptions::default(), call).await;
    let asked = backend.asked();
    assert_eq!(asked.len(), 1, "{method}");
    assert_eq!(asked, asked_by_http(path, &json).await);
    answer
}

#[tokio::test]
async fn publish_asks_what_http_asks() {
    let json = json!({
        "channel": "a", "data": [1], "skip_history": true, "tags": {"k": "v", "n": ""},
        "idempotency_key": "once", "delta": true, "version": 3, "version_epoch": "e",
    });
    let message = PublishRequest {
        channel: "a".into(),
        data: b"[1]".into(),
        b64data: String::new(),
        skip_history: true,
        tags: [("k".into(), "v".into()), ("n".into(), String::new())].into(),
        idempotency_key: "once".into(),
        delta: true,
        version: 3,
        version_epoch: "e".into(),
    };
    both("Publish", json, "publish", &message).await;
}

#[tokio::test]
async fn broadcast_answers_for_each_channel_in_order() {
    let message = BroadcastRequest {
        channels: vec!["a".into(), String::new(), "b".into()],
        data: b"1".into(),
        ..BroadcastRequest::default()
    };
    let backend = Arc::default();
    let call = request("Broadcast", framed(&message));
    let call = with(call, "x-centrifugo-error-mode", "transport");
    let answer = send(&backend, GrpcOptions::default(), call).await;
    let BroadcastResponse { error, result } = answer.message();
    assert_eq!(error, None);
    let responses = result.expect("a result").responses;
    let codes: Vec<_> = responses
        .iter()
        .map(|it| it.error.as_ref().map_or(0, |error| error.code))
        .collect();
    assert_eq!(codes, [0, 107, 0]);
    let offset = |it: &PublishResponse| it.result.as_ref().map(|it| it.offset);
    assert_eq!(
        responses.iter().map(offset).collect::<Vec<_>>(),
        [Some(7), None, Some(7)]
    );
}

#[tokio::test]
async fn orders_ask_what_http_asks() {
    let json = json!({
        "channel": "a", "user": "u", "client": CLIENT, "session": "s", "expire_at": 4_000_000_000_u32,
        "info": {"i": 1}, "b64data": "AQ==", "recover_since": {"offset": 4, "epoch": "e"},
        "override": {"presence": {"value": true}, "force_recovery": {}},
    });
    let message = SubscribeRequest {
        channel: "a".into(),
        user: "u".into(),
        client: CLIENT.into(),
        session: "s".into(),
        expire_at: 4_000_000_000,
        info: br#"{"i":1}"#.into(),
        b64data: "AQ==".into(),
        recover_since: Some(StreamPosition {
            offset: 4,
            epoch: "e".into(),
        }),
        r#override: Some(SubscribeOptionOverride {
            presence: Some(BoolValue { value: true }),
            force_recovery: Some(BoolValue { value: false }),
            ..SubscribeOptionOverride::default()
        }),
        ..SubscribeRequest::default()
    };
    both("Subscribe", json, "subscribe", &message).await;

    let message = UnsubscribeRequest {
        user: "u".into(),
        channel: "a".into(),
        ..UnsubscribeRequest::default()
    };
    let json = json!({"user": "u", "channel": "a"});
    both("Unsubscribe", json, "unsubscribe", &message).await;

    let message = DisconnectRequest {
        user: "u".into(),
        disconnect: Some(Disconnect {
            code: 4001,
            reason: "away".into(),
        }),
        whitelist: vec![CLIENT.into(), "x".into()],
        ..DisconnectRequest::default()
    };
    let json = json!({
        "user": "u", "disconnect": {"code": 4001, "reason": "away"}, "whitelist": [CLIENT, "x"],
    });
    both("Disconnect", json, "disconnect", &message).await;

    let message = RefreshRequest {
        user: "u".into(),
        expired: true,
        expire_at: 7,
        info: b"1".into(),
        ..RefreshRequest::default()
    };
    let json = json!({"user": "u", "expired": true, "expire_at": 7, "info": 1});
    both("Refresh", json, "refresh", &message).await;
}

/// The error of a response, whatever the method.
#[derive(Clone, PartialEq, Message)]
struct AnyResponse {
    #[prost(message, optional, tag = "1")]
    error: Option<schema::Error>,
}

/// Calls a method, alone and within a batch; both must say 107 and name the field, and nothing is done.
async fn check_unsupported(name: &str, message: &impl Message, command: Command, field: &str) {
    let backend = Arc::default();
    let answer = send(
        &backend,
        GrpcOptions::default(),
        request(name, framed(message)),
    )
    .await;
    let alone = answer.message::<AnyResponse>().error;
    let batch = BatchRequest {
        commands: vec![command],
        parallel: false,
    };
    let answer = send(
        &backend,
        GrpcOptions::default(),
        request("Batch", framed(&batch)),
    )
    .await;
    let BatchResponse { replies } = answer.message();
    let within = replies[0].error.as_deref().cloned();
    for error in [alone, within] {
        let error = error.expect("an error");
        let words = format!("bad request: `{field}` is not supported");
        assert!(
            error.code == 107 && error.message.starts_with(&words),
            "{name} {error:?}"
        );
    }
    assert!(backend.asked().is_empty(), "{name}");
}

#[tokio::test]
async fn what_would_reach_other_connections_but_is_not_supported_is_refused() {
    macro_rules! check {
        ($($request:ident $name:literal $command:ident;)*) => {$(
            for (message, field) in [
                ($request { label_filter: Some(FilterNode::default()), ..$request::default() }, "label_filter"),
                ($request { all_users: true, ..$request::default() }, "all_users"),
            ] {
                let command = Command {
                    $command: Some(Box::new(message.clone())),
                    ..Command::default()
                };
                check_unsupported($name, &message, command, field).await;
            }
        )*};
    }
    check! {
        SubscribeRequest "Subscribe" subscribe;
        UnsubscribeRequest "Unsubscribe" unsubscribe;
        DisconnectRequest "Disconnect" disconnect;
        RefreshRequest "Refresh" refresh;
    }
}

#[tokio::test]
async fn history_and_its_removal_ask_what_http_asks() {
    let message = HistoryRequest {
        channel: "a".into(),
        limit: -1,
        since: Some(StreamPosition {
            offset: 3,
            epoch: "e".into(),
        }),
        reverse: true,
    };
    let json = json!({
        "channel": "a", "limit": -1, "since": {"offset": 3, "epoch": "e"}, "reverse": true,
    });
    let answer = both("History", json, "history", &message).await;
    let HistoryResponse { result, .. } = answer.message();
    let result = result.expect("a result");
    assert_eq!((result.offset, result.epoch.as_str()), (2, "epoch"));
    let [full, binary] = result.publications.as_slice() else {
        panic!("{result:?}");
    };
    assert_eq!(full.data, b"[1.50,\n \"a b\"]", "byte for byte");
    assert_eq!(full.info.as_ref().map(|it| it.user.as_str()), Some("a<b"));
    assert_eq!(full.tags.get("b").map(String::as_str), Some("<"));
    assert_eq!((full.offset, binary.offset), (1, 2));
    assert_eq!(binary.data, b"\xff");

    let message = HistoryRemoveRequest {
        channel: "a".into(),
    };
    let json = json!({"channel": "a"});
    both("HistoryRemove", json, "history_remove", &message).await;
}

#[tokio::test]
async fn presence_and_channels_tell_what_http_tells() {
    let json = json!({"channel": "a"});
    let answer = both("Presence", json.clone(), "presence", &presence()).await;
    let PresenceResponse { result, .. } = answer.message();
    let clients = result.expect("a result").presence;
    let infos: Vec<&ClientInfo> = clients.values().collect();
    assert_eq!(infos.len(), 2);
    assert_eq!(infos[0].conn_info, br#"{"a" : "<b>"}"#);
    assert_eq!(infos[1].chan_info, b"\xff");
    assert!(clients.iter().all(|(id, info)| *id == info.client));

    let message = PresenceStatsRequest {
        channel: "a".into(),
    };
    let answer = both("PresenceStats", json, "presence_stats", &message).await;
    let PresenceStatsResponse { result, .. } = answer.message();
    let stats = result.expect("a result");
    assert_eq!((stats.num_clients, stats.num_users), (2, 1));

    let message = ChannelsRequest {
        pattern: "b*".into(),
        ..ChannelsRequest::default()
    };
    let answer = both("Channels", json!({"pattern": "b*"}), "channels", &message).await;
    let ChannelsResponse { result, .. } = answer.message();
    let channels = result.expect("a result").channels;
    let counts = channels
        .iter()
        .map(|(name, it)| (name.as_str(), it.num_clients));
    assert_eq!(counts.collect::<Vec<_>>(), [("b:\"1\"", 2)]);
}

#[tokio::test]
async fn lists_come_in_the_pages_that_http_brings() {
    let message = ChannelsRequest {
        limit: 2,
        cursor: "x".into(),
        ..ChannelsRequest::default()
    };
    let json = json!({"limit": 2, "cursor": "x"});
    let answer = both("Channels", json, "channels", &message).await;
    let ChannelsResponse { result, .. } = answer.message();
    assert_eq!(result.expect("a result").cursor, "next");

    let message = ConnectionsRequest {
        user: "u".into(),
        channel: "c".into(),
        pattern: "c*".into(),
        transport: "websocket".into(),
        protocol: "json".into(),
        connected_after_ms: 1,
        connected_before_ms: 2,
        limit: 3,
        cursor: "x".into(),
        ..ConnectionsRequest::default()
    };
    let json = json!({
        "user": "u", "channel": "c", "pattern": "c*", "transport": "websocket", "protocol": "json",
        "connected_after_ms": 1, "connected_before_ms": 2, "limit": 3, "cursor": "x",
    });
    let answer = both("Connections", json, "connections", &message).await;
    let ConnectionsResponse { result, .. } = answer.message();
    let result = result.expect("a result");
    assert_eq!(result.cursor, "next");
    let [full, bare] = result
        .connections
        .into_values()
        .collect::<Vec<_>>()
        .try_into()
        .expect("two connections");
    assert_eq!((full.app_name.as_str(), full.user.as_str()), ("js<", "u"));
    assert_eq!((full.connected_at_ms, full.ping_pong_latency_ms), (5, 2));
    let channels = full.state.expect("channels").channels;
    let sources = channels.iter().map(|(name, it)| (name.as_str(), it.source));
    assert_eq!(sources.collect::<Vec<_>>(), [("a", 6), ("b", 0)]);
    assert_eq!((bare.ping_pong_latency_ms, bare.state), (-1, None));
}

#[tokio::test]
async fn filters_of_connections_that_are_not_known_are_refused_and_not_passed_over() {
    for message in [
        ConnectionsRequest {
            expression: "true".into(),
            ..ConnectionsRequest::default()
        },
        ConnectionsRequest {
            label_filter: Some(FilterNode::default()),
            ..ConnectionsRequest::default()
        },
    ] {
        let backend = Arc::default();
        let call = request("Connections", framed(&message));
        let answer = send(&backend, GrpcOptions::default(), call).await;
        let ConnectionsResponse { error, result } = answer.message();
        assert_eq!((error.map(|it| it.code), result), (Some(107), None));
        assert!(backend.asked().is_empty());
    }
}

#[tokio::test]
async fn users_are_listed_by_a_service_of_our_own() {
    let message = UsersRequest {
        pattern: "u*".into(),
        ..UsersRequest::default()
    };
    let call = |message: &UsersRequest| {
        let mut call = request("", framed(message));
        *call.uri_mut() = Uri::from_static("/veche.api.VecheApi/Users");
        call
    };
    let backend = Arc::default();
    let answer = send(&backend, GrpcOptions::default(), call(&message)).await;
    let UsersResponse { error, result } = answer.message();
    assert_eq!(error, None);
    let users = result.expect("a result").users;
    let counts = users.iter().map(|(id, it)| (id.as_str(), it.num_clients));
    assert_eq!(counts.collect::<Vec<_>>(), [("", 3), ("u", 1)]);
    let json = json!({"pattern": "u*"});
    assert_eq!(backend.asked(), asked_by_http("users", &json).await);

    let bad = UsersRequest {
        pattern: "x[".into(),
        ..UsersRequest::default()
    };
    let answer = send(&backend, GrpcOptions::default(), call(&bad)).await;
    let UsersResponse { error, .. } = answer.message();
    assert_eq!(error.map(|it| it.code), Some(107));
    let always = GrpcOptions {
        transport_errors: true,
        key: ApiKey::new("k"),
        ..GrpcOptions::default()
    };
    let answer = send(&backend, always.clone(), call(&bad)).await;
    answer.assert_says(Code::Unauthenticated, "");
    let keyed = with(call(&bad), "authorization", "apikey k");
    let answer = send(&backend, always, keyed).await;
    answer.assert_says(Code::InvalidArgument, "bad request");
}

#[tokio::test]
async fn info_tells_what_http_tells() {
    let answer = both("Info", json!({}), "info", &InfoRequest {}).await;
    let InfoResponse { result, .. } = answer.message();
    let nodes = result.expect("a result").nodes;
    assert_eq!(nodes.len(), 2);
    let node = &nodes[0];
    assert_eq!((node.num_clients, node.num_users), (1, 2));
    assert_eq!((node.num_channels, node.num_subs), (3, 4));
    assert_eq!((node.uptime, node.version.as_str()), (5, "v"));
    let metrics = Metrics {
        interval: 60.0,
        items: [("a".into(), 0.5)].into(),
    };
    assert_eq!(node.metrics, Some(metrics));
    assert_eq!(nodes[1].metrics, None);
}

#[tokio::test]
async fn a_batch_is_answered_in_its_order_whether_parallel_or_not() {
    for parallel in [false, true] {
        let command = Command {
            presence: Some(Box::new(presence())),
            ..Command::default()
        };
        let both = Command {
            info: Some(Box::new(InfoRequest {})),
            ..command.clone()
        };
        let message = BatchRequest {
            commands: vec![command, Command::default(), both, refused()],
            parallel,
        };
        let backend = Arc::default();
        let call = request("Batch", framed(&message));
        let call = with(call, "x-centrifugo-error-mode", "transport");
        let answer = send(&backend, GrpcOptions::default(), call).await;
        let BatchResponse { replies } = answer.message();
        let code = |reply: &Reply| reply.error.as_ref().map(|error| error.code);
        assert_eq!(
            replies.iter().map(code).collect::<Vec<_>>(),
            [None, Some(104), None, Some(104)]
        );
        assert!(replies[0].presence.is_some());
        assert!(replies[2].presence.is_some() && replies[2].info.is_none());
        assert_eq!(backend.asked(), ["presence a", "presence a"]);
        let observed = backend.observed();
        let rpc = ("rpc", Some(ErrorCode::METHOD_NOT_FOUND));
        assert_eq!(observed.len(), 3);
        assert!(observed.contains(&rpc), "{observed:?}");
    }
    let empty = request("Batch", framed(&BatchRequest::default()));
    let answer = send(&Arc::default(), GrpcOptions::default(), empty).await;
    assert_eq!(answer.message::<BatchResponse>().replies, []);
}

/// A command that no backend carries out.
fn refused() -> Command {
    Command {
        rpc: Some(Box::new(RpcRequest {
            method: "m".into(),
            params: b"1".into(),
        })),
        ..Command::default()
    }
}

#[test]
fn an_empty_command_of_a_batch_takes_little_memory() {
    assert!(size_of::<Command>() <= 14 * size_of::<usize>());
    assert!(size_of::<Reply>() <= 15 * size_of::<usize>());
}
