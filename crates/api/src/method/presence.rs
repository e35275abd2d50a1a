//! `presence`: who is in a channel.

use std::collections::BTreeMap;

use super::{Run, named, run};
use crate::json::{self, ObjectWriter};
use crate::request::{Malformed, Object};

pub(super) fn parse(params: &Object<'_>) -> Result<Run, Malformed> {
    let channel = params.string("channel")?;
    Ok(run(move |backend| async move {
        named(&channel)?;
        let clients = backend.presence(&channel).await?;
        let by_id = clients.iter().map(|it| (it.client.to_string(), it));
        let by_id: BTreeMap<_, _> = by_id.collect();
        let presence = by_id
            .into_iter()
            .map(|(id, info)| (id, json::client_info(info)));
        let writer = ObjectWriter::new();
        Ok(writer.raw("presence", &json::map(presence)).end())
    }))
}
