//! `history`: what was published in a channel.

use veche_protocol::error_code::{CommandError, ErrorCode};
use veche_protocol::history::{Page, Query};
use veche_protocol::publication::Publication;

use super::{Run, named, run};
use crate::json::{self, ObjectWriter};
use crate::request::{Malformed, Object};

/// A limit of 0 asks for the position alone, a negative one for everything.
pub(super) fn parse(params: &Object<'_>) -> Result<Run, Malformed> {
    let channel = params.string("channel")?;
    let limit: i32 = params.number("limit")?;
    let mut query = Query {
        limit: usize::try_from(limit).ok(),
        since: params.position("since")?,
        reverse: params.flag("reverse")?,
        ..Query::default()
    };
    let is_before_all = query.reverse && query.since.as_ref().is_some_and(|it| it.offset == 0);
    Ok(run(move |backend| async move {
        named(&channel)?;
        if is_before_all {
            query = Query {
                limit: Some(0),
                ..Query::default()
            };
        }
        let page = backend.history(&channel, query).await?;
        if is_before_all {
            return Err(CommandError::because(
                ErrorCode::INTERNAL, // As in Centrifugo, where only clients are answered with 107.
                "nothing is before offset 0: `reverse` wants an offset from 1 on",
            ));
        }
        Ok(encode(&page))
    }))
}

fn encode(page: &Page) -> Vec<u8> {
    let publications = page.publications.iter().map(|it| publication(it));
    ObjectWriter::new()
        .raw("publications", &json::list(publications))
        .string("epoch", page.position.epoch.as_str())
        .number("offset", page.position.offset)
        .end()
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
