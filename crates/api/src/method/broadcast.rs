//! `broadcast`: the same data into many channels, each with its own outcome.

use std::sync::Arc;
use std::time::Instant;

use veche_protocol::error_code::CommandError;
use veche_protocol::position::StreamPosition;

use super::publish::{Content, Ready};
use super::{Command, InJson, bad_request, log, named};
use crate::backend::{Backend, Observed};
use crate::concurrently::run_all;
use crate::json::{self, ObjectWriter};
use crate::request::{Malformed, Object};

/// `broadcast`. The number of channels is bounded by the size of the call.
pub(crate) struct Broadcast {
    pub(crate) channels: Vec<String>,
    pub(crate) content: Content,
}

impl Command for Broadcast {
    const NAME: &'static str = "broadcast";
    /// For each channel, in order.
    type Answer = Vec<Result<StreamPosition, CommandError>>;

    async fn run(self, backend: &Arc<dyn Backend>) -> Result<Self::Answer, CommandError> {
        if self.channels.is_empty() {
            return Err(bad_request("`channels` is missing or empty"));
        }
        let content = self.content.decode()?;
        let publishes = self.channels.into_iter().map(|channel| {
            let (backend, content) = (Arc::clone(backend), content.clone());
            async move { publish(&*backend, &channel, content).await }
        });
        Ok(run_all(publishes).await)
    }
}

impl InJson for Broadcast {
    fn read(params: &Object<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            channels: params.strings("channels")?,
            content: Content::read(params)?,
        })
    }

    fn write(responses: &Self::Answer) -> Vec<u8> {
        let responses = responses.iter().map(|response| {
            let response = response.as_ref().map(json::position);
            json::envelope(&response.map_err(Clone::clone))
        });
        let responses = json::list(responses);
        ObjectWriter::new().raw("responses", &responses).end()
    }
}

async fn publish(
    backend: &dyn Backend,
    channel: &str,
    content: Ready,
) -> Result<StreamPosition, CommandError> {
    let start = Instant::now();
    let outcome = match named(channel) {
        Ok(()) => content.publish(backend, channel).await,
        Err(error) => Err(error),
    };
    if let Err(error) = &outcome {
        log(PART, error);
        backend.observe(Observed {
            method: PART,
            took: start.elapsed(),
            error: Some(error.code),
        });
    }
    outcome
}

/// The name of one publish of a broadcast, in metrics.
const PART: &str = "broadcast_publish";
