//! `connections`: who is connected and how, in pages.

use std::sync::Arc;

use veche_protocol::channel::Channel;
use veche_protocol::error_code::CommandError;
use veche_protocol::identity::UserId;

use super::addressees::no_labels;
use super::paging::{self, Paging};
use super::{Command, InJson, glob, telling};
use crate::backend::Backend;
use crate::json::{self, ObjectWriter};
use crate::listing::{Connection, ConnectionFilter, Listing};
use crate::request::{Malformed, Object};

/// `connections`. What is empty or 0 filters nothing.
pub(crate) struct Connections {
    pub(crate) user: String,
    pub(crate) channel: String,
    pub(crate) pattern: String,
    pub(crate) transport: String,
    pub(crate) protocol: String,
    pub(crate) connected_after_ms: i64,
    pub(crate) connected_before_ms: i64,
    /// A filter of Centrifugo PRO: refused, because without it more would be listed than the caller asked for.
    pub(crate) expression: String,
    /// Another filter of Centrifugo PRO, refused for the same reason, is there.
    pub(crate) has_label_filter: bool,
    pub(crate) paging: Paging,
}

impl Command for Connections {
    const NAME: &'static str = "connections";
    type Output = Listing<Connection>;

    async fn run(self, backend: &Arc<dyn Backend>) -> Result<Self::Output, CommandError> {
        if !self.expression.is_empty() {
            return Err(telling(
                "`expression` is not supported: filter by `user`, `channel`, `pattern`, `transport`, `protocol` or time",
            ));
        }
        if self.has_label_filter {
            return Err(no_labels());
        }
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        let time = |time: i64| Some(time).filter(|time| *time != 0);
        let filter = ConnectionFilter {
            user: some(self.user).map(|user| UserId::new(&user)),
            channel: some(self.channel).map(Channel::from),
            pattern: glob(&self.pattern)?,
            transport: some(self.transport),
            protocol: some(self.protocol),
            connected_after_ms: time(self.connected_after_ms),
            connected_before_ms: time(self.connected_before_ms),
        };
        backend.connections(filter, self.paging.request()).await
    }
}

impl InJson for Connections {
    fn read(params: &Object<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            user: params.string("user")?,
            channel: params.string("channel")?,
            pattern: params.string("pattern")?,
            transport: params.string("transport")?,
            protocol: params.string("protocol")?,
            connected_after_ms: params.number("connected_after_ms")?,
            connected_before_ms: params.number("connected_before_ms")?,
            expression: params.string("expression")?,
            has_label_filter: params.object("label_filter")?.is_some(),
            paging: Paging::read(params)?,
        })
    }

    fn write(listing: &Self::Output) -> Vec<u8> {
        let connections = listing.items.iter();
        let connections = connections.map(|it| (it.client.to_string(), connection(it)));
        paging::write("connections", &json::map(connections), &listing.cursor)
    }
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
