//! `rpc`: calls an extension of the server.

use super::{Run, bad_request, run};
use crate::json::ObjectWriter;
use crate::request::{Malformed, Object};

pub(super) fn parse(params: &Object<'_>) -> Result<Run, Malformed> {
    let method = params.string("method")?;
    let params = params.payload("params")?;
    Ok(run(move |backend| async move {
        if method.is_empty() {
            return Err(bad_request("`method` is missing or empty"));
        }
        let data = backend.rpc(&method, params).await?;
        let writer = ObjectWriter::new();
        Ok(writer.some_payload("data", data.as_ref()).end())
    }))
}
