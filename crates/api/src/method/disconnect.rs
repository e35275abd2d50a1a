//! `disconnect`: ends a user's connections.

use veche_protocol::disconnect::Disconnect;
use veche_protocol::error_code::CommandError;

use super::{Run, addressees, bad_request, done, run};
use crate::request::{Malformed, Object};

pub(super) fn parse(params: &Object<'_>) -> Result<Run, Malformed> {
    let addressees = addressees::read(params)?;
    let whitelist = params.strings("whitelist")?;
    let reason = match params.object("disconnect")? {
        Some(reason) => Some((reason.number::<u32>("code")?, reason.string("reason")?)),
        None => None,
    };
    Ok(run(move |backend| async move {
        let reason = match reason {
            Some((code, reason)) => disconnect(code, &reason)?,
            None => Disconnect::FORCE_NO_RECONNECT,
        };
        if let Some(mut addressees) = addressees {
            // What is no client's id is nobody's.
            addressees.except = whitelist.iter().filter_map(|id| id.parse().ok()).collect();
            backend.disconnect(addressees, reason).await?;
        }
        done()
    }))
}

/// A code that may stand in a close frame, and as much of the reason as fits into one (RFC 6455, section 5.5).
fn disconnect(code: u32, reason: &str) -> Result<Disconnect, CommandError> {
    let code = u16::try_from(code)
        .ok()
        .filter(|code| (3000..=4999).contains(code))
        .ok_or_else(|| bad_request("`code` of `disconnect` is not from 3000 to 4999"))?;
    let end = reason.floor_char_boundary(MAX_REASON);
    let reason = reason.get(..end).unwrap_or_default();
    Ok(Disconnect::new(code, reason.to_owned()))
}

/// Bytes in a control frame without those of the code.
const MAX_REASON: usize = 123;
