//! `channels`: which channels there are; all of them, or a page if one is asked for.

use super::{Run, paging, pattern, run};
use crate::json::{self, ObjectWriter};
use crate::listing::Listing;
use crate::request::{Malformed, Object};

pub(super) fn parse(params: &Object<'_>) -> Result<Run, Malformed> {
    let pattern = pattern(params)?;
    let page = paging::read(params)?;
    let in_pages = paging::is_asked_for(params)?;
    Ok(run(move |backend| async move {
        let pattern = pattern.transpose()?;
        let listing = if in_pages {
            backend.channels_in_pages(pattern.as_ref(), page).await?
        } else {
            Listing {
                items: backend
                    .channels(pattern.as_ref())
                    .await?
                    .into_iter()
                    .collect(),
                cursor: String::new(),
            }
        };
        let channels = listing.items.into_iter().map(|(name, clients)| {
            let count = ObjectWriter::new().some_number("num_clients", clients);
            (name, count.end())
        });
        Ok(paging::write(
            "channels",
            &json::map(channels),
            &listing.cursor,
        ))
    }))
}
