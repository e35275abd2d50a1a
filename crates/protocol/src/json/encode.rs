//! Replies and pushes in JSON.

use std::borrow::Cow;

use super::text::{push_comma, push_name, push_number, push_payload, push_string};
use crate::channel::Channel;
use crate::delta;
use crate::error_code::CommandError;
use crate::history::Page;
use crate::identity::ClientInfo;
use crate::payload::Payload;
use crate::publication::{Publication, TYPE_TAG};
use crate::push::{self, Push, Told, What};
use crate::reply::{self, Connect, Expiry, Reply, Subscribe};

/// Writes a reply.
pub fn encode_reply(reply: &Reply, out: &mut Vec<u8>) {
    out.push(b'{');
    number(out, "id", reply.id);
    match &reply.body {
        reply::Body::Error(error) => object(out, "error", |out| error_fields(out, error)),
        reply::Body::Connect(connect) => object(out, "connect", |out| connect_fields(out, connect)),
        reply::Body::Subscribe(subscribe) => {
            object(out, "subscribe", |out| subscribe_fields(out, subscribe));
        }
        reply::Body::Unsubscribe => object(out, "unsubscribe", |_| {}),
        reply::Body::Publish(_) => object(out, "publish", |_| {}),
        reply::Body::Presence(clients) => {
            object(out, "presence", |out| {
                object(out, "presence", |out| presence_fields(out, clients));
            });
        }
        reply::Body::PresenceStats(stats) => object(out, "presence_stats", |out| {
            always(out, "num_clients", stats.num_clients);
            always(out, "num_users", stats.num_users);
        }),
        reply::Body::History(page) => object(out, "history", |out| history_fields(out, page)),
        reply::Body::Rpc(data) => object(out, "rpc", |out| payload(out, "data", data.as_ref())),
        reply::Body::Refresh(expires) => object(out, "refresh", |out| expiry(out, *expires)),
        reply::Body::SubRefresh(expires) => object(out, "sub_refresh", |out| expiry(out, *expires)),
    }
    out.push(b'}');
}

/// Writes a push the way bidirectional clients take it, within a reply.
pub fn encode_push(push: &Push, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"push\":");
    encode_bare_push(push, out);
    out.push(b'}');
}

/// Writes a push the way unidirectional clients take it.
pub fn encode_bare_push(push: &Push, out: &mut Vec<u8>) {
    out.push(b'{');
    string(out, "channel", push.channel.as_str());
    match &push.body {
        push::Body::Publication(publication) => {
            push_name(out, "pub");
            encode_publication(publication, out);
        }
        push::Body::Whole(publication) => {
            push_name(out, "pub");
            encode_delta(publication, None, out);
        }
        push::Body::Join(client) => object(out, "join", |out| info(out, "info", client)),
        push::Body::Leave(client) => object(out, "leave", |out| info(out, "info", client)),
        push::Body::Unsubscribe(unsubscribe) => object(out, "unsubscribe", |out| {
            number(out, "code", unsubscribe.code);
            string(out, "reason", unsubscribe.reason);
        }),
        push::Body::Message(data) => object(out, "message", |out| payload(out, "data", Some(data))),
        push::Body::Subscribe(subscribe) => object(out, "subscribe", |out| {
            flag(out, "recoverable", subscribe.recoverable);
            string(out, "epoch", subscribe.position.epoch.as_str());
            number(out, "offset", subscribe.position.offset);
            flag(out, "positioned", subscribe.positioned);
            payload(out, "data", subscribe.data.as_ref());
        }),
        push::Body::Connect(connect) => {
            object(out, "connect", |out| connect_push_fields(out, connect))
        }
        push::Body::Disconnect(disconnect) => object(out, "disconnect", |out| {
            number(out, "code", disconnect.code);
            string(out, "reason", &disconnect.reason);
        }),
        push::Body::Refresh(expires) => object(out, "refresh", |out| expiry(out, *expires)),
    }
    out.push(b'}');
}

/// Writes the push of a publication the way bidirectional clients take it: the same bytes as [`encode_push`].
pub fn encode_publication_push(channel: &Channel, publication: &Publication, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"push\":");
    encode_bare_publication_push(channel, publication, out);
    out.push(b'}');
}

/// Writes the push of a publication the way unidirectional clients take it: the same bytes as [`encode_bare_push`].
pub fn encode_bare_publication_push(
    channel: &Channel,
    publication: &Publication,
    out: &mut Vec<u8>,
) {
    out.push(b'{');
    string(out, "channel", channel.as_str());
    push_name(out, "pub");
    encode_publication(publication, out);
    out.push(b'}');
}

