//! One event of a channel, encoded at most once per format for the whole node.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use veche_engine::sink::Delivery;
use veche_protocol::batch::Encoding;
use veche_protocol::channel::Channel;
use veche_protocol::identity::ClientInfo;
use veche_protocol::position::Offset;
use veche_protocol::publication::Publication;
use veche_protocol::push::{Body, Push, Told, What};
use veche_protocol::{json, plain, protobuf};
use veche_websocket::deflate::Deflater;
use veche_websocket::frame::{self, Opcode};

/// How a client reads and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Centrifuge, JSON.
    Json,
    /// Centrifuge, Protobuf.
    Protobuf,
    /// One JSON object per frame, for clients without a library.
    Plain,
}

/// What the bytes of an event depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Format {
    /// The dialect.
    pub dialect: Dialect,
    /// Whether frames are compressed (RFC 7692, without context takeover).
    pub deflate: bool,
}

impl Format {
    const COUNT: usize = 6;

    fn index(self) -> usize {
        let dialect = match self.dialect {
            Dialect::Json => 0,
            Dialect::Protobuf => 1,
            Dialect::Plain => 2,
        };
        dialect + if self.deflate { 3 } else { 0 }
    }
}

/// Something that a channel's subscribers are told, on its way to the workers.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) channel: Channel,
    pub(crate) body: EventBody,
    /// The number that stands for the channel's name on this node.
    id: i64,
    frames: [OnceLock<Bytes>; Format::COUNT],
    /// For clients that agreed to more; see [`Event::rare`].
    rare: OnceLock<Box<[OnceLock<Bytes>; 3 * Format::COUNT]>>,
    cuts: OnceLock<Box<Cut>>,
}

/// How the data of a publication are told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Data<'a> {
    /// As they are.
    Plain,
    /// Whole, to clients that take deltas.
    Whole,
    /// To clients that have this publication: as the difference from it, if that is allowed and helps.
    Since(&'a Arc<Publication>),
}

/// An event as those get it who have a certain publication, in one format: a link of a list that only grows.
#[derive(Debug)]
struct Cut {
    base: Arc<Publication>,
    format: Format,
    compact: bool,
    frames: OnceLock<Bytes>,
    next: OnceLock<Box<Cut>>,
}

/// Deltas made of one event at most, over all bases and formats; whoever would need another gets it whole.
const MAX_CUTS: usize = 32;

/// What they are told.
#[derive(Debug)]
pub(crate) enum EventBody {
    /// Data.
    Publication(Delivery),
    /// Somebody came.
    Join(Arc<ClientInfo>),
    /// Somebody left.
    Leave(Arc<ClientInfo>),
}

impl Event {
    /// `id` is the number that stands for the channel's name.
    pub(crate) fn new(channel: Channel, id: i64, body: EventBody) -> Self {
        Self {
            channel,
            body,
            id,
            frames: Default::default(),
            rare: OnceLock::new(),
            cuts: OnceLock::new(),
        }
    }

    /// Offset and time (in milliseconds of Unix time, 0 where unknown) of a publication that has a place in the stream.
    pub(crate) fn placed(&self) -> Option<(Offset, i64)> {
        match &self.body {
            EventBody::Publication(Delivery { publication, .. }) if publication.offset > 0 => {
                Some((publication.offset, publication.time_ms))
            }
            _ => None,
        }
    }

    /// Roughly what the event takes while it waits: its data, and what every event takes.
    pub(crate) fn weight(&self) -> usize {
        const OVERHEAD: usize = 512;
        match &self.body {
            EventBody::Publication(delivery) => delivery.publication.data.len() + OVERHEAD,
            EventBody::Join(_) | EventBody::Leave(_) => OVERHEAD,
        }
    }

    /// The whole WebSocket frames of this event in `format`. Whoever asks first encodes.
    pub(crate) fn frames(&self, format: Format, encoder: &mut Encoder) -> &[u8] {
        let Some(cell) = self.frames.get(format.index()) else {
            return &[];
        };
        cell.get_or_init(|| {
            encoder.payload.clear();
            let mut frames = Vec::new();
            match &self.body {
                EventBody::Publication(delivery) => {
                    encoder.publication(
                        &self.channel,
                        &delivery.publication,
                        delivery,
                        format,
                        &mut frames,
                    );
                }
                EventBody::Join(info) => {
                    encoder.push(&self.push(Body::Join(info.clone())), format, &mut frames)
                }
                EventBody::Leave(info) => {
                    encoder.push(&self.push(Body::Leave(info.clone())), format, &mut frames)
                }
            }
            Bytes::from(frames)
        })
    }

