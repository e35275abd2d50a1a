//! `history`: what was published in a channel.

use std::sync::Arc;

use veche_protocol::error_code::{CommandError, ErrorCode};
use veche_protocol::history::{Page, Query};
use veche_protocol::position::StreamPosition;
use veche_protocol::publication::Publication;

use super::{Command, InJson, named};
use crate::backend::Backend;
use crate::json::{self, ObjectWriter};
use crate::request::{Malformed, Object};

/// `history`.
pub(crate) struct History {
    pub(crate) channel: String,
    /// 0 asks for the position alone, a negative one for everything.
    pub(crate) limit: i32,
    pub(crate) since: Option<StreamPosition>,
    pub(crate) reverse: bool,
}

impl Command for History {
    const NAME: &'static str = "history";
    type Output = Page;

    async fn run(self, backend: &Arc<dyn Backend>) -> Result<Page, CommandError> {
        named(&self.channel)?;
        let mut query = Query {
            limit: usize::try_from(self.limit).ok(),
            since: self.since,
            reverse: self.reverse,
            ..Query::default()
        };
        let is_before_all = query.reverse && query.since.as_ref().is_some_and(|it| it.offset == 0);
        if is_before_all {
            query = Query {
                limit: Some(0),
                ..Query::default()
            };
        }
        let page = backend.history(&self.channel, query).await?;
        if is_before_all {
            return Err(CommandError::because(
                ErrorCode::BAD_REQUEST, // As clients are answered; by the API of Centrifugo it is 100.
                "nothing is before offset 0: `reverse` wants an offset from 1 on",
            ));
        }
        Ok(page)
    }
}

impl InJson for History {
    fn read(params: &Object<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            channel: params.string("channel")?,
            limit: params.number("limit")?,
            since: params.position("since")?,
            reverse: params.flag("reverse")?,
        })
    }

    fn write(page: &Page) -> Vec<u8> {
        let publications = page.publications.iter().map(|it| publication(it));
        ObjectWriter::new()
            .raw("publications", &json::list(publications))
            .string("epoch", page.position.epoch.as_str())
            .number("offset", page.position.offset)
            .end()
    }
}

fn publication(publication: &Publication) -> Vec<u8> {
    let mut writer = ObjectWriter::new().some_payload("data", Some(&publication.data));
    if let Some(info) = &publication.info {
        writer = writer.raw("info", &json::client_info(info));
    }
    writer = writer.some_number("offset", publication.offset);
    if let Some(tags) = &publication.tags {
        let tags = tags
            .iter()
            .map(|(name, value)| (name.to_string(), json::text(value)));
        writer = writer.raw("tags", &json::map(tags));
    }
    writer.end()
}
