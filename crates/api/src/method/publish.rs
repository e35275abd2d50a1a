//! `publish`: data into a channel.

use veche_protocol::error_code::CommandError;
use veche_protocol::payload::Payload;
use veche_protocol::publication::{Publication, PublishOptions};

use super::data::Data;
use super::{Run, named, run};
use crate::backend::Backend;
use crate::json::{self, Outcome};
use crate::request::{Malformed, Object};

pub(super) fn parse(params: &Object<'_>) -> Result<Run, Malformed> {
    let channel = params.string("channel")?;
    let content = Content::read(params)?;
    Ok(run(move |backend| async move {
        named(&channel)?;
        content.decode()?.publish(&*backend, &channel).await
    }))
}

/// What is to be published and how, to one channel or to many.
pub(super) struct Content {
    data: Data,
    ready: Ready,
}

impl Content {
    pub(super) fn read(params: &Object<'_>) -> Result<Self, Malformed> {
        let version = params.number("version")?;
        let mut publication = Publication::new(Payload::binary(bytes::Bytes::new()));
        publication.tags = params.tags("tags")?.map(std::sync::Arc::new);
        publication.version = version;
        Ok(Self {
            data: Data::read(params, "data", "b64data")?,
            ready: Ready {
                publication,
                options: PublishOptions {
                    retention: None,
                    idempotency_key: params.string("idempotency_key")?,
                    version,
                    version_epoch: params.string("version_epoch")?,
                    delta: params.flag("delta")?,
                },
                skip_history: params.flag("skip_history")?,
            },
        })
    }

    pub(super) fn decode(self) -> Result<Ready, CommandError> {
        let mut ready = self.ready;
        if let Some(data) = self.data.decode()? {
            ready.publication.data = data;
        }
        Ok(ready)
    }
}

/// Data that is understood.
#[derive(Clone)]
pub(super) struct Ready {
    publication: Publication,
    options: PublishOptions,
    skip_history: bool,
}

impl Ready {
    /// Publishes; the channel's name is not empty.
    pub(super) async fn publish(self, backend: &dyn Backend, channel: &str) -> Outcome {
        let published = backend.publish(channel, self.publication, self.options, self.skip_history);
        Ok(json::position(&published.await?))
    }
}
