//! `channels`: which channels there are; all of them, or a page if one is asked for.

use std::sync::Arc;

use veche_protocol::error_code::CommandError;

use super::paging::{self, Paging};
use super::{Command, InJson, glob};
use crate::backend::Backend;
use crate::json::{self, ObjectWriter};
use crate::listing::Listing;
use crate::request::{Malformed, Object};

/// `channels`.
pub(crate) struct Channels {
    /// Empty for all.
    pub(crate) pattern: String,
    pub(crate) paging: Paging,
}

impl Command for Channels {
    const NAME: &'static str = "channels";
    /// Names, and how many are subscribed.
    type Output = Listing<(String, u32)>;

    async fn run(self, backend: &Arc<dyn Backend>) -> Result<Self::Output, CommandError> {
        let pattern = glob(&self.pattern)?;
        if self.paging.is_asked_for() {
            let page = self.paging.request();
            return backend.channels_in_pages(pattern.as_ref(), page).await;
        }
        let channels = backend.channels(pattern.as_ref()).await?;
        Ok(Listing {
            items: channels.into_iter().collect(),
            cursor: String::new(),
        })
    }
}

impl InJson for Channels {
    fn read(params: &Object<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            pattern: params.string("pattern")?,
            paging: Paging::read(params)?,
        })
    }

    fn write(listing: &Self::Output) -> Vec<u8> {
        let channels = listing.items.iter().map(|(name, clients)| {
            let count = ObjectWriter::new().some_number("num_clients", *clients);
            (name.clone(), count.end())
        });
        paging::write("channels", &json::map(channels), &listing.cursor)
    }
}
