//! Clients of the plain dialect that log in on a connection that is in use.

use serde_json::{Value, json};

use crate::client::Client;
use crate::server::Server;

/// Calls that wait at once: of each session some have the same numbers.
const CALLS: usize = 8;

fn call(client: &mut Client, id: usize, data: &str) {
    let action = json!({ "action": "call", "method": "wait", "data": data, "id": id });
    client.send(action.to_string().as_bytes());
}

#[test]
fn answers_to_what_was_asked_before_a_login_are_not_taken_for_answers_to_what_is_asked_after_it() {
    let server = Server::start();
    let mut rules = server.node.rules().as_ref().clone();
    rules.client.concurrency = 2 * CALLS;
    server.node.set_rules(rules);
    let mut client = Client::plain(server.addresses[0]);
    for id in 0..CALLS {
        call(&mut client, id, "before");
    }
    client.send(br#"{"action":"login","token":"anna","id":"login"}"#);
    for id in CALLS..2 * CALLS {
        call(&mut client, id, "after");
    }
    let mut answers: Vec<Value> = Vec::new();
    while answers.last().is_none_or(|it| it["id"] != "login") {
        answers.push(client.reply());
    }
    let refused = answers.iter().filter(|it| it["code"] == 100).count();
    assert_eq!(refused, CALLS, "{answers:?}");
    server.gate.add_permits(1);
    for _ in 0..CALLS {
        let answer = client.reply();
        assert!(answer["id"].as_u64() >= Some(CALLS as u64), "{answer}");
        assert_eq!(answer["data"], "after", "{answer}");
    }
}
