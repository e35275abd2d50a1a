//! What the bytes for a client depend on: the dialect it speaks, and the form in which they travel.

use veche_protocol::batch::Encoding;
use veche_websocket::frame::Opcode;

use crate::framing::Framing;

/// What a client reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Dialect {
    /// Centrifuge, both ways.
    Centrifuge(Encoding),
    /// Centrifuge, from the server alone: pushes are messages by themselves.
    OneWay(Encoding),
    /// One JSON object per message, for clients without a library.
    Plain,
}

/// What the bytes of an event depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Format {
    pub(crate) dialect: Dialect,
    pub(crate) framing: Framing,
}

impl Dialect {
    /// The opcode under which it travels: whether it is text.
    pub(crate) fn opcode(self) -> Opcode {
        match self {
            Self::Centrifuge(Encoding::Protobuf) | Self::OneWay(Encoding::Protobuf) => {
                Opcode::Binary
            }
            _ => Opcode::Text,
        }
    }
}

impl Format {
    /// How many formats are frequent.
    pub(crate) const FREQUENT: usize = 6;

    /// The place of a format that most clients have: WebSocket, in any dialect that goes both ways.
    pub(crate) fn frequent(self) -> Option<usize> {
        let dialect = match self.dialect {
            Dialect::Centrifuge(Encoding::Json) => 0,
            Dialect::Centrifuge(Encoding::Protobuf) => 1,
            Dialect::Plain => 2,
            Dialect::OneWay(_) => return None,
        };
        match self.framing {
            Framing::WebSocket => Some(dialect),
            Framing::CompressedWebSocket => Some(dialect + 3),
            Framing::EventStream | Framing::Chunks => None,
        }
    }
}
