//! Data in parameters: any JSON value, or bytes in base64.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;

use veche_protocol::error_code::{CommandError, ErrorCode};
use veche_protocol::payload::Payload;

use crate::request::{Malformed, Object};

/// Data as it was given; bytes are decoded when the command runs, because bad ones are its own error.
pub(super) struct Data {
    json: Option<Payload>,
    encoded: String,
}

impl Data {
    /// Reads `name` and `base64_name`; the latter wins unless it is empty.
    pub(super) fn read(
        params: &Object<'_>,
        name: &str,
        base64_name: &str,
    ) -> Result<Self, Malformed> {
        Ok(Self {
            json: params.payload(name)?,
            encoded: params.string(base64_name)?,
        })
    }

    /// The data, if there is any. Bytes that are one JSON value count as JSON.
    pub(super) fn decode(self) -> Result<Option<Payload>, CommandError> {
        if self.encoded.is_empty() {
            return Ok(self.json);
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
