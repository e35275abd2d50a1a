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

use crate::encoder::Encoder;
use crate::format::{Dialect, Format};

mod variants;

use variants::{Form, Variants};

/// Something that a channel's subscribers are told, on its way to the workers.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) channel: Channel,
    pub(crate) body: EventBody,
    /// The number that stands for the channel's name on this node.
    id: i64,
    frequent: [OnceLock<Bytes>; Format::FREQUENT],
    /// In other formats, and for clients that agreed to more.
    rare: Variants,
    /// As differences from other publications.
    cuts: Variants,
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

/// Deltas made of one event at most, over all bases and formats; whoever would need another gets it whole.
const MAX_CUTS: usize = 32;
/// More than there are forms without a base.
const MAX_FORMS: usize = 128;

/// What happened in the channel.
#[derive(Debug)]
pub(crate) enum EventBody {
    /// Data.
    Publication(Delivery),
    /// A client joined.
    Join(Arc<ClientInfo>),
    /// A client left.
    Leave(Arc<ClientInfo>),
}

impl Event {
    /// `id` is the number that stands for the channel's name.
    pub(crate) fn new(channel: Channel, id: i64, body: EventBody) -> Self {
        Self {
            channel,
            body,
            id,
            frequent: Default::default(),
            rare: Variants::default(),
            cuts: Variants::default(),
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

    /// The bytes of this event in `format`, whole messages. Whoever asks first encodes.
    pub(crate) fn frames(&self, format: Format, encoder: &mut Encoder) -> &[u8] {
        let frequent = format.frequent().and_then(|at| self.frequent.get(at));
        let cell = frequent.or_else(|| self.rare.find(&Form::of(format), MAX_FORMS));
        let Some(cell) = cell else { return &[] };
        cell.get_or_init(|| {
            let mut frames = Vec::new();
            match &self.body {
                EventBody::Publication(delivery) => {
                    encoder.publication(&self.channel, delivery, format, &mut frames);
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

    /// The frames for clients that agreed to more than `format`: a number for the channel's name, deltas. Only
    /// Centrifuge clients that speak both ways can.
    pub(crate) fn frames_with(
        &self,
        format: Format,
        compact: bool,
        data: Data<'_>,
        encoder: &mut Encoder,
    ) -> &[u8] {
        if !matches!(format.dialect, Dialect::Centrifuge(_)) {
            return self.frames(format, encoder);
        }
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
        let whole = whole && format.dialect == Dialect::Centrifuge(Encoding::Json);
        let form = Form {
            compact,
            whole,
            ..Form::of(format)
        };
        let cell = || self.rare.find(&form, MAX_FORMS);
        let Some(cell) = (compact || whole).then(cell).flatten() else {
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
        let form = Form {
            compact,
            base: Some(base.clone()),
            ..Form::of(format)
        };
        let frames = self.cuts.find(&form, MAX_CUTS)?.get_or_init(|| {
            let what = What::Delta {
                publication,
                base: Some(base),
            };
            encoder.told(self.told(compact, what), format)
        });
        Some(frames)
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

#[cfg(test)]
mod tests {
    use veche_protocol::payload::Payload;

    use super::*;
    use crate::framing::Framing;

    const JSON: Format = Format {
        dialect: Dialect::Centrifuge(Encoding::Json),
        framing: Framing::WebSocket,
    };
    const PROTOBUF: Format = Format {
        dialect: Dialect::Centrifuge(Encoding::Protobuf),
        framing: Framing::WebSocket,
    };

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
            assert!(event.frames(PROTOBUF, &mut encoder).len() > len);
            encoder.give_back();
            encoder.scratch()
        };
        assert!(encode(10_000) >= 10_000);
        assert_eq!(encode(1 << 20), 0);
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
        for format in [JSON, PROTOBUF] {
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
