//! Frames for one client alone: replies, and what its conversation sends unasked.

use super::run::{RunId, Segment};
use super::{MAX_RUN, Outboxes};

impl Outboxes {
    /// Queues whole frames for one client.
    pub(crate) fn append(&mut self, slot: u32, frames: &[u8]) {
        self.append_with(slot, false, |out| out.extend_from_slice(frames));
    }

    /// Queues whole frames for one client, which `write` appends. Replies, which it has asked for, do not make it a slow
    /// one.
    pub(crate) fn append_with(
        &mut self,
        slot: u32,
        is_reply: bool,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let run = if is_reply {
            self.reply_run()
        } else {
            self.private_run()
        };
        let start = self.run_len(run);
        write(&mut self.run_mut(run).bytes);
        self.owe_since(run, start, slot);
    }

    /// Where whole frames of replies are made for one client, at the end: [`Self::end_replies`] queues them. Until then
    /// nothing else is queued by [`Self::append_with`] as a reply.
    pub(crate) fn begin_replies(&mut self) -> &mut Vec<u8> {
        let run = self.reply_run();
        &mut self.run_mut(run).bytes
    }

    /// The same place, after it was begun. Whatever its length, it is no other.
    pub(crate) fn replies(&mut self) -> &mut Vec<u8> {
        let run = self.replies.unwrap_or_else(|| self.reply_run());
        &mut self.run_mut(run).bytes
    }

    /// The length of that place.
    pub(crate) fn replies_len(&self) -> usize {
        self.replies.map_or(0, |run| self.run(run).bytes.len())
    }

    /// Queues what was made since `start` for one client; as replies, or as what it has not asked for.
    pub(crate) fn end_replies(&mut self, slot: u32, start: usize, is_reply: bool) {
        let Some(run) = self.replies else { return };
        let start = u32::try_from(start).unwrap_or(u32::MAX);
        if is_reply {
            return self.owe_since(run, start, slot);
        }
        // Rare: pushes of the session alone.
        let mut bytes = std::mem::take(&mut self.run_mut(run).bytes);
        self.append(slot, bytes.get(start as usize..).unwrap_or_default());
        bytes.truncate(start as usize);
        self.run_mut(run).bytes = bytes;
    }

    /// The run of frames for one client alone that it did not ask for.
    fn private_run(&mut self) -> RunId {
        match self.private {
            Some(run) if self.run(run).bytes.len() < MAX_RUN => run,
            _ => {
                let run = self.begin_run();
                *self.private.insert(run)
            }
        }
    }

    /// The run of replies.
    fn reply_run(&mut self) -> RunId {
        match self.replies {
            Some(run) if self.run(run).bytes.len() < MAX_RUN => run,
            _ => {
                let run = self.begin_run();
                self.run_mut(run).is_reply = true;
                *self.replies.insert(run)
            }
        }
    }

    /// One client owes the run from `start` to its end.
    fn owe_since(&mut self, run: RunId, start: u32, slot: u32) {
        let end = self.run_len(run);
        let Some(row) = self.rows.get_mut(slot as usize) else {
            return;
        };
        if let Some(last) = row.last_mut()
            && last.run == run
            && last.end == Some(start)
        {
            last.end = Some(end);
            return;
        }
        self.owe(
            slot,
            Segment {
                run,
                start,
                end: Some(end),
            },
        );
    }
}
