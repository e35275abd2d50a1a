//! `broadcast`: the same data into many channels, each with its own outcome.

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use veche_protocol::error_code::CommandError;
use veche_protocol::position::StreamPosition;

use super::publish::{Content, Ready};
use super::{Command, InJson, bad_request, log, named, report};
use crate::backend::{Backend, Observed};
use crate::concurrently::InOrder;
use crate::json::{self, ObjectWriter};
use crate::pieces;
use crate::request::{Malformed, Object};

/// `broadcast`. The number of channels is bounded by the size of the call.
pub(crate) struct Broadcast {
    pub(crate) channels: Channels,
    pub(crate) content: Content,
}

/// Names of channels; from JSON they are read one by one, each when its turn comes.
pub(crate) type Channels = Box<dyn Iterator<Item = String> + Send>;

/// What a publish of a broadcast came to.
type Response = Result<StreamPosition, CommandError>;

impl Broadcast {
    /// The publishes, of which none is begun yet.
    fn publishes(
        self,
        backend: Arc<dyn Backend>,
    ) -> Result<InOrder<impl Iterator<Item = impl Publishing>, Response>, CommandError> {
        let mut channels = self.channels.peekable();
        if channels.peek().is_none() {
            return Err(bad_request("`channels` is missing or empty"));
        }
        let content = self.content.decode()?;
        Ok(InOrder::new(channels.map(move |channel| {
            let (backend, content) = (Arc::clone(&backend), content.clone());
            async move { publish(&*backend, &channel, content).await }
        })))
    }

    /// Publishes, and answers for each channel as soon as it and those before it are done, in the form of a whole
    /// answer: `{"result":{"responses":[...]}}`.
    ///
    /// # Errors
    /// When there is no channel, or the data are none. Nothing was published then.
    pub(crate) async fn answer(
        self,
        backend: Arc<dyn Backend>,
    ) -> Result<axum::response::Response, CommandError> {
        let start = Instant::now();
        let mut publishes = match self.publishes(Arc::clone(&backend)) {
            Ok(publishes) => publishes,
            Err(error) => {
                report::<Self>(start, Some(&error), &*backend);
                return Err(error);
            }
        };
        Ok(pieces::answer(move |mut answer| async move {
            answer.write(r#"{"result":{"responses":["#);
            while let Some(response) = publishes.next().await {
                answer.item(&spelled(&response)).await;
            }
            answer.write("]}}");
            report::<Self>(start, None, &*backend);
            answer
        })
        .await)
    }
}

/// A publish that is under way.
trait Publishing: Future<Output = Response> + Send + 'static {}

impl<F: Future<Output = Response> + Send + 'static> Publishing for F {}

impl Command for Broadcast {
    const NAME: &'static str = "broadcast";
    /// For each channel, in order.
    type Output = Vec<Response>;

    async fn run(self, backend: &Arc<dyn Backend>) -> Result<Self::Output, CommandError> {
        Ok(self.publishes(Arc::clone(backend))?.all().await)
    }
}

impl InJson for Broadcast {
    fn read(params: &Object<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            channels: Box::new(params.many_strings("channels")?),
            content: Content::read(params)?,
        })
    }

    fn write(responses: &Self::Output) -> Vec<u8> {
        let responses = json::list(responses.iter().map(spelled));
        ObjectWriter::new().raw("responses", &responses).end()
    }
}

fn spelled(response: &Response) -> Vec<u8> {
    let response = response.as_ref().map(json::position);
    json::envelope(&response.map_err(Clone::clone))
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
