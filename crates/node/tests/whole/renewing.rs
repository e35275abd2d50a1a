//! Connections and subscriptions whose time runs out, and the application says whether they go on: through real sockets.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;
use veche_protocol::claims::{ConnectionClaims, SubscriptionOptions};
use veche_protocol::identity::UserId;
use veche_session::application::{ConnectResult, Denial, RefreshResult, Request, Response};

use crate::application::{Backend, disconnect, json as payload};
use crate::asking::start;
use crate::client::Client;
use crate::server::Server;

fn asking() -> (Server, Backend) {
    start(|rules| {
        rules.client.connect_proxy = true;
        rules.client.refresh_proxy = true;
        rules.client.presence_update_interval = Duration::from_millis(200);
        let options = Arc::make_mut(&mut rules.channel.without_namespace);
        options.subscribe_proxy = Some("subscribers".into());
        options.sub_refresh_proxy = Some("refreshers".into());
    })
}

fn in_secs(secs: i64) -> Option<i64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.expect("after 1970").as_secs();
    Some(i64::try_from(now).expect("a time") + secs)
}

/// Anna, for a second.
fn anna() -> Response {
    Response::Connect(Ok(Some(Box::new(ConnectResult {
        claims: ConnectionClaims {
            user: UserId::new("anna"),
            expire_at: in_secs(1),
            ..ConnectionClaims::default()
        },
        data: None,
    }))))
}

fn refreshed(expire_at: Option<i64>, expired: bool) -> Box<RefreshResult> {
    Box::new(RefreshResult {
        expired,
        expire_at,
        info: Some(payload("{\"a\":1}")),
        meta: Some(payload("[2]")),
    })
}

#[test]
fn a_connection_goes_on_as_long_as_the_application_says() {
    let (server, backend) = asking();
    backend.answer_at_once(anna());
    let mut client = Client::open(server.addresses[0]);
    let reply = client.ask("connect", json!({}));
    assert!(reply["connect"]["expires"].is_null(), "{reply}");
    backend.call();
    let call = backend.call();
    assert_eq!(call.request, Request::Refresh);
    assert_eq!(call.who.0, "anna");
    // Meanwhile it is served.
    backend.answer_at_once(Response::Rpc(Ok(None)));
    client.ask("rpc", json!({ "method": "sum" }));
    backend.call();
    call.answer(Response::Refresh(Ok(refreshed(in_secs(1), false))));
    let call = backend.call();
    assert_eq!(call.request, Request::Refresh);
    assert_eq!(call.meta, Some(payload("[2]")));
    call.answer(Response::Refresh(Ok(refreshed(None, true))));
    assert_eq!(client.close_code(), 3005);
}

#[test]
fn a_backend_that_fails_logs_nobody_out_and_one_that_disconnects_does() {
    let (server, backend) = asking();
    backend.answer_at_once(anna());
    let mut kept = Client::open(server.addresses[0]);
    kept.ask("connect", json!({}));
    backend.call();
    let call = backend.call();
    call.answer(Response::Refresh(Err(Denial::Failed)));
    backend.answer_at_once(Response::Rpc(Ok(None)));
    let reply = kept.ask("rpc", json!({ "method": "sum" }));
    assert_eq!(reply["rpc"], json!({}));
    backend.call();
    backend.answer_at_once(anna());
    let mut plain = Client::plain(server.addresses[1]);
    backend.call();
    let call = backend.call();
    assert_eq!((&call.request, call.who.2), (&Request::Refresh, "plain"));
    call.answer(Response::Refresh(Err(disconnect(4999))));
    assert_eq!(plain.close_code(), 4999);
}

/// Anna subscribes for a second, and the application is asked again.
fn subscribed(server: &Server, backend: &Backend) -> (Client, crate::application::Call) {
    let mut client = Client::open(server.addresses[0]);
    client.ask("connect", json!({ "token": "anna" }));
    backend.answer_at_once(Response::Subscribe(Ok(Box::new(SubscriptionOptions {
        expire_at: in_secs(1),
        ..SubscriptionOptions::default()
    }))));
    let reply = client.ask("subscribe", json!({ "channel": "news" }));
    assert!(reply["subscribe"]["expires"].is_null(), "{reply}");
    backend.call();
    let call = backend.call();
    let Request::SubRefresh(refresh) = &call.request else {
        panic!("{call:?}");
    };
    assert_eq!(&*refresh.proxy, "refreshers");
    assert_eq!(refresh.channel.as_str(), "news");
    (client, call)
}

#[test]
fn a_subscription_goes_on_as_long_as_the_application_says() {
    let (server, backend) = asking();
    let (mut client, call) = subscribed(&server, &backend);
    call.answer(Response::SubRefresh(Ok(refreshed(in_secs(1), false))));
    server.publish("news", "1");
    assert_eq!(client.publication()["data"], 1);
    let call = backend.call();
    call.answer(Response::SubRefresh(Ok(refreshed(None, true))));
    let push = client.reply();
    assert_eq!(push["push"]["unsubscribe"]["code"], 2501, "{push}");
}

#[test]
fn a_late_answer_about_a_subscription_that_was_given_up_ends_nothing() {
    let (server, backend) = asking();
    let (mut client, call) = subscribed(&server, &backend);
    client.ask("unsubscribe", json!({ "channel": "news" }));
    backend.answer_at_once(Response::Subscribe(Ok(Box::default())));
    client.ask("subscribe", json!({ "channel": "news" }));
    call.answer(Response::SubRefresh(Ok(refreshed(None, true))));
    server.publish("news", "1");
    assert_eq!(client.publication()["data"], 1);
    server.publish("news", "2");
    assert_eq!(client.publication()["data"], 2);
}
