//! Subscriptions that the application allows, through real sockets.

use std::sync::Arc;

use serde_json::json;
use veche_protocol::claims::{Overrides, SubscriptionOptions};
use veche_session::application::{Request, Response};

use crate::application::{Backend, disconnect, error, json as payload};
use crate::asking::start;
use crate::client::Client;
use crate::server::Server;
use crate::waiting::until;

/// Who subscribes is decided by the application.
fn asking() -> (Server, Backend) {
    start(|rules| {
        let options = Arc::make_mut(&mut rules.channel.without_namespace);
        options.subscribe_proxy = Some("subscribers".into());
        options.force_recovery = false;
    })
}

#[test]
fn the_application_decides_who_subscribes_and_how() {
    let (server, backend) = asking();
    let mut client = Client::of(server.addresses[0], "anna");
    client.command("subscribe", json!({ "channel": "news", "data": [1] }));
    let call = backend.call();
    assert_eq!(call.who, ("anna".to_owned(), "websocket", "json"));
    let Request::Subscribe(subscribe) = &call.request else {
        panic!("{call:?}");
    };
    assert_eq!(&*subscribe.proxy, "subscribers");
    assert_eq!(subscribe.channel.as_str(), "news");
    assert_eq!(subscribe.data, Some(payload("[1]")));
    // Meanwhile the client is served.
    let published = client.ask("publish", json!({ "channel": "other", "data": 1 }));
    assert!(published["publish"].is_object(), "{published}");
    call.answer(Response::Subscribe(Ok(Box::new(SubscriptionOptions {
        data: Some(payload("{\"hello\":1}")),
        overrides: Overrides {
            force_positioning: Some(true),
            ..Overrides::default()
        },
        ..SubscriptionOptions::default()
    }))));
    let reply = client.reply();
    assert_eq!(reply["subscribe"]["data"], json!({ "hello": 1 }));
    assert_eq!(reply["subscribe"]["positioned"], true, "{reply}");
    server.publish("news", "1");
    assert_eq!(client.publication()["data"], 1);
}

#[test]
fn the_application_refuses_a_subscription_by_an_error_or_the_end() {
    let (server, backend) = asking();
    let mut client = Client::connected(server.addresses[0]);
    for (denial, code) in [(error(403), 403), (error(99), 100), (disconnect(0), 100)] {
        backend.answer_at_once(Response::Subscribe(Err(denial)));
        let reply = client.ask("subscribe", json!({ "channel": "news" }));
        assert_eq!(reply["error"]["code"], code, "{reply}");
    }
    backend.answer_at_once(Response::Subscribe(Err(disconnect(4000))));
    client.command("subscribe", json!({ "channel": "news" }));
    assert_eq!(client.close_code(), 4000);
}

#[test]
fn a_plain_client_is_allowed_and_refused_too() {
    let (server, backend) = asking();
    let mut client = Client::plain(server.addresses[0]);
    client.send(br#"{"action":"subscribe","channel":"news","id":1}"#);
    let call = backend.call();
    assert_eq!(call.who.2, "plain");
    call.answer(Response::Subscribe(Ok(Box::default())));
    assert_eq!(client.reply()["event"], "subscribed");
    server.publish("news", "1");
    assert_eq!(client.reply()["data"], 1);
    backend.answer_at_once(Response::Subscribe(Err(error(403))));
    client.send(br#"{"action":"subscribe","channel":"other","id":2}"#);
    assert_eq!(client.reply()["code"], 403);
}

#[test]
fn a_late_answer_to_a_client_that_has_gone_subscribes_nobody() {
    let (server, backend) = asking();
    let mut gone = Client::connected(server.addresses[0]);
    gone.command("subscribe", json!({ "channel": "news" }));
    let call = backend.call();
    drop(gone);
    until(&server, 0);
    let mut client = Client::connected(server.addresses[0]);
    call.answer(Response::Subscribe(Ok(Box::default())));
    server.publish("news", "1");
    backend.answer_at_once(Response::Rpc(Ok(None)));
    let reply = client.ask("rpc", json!({ "method": "sum" }));
    assert_eq!(reply["rpc"], json!({}), "nothing came before it");
}

#[test]
fn who_gives_up_before_the_answer_comes_is_not_subscribed_after_it() {
    let (server, backend) = asking();
    let mut client = Client::connected(server.addresses[0]);
    let subscribe = client.command("subscribe", json!({ "channel": "news" }));
    let call = backend.call();
    let unsubscribe = client.command("unsubscribe", json!({ "channel": "news" }));
    call.answer(Response::Subscribe(Ok(Box::default())));
    assert_eq!(client.reply()["id"], subscribe);
    assert_eq!(client.reply()["id"], unsubscribe);
    server.publish("news", "1");
    backend.answer_at_once(Response::Rpc(Ok(None)));
    let reply = client.ask("rpc", json!({ "method": "sum" }));
    assert_eq!(reply["rpc"], json!({}), "nothing came before it");
}
