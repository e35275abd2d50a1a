//! `presence_stats`: how many are in a channel.

use std::sync::Arc;

use veche_protocol::error_code::CommandError;
use veche_protocol::reply;

use super::{Command, InJson, named};
use crate::backend::Backend;
use crate::json::ObjectWriter;
use crate::request::{Malformed, Object};

/// `presence_stats`.
pub(crate) struct PresenceStats {
    pub(crate) channel: String,
}

impl Command for PresenceStats {
    const NAME: &'static str = "presence_stats";
    type Output = reply::PresenceStats;

    async fn run(self, backend: &Arc<dyn Backend>) -> Result<Self::Output, CommandError> {
        named(&self.channel)?;
        backend.presence_stats(&self.channel).await
    }
}

impl InJson for PresenceStats {
    fn read(params: &Object<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            channel: params.string("channel")?,
        })
    }

    fn write(stats: &Self::Output) -> Vec<u8> {
        ObjectWriter::new()
            .number("num_clients", stats.num_clients)
            .number("num_users", stats.num_users)
            .end()
    }
}
