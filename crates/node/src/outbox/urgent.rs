//! Control frames: they go between messages, ahead of what is queued (RFC 6455, section 5.4).

use bytes::Bytes;

use super::Outboxes;
use super::chunk::Chunk;
use super::frames::is_head;

/// What must not wait behind messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Urgent {
    /// A ping of ours, in whatever form.
    Ping,
    /// The answer to a ping of the client's.
    Pong,
}

/// Urgent frames that wait for one client: one ping, and pongs of at most [`MAX_PONGS`] bytes together. Of several pings
/// only the latest needs an answer (RFC 6455, section 5.5.3); as many as fit are answered, for clients that count.
#[derive(Debug, Default)]
pub(super) struct Urgents {
    ping: Vec<u8>,
    pongs: Vec<u8>,
}

/// Bytes of pongs that wait for a client: at least seven of the longest.
pub(super) const MAX_PONGS: usize = 1024;

impl Urgents {
    pub(super) fn is_empty(&self) -> bool {
        self.ping.is_empty() && self.pongs.is_empty()
    }
}

impl Outboxes {
    /// Queues one frame for a client ahead of all that is queued for it. A ping takes the place of the one that still
    /// waits, and so does a pong of all that wait, where there is no room for another.
    pub(crate) fn append_urgent(&mut self, slot: u32, kind: Urgent, frame: &[u8]) {
        let Some(row) = self.rows.get_mut(slot as usize) else {
            return;
        };
        let goes_behind = match row.owed {
            None => row.rest.is_none(),
            Some(first) => {
                let run = self.runs.get(first.run.0 as usize);
                let owed = run.map(|run| run.slice(first)).unwrap_or_default();
                // Nothing goes before the answer to the upgrade. And where little is owed, and the socket takes it,
                // control frames stay in their order.
                is_head(owed) || (row.rest.is_none() && owed.len() + frame.len() <= MAX_PONGS)
            }
        };
        if goes_behind {
            return self.append(slot, frame);
        }
        let urgent = &mut row.rest.get_or_insert_default().urgent;
        let (place, limit) = match kind {
            Urgent::Ping => (&mut urgent.ping, 0),
            Urgent::Pong => (&mut urgent.pongs, MAX_PONGS),
        };
        if place.len() + frame.len() > limit {
            place.clear();
        }
        place.extend_from_slice(frame);
        self.mark(slot);
    }

    /// Puts urgent frames to where the next message would begin. The socket takes bytes now.
    pub(super) fn place_urgent(&mut self, slot: u32) {
        let Some(row) = self.rows.get_mut(slot as usize) else {
            return;
        };
        let Some(rest) = row.rest.as_mut() else {
            return;
        };
        if rest.urgent.is_empty() {
            return;
        }
        let urgent = std::mem::take(&mut rest.urgent);
        let chunk = Chunk {
            bytes: Bytes::from([urgent.ping, urgent.pongs].concat()),
            is_reply: true,
            is_copied: true,
        };
        self.copied += chunk.copied();
        self.copied -= rest.put_in(chunk, row.framing);
    }
}
