//! Replies and pushes in Protobuf, without the length before them.

use super::writer::{bytes, flag, message, number, signed, string, zigzag};
use crate::channel::Channel;
use crate::delta;
use crate::error_code::CommandError;
use crate::history::Page;
use crate::identity::ClientInfo;
use crate::payload::Payload;
use crate::publication::Publication;
use crate::push::{self, Push, Told, What};
use crate::reply::{self, Connect, Expiry, Reply, Subscribe};

/// Writes a reply.
pub fn encode_reply(reply: &Reply, out: &mut Vec<u8>) {
    number(out, 1, reply.id.into());
    match &reply.body {
        reply::Body::Error(error) => message(out, 2, |out| error_fields(out, error)),
        reply::Body::Connect(connect) => message(out, 5, |out| connect_fields(out, connect)),
        reply::Body::Subscribe(subscribe) => {
            message(out, 6, |out| subscribe_fields(out, subscribe))
        }
        reply::Body::Unsubscribe => message(out, 7, |_| {}),
        reply::Body::Publish(_) => message(out, 8, |_| {}),
        reply::Body::Presence(clients) => message(out, 9, |out| presence_fields(out, clients)),
        reply::Body::PresenceStats(stats) => message(out, 10, |out| {
            number(out, 1, stats.num_clients.into());
            number(out, 2, stats.num_users.into());
        }),
        reply::Body::History(page) => message(out, 11, |out| history_fields(out, page)),
        reply::Body::Rpc(data) => message(out, 13, |out| payload(out, 1, data.as_ref())),
        reply::Body::Refresh(expires) => message(out, 14, |out| expiry(out, 3, *expires)),
        reply::Body::SubRefresh(expires) => message(out, 15, |out| expiry(out, 1, *expires)),
    }
}

/// Writes a push the way bidirectional clients take it, within a reply.
pub fn encode_push(push: &Push, out: &mut Vec<u8>) {
    message(out, 4, |out| encode_bare_push(push, out));
}

/// Writes a push the way unidirectional clients take it.
pub fn encode_bare_push(push: &Push, out: &mut Vec<u8>) {
    string(out, 2, push.channel.as_str());
    match &push.body {
        push::Body::Publication(publication) | push::Body::Whole(publication) => {
            message(out, 4, |out| publication_fields(out, publication));
        }
        push::Body::Join(client) => message(out, 5, |out| info(out, 1, client)),
        push::Body::Leave(client) => message(out, 6, |out| info(out, 1, client)),
        push::Body::Unsubscribe(unsubscribe) => message(out, 7, |out| {
            number(out, 2, unsubscribe.code.into());
            string(out, 3, unsubscribe.reason);
        }),
        push::Body::Message(data) => message(out, 8, |out| payload(out, 1, Some(data))),
        push::Body::Subscribe(subscribe) => message(out, 9, |out| {
            flag(out, 1, subscribe.recoverable);
            string(out, 4, subscribe.position.epoch.as_str());
            number(out, 5, subscribe.position.offset);
            flag(out, 6, subscribe.positioned);
            payload(out, 7, subscribe.data.as_ref());
        }),
        push::Body::Connect(connect) => message(out, 10, |out| connect_push_fields(out, connect)),
        push::Body::Disconnect(disconnect) => message(out, 11, |out| {
            number(out, 1, disconnect.code.into());
            string(out, 2, &disconnect.reason);
        }),
        push::Body::Refresh(expires) => message(out, 12, |out| expiry(out, 1, *expires)),
    }
}

/// Writes the push of a publication the way bidirectional clients take it: the same bytes as [`encode_push`].
pub fn encode_publication_push(channel: &Channel, publication: &Publication, out: &mut Vec<u8>) {
    message(out, 4, |out| {
        encode_bare_publication_push(channel, publication, out)
    });
}

/// Writes the push of a publication the way unidirectional clients take it: the same bytes as [`encode_bare_push`].
pub fn encode_bare_publication_push(
    channel: &Channel,
    publication: &Publication,
    out: &mut Vec<u8>,
) {
    string(out, 2, channel.as_str());
    message(out, 4, |out| publication_fields(out, publication));
}

/// Writes what subscribers are told, the way bidirectional clients take it. By name and without deltas these are the
/// same bytes as those of [`encode_push`].
pub fn encode_told(told: Told<'_>, out: &mut Vec<u8>) {
    message(out, 4, |out| {
        signed(out, 1, told.id);
        if told.id == 0 {
            string(out, 2, told.channel.as_str());
        }
        match told.what {
            What::Publication(publication) => {
                message(out, 4, |out| publication_fields(out, publication));
            }
            What::Delta { publication, base } => {
                message(out, 4, |out| delta_fields(out, publication, base));
            }
            What::Join(client) => message(out, 5, |out| info(out, 1, client)),
            What::Leave(client) => message(out, 6, |out| info(out, 1, client)),
        }
    });
}

/// A publication for a client that takes deltas. Where it has the base, time, epoch and version are not told.
fn delta_fields(out: &mut Vec<u8>, publication: &Publication, base: Option<&Publication>) {
    let Some(base) = base else {
        return publication_fields(out, publication);
    };
    let whole = publication.data.bytes();
    let patch = delta::patch(base.data.bytes(), whole);
    bytes(out, 4, patch.as_deref().unwrap_or(whole));
    attached(out, publication);
    flag(out, 8, patch.is_some());
    placed(out, publication);
}

