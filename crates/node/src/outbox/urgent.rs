//! Control frames: they go between messages, ahead of what is queued (RFC 6455, section 5.4).

use bytes::Bytes;

use super::Outboxes;
use super::backlog::Chunk;
use super::frames::is_head;

/// What must not wait behind messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Urgent {
    /// A ping of ours, in whatever form.
    Ping,
    /// The answer to a ping of the client's.
    Pong,
}

/// Urgent frames that wait for one client: one of each kind. Of several pings only the latest needs an answer (RFC
/// 6455, section 5.5.3).
#[derive(Debug, Default)]
pub(super) struct Urgents {
    ping: Vec<u8>,
    pong: Vec<u8>,
}

impl Urgents {
    pub(super) fn is_empty(&self) -> bool {
        self.ping.is_empty() && self.pong.is_empty()
    }
}

impl Outboxes {
    /// Queues one frame for a client ahead of all that is queued for it. It takes the place of one of the same kind
    /// that still waits.
    pub(crate) fn append_urgent(&mut self, slot: u32, kind: Urgent, frame: &[u8]) {
        let Some(row) = self.rows.get_mut(slot as usize) else {
            return;
        };
        // Nothing goes before the answer to the upgrade.
        let is_opening = row.owed.is_some_and(|first| {
            let run = self.runs.get(first.run.0 as usize);
            run.is_some_and(|run| is_head(run.slice(first)))
        });
        if is_opening || (row.rest.is_none() && row.owed.is_none()) {
            return self.append(slot, frame);
        }
        let urgent = &mut row.rest.get_or_insert_default().urgent;
        let place = match kind {
            Urgent::Ping => &mut urgent.ping,
            Urgent::Pong => &mut urgent.pong,
        };
        place.clear();
        place.extend_from_slice(frame);
        self.mark(slot);
    }

    /// Puts urgent frames to where the next message would begin. The socket takes bytes now.
    pub(super) fn place_urgent(&mut self, slot: u32) {
        let Some(rest) = self
            .rows
            .get_mut(slot as usize)
            .and_then(|row| row.rest.as_mut())
            .filter(|rest| !rest.urgent.is_empty())
        else {
            return;
        };
        let urgent = std::mem::take(&mut rest.urgent);
        let chunk = Chunk {
            bytes: Bytes::from([urgent.ping, urgent.pong].concat()),
            is_reply: true,
            is_copied: true,
        };
        self.copied += chunk.copied();
        self.copied -= rest.put_in(chunk);
    }
}
