//! Publications that the application approves, through real sockets.

use std::sync::Arc;

use serde_json::json;
use veche_session::application::{PublishResult, Request, Response};

use crate::application::{Backend, disconnect, error, json as payload};
use crate::asking::start;
use crate::client::Client;
use crate::server::Server;
use crate::waiting::until;

/// What is published is decided by the application.
fn asking() -> (Server, Backend) {
    start(|rules| {
        let options = Arc::make_mut(&mut rules.channel.without_namespace);
        options.publish_proxy = Some("publishers".into());
        options.allow_publish_for_client = false;
    })
}

fn granted(data: Option<&'static str>) -> Response {
    Response::Publish(Ok(Box::new(PublishResult {
        data: data.map(payload),
        ..PublishResult::default()
    })))
}

#[test]
fn the_application_rewrites_what_is_published_and_adds_tags() {
    let (server, backend) = asking();
    let mut subscriber = Client::subscribed(server.addresses[1], "news");
    let mut client = Client::of(server.addresses[0], "anna");
    client.command("publish", json!({ "channel": "news", "data": { "a": 1 } }));
    let call = backend.call();
    assert_eq!(call.who, ("anna".to_owned(), "websocket", "json"));
    let Request::Publish(publish) = &call.request else {
        panic!("{call:?}");
    };
    assert_eq!(&*publish.proxy, "publishers");
    assert_eq!(publish.channel.as_str(), "news");
    assert_eq!(publish.data, payload("{\"a\":1}"));
    call.answer(Response::Publish(Ok(Box::new(PublishResult {
        data: Some(payload("{\"b\":2}")),
        tags: [("kind".into(), "news".into())].into(),
        ..PublishResult::default()
    }))));
    assert!(client.reply()["publish"].is_object());
    let publication = subscriber.publication();
    assert_eq!(publication["data"], json!({ "b": 2 }));
    assert_eq!(publication["tags"], json!({ "kind": "news" }));
    assert_eq!(publication["info"]["user"], "anna");
}

#[test]
fn what_the_application_refuses_is_not_published() {
    let (server, backend) = asking();
    let mut subscriber = Client::subscribed(server.addresses[1], "news");
    let mut client = Client::connected(server.addresses[0]);
    let say = json!({ "channel": "news", "data": 1 });
    for (denial, code) in [(error(403), 403), (error(3), 100), (disconnect(1), 100)] {
        backend.answer_at_once(Response::Publish(Err(denial)));
        let reply = client.ask("publish", say.clone());
        assert_eq!(reply["error"]["code"], code, "{reply}");
    }
    backend.answer_at_once(Response::Publish(Err(disconnect(4123))));
    client.command("publish", say);
    assert_eq!(client.close_code(), 4123);
    server.publish("news", "2");
    assert_eq!(subscriber.publication()["data"], 2);
}

#[test]
fn publications_of_one_client_keep_their_order_where_answers_come_late() {
    const PUBLICATIONS: u64 = 6;
    let (server, backend) = asking();
    let mut subscriber = Client::subscribed(server.addresses[1], "news");
    let mut client = Client::connected(server.addresses[0]);
    let mut calls = Vec::new();
    for number in 0..PUBLICATIONS {
        client.command("publish", json!({ "channel": "news", "data": number }));
        calls.push(backend.call());
    }
    let last = calls.remove(2);
    for call in calls.into_iter().rev() {
        call.answer(granted(None));
    }
    last.answer(Response::Publish(Err(error(403))));
    let replies: Vec<_> = (0..PUBLICATIONS).map(|_| client.reply()).collect();
    let refused = replies.iter().filter(|reply| reply["error"].is_object());
    assert_eq!(refused.count(), 1, "{replies:?}");
    for number in [0, 1, 3, 4, 5] {
        assert_eq!(subscriber.publication()["data"], number);
    }
}

#[test]
fn what_a_client_wanted_to_publish_before_it_went_is_not_published_by_a_late_answer() {
    let (server, backend) = asking();
    let mut subscriber = Client::subscribed(server.addresses[1], "news");
    let mut gone = Client::connected(server.addresses[0]);
    gone.command("publish", json!({ "channel": "news", "data": 1 }));
    let call = backend.call();
    drop(gone);
    until(&server, 1);
    let mut client = Client::connected(server.addresses[0]);
    call.answer(granted(None));
    client.command("publish", json!({ "channel": "news", "data": 2 }));
    backend.call().answer(granted(None));
    assert!(client.reply()["publish"].is_object());
    assert_eq!(subscriber.publication()["data"], 2);
}

#[test]
fn a_plain_client_publishes_by_leave_of_the_application_too() {
    let (server, backend) = asking();
    let mut subscriber = Client::subscribed(server.addresses[1], "news");
    let mut client = Client::plain(server.addresses[0]);
    client.send(br#"{"action":"publish","channel":"news","event":"said","data":1,"id":1}"#);
    let call = backend.call();
    assert_eq!(call.who.2, "plain");
    call.answer(granted(Some("[2]")));
    assert_eq!(client.reply()["event"], "published");
    let publication = subscriber.publication();
    assert_eq!(publication["data"], json!([2]));
    assert_eq!(publication["tags"]["event"], "said");
    client.send(br#"{"action":"publish","channel":"news","data":1,"id":2}"#);
    backend.call().answer(Response::Publish(Err(error(402))));
    assert_eq!(client.reply()["code"], 402);
}
