//! `presence`: who is in a channel.

use std::collections::BTreeMap;
use std::sync::Arc;

use veche_protocol::error_code::CommandError;
use veche_protocol::identity::ClientInfo;

use super::{Command, InJson, named};
use crate::backend::Backend;
use crate::json::{self, ObjectWriter};
use crate::request::{Malformed, Object};

/// `presence`.
pub(crate) struct Presence {
    pub(crate) channel: String,
}

impl Command for Presence {
    const NAME: &'static str = "presence";
    /// By the client's id.
    type Output = BTreeMap<String, ClientInfo>;

    async fn run(self, backend: &Arc<dyn Backend>) -> Result<Self::Output, CommandError> {
        named(&self.channel)?;
        let clients = backend.presence(&self.channel).await?.into_iter();
        Ok(clients.map(|it| (it.client.to_string(), it)).collect())
    }
}

impl InJson for Presence {
    fn read(params: &Object<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            channel: params.string("channel")?,
        })
    }

    fn write(clients: &Self::Output) -> Vec<u8> {
        let clients = clients.iter();
        let presence = clients.map(|(id, info)| (id.clone(), json::client_info(info)));
        let writer = ObjectWriter::new();
        writer.raw("presence", &json::map(presence)).end()
    }
}
