//! `unsubscribe`: ends subscriptions of a user's connections; all of them if no channel is named.

use std::sync::Arc;

use veche_protocol::error_code::CommandError;

use super::addressees::Recipients;
use super::{Command, InJson};
use crate::backend::Backend;
use crate::json;
use crate::request::{Malformed, Object};

/// `unsubscribe`.
pub(crate) struct Unsubscribe {
    pub(crate) recipients: Recipients,
    /// Empty for all.
    pub(crate) channel: String,
}

impl Command for Unsubscribe {
    const NAME: &'static str = "unsubscribe";
    type Output = ();

    async fn run(self, backend: &Arc<dyn Backend>) -> Result<(), CommandError> {
        let Some(addressees) = self.recipients.resolve()? else {
            return Ok(());
        };
        let channel = Some(self.channel.as_str()).filter(|channel| !channel.is_empty());
        backend.unsubscribe(addressees, channel).await
    }
}

impl InJson for Unsubscribe {
    fn read(params: &Object<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            recipients: Recipients::read(params)?,
            channel: params.string("channel")?,
        })
    }

    fn write((): &()) -> Vec<u8> {
        json::nothing()
    }
}
