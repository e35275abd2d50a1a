//! `history_remove`: forgets what was published in a channel.

use std::sync::Arc;

use veche_protocol::error_code::CommandError;

use super::{Command, InJson, named};
use crate::backend::Backend;
use crate::json;
use crate::request::{Malformed, Object};

/// `history_remove`.
pub(crate) struct HistoryRemove {
    pub(crate) channel: String,
}

impl Command for HistoryRemove {
    const NAME: &'static str = "history_remove";
    type Output = ();

    async fn run(self, backend: &Arc<dyn Backend>) -> Result<(), CommandError> {
        named(&self.channel)?;
        backend.remove_history(&self.channel).await
    }
}

impl InJson for HistoryRemove {
    fn read(params: &Object<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            channel: params.string("channel")?,
        })
    }

    fn write((): &()) -> Vec<u8> {
        json::nothing()
    }
}
