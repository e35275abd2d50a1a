//! `unsubscribe`: ends subscriptions of a user's connections; all of them if no channel is named.

use super::{Run, addressees, done, run};
use crate::request::{Malformed, Object};

pub(super) fn parse(params: &Object<'_>) -> Result<Run, Malformed> {
    let addressees = addressees::read(params)?;
    let channel = params.string("channel")?;
    Ok(run(move |backend| async move {
        let channel = Some(channel.as_str()).filter(|channel| !channel.is_empty());
        if let Some(addressees) = addressees {
            backend.unsubscribe(addressees, channel).await?;
        }
        done()
    }))
}
