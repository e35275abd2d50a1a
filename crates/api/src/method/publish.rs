//! `publish`: data into a channel.

use std::sync::Arc;

use bytes::Bytes;

use veche_protocol::error_code::{CommandError, ErrorCode};
use veche_protocol::idempotency::{IdempotencyKey, KeyOwner};
use veche_protocol::payload::Payload;
use veche_protocol::position::StreamPosition;
use veche_protocol::publication::{Publication, PublishOptions, Tags};

use super::data::Data;
use super::{Command, InJson, named};
use crate::backend::Backend;
use crate::json;
use crate::request::{Malformed, Object};

/// `publish`.
pub(crate) struct Publish {
    pub(crate) channel: String,
    pub(crate) content: Content,
}

impl Command for Publish {
    const NAME: &'static str = "publish";
    type Output = StreamPosition;

    async fn run(self, backend: &Arc<dyn Backend>) -> Result<StreamPosition, CommandError> {
        named(&self.channel)?;
        let content = self.content.decode()?;
        content.publish(&**backend, &self.channel).await
    }
}

impl InJson for Publish {
    fn read(params: &Object<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            channel: params.string("channel")?,
            content: Content::read(params)?,
        })
    }

    fn write(position: &StreamPosition) -> Vec<u8> {
        json::position(position)
    }
}

/// What is to be published and how, to one channel or to many.
pub(crate) struct Content {
    pub(crate) data: Data,
    pub(crate) skip_history: bool,
    /// `None` for none.
    pub(crate) tags: Option<Tags>,
    pub(crate) idempotency_key: String,
    pub(crate) delta: bool,
    pub(crate) version: u64,
    pub(crate) version_epoch: String,
}

impl Content {
    pub(super) fn read(params: &Object<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            data: Data::read(params, "data", "b64data")?,
            skip_history: params.flag("skip_history")?,
            tags: params.tags("tags")?,
            idempotency_key: params.string("idempotency_key")?,
            delta: params.flag("delta")?,
            version: params.number("version")?,
            version_epoch: params.string("version_epoch")?,
        })
    }

    pub(super) fn decode(self) -> Result<Ready, CommandError> {
        let idempotency_key = IdempotencyKey::parse(KeyOwner::Backend, &self.idempotency_key)
            .map_err(|error| CommandError::because(ErrorCode::BAD_REQUEST, error.to_string()))?;
        let data = self.data.decode()?;
        let data = data.unwrap_or_else(|| Payload::binary(Bytes::new()));
        let mut publication = Publication::new(data);
        publication.tags = self.tags.map(Arc::new);
        publication.version = self.version;
        Ok(Ready {
            publication,
            options: PublishOptions {
                retention: None,
                idempotency_key,
                version: self.version,
                version_epoch: self.version_epoch,
                delta: self.delta,
            },
            skip_history: self.skip_history,
        })
    }
}

/// Content whose data are understood.
#[derive(Clone)]
pub(super) struct Ready {
    publication: Publication,
    options: PublishOptions,
    skip_history: bool,
}

impl Ready {
    /// Publishes; the channel's name is not empty.
    pub(super) async fn publish(
        self,
        backend: &dyn Backend,
        channel: &str,
    ) -> Result<StreamPosition, CommandError> {
        backend
            .publish(channel, self.publication, self.options, self.skip_history)
            .await
    }
}
