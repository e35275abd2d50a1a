use super::*;
use crate::data::Data;

fn outbox(in_flight: usize) -> Outbox {
    let settings = Settings {
        in_flight,
        ..Settings::default()
    };
    Outbox::new(&settings, 1)
}

fn add(outbox: &mut Outbox, channel: &str) -> PublicationId {
    let id = outbox.next_id();
    let stored = Stored {
        id,
        key: outbox.key(id),
        channel: channel.into(),
        event: None,
        data: Data::null(),
        sent: None,
    };
    outbox.add(stored, Phase::Waiting, u64::MAX);
    id
}

/// Sends whatever may be sent.
fn send(outbox: &mut Outbox) -> Vec<PublicationId> {
    let mut sent = Vec::new();
    while let Some(id) = outbox.next_ready() {
        outbox.set_phase(id, Phase::InFlight);
        sent.push(id);
    }
    sent
}

#[test]
fn a_channel_has_one_on_its_way_and_others_do_not_wait_for_it() {
    let mut outbox = outbox(1);
    let ids = ["a", "a", "b"].map(|channel| add(&mut outbox, channel));
    assert_eq!(send(&mut outbox), [ids[0], ids[2]]);
    outbox.remove(ids[0]);
    assert_eq!(send(&mut outbox), [ids[1]]);
}

#[test]
fn what_is_taken_back_goes_out_again_in_its_order() {
    let mut outbox = outbox(3);
    let ids = ["a"; 4].map(|channel| add(&mut outbox, channel));
    assert_eq!(send(&mut outbox), ids[..3]);
    for id in outbox.in_phase(Phase::InFlight) {
        outbox.set_phase(id, Phase::Waiting);
    }
    assert_eq!(send(&mut outbox), ids[..3]);
}

#[test]
fn nothing_overtakes_one_that_is_being_stored() {
    let mut outbox = outbox(3);
    let ids = ["a"; 2].map(|channel| add(&mut outbox, channel));
    outbox.set_phase(ids[0], Phase::Storing);
    assert_eq!(send(&mut outbox), []);
    outbox.set_phase(ids[0], Phase::Waiting);
    assert_eq!(send(&mut outbox), ids);
}

#[test]
fn a_lane_that_rests_sends_nothing_until_it_is_woken() {
    let mut outbox = outbox(1);
    let ids = ["a", "b"].map(|channel| add(&mut outbox, channel));
    let (lane, _) = outbox.rest(ids[0]).expect("its lane");
    assert_eq!(send(&mut outbox), [ids[1]]);
    outbox.wake(lane);
    assert_eq!(send(&mut outbox), [ids[0]]);
}

#[test]
fn all_channels_together_have_a_bound_on_what_is_on_its_way() {
    let mut outbox = outbox(1);
    for n in 0..100 {
        add(&mut outbox, &n.to_string());
    }
    assert_eq!(send(&mut outbox).len(), MAX_IN_FLIGHT);
    outbox.remove(PublicationId(1));
    assert_eq!(send(&mut outbox), [PublicationId(65)]);
}

#[test]
fn an_empty_outbox_keeps_nothing() {
    let mut outbox = outbox(1);
    for n in 0..100 {
        add(&mut outbox, &n.to_string());
    }
    for id in outbox.ids() {
        outbox.remove(id);
    }
    assert_eq!((outbox.bytes, outbox.in_flight), (0, 0));
    assert!(outbox.lanes.is_empty() && outbox.by_channel.is_empty() && outbox.ready.is_empty());
}
