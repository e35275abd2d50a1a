//! `connections`: who is connected and how, in pages.

use veche_protocol::channel::Channel;
use veche_protocol::identity::UserId;

use super::{Run, paging, pattern, run, telling};
use crate::json::{self, ObjectWriter};
use crate::listing::{Connection, ConnectionFilter};
use crate::request::{Malformed, Object};

/// What is empty or 0 filters nothing. The commercial edition's other filters are refused: to pass them over would list
/// what was not asked for.
pub(super) fn parse(params: &Object<'_>) -> Result<Run, Malformed> {
    let some = |name| -> Result<Option<String>, Malformed> {
        Ok(Some(params.string(name)?).filter(|text| !text.is_empty()))
    };
    let time = |name| -> Result<Option<i64>, Malformed> {
        Ok(Some(params.number(name)?).filter(|time| *time != 0))
    };
    let pattern = pattern(params)?;
    let filter = ConnectionFilter {
        user: some("user")?.map(|user| UserId::new(&user)),
        channel: some("channel")?.map(Channel::from),
        pattern: None,
        transport: some("transport")?,
        protocol: some("protocol")?,
        connected_after_ms: time("connected_after_ms")?,
        connected_before_ms: time("connected_before_ms")?,
    };
    let has_expression = some("expression")?.is_some();
    let has_label_filter = params.object("label_filter")?.is_some();
    let page = paging::read(params)?;
    Ok(run(move |backend| async move {
        if has_expression {
            return Err(telling(
                "`expression` is not known here: filter by `user`, `channel`, `pattern`, `transport`, `protocol` or time",
            ));
        }
        if has_label_filter {
            return Err(telling(
                "connections have no labels here: leave out `label_filter`",
            ));
        }
        let pattern = pattern.transpose()?;
        let filter = ConnectionFilter { pattern, ..filter };
        let listing = backend.connections(filter, page).await?;
        let connections = listing
            .items
            .iter()
            .map(|it| (it.client.to_string(), connection(it)));
        Ok(paging::write(
            "connections",
            &json::map(connections),
            &listing.cursor,
        ))
    }))
}

fn connection(connection: &Connection) -> Vec<u8> {
    let mut writer = ObjectWriter::new();
    if let Some(app) = &connection.app {
        writer = writer
            .some_string("app_name", &app.name)
            .some_string("app_version", &app.version);
    }
    writer = writer
        .string("transport", connection.transport)
        .string("protocol", connection.protocol)
        .some_string("user", connection.user.as_str());
    if !connection.channels.is_empty() {
        writer = writer.raw("state", &state(connection));
    }
    let connected_at = u64::try_from(connection.connected_at_ms).unwrap_or(0);
    let latency = connection.latency.map(|latency| latency.as_millis());
    let latency = latency.map_or_else(|| "-1".to_owned(), |ms| ms.to_string());
    writer
        .some_number("connected_at_ms", connected_at)
        .raw("ping_pong_latency_ms", latency.as_bytes())
        .end()
}

fn state(connection: &Connection) -> Vec<u8> {
    let channels = connection.channels.iter().map(|(channel, source)| {
        let context = ObjectWriter::new().some_number("source", *source);
        (channel.to_string(), context.end())
    });
    let writer = ObjectWriter::new();
    writer.raw("channels", &json::map(channels)).end()
}
