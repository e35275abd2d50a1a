//! `channels`: which channels there are.

use super::{Run, bad_request, run};
use crate::json::{self, ObjectWriter};
use crate::pattern::Pattern;
use crate::request::{Malformed, Object};

pub(super) fn parse(params: &Object<'_>) -> Result<Run, Malformed> {
    let pattern = params.string("pattern")?;
    Ok(run(move |backend| async move {
        let pattern = match pattern.as_str() {
            "" => None,
            text => Some(Pattern::parse(text).ok_or_else(|| bad_request("`pattern` is no glob"))?),
        };
        let channels = backend.channels(pattern.as_ref()).await?;
        let channels = channels.into_iter().map(|(name, clients)| {
            let count = ObjectWriter::new().some_number("num_clients", clients);
            (name, count.end())
        });
        let writer = ObjectWriter::new();
        Ok(writer.raw("channels", &json::map(channels)).end())
    }))
}
