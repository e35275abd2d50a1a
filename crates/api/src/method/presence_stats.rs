//! `presence_stats`: how many are in a channel.

use super::{Run, named, run};
use crate::json::ObjectWriter;
use crate::request::{Malformed, Object};

pub(super) fn parse(params: &Object<'_>) -> Result<Run, Malformed> {
    let channel = params.string("channel")?;
    Ok(run(move |backend| async move {
        named(&channel)?;
        let stats = backend.presence_stats(&channel).await?;
        Ok(ObjectWriter::new()
            .number("num_clients", stats.num_clients)
            .number("num_users", stats.num_users)
            .end())
    }))
}
