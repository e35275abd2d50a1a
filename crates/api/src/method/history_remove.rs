//! `history_remove`: forgets what was published in a channel.

use super::{Run, done, named, run};
use crate::request::{Malformed, Object};

pub(super) fn parse(params: &Object<'_>) -> Result<Run, Malformed> {
    let channel = params.string("channel")?;
    Ok(run(move |backend| async move {
        named(&channel)?;
        backend.remove_history(&channel).await?;
        done()
    }))
}
