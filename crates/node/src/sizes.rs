//! What a connection costs while it is idle, as a table: to grow is a decision.
//!
//! Where a row says "boxed", the allocator rounds up: to 256, 320, 384 and 448 bytes in that region.

use std::mem::size_of;

use smallvec::SmallVec;
use veche_protocol::channel::Channel;
use veche_protocol::identity::UserId;

use crate::connection::{Closing, Connection, Open};
use crate::hub::{Attachment, Entry};
use crate::outbox::Row;
use crate::{fanout, inbox, interest};

#[test]
fn an_idle_connection_costs_no_more_than_was_decided() {
    // In the worker's slab, with one attachment inside.
    assert!(size_of::<Connection>() <= 80);
    // Boxed, once a connection; the session is inside, with one subscription inside. 16 of them, for lists, are when
    // the client connected and what program it is; the allocator gives 320 with or without them.
    assert!(size_of::<Open>() <= 296);
    // In the worker's rows of outboxes; what waits for a client comes on top.
    assert!(size_of::<Row>() <= 56);
    // In the wheel, once a connection.
    assert!(size_of::<u32>() <= 4);
    // In the worker's table of users, once a user; a third connection moves the slots into a box.
    assert!(size_of::<(UserId, SmallVec<[u32; 2]>)>() <= 40);
}

#[test]
fn a_subscription_costs_the_hub_no_more_than_was_decided() {
    // A second one moves all of a connection's into a box.
    assert!(size_of::<Attachment>() <= 16);
    // In its group's dense array.
    assert!(size_of::<u32>() <= 4);
}

#[test]
fn a_channel_costs_a_worker_no_more_than_was_decided() {
    // In the hub's slab, with one group inside; 8 of them for what a delta is cut against.
    assert!(size_of::<Entry>() <= 136);
    // In the hub's table of names.
    assert!(size_of::<(Channel, u32)>() <= 24);
    // In the interest's table, once for the node; 8 of them for the number that stands for its name.
    assert!(size_of::<(Channel, interest::Entry)>() <= 64);
}

#[test]
fn what_is_under_way_costs_no_more_than_was_decided() {
    // In an inbox, while a worker is busy: once for each delivery, order, answer and fresh socket.
    assert!(size_of::<inbox::Item>() <= 216);
    // Boxed, once a publication and node; the encoded frames come on top.
    assert!(size_of::<fanout::Event>() <= 336);
    // Boxed, in place of the conversation, while the client's close frame is awaited.
    assert!(size_of::<Closing>() <= 40);
}
