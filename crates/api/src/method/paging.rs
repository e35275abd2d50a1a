//! Pages of lists: `limit` and `cursor`.

use crate::json::ObjectWriter;
use crate::listing::PageRequest;
use crate::request::{Malformed, Object};

/// Reads which page is wanted.
pub(super) fn read(params: &Object<'_>) -> Result<PageRequest, Malformed> {
    let limit: u32 = params.number("limit")?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    Ok(PageRequest::new(limit, params.string("cursor")?))
}

/// Whether a page is wanted at all, and not everything.
pub(super) fn is_asked_for(params: &Object<'_>) -> Result<bool, Malformed> {
    let limit: u32 = params.number("limit")?;
    Ok(limit > 0 || !params.string("cursor")?.is_empty())
}

/// Writes a page: what is listed, and where the list goes on.
pub(super) fn write(name: &str, listed: &[u8], cursor: &str) -> Vec<u8> {
    let writer = ObjectWriter::new().raw(name, listed);
    writer.some_string("cursor", cursor).end()
}
