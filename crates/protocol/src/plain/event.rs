//! Events: the messages to a client of the plain dialect.

use std::borrow::Cow;

use super::action::RequestEcho;
use super::sentence::sentence;
use crate::channel::Channel;
use crate::disconnect::Disconnect;
use crate::error_code::CommandError;
use crate::filter::{DEFAULT_EVENT, EVENT_TAG};
use crate::history::Page;
use crate::identity::{ClientId, ClientInfo, UserId};
use crate::json::text::{
    push_comma, push_display, push_name, push_number, push_payload, push_string,
};
use crate::payload::Payload;
use crate::position::{Epoch, Offset, StreamPosition};
use crate::publication::{Publication, TYPE_TAG};
use crate::push::{Body, Push};
use crate::reply::{Expiry, PresenceStats};

/// The first frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// The connection.
    pub client: ClientId,
    /// The user, if there is one.
    pub user: UserId,
    /// Seconds of silence before the server pings; 0 for never.
    pub ping_secs: u32,
    /// Milliseconds to wait before connecting again: at least, and at most after many failures.
    pub retry_ms: (u32, u32),
}

/// Writes the first frame.
pub fn encode_welcome(welcome: &Welcome, out: &mut Vec<u8>) {
    system(out, "welcome", |out| {
        client_field(out, welcome.client);
        if !welcome.user.is_anonymous() {
            string(out, "user", welcome.user.as_str());
        }
        number(out, "ping", welcome.ping_secs);
        object(out, "retry", |out| {
            number(out, "min_ms", welcome.retry_ms.0);
            number(out, "max_ms", welcome.retry_ms.1);
        });
    });
}

/// Writes a publication as it is delivered live. Where its data is bytes, this is the announcement, and the next binary
/// frame must be the data.
///
/// `epoch` is the channel's; empty where it is not known, and then the publication gets no id.
pub fn encode_publication(
    channel: &Channel,
    publication: &Publication,
    epoch: &Epoch,
    out: &mut Vec<u8>,
) {
    out.push(b'{');
    string(
        out,
        "event",
        publication.tag(EVENT_TAG).unwrap_or(DEFAULT_EVENT),
    );
    string(out, "channel", channel.as_str());
    if publication.data.is_json() {
        payload(out, "data", &publication.data, None);
    } else {
        flag(out, "binary", true);
        if let Some(media_type) = publication.tag(TYPE_TAG) {
            string(out, "type", media_type);
        }
        push_name(out, "size");
        push_display(out, publication.data.len());
    }
    origin(out, publication, epoch);
    out.push(b'}');
}

/// Writes a push. Publications in it get no id, because their epoch is not known here; see [`encode_publication`].
pub fn encode_push(push: &Push, out: &mut Vec<u8>) {
    let channel = &push.channel;
    match &push.body {
        Body::Publication(publication) | Body::Whole(publication) => {
            encode_publication(channel, publication, &publication.epoch, out)
        }
        Body::Join(client) => told(out, "join", channel, |out| info(out, client)),
        Body::Leave(client) => told(out, "leave", channel, |out| info(out, client)),
        Body::Unsubscribe(unsubscribe) => told(out, "unsubscribed", channel, |out| {
            number(out, "code", unsubscribe.code);
            string(out, "reason", unsubscribe.reason);
        }),
        Body::Subscribe(subscribe) => told(out, "subscribed", channel, |out| {
            position(out, &subscribe.position.epoch, subscribe.position.offset);
        }),
        Body::Message(data) => system(out, DEFAULT_EVENT, |out| payload(out, "data", data, None)),
        Body::Connect(connect) => told(out, "login", channel, |out| {
            login(out, &connect.user, connect.expiry)
        }),
        Body::Disconnect(disconnect) => encode_disconnect(disconnect, out),
        Body::Refresh(expiry) => told(out, "login", channel, |out| {
            login(out, &UserId::default(), *expiry)
        }),
    }
}

/// Whether everything missed follows the answer to `subscribe`, and where the client stands then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Where the client stands; an empty epoch if the channel has no stream.
    pub position: StreamPosition,
    /// Whether everything missed follows.
    pub recovered: bool,
}