/// Writes what subscribers are told, the way bidirectional clients take it. By name and without deltas these are the
/// same bytes as those of [`encode_push`].
pub fn encode_told(told: Told<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"push\":{");
    number(out, "id", told.id);
    if told.id == 0 {
        string(out, "channel", told.channel.as_str());
    }
    match told.what {
        What::Publication(publication) => {
            push_name(out, "pub");
            encode_publication(publication, out);
        }
        What::Delta { publication, base } => {
            push_name(out, "pub");
            encode_delta(publication, base, out);
        }
        What::Join(client) => object(out, "join", |out| info(out, "info", client)),
        What::Leave(client) => object(out, "leave", |out| info(out, "info", client)),
    }
    out.extend_from_slice(b"}}");
}

/// Writes a publication for a client that takes deltas: its data are a string, whole or a delta.
///
/// Such clients receive no time, epoch and version.
fn encode_delta(publication: &Publication, base: Option<&Publication>, out: &mut Vec<u8>) {
    let base = base.map(text);
    encode_delta_text(publication, &text(publication), base.as_deref(), out);
}

fn encode_delta_text(publication: &Publication, text: &str, base: Option<&str>, out: &mut Vec<u8>) {
    let patch = base
        .and_then(|base| delta::patch(base.as_bytes(), text.as_bytes()))
        .and_then(|patch| String::from_utf8(patch).ok());
    out.push(b'{');
    push_name(out, "data");
    push_string(out, patch.as_deref().unwrap_or(text));
    attached(out, publication);
    flag(out, "delta", patch.is_some());
    placed(out, publication);
    out.push(b'}');
}

/// The data as a JSON client that takes no deltas would read it.
fn text(publication: &Publication) -> Cow<'_, str> {
    if publication.data.is_json() {
        return String::from_utf8_lossy(publication.data.bytes());
    }
    let mut envelope = Vec::new();
    push_payload(&mut envelope, &publication.data, publication.tag(TYPE_TAG));
    Cow::Owned(String::from_utf8_lossy(&envelope).into_owned())
}

/// Writes a publication.
pub fn encode_publication(publication: &Publication, out: &mut Vec<u8>) {
    out.push(b'{');
    if !publication.data.is_empty() {
        push_name(out, "data");
        push_payload(out, &publication.data, publication.tag(TYPE_TAG));
    }
    attached(out, publication);
    flag(out, "delta", publication.delta);
    number(out, "time", publication.wire_time());
    placed(out, publication);
    string(out, "epoch", publication.epoch.as_str());
    payload(out, "prev_data", publication.prev_data.as_ref());
    number(out, "version", publication.version);
    out.push(b'}');
}

/// Encodes the fields between data and time.
fn attached(out: &mut Vec<u8>, publication: &Publication) {
    if let Some(client) = &publication.info {
        info(out, "info", client);
    }
    number(out, "offset", publication.offset);
    if let Some(tags) = publication.tags.as_deref().filter(|tags| !tags.is_empty()) {
        object(out, "tags", |out| {
            for (name, value) in tags {
                push_comma(out);
                push_string(out, name);
                out.push(b':');
                push_string(out, value);
            }
        });
    }
}

/// Encodes the fields between time and epoch.
fn placed(out: &mut Vec<u8>, publication: &Publication) {
    string(
        out,
        "channel",
        publication.channel.as_ref().map_or("", Channel::as_str),
    );
    string(out, "key", publication.key.as_deref().unwrap_or(""));
    flag(out, "removed", publication.removed);
    number(out, "score", publication.score);
}

fn error_fields(out: &mut Vec<u8>, error: &CommandError) {
    number(out, "code", error.code.0);
    string(out, "message", &error.message);
    flag(out, "temporary", error.temporary);
}

fn connect_fields(out: &mut Vec<u8>, connect: &Connect) {
    push_name(out, "client");
    push_string(out, connect.client.encode(&mut [0; 36]));
    string(out, "version", &connect.version);
    expiry(out, connect.expiry);
    payload(out, "data", connect.data.as_ref());
    subs(out, connect);
    connect_tail(out, connect);
}

/// The same fields in another order.
fn connect_push_fields(out: &mut Vec<u8>, connect: &Connect) {
    push_name(out, "client");
    push_string(out, connect.client.encode(&mut [0; 36]));
    string(out, "version", &connect.version);
    payload(out, "data", connect.data.as_ref());
    subs(out, connect);
    expiry(out, connect.expiry);
    connect_tail(out, connect);
}

