//! What a worker needs to make bytes for clients: scratch space, and a compressor.

use bytes::Bytes;
use veche_engine::sink::Delivery;
use veche_protocol::batch::Encoding;
use veche_protocol::channel::Channel;
use veche_protocol::publication::Publication;
use veche_protocol::push::{Push, Told};
use veche_protocol::{json, plain, protobuf};
use veche_websocket::deflate::Deflater;
use veche_websocket::frame::Opcode;

use crate::format::{Dialect, Format};
use crate::framing::Framing;

/// Scratch space and the compressor of one worker.
#[derive(Debug)]
pub(crate) struct Encoder {
    message: Vec<u8>,
    /// A Protobuf message before its length is known.
    unmeasured: Vec<u8>,
    /// Made when it is first needed: its state is some 300 KiB.
    deflater: Option<Deflater>,
    compression_level: u32,
    compression_min_size: usize,
}

impl Encoder {
    pub(crate) fn new(compression_level: u32, compression_min_size: usize) -> Self {
        Self {
            message: Vec::new(),
            unmeasured: Vec::new(),
            deflater: None,
            compression_level,
            compression_min_size,
        }
    }

    /// Lets go of scratch space that a very large message needed.
    pub(crate) fn give_back(&mut self) {
        give_back(&mut self.message);
        give_back(&mut self.unmeasured);
    }

    /// Capacities of the scratch space.
    #[cfg(test)]
    pub(crate) fn scratch(&self) -> [usize; 2] {
        [self.message.capacity(), self.unmeasured.capacity()]
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
        if framing == Framing::CompressedWebSocket && message.len() >= self.compression_min_size {
            let level = self.compression_level;
            self.deflater
                .get_or_insert_with(|| Deflater::new(level))
                .write(out, opcode, message);
        } else {
            framing.write(opcode, message, out);
        }
    }

    /// Writes one message that `write` spells.
    fn message(&mut self, format: Format, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        let mut message = std::mem::take(&mut self.message);
        message.clear();
        if format.dialect.opcode() == Opcode::Binary {
            self.unmeasured.clear();
            write(&mut self.unmeasured);
            Encoding::Protobuf.append(&mut message, &self.unmeasured);
        } else {
            write(&mut message);
        }
        self.frame(format.framing, format.dialect.opcode(), &message, out);
        self.message = message;
    }
}

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
