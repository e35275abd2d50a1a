//! Data in parameters: as they are, or bytes in base64.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;

use veche_protocol::error_code::{CommandError, ErrorCode};
use veche_protocol::payload::Payload;

use crate::request::{Malformed, Object};

/// Data as it was given; base64 is decoded when the command runs, because bad one is its own error.
pub(crate) struct Data {
    /// Data as they are.
    pub(crate) plain: Option<Payload>,
    /// Bytes in base64, which win unless they are empty.
    pub(crate) encoded: String,
}

impl Data {
    /// Reads any JSON value from `name`, and base64 from `base64_name`.
    pub(super) fn read(
        params: &Object<'_>,
        name: &str,
        base64_name: &str,
    ) -> Result<Self, Malformed> {
        Ok(Self {
            plain: params.payload(name)?,
            encoded: params.string(base64_name)?,
        })
    }

    /// The data, if there is any. Bytes that are one JSON value count as JSON.
    pub(super) fn decode(self) -> Result<Option<Payload>, CommandError> {
        if self.encoded.is_empty() {
            return Ok(self.plain);
        }
        match BASE64_STANDARD.decode(&self.encoded) {
            Ok(bytes) => Ok(Some(Payload::detect(Bytes::from(bytes)))),
            Err(_) => Err(CommandError::because(
                ErrorCode::BAD_REQUEST,
                "data is not base64",
            )),
        }
    }
}
