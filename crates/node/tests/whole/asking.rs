//! Whoever is asked knows who asks: questions to the application through real sockets, and its answers.

use serde_json::json;
use veche_protocol::headers::Headers;
use veche_session::application::{Request, Response};
use veche_session::rules::Rules;

use crate::application::{Backend, disconnect, error, json as payload};
use crate::client::Client;
use crate::server::{Server, rules, two_workers};
use crate::waiting::until;

/// A node that asks an application, by these rules.
pub(crate) fn start(change: impl FnOnce(&mut Rules)) -> (Server, Backend) {
    let (backend, authority) = Backend::new();
    let mut rules = rules();
    rules.client.concurrency = 8;
    change(&mut rules);
    (
        Server::start_asking(two_workers(), rules, authority),
        backend,
    )
}

#[test]
fn a_call_tells_who_calls_and_brings_what_the_application_answers() {
    let (server, backend) =
        start(|rules| rules.client.emulated_headers = ["X-Trace".into()].into());
    let mut client = Client::with_cookie(server.addresses[0], "a=1");
    let headers = json!({ "x-trace": "7", "Other": "8" });
    let reply = client.ask("connect", json!({ "token": "anna", "headers": headers }));
    let id = reply["connect"]["client"]
        .as_str()
        .expect("an id")
        .to_owned();
    client.command("rpc", json!({ "method": "sum", "data": [1, 2] }));
    let call = backend.call();
    assert_eq!(call.who, ("anna".to_owned(), "websocket", "json"));
    assert_eq!(call.client, id);
    assert_eq!(call.meta, Some(payload("\"anna\"")));
    assert_eq!(call.headers, Headers::new(&["Cookie"], [("cookie", "a=1")]));
    let traced = Headers::new(&["X-Trace"], [("x-trace", "7")]);
    assert_eq!(call.emulated_headers, traced);
    let Request::Rpc(rpc) = &call.request else {
        panic!("{call:?}");
    };
    assert_eq!((&*rpc.proxy, rpc.method.as_str()), ("default", "sum"));
    assert_eq!(rpc.data, Some(payload("[1,2]")));
    call.answer(Response::Rpc(Ok(Some(payload("3")))));
    assert_eq!(client.reply()["rpc"]["data"], 3);
}

#[test]
fn a_plain_client_calls_too_and_has_no_more_to_tell_than_it_said() {
    let (server, backend) = start(|_| {});
    let mut client = Client::plain(server.addresses[0]);
    client.send(br#"{"action":"call","method":"sum","data":[1],"id":"x"}"#);
    let call = backend.call();
    assert_eq!(call.who, (String::new(), "websocket", "plain"));
    assert_eq!((&call.meta, &call.headers), (&None, &None));
    call.answer(Response::Rpc(Err(error(403))));
    let answer = client.reply();
    assert_eq!((&answer["code"], &answer["id"]), (&json!(403), &json!("x")));
    client.send(br#"{"action":"call","method":"sum","data":[1],"id":"y"}"#);
    backend.call().answer(Response::Rpc(Err(disconnect(4321))));
    assert_eq!(client.close_code(), 4321);
}

#[test]
fn a_call_may_end_the_connection_at_once_and_wrong_codes_are_internal_errors() {
    let (server, backend) = start(|_| {});
    let mut client = Client::connected(server.addresses[1]);
    for denial in [error(103), error(0), disconnect(0), disconnect(3000)] {
        backend.answer_at_once(Response::Rpc(Err(denial)));
        let reply = client.ask("rpc", json!({ "method": "sum" }));
        assert_eq!(reply["error"]["code"], 100, "{reply}");
    }
    backend.answer_at_once(Response::Rpc(Err(disconnect(4999))));
    client.command("rpc", json!({ "method": "sum" }));
    assert_eq!(client.close_code(), 4999);
}

#[test]
fn an_answer_to_a_client_that_has_gone_is_dropped() {
    let (server, backend) = start(|_| {});
    let mut gone = Client::connected(server.addresses[0]);
    gone.command("rpc", json!({ "method": "sum" }));
    let call = backend.call();
    drop(gone);
    until(&server, 0);
    // It has the place of the one that has gone.
    let mut client = Client::connected(server.addresses[0]);
    call.answer(Response::Rpc(Err(disconnect(4000))));
    backend.answer_at_once(Response::Rpc(Ok(None)));
    let reply = client.ask("rpc", json!({ "method": "sum" }));
    assert_eq!(reply["rpc"], json!({}));
}

#[test]
fn calls_are_dropped_with_the_client_for_which_they_were_made_and_no_others() {
    let (server, backend) = start(|_| {});
    let mut gone = Client::connected(server.addresses[0]);
    let mut client = Client::connected(server.addresses[0]);
    let mut calls = Vec::new();
    for _ in 0..3 {
        gone.command("rpc", json!({ "method": "sum" }));
        calls.push(backend.call());
    }
    client.command("rpc", json!({ "method": "sum" }));
    let kept = backend.call();
    calls.pop().expect("three").answer(Response::Rpc(Ok(None)));
    gone.reply();
    drop(gone);
    for call in calls {
        call.dropped(&server);
    }
    kept.answer(Response::Rpc(Ok(Some(payload("1")))));
    assert_eq!(client.reply()["rpc"]["data"], 1);
    let mut plain = Client::plain(server.addresses[0]);
    plain.send(br#"{"action":"call","method":"sum","id":1}"#);
    let before = backend.call();
    plain.send(br#"{"action":"login","token":"anna","id":2}"#);
    before.dropped(&server);
}

#[test]
fn a_call_that_is_answered_as_another_question_fails_and_its_connection_lives() {
    let (server, backend) = start(|_| {});
    let mut client = Client::connected(server.addresses[0]);
    client.command("rpc", json!({ "method": "sum" }));
    // The authority of the test panics where an answer is not to its question.
    backend.call().answer(Response::Connect(Ok(None)));
    assert_eq!(client.reply()["error"]["code"], 100);
    backend.answer_at_once(Response::Rpc(Ok(None)));
    let reply = client.ask("rpc", json!({ "method": "sum" }));
    assert_eq!(reply["rpc"], json!({}));
}