fn subs(out: &mut Vec<u8>, connect: &Connect) {
    if connect.subs.is_empty() {
        return;
    }
    object(out, "subs", |out| {
        for (channel, subscribe) in &connect.subs {
            push_comma(out);
            push_string(out, channel.as_str());
            out.extend_from_slice(b":{");
            subscribe_fields(out, subscribe);
            out.push(b'}');
        }
    });
}

fn connect_tail(out: &mut Vec<u8>, connect: &Connect) {
    number(out, "ping", connect.ping_secs);
    flag(out, "pong", connect.pong);
    string(out, "session", &connect.session);
    string(out, "node", &connect.node);
    number(out, "time", connect.time_ms);
}

fn subscribe_fields(out: &mut Vec<u8>, subscribe: &Subscribe) {
    expiry(out, subscribe.expiry);
    flag(out, "recoverable", subscribe.recoverable);
    string(out, "epoch", subscribe.epoch.as_str());
    if !subscribe.publications.is_empty() && subscribe.delta {
        deltas(out, &subscribe.publications);
    } else if !subscribe.publications.is_empty() {
        publications(out, &subscribe.publications);
    }
    flag(out, "recovered", subscribe.recovered);
    number(out, "offset", subscribe.offset);
    flag(out, "positioned", subscribe.positioned);
    payload(out, "data", subscribe.data.as_ref());
    flag(out, "was_recovering", subscribe.was_recovering);
    flag(out, "delta", subscribe.delta);
    number(out, "id", subscribe.id);
}

fn history_fields(out: &mut Vec<u8>, page: &Page) {
    publications(out, &page.publications);
    push_name(out, "epoch");
    push_string(out, page.position.epoch.as_str());
    always(out, "offset", page.position.offset);
}

fn publications(out: &mut Vec<u8>, publications: &[std::sync::Arc<Publication>]) {
    push_name(out, "publications");
    out.push(b'[');
    for publication in publications {
        push_comma(out);
        encode_publication(publication, out);
    }
    out.push(b']');
}

/// Each is cut against the one before it.
fn deltas(out: &mut Vec<u8>, publications: &[std::sync::Arc<Publication>]) {
    push_name(out, "publications");
    out.push(b'[');
    let mut before: Option<Cow<'_, str>> = None;
    for publication in publications {
        push_comma(out);
        let text = text(publication);
        encode_delta_text(publication, &text, before.as_deref(), out);
        before = Some(text);
    }
    out.push(b']');
}

fn presence_fields(out: &mut Vec<u8>, clients: &[ClientInfo]) {
    for client in clients {
        info(out, client.client.encode(&mut [0; 36]), client);
    }
}

fn info(out: &mut Vec<u8>, name: &str, client: &ClientInfo) {
    object(out, name, |out| {
        push_name(out, "user");
        push_string(out, client.user.as_str());
        push_name(out, "client");
        push_string(out, client.client.encode(&mut [0; 36]));
        payload(out, "conn_info", client.conn_info.as_ref());
        payload(out, "chan_info", client.chan_info.as_ref());
    });
}

fn expiry(out: &mut Vec<u8>, expires: Expiry) {
    if let Expiry::In { ttl_secs } = expires {
        flag(out, "expires", true);
        number(out, "ttl", ttl_secs);
    }
}

// What is zero or empty is left out, but for objects.

fn object(out: &mut Vec<u8>, name: &str, fields: impl FnOnce(&mut Vec<u8>)) {
    push_name(out, name);
    out.push(b'{');
    fields(out);
    out.push(b'}');
}

fn string(out: &mut Vec<u8>, name: &str, value: &str) {
    if !value.is_empty() {
        push_name(out, name);
        push_string(out, value);
    }
}

fn number(out: &mut Vec<u8>, name: &str, value: impl Into<i128>) {
    let value = value.into();
    if value != 0 {
        always(out, name, value);
    }
}

fn always(out: &mut Vec<u8>, name: &str, value: impl Into<i128>) {
    push_name(out, name);
    push_number(out, value);
}

fn flag(out: &mut Vec<u8>, name: &str, value: bool) {
    if value {
        push_name(out, name);
        out.extend_from_slice(b"true");
    }
}

fn payload(out: &mut Vec<u8>, name: &str, value: Option<&Payload>) {
    if let Some(value) = value.filter(|value| !value.is_empty()) {
        push_name(out, name);
        push_payload(out, value, None);
    }
}

#[cfg(test)]
mod tests;
