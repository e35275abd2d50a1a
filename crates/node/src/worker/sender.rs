//! What a client is sent by its own conversation: replies and pushes of its session, which share a frame, and control
//! frames. What channels bring goes by the hub instead.

use veche_protocol::batch::Encoding;
use veche_protocol::push::{self, Push};
use veche_protocol::reply::Reply;
use veche_protocol::{json, protobuf};
use veche_websocket::frame::{self, Opcode};

use crate::encoder::{Draft, Encoder, encode_push, give_back};
use crate::format::Format;
use crate::framing::Framing;
use crate::node::NodeConfig;
use crate::outbox::{EASED, Outboxes, Urgent};

/// Spells what one client after another is sent, and says how much may be done for each.
#[derive(Debug)]
pub(crate) struct Sender {
    encoder: Encoder,
    /// Replies to the message that is being handled, if there are any yet: they share a frame.
    batch: Option<Batch>,
    /// What the client that is being served may still have done in this turn.
    allowance: Allowance,
    /// For control frames.
    frame: Vec<u8>,
}

/// Replies that are made where they are sent from, in the outboxes.
#[derive(Debug)]
struct Batch {
    draft: Draft,
    /// Whether the client has asked for something of it.
    is_reply: bool,
}

/// What may still be done for a client before the others' turn.
#[derive(Clone, Copy, Debug)]
struct Allowance {
    /// Commands, or messages where a message is a command.
    commands: u32,
    /// Bytes of replies, before they are compressed.
    bytes: usize,
}

/// Commands of one client in one turn.
const COMMANDS: u32 = 64;
/// Replies in one frame at the most; a longer batch is continued in another.
const MAX_BATCH: usize = 64 << 10;

impl Default for Allowance {
    fn default() -> Self {
        Self {
            commands: COMMANDS,
            bytes: EASED,
        }
    }
}

impl Sender {
    pub(super) fn new(config: &NodeConfig) -> Self {
        Self {
            encoder: Encoder::new(config.compression_level, config.compression_min_size),
            batch: None,
            allowance: Allowance::default(),
            frame: Vec::new(),
        }
    }

    /// For frames that are made for all subscribers of a channel.
    pub(super) fn encoder_mut(&mut self) -> &mut Encoder {
        &mut self.encoder
    }

    /// Another client is served.
    pub(super) fn serve_another(&mut self) {
        self.allowance = Allowance::default();
    }

    /// Whether the client that is served may have another command carried out in this turn.
    pub(super) fn has_allowance(&self) -> bool {
        self.allowance.commands > 0 && self.allowance.bytes > 0
    }

    /// Another command of the client is carried out.
    pub(super) fn spend_command(&mut self) {
        self.allowance.commands = self.allowance.commands.saturating_sub(1);
    }

    fn spend(&mut self, bytes: usize) {
        self.allowance.bytes = self.allowance.bytes.saturating_sub(bytes);
    }

    /// Bytes of replies that are not queued yet.
    pub(super) fn unsent(&self, outboxes: &Outboxes) -> usize {
        let batch = self.batch.as_ref();
        batch.map_or(0, |batch| outboxes.replies_len() - batch.draft.start())
    }

    /// Adds a reply to those that are sent together. Returns whether these are enough for a frame.
    pub(super) fn add_reply(
        &mut self,
        reply: &Reply,
        encoding: Encoding,
        outboxes: &mut Outboxes,
    ) -> bool {
        let bytes = self.add(encoding, true, outboxes, |out| match encoding {
            Encoding::Json => json::encode_reply(reply, out),
            Encoding::Protobuf => protobuf::encode_reply(reply, out),
        });
        self.spend(bytes);
        self.unsent(outboxes) > MAX_BATCH
    }

    /// Adds a push to the replies that are sent together.
    pub(super) fn add_push(
        &mut self,
        push: &Push,
        encoding: Encoding,
        format: Format,
        outboxes: &mut Outboxes,
    ) {
        self.add(encoding, is_recovered(push), outboxes, |out| {
            encode_push(push, format.dialect, out);
        });
    }

    /// Adds a message, and returns its length.
    fn add(
        &mut self,
        encoding: Encoding,
        is_reply: bool,
        outboxes: &mut Outboxes,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> usize {
        let is_first = self.batch.is_none();
        let batch = self.batch.get_or_insert_with(|| Batch {
            draft: Encoder::begin(outboxes.begin_replies()),
            is_reply: false,
        });
        batch.is_reply |= is_reply;
        let out = outboxes.replies();
        let start = out.len();
        encoding.append_with(out, is_first, write);
        out.len() - start
    }

    /// Sends the replies that have come together.
    pub(super) fn send_batch(&mut self, slot: u32, format: Format, outboxes: &mut Outboxes) {
        let Some(Batch { draft, is_reply }) = self.batch.take() else {
            return;
        };
        let start = draft.start();
        let Format { dialect, framing } = format;
        let out = outboxes.replies();
        self.encoder.finish(draft, framing, dialect.opcode(), out);
        outboxes.end_replies(slot, start, is_reply);
    }

    /// Sends a message by itself. `is_reply` says whether the client has asked for it.
    pub(super) fn send_message(
        &mut self,
        slot: u32,
        (framing, opcode): (Framing, Opcode),
        message: &[u8],
        is_reply: bool,
        outboxes: &mut Outboxes,
    ) {
        self.spend(message.len());
        outboxes.append_with(slot, is_reply, |out| {
            self.encoder.frame(framing, opcode, message, out);
        });
    }

    /// Sends a ping. It does not wait behind messages; where it is one itself, it travels alone.
    pub(super) fn send_ping(
        &mut self,
        slot: u32,
        as_message: Option<(Encoding, Format)>,
        outboxes: &mut Outboxes,
    ) {
        self.frame.clear();
        match as_message {
            Some((encoding, Format { dialect, framing })) => {
                let mut ping = Vec::new();
                encoding.append_with(&mut ping, true, |out| out.extend(encoding.ping()));
                framing.write(dialect.opcode(), &ping, &mut self.frame);
            }
            None => frame::write(&mut self.frame, Opcode::Ping, &[]),
        }
        outboxes.append_urgent(slot, Urgent::Ping, &self.frame);
    }

    /// Answers a ping of the client.
    pub(super) fn send_pong(&mut self, slot: u32, payload: &[u8], outboxes: &mut Outboxes) {
        self.frame.clear();
        frame::write(&mut self.frame, Opcode::Pong, payload);
        outboxes.append_urgent(slot, Urgent::Pong, &self.frame);
    }

    /// What very large messages needed is not kept for ever.
    pub(super) fn give_back(&mut self) {
        self.encoder.give_back();
        give_back(&mut self.frame);
    }
}

/// Whether a push of a session is what its client has missed, and not something new that comes unasked.
pub(super) fn is_recovered(push: &Push) -> bool {
    matches!(push.body, push::Body::Publication(_) | push::Body::Whole(_))
}