fn publication_fields(out: &mut Vec<u8>, publication: &Publication) {
    bytes(out, 4, publication.data.bytes());
    attached(out, publication);
    flag(out, 8, publication.delta);
    signed(out, 9, publication.wire_time());
    placed(out, publication);
    string(out, 14, publication.epoch.as_str());
    payload(out, 15, publication.prev_data.as_ref());
    number(out, 16, publication.version);
}

/// What stands between data and delta.
fn attached(out: &mut Vec<u8>, publication: &Publication) {
    if let Some(client) = &publication.info {
        info(out, 5, client);
    }
    number(out, 6, publication.offset);
    for (name, value) in publication.tags.iter().flat_map(|tags| tags.iter()) {
        // Entries of maps have both fields, even if they are empty.
        message(out, 7, |out| {
            entry_string(out, 1, name);
            entry_string(out, 2, value);
        });
    }
}

/// Encodes the fields between time and epoch.
fn placed(out: &mut Vec<u8>, publication: &Publication) {
    string(
        out,
        10,
        publication.channel.as_ref().map_or("", Channel::as_str),
    );
    string(out, 11, publication.key.as_deref().unwrap_or(""));
    flag(out, 12, publication.removed);
    zigzag(out, 13, publication.score);
}

fn error_fields(out: &mut Vec<u8>, error: &CommandError) {
    number(out, 1, error.code.0.into());
    string(out, 2, &error.message);
    flag(out, 3, error.temporary);
}

fn connect_fields(out: &mut Vec<u8>, connect: &Connect) {
    string(out, 1, connect.client.encode(&mut [0; 36]));
    string(out, 2, &connect.version);
    expiry(out, 3, connect.expiry);
    payload(out, 5, connect.data.as_ref());
    subs(out, 6, connect);
    connect_tail(out, connect);
}

/// The same fields with other numbers.
fn connect_push_fields(out: &mut Vec<u8>, connect: &Connect) {
    string(out, 1, connect.client.encode(&mut [0; 36]));
    string(out, 2, &connect.version);
    payload(out, 3, connect.data.as_ref());
    subs(out, 4, connect);
    expiry(out, 5, connect.expiry);
    connect_tail(out, connect);
}

fn subs(out: &mut Vec<u8>, field: u32, connect: &Connect) {
    for (channel, subscribe) in &connect.subs {
        message(out, field, |out| {
            entry_string(out, 1, channel.as_str());
            message(out, 2, |out| subscribe_fields(out, subscribe));
        });
    }
}

fn connect_tail(out: &mut Vec<u8>, connect: &Connect) {
    number(out, 7, connect.ping_secs.into());
    flag(out, 8, connect.pong);
    string(out, 9, &connect.session);
    string(out, 10, &connect.node);
    signed(out, 11, connect.time_ms);
}

fn subscribe_fields(out: &mut Vec<u8>, subscribe: &Subscribe) {
    expiry(out, 1, subscribe.expiry);
    flag(out, 3, subscribe.recoverable);
    string(out, 6, subscribe.epoch.as_str());
    let mut before = None;
    for publication in &subscribe.publications {
        message(out, 7, |out| delta_fields(out, publication, before));
        before = Some(publication.as_ref()).filter(|_| subscribe.delta);
    }
    flag(out, 8, subscribe.recovered);
    number(out, 9, subscribe.offset);
    flag(out, 10, subscribe.positioned);
    payload(out, 11, subscribe.data.as_ref());
    flag(out, 12, subscribe.was_recovering);
    flag(out, 13, subscribe.delta);
    signed(out, 14, subscribe.id);
}

fn history_fields(out: &mut Vec<u8>, page: &Page) {
    for publication in &page.publications {
        message(out, 1, |out| publication_fields(out, publication));
    }
    string(out, 2, page.position.epoch.as_str());
    number(out, 3, page.position.offset);
}

fn presence_fields(out: &mut Vec<u8>, clients: &[ClientInfo]) {
    for client in clients {
        message(out, 1, |out| {
            entry_string(out, 1, client.client.encode(&mut [0; 36]));
            info(out, 2, client);
        });
    }
}

fn info(out: &mut Vec<u8>, field: u32, client: &ClientInfo) {
    message(out, field, |out| {
        string(out, 1, client.user.as_str());
        string(out, 2, client.client.encode(&mut [0; 36]));
        payload(out, 3, client.conn_info.as_ref());
        payload(out, 4, client.chan_info.as_ref());
    });
}

fn expiry(out: &mut Vec<u8>, first_field: u32, expires: Expiry) {
    if let Expiry::In { ttl_secs } = expires {
        flag(out, first_field, true);
        number(out, first_field + 1, ttl_secs.into());
    }
}

fn payload(out: &mut Vec<u8>, field: u32, value: Option<&Payload>) {
    if let Some(value) = value {
        bytes(out, field, value.bytes());
    }
}

/// A string of a map's entry, written even if it is empty.
fn entry_string(out: &mut Vec<u8>, field: u32, value: &str) {
    message(out, field, |out| out.extend_from_slice(value.as_bytes()));
}
