//! `disconnect`: ends a user's connections.

use std::sync::Arc;

use veche_protocol::disconnect;
use veche_protocol::error_code::CommandError;

use super::addressees::Recipients;
use super::{Command, InJson, bad_request};
use crate::backend::Backend;
use crate::json;
use crate::request::{Malformed, Object};

/// `disconnect`.
pub(crate) struct Disconnect {
    pub(crate) recipients: Recipients,
    /// Ids of clients that stay.
    pub(crate) whitelist: Vec<String>,
    /// Code and reason; `None` for 3503.
    pub(crate) reason: Option<(u32, String)>,
}

impl Command for Disconnect {
    const NAME: &'static str = "disconnect";
    type Output = ();

    async fn run(self, backend: &Arc<dyn Backend>) -> Result<(), CommandError> {
        let addressees = self.recipients.resolve()?;
        let reason = match self.reason {
            Some((code, reason)) => disconnect(code, &reason)?,
            None => disconnect::Disconnect::FORCE_NO_RECONNECT,
        };
        let Some(mut addressees) = addressees else {
            return Ok(());
        };
        // What is no client's id is nobody's.
        let stay = self.whitelist.iter().filter_map(|id| id.parse().ok());
        addressees.except = stay.collect();
        backend.disconnect(addressees, reason).await
    }
}

impl InJson for Disconnect {
    fn read(params: &Object<'_>) -> Result<Self, Malformed> {
        let recipients = Recipients::read(params)?;
        let whitelist = params.strings("whitelist")?;
        let reason = match params.object("disconnect")? {
            Some(reason) => Some((reason.number("code")?, reason.string("reason")?)),
            None => None,
        };
        Ok(Self {
            recipients,
            whitelist,
            reason,
        })
    }

    fn write((): &()) -> Vec<u8> {
        json::nothing()
    }
}

/// A code that may stand in a close frame, and as much of the reason as fits into one (RFC 6455, section 5.5).
fn disconnect(code: u32, reason: &str) -> Result<disconnect::Disconnect, CommandError> {
    let code = u16::try_from(code)
        .ok()
        .filter(|code| (3000..=4999).contains(code))
        .ok_or_else(|| bad_request("`code` of `disconnect` is not from 3000 to 4999"))?;
    let end = reason.floor_char_boundary(MAX_REASON);
    let reason = reason.get(..end).unwrap_or_default();
    Ok(disconnect::Disconnect::new(code, reason.to_owned()))
}

/// Bytes in a control frame without those of the code.
const MAX_REASON: usize = 123;