/// Writes the answer to `subscribe`, or the news of a subscription that the server made; `clients` where they were
/// asked for.
pub fn encode_subscribed(
    asked: &RequestEcho,
    start: &Recovered,
    clients: Option<&[ClientInfo]>,
    out: &mut Vec<u8>,
) {
    answer(out, "subscribed", asked, |out| {
        position(out, &start.position.epoch, start.position.offset);
        flag(out, "recovered", start.recovered);
        if let Some(clients) = clients {
            client_list(out, clients);
        }
    });
}

/// Writes the answer to `login`.
pub fn encode_login(asked: &RequestEcho, user: &UserId, expiry: Expiry, out: &mut Vec<u8>) {
    answer(out, "login", asked, |out| login(out, user, expiry));
}

/// Writes the answer to `publish`; the position is empty where the channel has no history.
pub fn encode_published(asked: &RequestEcho, place: Option<&StreamPosition>, out: &mut Vec<u8>) {
    answer(out, "published", asked, |out| {
        if let Some(place) = place.filter(|place| place.offset > 0) {
            position(out, &place.epoch, place.offset);
        }
    });
}

/// Writes the answer to `history`.
pub fn encode_history(asked: &RequestEcho, page: &Page, out: &mut Vec<u8>) {
    let channel = Channel::new(asked.channel());
    answer(out, "history", asked, |out| {
        push_name(out, "publications");
        out.push(b'[');
        for publication in &page.publications {
            push_comma(out);
            past(out, &channel, publication, &page.position.epoch);
        }
        out.push(b']');
        position(out, &page.position.epoch, page.position.offset);
    });
}

/// Writes the answer to `presence`.
pub fn encode_presence(asked: &RequestEcho, clients: &[ClientInfo], out: &mut Vec<u8>) {
    answer(out, "presence", asked, |out| client_list(out, clients));
}

/// Writes the answer to `presence` with `stats`.
pub fn encode_presence_stats(asked: &RequestEcho, stats: PresenceStats, out: &mut Vec<u8>) {
    answer(out, "presence", asked, |out| {
        number(out, "num_clients", stats.num_clients);
        number(out, "num_users", stats.num_users);
    });
}

/// Writes the answer to `call`: what the backend answered.
pub fn encode_call(asked: &RequestEcho, data: Option<&Payload>, out: &mut Vec<u8>) {
    system(out, "call", |out| {
        repeat(out, asked);
        match data.filter(|data| !data.is_empty()) {
            Some(data) => payload(out, "data", data, None),
            None => object(out, "data", |_| {}),
        }
    });
}

/// Writes an answer that has nothing to say but that it is done: `unsubscribed`, `pong`.
pub fn encode_done(event: &str, asked: &RequestEcho, out: &mut Vec<u8>) {
    answer(out, event, asked, |_| {});
}

/// Writes why an action was not carried out. Of what the client wrote it repeats [`MAX_REPEATED`] bytes.
pub fn encode_error(error: &CommandError, asked: &RequestEcho, out: &mut Vec<u8>) {
    out.push(b'{');
    string(out, "error", &shortened(&sentence(error)));
    number(out, "code", error.code.0);
    if let Some(action) = &asked.action {
        string(out, "action", &shortened(action));
    }
    if let Some(channel) = &asked.channel {
        string(out, "channel", &shortened(channel));
    }
    id(out, asked);
    flag(out, "system", true);
    out.push(b'}');
}

/// Bytes of a text in an error, of the name of its action and of its channel: a client may send a name as long as a
/// message, and need not get it back.
const MAX_REPEATED: usize = 1024;

/// The text, or its beginning and an ellipsis.
fn shortened(text: &str) -> Cow<'_, str> {
    let end = text.floor_char_boundary(MAX_REPEATED);
    match text.get(..end) {
        Some(beginning) if end < text.len() => Cow::Owned(format!("{beginning}…")),
        _ => Cow::Borrowed(text),
    }
}

/// Writes the last frame.
pub fn encode_disconnect(disconnect: &Disconnect, out: &mut Vec<u8>) {
    system(out, "disconnect", |out| {
        object(out, "data", |out| {
            number(out, "code", disconnect.code);
            string(out, "reason", &disconnect.reason);
            flag(out, "reconnect", disconnect.should_reconnect());
        });
    });
}

