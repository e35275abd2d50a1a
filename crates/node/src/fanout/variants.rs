//! The bytes of one event in the forms that few clients read, each made once.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use veche_protocol::publication::Publication;

use crate::format::Format;

/// The same event for different clients: a list that only grows.
#[derive(Debug, Default)]
pub(super) struct Variants(OnceLock<Box<Variant>>);

#[derive(Debug)]
struct Variant {
    form: Form,
    frames: OnceLock<Bytes>,
    next: Variants,
}

/// What of an event some clients get.
#[derive(Clone, Debug)]
pub(super) struct Form {
    pub(super) format: Format,
    /// A number stands for the channel's name.
    pub(super) compact: bool,
    /// The data are told the way clients take them that agreed to deltas.
    pub(super) whole: bool,
    /// They are the difference from this publication.
    pub(super) base: Option<Arc<Publication>>,
}

impl Variants {
    /// The place for a form's bytes; `None` if it would be one more than `limit`.
    pub(super) fn find(&self, form: &Form, limit: usize) -> Option<&OnceLock<Bytes>> {
        let mut list = self;
        for _ in 0..limit {
            let variant = list.0.get_or_init(|| {
                Box::new(Variant {
                    form: form.clone(),
                    frames: OnceLock::new(),
                    next: Self::default(),
                })
            });
            if variant.form.is(form) {
                return Some(&variant.frames);
            }
            list = &variant.next;
        }
        None
    }
}

impl Form {
    /// The event as it is.
    pub(super) fn of(format: Format) -> Self {
        Self {
            format,
            compact: false,
            whole: false,
            base: None,
        }
    }

    fn is(&self, other: &Self) -> bool {
        let is_same_base = match (&self.base, &other.base) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            _ => false,
        };
        is_same_base
            && self.format == other.format
            && self.compact == other.compact
            && self.whole == other.whole
    }
}
