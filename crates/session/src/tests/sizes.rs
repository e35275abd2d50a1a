//! What a session costs while it is idle: to grow is a decision.

use std::mem::size_of;

use veche_protocol::channel::Channel;

use crate::session::Session;
use crate::subscription::{Live, Making, Subscription};

#[test]
fn a_session_costs_no_more_than_was_decided() {
    // Once a connection, with one subscription inside.
    assert!(size_of::<Session>() <= 224);
}

#[test]
fn a_subscription_costs_its_session_no_more_than_was_decided() {
    // A second one moves all of a session's into an array, which grows by doubling. The name is shared.
    assert!(size_of::<(Channel, Subscription)>() <= 48);
    // What of it is not the name.
    assert!(size_of::<Live>() <= 32);
    // Boxed, and gone when the subscription is made.
    assert!(size_of::<Making>() <= 304);
}
