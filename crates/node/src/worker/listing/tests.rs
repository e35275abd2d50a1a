//! What a slice costs at most, and that slices leave nothing out.

use std::sync::Arc;

use veche_protocol::batch::Encoding;
use veche_protocol::channel::Channel;
use veche_session::rules::Rules;
use veche_websocket::frame::{self, Opcode};

use super::*;
use crate::simulate::Simulation;

fn simulation() -> Simulation {
    let mut rules = Rules::default();
    rules.client.insecure = true;
    Simulation::new(rules).expect("an event queue")
}

fn say(simulation: &mut Simulation, slot: u32, command: &str) {
    let mut bytes = Vec::new();
    frame::write_masked(&mut bytes, Opcode::Text, false, command.as_bytes(), [0; 4]);
    simulation.receive(slot, &mut bytes);
}

/// A client that is subscribed to channels.
fn client(simulation: &mut Simulation, channels: &[&str]) -> u32 {
    let slot = simulation.open(Encoding::Json, None).expect("a slot");
    say(simulation, slot, r#"{"id":1,"connect":{"name":"js"}}"#);
    for (id, channel) in (2..).zip(channels) {
        let subscribe = format!(r#"{{"id":{id},"subscribe":{{"channel":"{channel}"}}}}"#);
        say(simulation, slot, &subscribe);
    }
    slot
}

fn in_channel(channel: &str) -> Criteria {
    Criteria {
        channel: Some(Channel::new(channel)),
        ..Criteria::default()
    }
}

#[test]
fn a_slice_ends_after_as_many_connections_as_were_decided_however_few_are_wanted() {
    let mut simulation = simulation();
    let slots = 3 * SLICE;
    for _ in 0..slots {
        client(&mut simulation, &[]);
    }
    let worker = &simulation.workers[0];
    let nobody = Criteria {
        before_ms: Some(1),
        ..Criteria::default()
    };
    let first = worker.lists().connections(&nobody, 0, 10);
    let end = u32::try_from(SLICE).expect("a small number");
    assert_eq!((first.rows.len(), first.next), (0, Some(end)));
    let everybody = worker
        .lists()
        .connections(&Criteria::default(), 0, usize::MAX);
    assert_eq!((everybody.rows.len(), everybody.next), (SLICE, Some(end)));
    let ten = worker.lists().connections(&Criteria::default(), 0, 10);
    assert_eq!((ten.rows.len(), ten.next), (10, Some(10)));
}

#[test]
fn channels_of_a_connection_count_too() {
    let mut simulation = simulation();
    let channels: Vec<String> = (0..100).map(|number| format!("c{number}")).collect();
    let channels: Vec<&str> = channels.iter().map(String::as_str).collect();
    for _ in 0..100 {
        client(&mut simulation, &channels);
    }
    let slice = simulation.workers[0]
        .lists()
        .connections(&Criteria::default(), 0, usize::MAX);
    let listed: usize = slice.rows.iter().map(|row| row.channels.len()).sum();
    assert!(listed <= BUDGET / CHANNEL, "{listed}");
    assert!(slice.next.is_some());
}

#[test]
fn a_channel_with_few_subscribers_is_found_without_looking_at_the_others() {
    let mut simulation = simulation();
    let mut expected = Vec::new();
    for number in 0..3 * SLICE {
        let is_inside = number % SLICE == 7;
        let channels = if is_inside { &["few"][..] } else { &[] };
        let slot = client(&mut simulation, channels);
        expected.extend(is_inside.then_some(slot));
    }
    let worker = &simulation.workers[0];
    let all = worker.lists().connections(&in_channel("few"), 0, 10);
    assert_eq!((all.rows.len(), all.next), (3, None));
    let first = worker.lists().connections(&in_channel("few"), 0, 1);
    assert_eq!(
        (first.rows.len(), first.next),
        (1, expected.get(1).copied())
    );
    let rest = worker
        .lists()
        .connections(&in_channel("few"), expected[1], 10);
    assert_eq!(rest.rows, all.rows[1..]);
    let none = worker.lists().connections(&in_channel("none"), 0, 10);
    assert_eq!((none.rows.len(), none.next), (0, None));
}

#[test]
fn a_channel_with_many_subscribers_is_gone_through_in_slices() {
    let mut simulation = simulation();
    for _ in 0..2 * SLICE {
        client(&mut simulation, &["many"]);
    }
    let mut listed = Vec::new();
    let mut from = Some(0);
    while let Some(slot) = from {
        let slice = simulation.workers[0]
            .lists()
            .connections(&in_channel("many"), slot, 700);
        assert!(slice.rows.len() <= SLICE);
        listed.extend(slice.rows.iter().map(|row| row.client));
        from = slice.next;
    }
    assert_eq!(listed.len(), 2 * SLICE);
    listed.sort_unstable();
    listed.dedup();
    assert_eq!(listed.len(), 2 * SLICE);
}

#[test]
fn names_come_in_order_and_in_slices() {
    let mut simulation = simulation();
    let mut names: Vec<String> = (0..2 * SLICE).map(|number| format!("n-{number}")).collect();
    for name in &names {
        client(&mut simulation, &[name]);
    }
    client(&mut simulation, &["a", "z"]);
    names.sort_unstable();
    let mut question = Names {
        after: None,
        prefix: "n-".into(),
    };
    let mut listed = Vec::new();
    loop {
        let stretch = simulation.workers[0]
            .lists()
            .channels(&question, usize::MAX);
        assert!(stretch.rows.len() <= SLICE);
        listed.extend(
            stretch
                .rows
                .into_iter()
                .map(|(name, count)| (name.to_string(), count)),
        );
        match stretch.upto {
            Some(upto) => question.after = Some(upto.to_string()),
            None => break,
        }
    }
    let expected: Vec<_> = names.into_iter().map(|name| (name, 1)).collect();
    assert!(listed == expected, "in order, and each once");
}

#[test]
fn a_name_before_the_prefix_begins_at_the_prefix() {
    let mut simulation = simulation();
    client(&mut simulation, &["a", "n1", "n2", "o"]);
    let list = |after: Option<&str>| {
        let names = Arc::new(Names {
            after: after.map(str::to_owned),
            prefix: "n".into(),
        });
        let stretch = simulation.workers[0].lists().channels(&names, 10);
        let rows = stretch.rows.into_iter();
        rows.map(|(name, _)| name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(list(Some("a")), ["n1", "n2"]);
    assert_eq!(list(Some("n1")), ["n2"]);
    assert_eq!(list(Some("z")), [""; 0]);
}

#[test]
fn what_has_left_is_not_listed_and_its_slot_costs_little() {
    let mut simulation = simulation();
    let slots: Vec<u32> = (0..3 * SLICE)
        .map(|_| client(&mut simulation, &["gone"]))
        .collect();
    let (last, others) = slots.split_last().expect("some");
    for slot in others {
        simulation.lose(*slot);
    }
    let slice = simulation.workers[0]
        .lists()
        .connections(&Criteria::default(), 0, 10);
    assert_eq!((slice.rows.len(), slice.next), (1, None));
    simulation.lose(*last);
    let names = Names::default();
    assert!(
        simulation.workers[0]
            .lists()
            .channels(&names, 10)
            .rows
            .is_empty()
    );
    assert!(
        simulation.workers[0]
            .lists()
            .users(&names, 10)
            .rows
            .is_empty()
    );
}