    /// The frames for clients that agreed to more than `format`: a number for the channel's name, deltas. The plain
    /// dialect knows neither.
    pub(crate) fn frames_with(
        &self,
        format: Format,
        compact: bool,
        data: Data<'_>,
        encoder: &mut Encoder,
    ) -> &[u8] {
        let EventBody::Publication(delivery) = &self.body else {
            return self.rare(format, compact, false, encoder);
        };
        match data {
            Data::Plain => self.rare(format, compact, false, encoder),
            // Somebody else may have lost what came before: then the publisher or the stream says nothing of it.
            Data::Since(base) if delivery.delta && delivery.previous.is_some() => self
                .cut(&delivery.publication, base, format, compact, encoder)
                .unwrap_or_else(|| self.rare(format, compact, true, encoder)),
            Data::Whole | Data::Since(_) => self.rare(format, compact, true, encoder),
        }
    }

    /// What needs no base.
    fn rare(&self, format: Format, compact: bool, whole: bool, encoder: &mut Encoder) -> &[u8] {
        let is_told = format.dialect != Dialect::Plain
            && (compact || (whole && format.dialect == Dialect::Json));
        let at = match (compact, whole) {
            (true, false) => 0,
            (false, _) => Format::COUNT,
            (true, true) => 2 * Format::COUNT,
        } + format.index();
        let cells = || self.rare.get_or_init(Default::default);
        let Some(cell) = is_told.then(cells).and_then(|cells| cells.get(at)) else {
            return self.frames(format, encoder);
        };
        cell.get_or_init(|| {
            let what = match &self.body {
                EventBody::Publication(delivery) if whole => What::Delta {
                    publication: &delivery.publication,
                    base: None,
                },
                EventBody::Publication(delivery) => What::Publication(&delivery.publication),
                EventBody::Join(info) => What::Join(info),
                EventBody::Leave(info) => What::Leave(info),
            };
            encoder.told(self.told(compact, what), format)
        })
    }

    /// The delta against `base`; `None` if too many were made already.
    fn cut(
        &self,
        publication: &Publication,
        base: &Arc<Publication>,
        format: Format,
        compact: bool,
        encoder: &mut Encoder,
    ) -> Option<&[u8]> {
        let mut place = &self.cuts;
        for _ in 0..MAX_CUTS {
            let cut = place.get_or_init(|| {
                Box::new(Cut {
                    base: base.clone(),
                    format,
                    compact,
                    frames: OnceLock::new(),
                    next: OnceLock::new(),
                })
            });
            if Arc::ptr_eq(&cut.base, base) && cut.format == format && cut.compact == compact {
                return Some(cut.frames.get_or_init(|| {
                    let what = What::Delta {
                        publication,
                        base: Some(base),
                    };
                    encoder.told(self.told(compact, what), format)
                }));
            }
            place = &cut.next;
        }
        None
    }

    fn told<'a>(&'a self, compact: bool, what: What<'a>) -> Told<'a> {
        Told {
            channel: &self.channel,
            id: if compact { self.id } else { 0 },
            what,
        }
    }

    fn push(&self, body: Body) -> Push {
        Push::new(self.channel.clone(), body)
    }
}

/// Scratch space and the compressor of one worker.
#[derive(Debug)]
pub(crate) struct Encoder {
    payload: Vec<u8>,
    message: Vec<u8>,
    /// Made when it is first needed: its state is some 300 KiB.
    deflater: Option<Deflater>,
    compression_level: u32,
    compression_min_size: usize,
}

impl Encoder {
    pub(crate) fn new(compression_level: u32, compression_min_size: usize) -> Self {
        Self {
            payload: Vec::new(),
            message: Vec::new(),
            deflater: None,
            compression_level,
            compression_min_size,
        }
    }

    /// Lets go of scratch space that a very large message needed.
    pub(crate) fn give_back(&mut self) {
        give_back(&mut self.payload);
        give_back(&mut self.message);
    }

    fn publication(
        &mut self,
        channel: &Channel,
        publication: &Publication,
        delivery: &Delivery,
        format: Format,
        frames: &mut Vec<u8>,
    ) {
        let mut payload = std::mem::take(&mut self.payload);
        match format.dialect {
            Dialect::Json => json::encode_publication_push(channel, publication, &mut payload),
            Dialect::Protobuf => self.measured(&mut payload, |message| {
                protobuf::encode_publication_push(channel, publication, message);
            }),
            Dialect::Plain => {
                plain::encode_publication(channel, publication, &delivery.epoch, &mut payload)
            }
        }
        self.frame(opcode(format.dialect), &payload, format.deflate, frames);
        if format.dialect == Dialect::Plain && !publication.data.is_json() {
            self.frame(
                Opcode::Binary,
                publication.data.bytes(),
                format.deflate,
                frames,
            );
        }
        self.payload = payload;
    }

