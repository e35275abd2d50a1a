//! `users`: who is connected, in pages.

use std::sync::Arc;

use veche_protocol::error_code::CommandError;
use veche_protocol::identity::UserId;

use super::paging::{self, Paging};
use super::{Command, InJson, glob};
use crate::backend::Backend;
use crate::json::{self, ObjectWriter};
use crate::listing::Listing;
use crate::request::{Malformed, Object};

/// `users`.
pub(crate) struct Users {
    /// Empty for all.
    pub(crate) pattern: String,
    pub(crate) paging: Paging,
}

impl Command for Users {
    const NAME: &'static str = "users";
    /// Users, and how many connections each has.
    type Output = Listing<(UserId, u32)>;

    async fn run(self, backend: &Arc<dyn Backend>) -> Result<Self::Output, CommandError> {
        let pattern = glob(&self.pattern)?;
        let page = self.paging.request();
        backend.users(pattern.as_ref(), page).await
    }
}

impl InJson for Users {
    fn read(params: &Object<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            pattern: params.string("pattern")?,
            paging: Paging::read(params)?,
        })
    }

    fn write(listing: &Self::Output) -> Vec<u8> {
        let users = listing.items.iter().map(|(user, clients)| {
            let count = ObjectWriter::new().number("num_clients", *clients);
            (user.as_str().to_owned(), count.end())
        });
        paging::write("users", &json::map(users), &listing.cursor)
    }
}