/// A publication in a list, where no binary frame can follow.
fn past(out: &mut Vec<u8>, channel: &Channel, publication: &Publication, epoch: &Epoch) {
    out.push(b'{');
    string(
        out,
        "event",
        publication.tag(EVENT_TAG).unwrap_or(DEFAULT_EVENT),
    );
    string(out, "channel", channel.as_str());
    payload(out, "data", &publication.data, publication.tag(TYPE_TAG));
    origin(out, publication, epoch);
    out.push(b'}');
}

/// Which, when and from whom.
fn origin(out: &mut Vec<u8>, publication: &Publication, epoch: &Epoch) {
    if publication.offset > 0 && !epoch.is_empty() {
        push_name(out, "id");
        push_position(out, epoch, publication.offset);
    }
    if publication.time_ms != 0 {
        push_name(out, "time");
        push_number(out, publication.time_ms);
    }
    if let Some(client) = &publication.info {
        object(out, "from", |out| info(out, client));
    }
}

fn system(out: &mut Vec<u8>, event: &str, fields: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'{');
    string(out, "event", event);
    fields(out);
    flag(out, "system", true);
    out.push(b'}');
}

fn answer(out: &mut Vec<u8>, event: &str, asked: &RequestEcho, data: impl FnOnce(&mut Vec<u8>)) {
    system(out, event, |out| {
        repeat(out, asked);
        object(out, "data", data);
    });
}

fn told(out: &mut Vec<u8>, event: &str, channel: &Channel, data: impl FnOnce(&mut Vec<u8>)) {
    system(out, event, |out| {
        if !channel.as_str().is_empty() {
            string(out, "channel", channel.as_str());
        }
        object(out, "data", data);
    });
}

fn repeat(out: &mut Vec<u8>, asked: &RequestEcho) {
    id(out, asked);
    if let Some(channel) = &asked.channel {
        string(out, "channel", channel);
    }
}

fn id(out: &mut Vec<u8>, asked: &RequestEcho) {
    if let Some(id) = &asked.id {
        push_name(out, "id");
        out.extend_from_slice(id.as_json().as_bytes());
    }
}

fn login(out: &mut Vec<u8>, user: &UserId, expiry: Expiry) {
    if !user.is_anonymous() {
        string(out, "user", user.as_str());
    }
    if let Expiry::In { ttl_secs } = expiry {
        number(out, "ttl", ttl_secs);
    }
}

fn client_list(out: &mut Vec<u8>, clients: &[ClientInfo]) {
    push_name(out, "clients");
    out.push(b'[');
    for client in clients {
        push_comma(out);
        out.push(b'{');
        info(out, client);
        out.push(b'}');
    }
    out.push(b']');
}

fn info(out: &mut Vec<u8>, client: &ClientInfo) {
    string(out, "user", client.user.as_str());
    client_field(out, client.client);
    for (name, data) in [
        ("conn_info", &client.conn_info),
        ("chan_info", &client.chan_info),
    ] {
        if let Some(data) = data.as_ref().filter(|data| !data.is_empty()) {
            payload(out, name, data, None);
        }
    }
}

fn client_field(out: &mut Vec<u8>, client: ClientId) {
    string(out, "client", client.encode(&mut [0; 36]));
}

fn position(out: &mut Vec<u8>, epoch: &Epoch, offset: Offset) {
    if !epoch.is_empty() {
        push_name(out, "position");
        push_position(out, epoch, offset);
    }
}

fn push_position(out: &mut Vec<u8>, epoch: &Epoch, offset: Offset) {
    push_string(out, epoch.as_str());
    let quote = out.pop();
    debug_assert_eq!(quote, Some(b'"'), "a string ends with its quote");
    push_display(out, format_args!(":{offset}\""));
}

fn object(out: &mut Vec<u8>, name: &str, fields: impl FnOnce(&mut Vec<u8>)) {
    push_name(out, name);
    out.push(b'{');
    fields(out);
    out.push(b'}');
}

fn string(out: &mut Vec<u8>, name: &str, value: &str) {
    push_name(out, name);
    push_string(out, value);
}

fn number(out: &mut Vec<u8>, name: &str, value: impl Into<u64>) {
    push_name(out, name);
    push_number(out, value.into());
}

fn flag(out: &mut Vec<u8>, name: &str, value: bool) {
    push_name(out, name);
    push_display(out, value);
}

fn payload(out: &mut Vec<u8>, name: &str, value: &Payload, media_type: Option<&str>) {
    push_name(out, name);
    push_payload(out, value, media_type);
}

#[cfg(test)]
mod tests;
