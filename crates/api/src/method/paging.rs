//! Pages of lists: `limit` and `cursor`.

use crate::json::ObjectWriter;
use crate::listing::PageRequest;
use crate::request::{Malformed, Object};

/// Which page is wanted.
pub(crate) struct Paging {
    /// 0 for as many as are given to somebody who does not say how many.
    pub(crate) limit: u32,
    /// Empty for the beginning.
    pub(crate) cursor: String,
}

impl Paging {
    /// Reads which page is wanted.
    pub(super) fn read(params: &Object<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            limit: params.number("limit")?,
            cursor: params.string("cursor")?,
        })
    }

    /// Whether a page is wanted at all, and not everything.
    pub(super) fn is_asked_for(&self) -> bool {
        self.limit > 0 || !self.cursor.is_empty()
    }

    pub(super) fn request(self) -> PageRequest {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        PageRequest::new(limit, self.cursor)
    }
}

/// Writes a page: what is listed, and where the list goes on.
pub(super) fn write(name: &str, listed: &[u8], cursor: &str) -> Vec<u8> {
    let writer = ObjectWriter::new().raw(name, listed);
    writer.some_string("cursor", cursor).end()
}
