//! Clients whom the application names, through real sockets.

use serde_json::json;
use veche_protocol::claims::{ConnectionClaims, SubscriptionOptions};
use veche_protocol::headers::Headers;
use veche_protocol::identity::UserId;
use veche_session::application::{ConnectResult, Request, Response};

use crate::application::{Backend, disconnect, error, json as payload};
use crate::asking::start;
use crate::client::Client;
use crate::server::Server;
use crate::waiting::until;

fn asking() -> (Server, Backend) {
    start(|rules| {
        rules.client.connect_proxy = true;
        rules.client.allow_anonymous_connect_without_token = false;
        rules.client.allow_name_login = true;
    })
}

fn granted(user: &str, channels: &[&str]) -> Response {
    let subs = channels.iter();
    let subs = subs.map(|name| ((*name).to_owned(), SubscriptionOptions::default()));
    Response::Connect(Ok(Some(Box::new(ConnectResult {
        claims: ConnectionClaims {
            user: UserId::new(user),
            meta: Some(payload("{\"of\":\"the application\"}")),
            subs: subs.collect(),
            ..ConnectionClaims::default()
        },
        data: Some(payload("{\"hello\":1}")),
    }))))
}

#[test]
fn the_application_names_a_client_by_its_cookie_and_subscribes_it() {
    let (server, backend) = asking();
    let mut client = Client::with_cookie(server.addresses[0], "anna");
    let subs = json!({ "news": {} });
    client.command(
        "connect",
        json!({ "name": "web", "version": "1", "data": [1], "subs": subs }),
    );
    let call = backend.call();
    assert_eq!(call.who, (String::new(), "websocket", "json"));
    assert_eq!(
        call.headers,
        Headers::new(&["Cookie"], [("cookie", "anna")])
    );
    let Request::Connect(connect) = &call.request else {
        panic!("{call:?}");
    };
    assert_eq!((&*connect.name, &*connect.version), ("web", "1"));
    assert_eq!(connect.channels, ["news"]);
    assert_eq!(connect.data, Some(payload("[1]")));
    call.answer(granted("anna", &["news"]));
    let reply = client.reply();
    assert_eq!(reply["connect"]["data"], json!({ "hello": 1 }));
    assert!(reply["connect"]["subs"]["news"].is_object(), "{reply}");
    server.publish("news", "1");
    assert_eq!(client.publication()["data"], 1);
    client.command("rpc", json!({ "method": "who" }));
    let call = backend.call();
    assert_eq!(call.who.0, "anna");
    assert_eq!(call.meta, Some(payload("{\"of\":\"the application\"}")));
}

#[test]
fn the_application_refuses_by_an_error_by_a_disconnect_and_by_nothing() {
    let (server, backend) = asking();
    let mut client = Client::open(server.addresses[0]);
    for (denial, code) in [(error(401), 401), (error(7), 100), (disconnect(7), 100)] {
        backend.answer_at_once(Response::Connect(Err(denial)));
        let reply = client.ask("connect", json!({}));
        assert_eq!(reply["error"]["code"], code, "{reply}");
    }
    backend.answer_at_once(granted("anna", &["no:where"]));
    let reply = client.ask("connect", json!({}));
    assert_eq!(reply["error"]["code"], 102, "{reply}");
    backend.answer_at_once(Response::Connect(Err(disconnect(4400))));
    client.command("connect", json!({}));
    assert_eq!(client.close_code(), 4400);
    let mut client = Client::open(server.addresses[0]);
    backend.answer_at_once(Response::Connect(Ok(None)));
    client.command("connect", json!({}));
    assert_eq!(client.close_code(), 3501);
}

#[test]
fn a_late_answer_about_a_client_that_has_gone_lets_nobody_in() {
    let (server, backend) = asking();
    let mut gone = Client::open(server.addresses[0]);
    gone.command("connect", json!({}));
    let call = backend.call();
    drop(gone);
    let mut client = Client::open(server.addresses[0]);
    client.command("connect", json!({}));
    let other = backend.call();
    call.answer(granted("bob", &["news"]));
    other.answer(granted("anna", &[]));
    let reply = client.reply();
    assert!(reply["connect"]["subs"].is_null(), "{reply}");
    until(&server, 1);
}

#[test]
fn a_plain_client_is_named_before_it_says_anything() {
    let (server, backend) = asking();
    backend.answer_at_once(granted("anna", &["news"]));
    let mut client = Client::plain(server.addresses[0]);
    let subscribed = client.reply();
    assert_eq!(subscribed["event"], "subscribed", "{subscribed}");
    server.publish("news", "1");
    assert_eq!(client.reply()["data"], 1);
    client.send(br#"{"action":"call","method":"who","id":1}"#);
    assert_eq!(backend.call().who.0, "");
    let call = backend.call();
    assert_eq!((&*call.who.0, call.who.2), ("anna", "plain"));
}

#[test]
fn a_plain_client_of_whom_the_application_knows_nothing_is_welcomed_and_may_log_in() {
    let (server, backend) = asking();
    backend.answer_at_once(Response::Connect(Ok(None)));
    let mut client = Client::plain(server.addresses[0]);
    client.send(br#"{"action":"history","channel":"news","id":1}"#);
    assert_eq!(client.reply()["code"], 101);
    backend.answer_at_once(Response::Connect(Ok(None)));
    client.send(br#"{"action":"login","user":"bob","id":2}"#);
    let login = client.reply();
    assert_eq!(login["data"]["user"], "bob", "{login}");
    let mut other = Client::plain_later(server.addresses[0]);
    backend.call();
    backend.call();
    let call = backend.call();
    call.answer(Response::Connect(Err(error(403))));
    assert_eq!(other.reply()["event"], "welcome");
    assert_eq!(other.reply()["code"], 403);
    other.send(br#"{"action":"login","token":"anna","id":3}"#);
    assert_eq!(other.reply()["data"]["user"], "anna", "a token goes first");
}
