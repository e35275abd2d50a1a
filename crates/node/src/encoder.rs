//! What a worker needs to make bytes for clients: scratch space, and a compressor.

use bytes::Bytes;
use veche_engine::sink::Delivery;
use veche_protocol::batch::Encoding;
use veche_protocol::channel::Channel;
use veche_protocol::publication::Publication;
use veche_protocol::push::{Push, Told};
use veche_protocol::{json, plain, protobuf};
use veche_websocket::deflate::Deflater;
use veche_websocket::frame::{self, Opcode};

use crate::format::{Dialect, Format};
use crate::framing::Framing;

/// Scratch space and the compressor of one worker.
#[derive(Debug)]
pub(crate) struct Encoder {
    /// A message before it is in its form.
    message: Vec<u8>,
    /// Made when it is first needed: its state is some 300 KiB.
    deflater: Option<Deflater>,
    compression_level: u32,
    compression_min_size: usize,
}

impl Encoder {
    pub(crate) fn new(compression_level: u32, compression_min_size: usize) -> Self {
        Self {
            message: Vec::new(),
            deflater: None,
            compression_level,
            compression_min_size,
        }
    }

    /// Lets go of scratch space that a very large message needed.
    pub(crate) fn give_back(&mut self) {
        give_back(&mut self.message);
    }

    /// Capacity of the scratch space.
    #[cfg(test)]
    pub(crate) fn scratch(&self) -> usize {
        self.message.capacity()
    }

    /// Writes the push of a publication, as every client of the format gets it.
    pub(crate) fn publication(
        &mut self,
        channel: &Channel,
        delivery: &Delivery,
        format: Format,
        out: &mut Vec<u8>,
    ) {
        let publication: &Publication = &delivery.publication;
        self.message(format, out, |message| match format.dialect {
            Dialect::Centrifuge(Encoding::Json) => {
                json::encode_publication_push(channel, publication, message);
            }
            Dialect::Centrifuge(Encoding::Protobuf) => {
                protobuf::encode_publication_push(channel, publication, message);
            }
            Dialect::OneWay(Encoding::Json) => {
                json::encode_bare_publication_push(channel, publication, message);
            }
            Dialect::OneWay(Encoding::Protobuf) => {
                protobuf::encode_bare_publication_push(channel, publication, message);
            }
            Dialect::Plain => {
                plain::encode_publication(channel, publication, &delivery.epoch, message);
            }
        });
        if format.dialect == Dialect::Plain && !publication.data.is_json() {
            self.frame(
                format.framing,
                Opcode::Binary,
                publication.data.bytes(),
                out,
            );
        }
    }

    /// Writes a push.
    pub(crate) fn push(&mut self, push: &Push, format: Format, out: &mut Vec<u8>) {
        self.message(format, out, |message| {
            encode_push(push, format.dialect, message)
        });
    }

    /// What subscribers are told who agreed to more than the format. They speak Centrifuge, both ways.
    pub(crate) fn told(&mut self, told: Told<'_>, format: Format) -> Bytes {
        let mut out = Vec::new();
        self.message(format, &mut out, |message| match format.dialect {
            Dialect::Centrifuge(Encoding::Json) => json::encode_told(told, message),
            Dialect::Centrifuge(Encoding::Protobuf) => protobuf::encode_told(told, message),
            Dialect::OneWay(_) | Dialect::Plain => {}
        });
        Bytes::from(out)
    }

    /// Writes one message in the form of its framing, compressed if that is agreed and it is long enough to pay.
    pub(crate) fn frame(
        &mut self,
        framing: Framing,
        opcode: Opcode,
        message: &[u8],
        out: &mut Vec<u8>,
    ) {
        if self.compresses(framing, message.len()) {
            let level = self.compression_level;
            self.deflater
                .get_or_insert_with(|| Deflater::new(level))
                .write(out, opcode, message);
        } else {
            framing.write(opcode, message, out);
        }
    }

