//! `users`: who is connected, in pages.

use super::{Run, paging, pattern, run};
use crate::json::{self, ObjectWriter};
use crate::request::{Malformed, Object};

pub(super) fn parse(params: &Object<'_>) -> Result<Run, Malformed> {
    let pattern = pattern(params)?;
    let page = paging::read(params)?;
    Ok(run(move |backend| async move {
        let pattern = pattern.transpose()?;
        let listing = backend.users(pattern.as_ref(), page).await?;
        let users = listing.items.into_iter().map(|(user, clients)| {
            let count = ObjectWriter::new().number("num_clients", clients);
            (user.as_str().to_owned(), count.end())
        });
        Ok(paging::write("users", &json::map(users), &listing.cursor))
    }))
}
