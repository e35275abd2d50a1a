//! What requests and answers are made of, as the document tells it and tests hold against the code.

/// An object: its name in the document, and its fields in their order.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) name: &'static str,
    pub(super) fields: &'static [Field],
}

/// A field of an object.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// Of a request: it must be there. Of an answer: it always is.
    pub(super) is_required: bool,
    pub(super) about: &'static str,
}

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Text,
    /// Text that is not empty.
    Name,
    /// A glob over names.
    Glob,
    /// Where a list goes on.
    Cursor,
    Flag,
    I32,
    I64,
    U32,
    U64,
    /// A code of a close frame.
    CloseCode,
    Decimal,
    Texts,
    /// Names, at least one.
    Names,
    /// Names and values, both text.
    Tags,
    /// Any JSON value.
    Json,
    /// Bytes in base64.
    Base64,
    /// Text that is read only to be refused unless it is empty.
    NoText,
    /// An object that is read only to be refused.
    NoObject,
    /// A flag that is read only to be refused if it is set.
    NoFlag,
    Object(&'static Shape),
    List(&'static Shape),
    /// An object whose names are not ours.
    Map(&'static Shape),
    /// What came of many commands: the result of each, or its error.
    Outcomes(&'static Shape),
}

/// A method: what it is called, what it takes and gives.
#[derive(Debug)]
pub(super) struct Described {
    pub(super) name: &'static str,
    pub(super) group: &'static str,
    /// One line.
    pub(super) summary: &'static str,
    pub(super) about: &'static str,
    pub(super) request: &'static Shape,
    pub(super) result: &'static Shape,
    /// A request that makes sense.
    pub(super) example: &'static str,
    /// Data must be there, as JSON or as bytes.
    pub(super) wants_data: bool,
}

/// A field that may be left out.
pub(super) const fn field(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field {
        name,
        kind,
        is_required: false,
        about,
    }
}

/// A field that must be there, or always is.
pub(super) const fn required(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field {
        is_required: true,
        ..field(name, kind, about)
    }
}

impl Kind {
    /// The object or objects within.
    pub(super) fn shape(&self) -> Option<&'static Shape> {
        match self {
            Self::Object(shape) | Self::List(shape) | Self::Map(shape) | Self::Outcomes(shape) => {
                Some(shape)
            }
            _ => None,
        }
    }
}