    /// Begins a message at the end of `out`. What is appended from now on is in it, until [`Self::finish`].
    pub(crate) fn begin(out: &mut Vec<u8>) -> Draft {
        let start = out.len();
        out.extend_from_slice(&[0; SHORT_HEADER]);
        Draft { start }
    }

    /// Ends a message that stands at the end of `out`: gives it the form of its framing.
    pub(crate) fn finish(
        &mut self,
        Draft { start }: Draft,
        framing: Framing,
        opcode: Opcode,
        out: &mut Vec<u8>,
    ) {
        let begin = start + SHORT_HEADER;
        let len = out.len() - begin;
        if framing.is_websocket() && !self.compresses(framing, len) {
            let header = frame::header(opcode, false, len);
            let longer = header.len() - SHORT_HEADER;
            if longer > 0 {
                let end = out.len();
                out.resize(end + longer, 0);
                out.copy_within(begin..end, begin + longer);
            }
            if let Some(place) = out.get_mut(start..start + header.len()) {
                place.copy_from_slice(&header);
            }
            return;
        }
        let mut message = std::mem::take(&mut self.message);
        message.clear();
        message.extend_from_slice(out.get(begin..).unwrap_or_default());
        out.truncate(start);
        self.frame(framing, opcode, &message, out);
        self.message = message;
    }

    fn compresses(&self, framing: Framing, len: usize) -> bool {
        framing == Framing::CompressedWebSocket && len >= self.compression_min_size
    }

    /// Writes one message that `write` spells. `out` takes no more memory than it needs: a channel's frames may wait for
    /// their slowest reader.
    fn message(&mut self, format: Format, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        let mut message = std::mem::take(&mut self.message);
        message.clear();
        if format.dialect.opcode() == Opcode::Binary {
            Encoding::Protobuf.append_with(&mut message, true, write);
        } else {
            write(&mut message);
        }
        self.frame(format.framing, format.dialect.opcode(), &message, out);
        self.message = message;
    }
}

/// A message that is being made at the end of some bytes.
#[derive(Debug)]
#[must_use = "a message that is begun must be finished"]
pub(crate) struct Draft {
    start: usize,
}

impl Draft {
    /// Where it begins.
    pub(crate) fn start(&self) -> usize {
        self.start
    }
}

/// Most messages have a header of so many bytes: room for it is left before them (RFC 6455, section 5.2).
const SHORT_HEADER: usize = 2;

/// Spells a push in a dialect.
pub(crate) fn encode_push(push: &Push, dialect: Dialect, message: &mut Vec<u8>) {
    match dialect {
        Dialect::Centrifuge(Encoding::Json) => json::encode_push(push, message),
        Dialect::Centrifuge(Encoding::Protobuf) => protobuf::encode_push(push, message),
        Dialect::OneWay(Encoding::Json) => json::encode_bare_push(push, message),
        Dialect::OneWay(Encoding::Protobuf) => protobuf::encode_bare_push(push, message),
        Dialect::Plain => plain::encode_push(push, message),
    }
}

/// Empties a scratch buffer that has become larger than is worth keeping.
pub(crate) fn give_back(scratch: &mut Vec<u8>) {
    const KEPT: usize = 256 << 10;
    if scratch.capacity() > KEPT {
        *scratch = Vec::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_is_made_in_its_place_is_as_if_it_had_been_made_elsewhere() {
        let framings = [
            Framing::WebSocket,
            Framing::CompressedWebSocket,
            Framing::EventStream,
            Framing::Chunks,
        ];
        for framing in framings {
            for len in [1, 2, 125, 126, 127, 1000, 65_535, 65_536, 100_000] {
                let mut encoder = Encoder::new(1, 1000);
                let message = vec![b'x'; len];
                let mut expected = b"before".to_vec();
                encoder.frame(framing, Opcode::Text, &message, &mut expected);
                let mut out = b"before".to_vec();
                let draft = Encoder::begin(&mut out);
                assert_eq!(draft.start(), b"before".len());
                out.extend_from_slice(&message);
                encoder.finish(draft, framing, Opcode::Text, &mut out);
                assert!(out == expected, "{framing:?} {len}");
            }
        }
    }
}
