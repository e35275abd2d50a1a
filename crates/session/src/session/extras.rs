//! What only some sessions keep, so that the others pay for one pointer.

use veche_protocol::headers::Headers;
use veche_protocol::payload::Payload;

use super::{Emulation, Session};
use crate::publish_queue::PublishQueue;

/// What only some sessions keep.
#[derive(Debug, Default)]
pub(crate) struct Extras {
    pub(super) emulation: Option<Box<Emulation>>,
    /// Headers of the request by which the client came.
    pub(super) headers: Option<Headers>,
    /// Headers that the client has put into `connect`.
    pub(super) emulated_headers: Option<Headers>,
    /// What the application wants to be told with each question.
    pub(super) meta: Option<Box<Payload>>,
    /// Publications that wait for the application.
    publish_queue: Option<Box<PublishQueue>>,
}

impl Extras {
    /// What a session begins with; `None` if that is nothing.
    pub(super) fn new(
        emulation: Option<Box<Emulation>>,
        headers: Option<Headers>,
    ) -> Option<Box<Self>> {
        (emulation.is_some() || headers.is_some()).then(|| {
            Box::new(Self {
                emulation,
                headers,
                ..Self::default()
            })
        })
    }
}

impl Session {
    /// How requests of an emulated client find the session.
    #[must_use]
    pub fn emulation(&self) -> Option<&Emulation> {
        self.extras.as_ref()?.emulation.as_deref()
    }

    /// Those headers of the request by which the client came that are kept for the application.
    #[must_use]
    pub fn headers(&self) -> Option<&Headers> {
        self.extras.as_ref()?.headers.as_ref()
    }

    /// Those headers in `connect` that are kept for the application: the client has put them there, for want of real
    /// ones, and nobody on the way has seen them.
    #[must_use]
    pub fn emulated_headers(&self) -> Option<&Headers> {
        self.extras.as_ref()?.emulated_headers.as_ref()
    }

    /// The connection's meta, for the application alone: from the connection token or from the application itself.
    #[must_use]
    pub fn meta(&self) -> Option<&Payload> {
        self.extras.as_ref()?.meta.as_deref()
    }

    /// The publications that wait for the application; memory is taken when one does.
    pub(crate) fn publish_queue(&mut self) -> &mut PublishQueue {
        let extras = self.extras.get_or_insert_default();
        extras.publish_queue.get_or_insert_default()
    }

    pub(crate) fn has_publish_queue(&self) -> bool {
        let extras = self.extras.as_ref();
        extras.is_some_and(|extras| extras.publish_queue.is_some())
    }

    pub(crate) fn drop_publish_queue(&mut self) {
        if let Some(extras) = &mut self.extras {
            extras.publish_queue = None;
        }
    }

    pub(crate) fn set_emulated_headers(&mut self, headers: Option<Headers>) {
        if headers.is_some() || self.emulated_headers().is_some() {
            self.extras.get_or_insert_default().emulated_headers = headers;
        }
    }

    /// Keeps a new meta; `None` keeps the old one.
    pub(crate) fn set_meta(&mut self, meta: Option<Payload>) {
        if let Some(meta) = meta {
            self.extras.get_or_insert_default().meta = Some(Box::new(meta));
        }
    }
}