    fn push(&mut self, push: &Push, format: Format, frames: &mut Vec<u8>) {
        let mut payload = std::mem::take(&mut self.payload);
        match format.dialect {
            Dialect::Json => json::encode_push(push, &mut payload),
            Dialect::Protobuf => {
                self.measured(&mut payload, |message| protobuf::encode_push(push, message))
            }
            Dialect::Plain => plain::encode_push(push, &mut payload),
        }
        self.frame(opcode(format.dialect), &payload, format.deflate, frames);
        self.payload = payload;
    }

    fn told(&mut self, told: Told<'_>, format: Format) -> Bytes {
        let mut frames = Vec::new();
        let mut payload = std::mem::take(&mut self.payload);
        payload.clear();
        match format.dialect {
            Dialect::Json => json::encode_told(told, &mut payload),
            Dialect::Protobuf => {
                self.measured(&mut payload, |message| protobuf::encode_told(told, message));
            }
            Dialect::Plain => {}
        }
        self.frame(
            opcode(format.dialect),
            &payload,
            format.deflate,
            &mut frames,
        );
        self.payload = payload;
        Bytes::from(frames)
    }

    /// Writes a Protobuf message after its length.
    fn measured(&mut self, payload: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        self.message.clear();
        write(&mut self.message);
        Encoding::Protobuf.append(payload, &self.message);
    }

    /// Writes one data frame, compressed if that is agreed and it is long enough to pay.
    pub(crate) fn frame(
        &mut self,
        opcode: Opcode,
        payload: &[u8],
        deflate: bool,
        frames: &mut Vec<u8>,
    ) {
        if deflate && payload.len() >= self.compression_min_size {
            let level = self.compression_level;
            self.deflater
                .get_or_insert_with(|| Deflater::new(level))
                .write(frames, opcode, payload);
        } else {
            frame::write(frames, opcode, payload);
        }
    }
}

/// Empties a scratch buffer that has become larger than is worth keeping.
pub(crate) fn give_back(scratch: &mut Vec<u8>) {
    const KEPT: usize = 256 << 10;
    if scratch.capacity() > KEPT {
        *scratch = Vec::new();
    }
}

/// The opcode under which a dialect travels.
pub(crate) fn opcode(dialect: Dialect) -> Opcode {
    match dialect {
        Dialect::Json | Dialect::Plain => Opcode::Text,
        Dialect::Protobuf => Opcode::Binary,
    }
}

#[cfg(test)]
mod tests {
    use veche_protocol::payload::Payload;

    use super::*;

    #[test]
    fn scratch_space_is_kept_from_message_to_message_but_not_what_a_very_large_one_needed() {
        let mut encoder = Encoder::new(1, 0);
        let mut encode = |len: usize| {
            let data = format!("\"{}\"", "x".repeat(len));
            let delivery = Delivery {
                publication: Arc::new(Publication::new(Payload::json(data.into()))),
                epoch: "a".into(),
                previous: None,
                delta: false,
            };
            let event = Event::new(Channel::new("news"), 1, EventBody::Publication(delivery));
            let format = Format {
                dialect: Dialect::Protobuf,
                deflate: false,
            };
            assert!(event.frames(format, &mut encoder).len() > len);
            encoder.give_back();
            [encoder.payload.capacity(), encoder.message.capacity()]
        };
        assert!(encode(10_000).iter().all(|kept| *kept >= 10_000));
        assert_eq!(encode(1 << 20), [0, 0]);
    }

    #[test]
    fn a_delta_is_made_only_where_the_publisher_wants_one_and_the_stream_knows_what_came_before() {
        let text = |n: u8| format!("{{\"n\":{n},\"text\":\"{}\"}}", "the same ".repeat(20));
        let publication = |n: u8| {
            let mut publication = Publication::new(Payload::json(text(n).into()));
            publication.offset = u64::from(n);
            Arc::new(publication)
        };
        let base = publication(1);
        for format in [(Dialect::Json, false), (Dialect::Protobuf, false)] {
            let (dialect, deflate) = format;
            let format = Format { dialect, deflate };
            for (previous, delta) in [(true, true), (true, false), (false, true), (false, false)] {
                let delivery = Delivery {
                    publication: publication(2),
                    epoch: "a".into(),
                    previous: previous.then(|| base.clone()),
                    delta,
                };
                let event = Event::new(Channel::new("news"), 1, EventBody::Publication(delivery));
                let mut encoder = Encoder::new(1, 0);
                let whole = event
                    .frames_with(format, false, Data::Whole, &mut encoder)
                    .len();
                let since = event
                    .frames_with(format, false, Data::Since(&base), &mut encoder)
                    .len();
                let is_delta = since < whole / 2;
                assert_eq!(is_delta, previous && delta, "{format:?} {previous} {delta}");
            }
        }
    }
}
