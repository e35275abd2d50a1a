//! A worker's part of a list: a slice, which costs no more than was decided however much there is.

use std::ops::Bound;

use veche_protocol::channel::Channel;
use veche_protocol::identity::UserId;
use veche_session::session::Session;

use super::clients::Clients;
use super::connections::Connections;
use crate::connection::{Open, Stage};
use crate::hub::{ChannelKey, Hub};
use crate::listing::{Criteria, Names, Row, Slice, Stretch};

#[cfg(test)]
mod tests;

/// Rows of a slice: connections, users or channels that are looked at in one turn for one list. About a tenth of a
/// millisecond.
pub(crate) const SLICE: usize = 1024;
/// What looking at an empty slot, at a connection, and at a channel of a connection costs, in shares of [`BUDGET`].
const EMPTY: usize = 1;
const CONNECTION: usize = 16;
const CHANNEL: usize = 4;
const BUDGET: usize = SLICE * CONNECTION;

/// What can be listed of a worker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lists<'a> {
    pub(super) connections: &'a Connections,
    pub(super) clients: &'a Clients,
    pub(super) hub: &'a Hub,
}

impl Lists<'_> {
    /// Connections that are wanted, from a slot on; at most `limit`.
    ///
    /// The slots are gone through in their order. Where few come into question, as a user's or a channel's, only those.
    pub(super) fn connections(self, wanted: &Criteria, from: u32, limit: usize) -> Slice {
        let channel = match &wanted.channel {
            Some(channel) => match self.hub.key(channel) {
                Some(key) => Some(key),
                None => return Slice::default(),
            },
            None => None,
        };
        let mut walk = Walk {
            connections: self.connections,
            wanted,
            channel,
            limit,
            left: BUDGET,
            slice: Slice::default(),
        };
        match self.few(wanted, channel) {
            Some(slots) => walk.take(slots.into_iter().filter(|slot| *slot >= from)),
            None => {
                walk.take(self.connections.slots_from(from));
            }
        }
        walk.slice
    }

    /// The slots that come into question, in their order, if they are few.
    fn few(self, wanted: &Criteria, channel: Option<ChannelKey>) -> Option<Vec<u32>> {
        let of_user = wanted.user.as_ref();
        let of_user = of_user.map(|user| self.clients.slots_of(user));
        let of_channel = channel.map(|channel| self.hub.subscribers(channel));
        let users = of_user.map_or(usize::MAX, <[u32]>::len);
        let channels = of_channel.as_ref().map_or(usize::MAX, |(count, _)| *count);
        if users.min(channels) > SLICE {
            return None;
        }
        let mut slots: Vec<u32> = match (of_user, of_channel) {
            (_, Some((_, subscribers))) if channels < users => subscribers.collect(),
            (Some(slots), _) => slots.to_vec(),
            _ => return None,
        };
        slots.sort_unstable();
        Some(slots)
    }

    /// Connected users behind a name.
    pub(super) fn users(self, names: &Names, limit: usize) -> Stretch<UserId> {
        stretch(self.clients.users_in(beginning(names)), names, limit)
    }

    /// Channels behind a name that somebody is subscribed to.
    pub(super) fn channels(self, names: &Names, limit: usize) -> Stretch<Channel> {
        stretch(self.hub.channels_in(beginning(names)), names, limit)
    }
}

/// Going through slots until the page is full or the slice is.
struct Walk<'a> {
    connections: &'a Connections,
    wanted: &'a Criteria,
    channel: Option<ChannelKey>,
    limit: usize,
    left: usize,
    slice: Slice,
}

impl Walk<'_> {
    fn take(&mut self, slots: impl Iterator<Item = u32>) {
        for slot in slots {
            if self.slice.rows.len() >= self.limit || self.left == 0 {
                self.slice.next = Some(slot);
                return;
            }
            let cost = match self.row(slot) {
                Looked::Empty => EMPTY,
                Looked::Other => CONNECTION,
                Looked::Listed(row) => {
                    let cost = CONNECTION + CHANNEL * row.channels.len();
                    self.slice.rows.push(row);
                    cost
                }
            };
            self.left = self.left.saturating_sub(cost);
        }
    }

    /// The connection in a slot. One that is only being made, or that ends, is none.
    fn row(&self, slot: u32) -> Looked {
        let Some(connection) = self.connections.get(slot) else {
            return Looked::Empty;
        };
        let wanted = self.wanted;
        let is_subscribed = self.channel.is_none_or(|channel| {
            let mut attachments = connection.attachments.iter();
            attachments.any(|attachment| attachment.is_to(channel))
        });
        let Stage::Open(open) = &connection.stage else {
            return Looked::Other;
        };
        let Some(session) = open.talk.session() else {
            return Looked::Other;
        };
        let is_wanted = is_subscribed
            && connection.index_of_user.is_some()
            && wanted
                .user
                .as_ref()
                .is_none_or(|user| user == session.user())
            && wanted
                .transport
                .as_deref()
                .is_none_or(|it| it == session.profile().transport.name())
            && wanted
                .protocol
                .as_deref()
                .is_none_or(|it| it == open.protocol())
            && wanted
                .after_ms
                .is_none_or(|after| open.connected_ms >= after)
            && wanted
                .before_ms
                .is_none_or(|before| open.connected_ms < before);
        if is_wanted {
            Looked::Listed(row(open, session))
        } else {
            Looked::Other
        }
    }
}

/// What is found in a slot.
enum Looked {
    Empty,
    Other,
    Listed(Row),
}

fn row(open: &Open, session: &Session) -> Row {
    Row {
        client: session.client(),
        user: session.user().clone(),
        app: open.app.clone(),
        transport: session.profile().transport.name(),
        protocol: open.protocol(),
        connected_ms: open.connected_ms,
        latency: session.latency(),
        channels: session
            .sources()
            .map(|(channel, source)| (channel.clone(), source))
            .collect(),
    }
}

/// Where names that are wanted begin.
fn beginning(names: &Names) -> (Bound<&str>, Bound<&str>) {
    let prefix = names.prefix.as_str();
    let begin = match names.after.as_deref() {
        Some(after) if after >= prefix => Bound::Excluded(after),
        _ => Bound::Included(prefix),
    };
    (begin, Bound::Unbounded)
}

/// Takes names while they are wanted, until there are enough or the slice is full. What counts nothing is passed over.
fn stretch<'a, T: Clone + AsRef<str> + 'a>(
    all: impl Iterator<Item = (&'a T, usize)>,
    names: &Names,
    limit: usize,
) -> Stretch<T> {
    let mut rows = Vec::new();
    let wanted = all.take_while(|(name, _)| name.as_ref().starts_with(&names.prefix));
    for (looked, (name, count)) in (1..).zip(wanted) {
        if count > 0 {
            rows.push((name.clone(), count));
        }
        if looked >= SLICE || rows.len() >= limit {
            let upto = Some(name.clone());
            return Stretch { rows, upto };
        }
    }
    Stretch { rows, upto: None }
}
