//! `rpc`: calls an extension of the server.

use std::sync::Arc;

use veche_protocol::error_code::CommandError;
use veche_protocol::payload::Payload;

use super::{Command, InJson, bad_request};
use crate::backend::Backend;
use crate::json::ObjectWriter;
use crate::request::{Malformed, Object};

/// `rpc`.
pub(crate) struct Rpc {
    pub(crate) method: String,
    pub(crate) params: Option<Payload>,
}

impl Command for Rpc {
    const NAME: &'static str = "rpc";
    type Output = Option<Payload>;

    async fn run(self, backend: &Arc<dyn Backend>) -> Result<Option<Payload>, CommandError> {
        if self.method.is_empty() {
            return Err(bad_request("`method` is missing or empty"));
        }
        backend.rpc(&self.method, self.params).await
    }
}

impl InJson for Rpc {
    fn read(params: &Object<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            method: params.string("method")?,
            params: params.payload("params")?,
        })
    }

    fn write(data: &Option<Payload>) -> Vec<u8> {
        let writer = ObjectWriter::new();
        writer.some_payload("data", data.as_ref()).end()
    }
}
