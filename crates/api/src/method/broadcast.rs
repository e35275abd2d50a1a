//! `broadcast`: the same data into many channels, each with its own outcome.

use std::sync::Arc;
use std::time::Instant;

use super::publish::Content;
use super::{Run, bad_request, log, named, run};
use crate::backend::Observed;
use crate::concurrently::run_all;
use crate::json::{self, ObjectWriter};
use crate::request::{Malformed, Object};

/// The number of channels is bounded by the size of the body.
pub(super) fn parse(params: &Object<'_>) -> Result<Run, Malformed> {
    let channels = params.strings("channels")?;
    let content = Content::read(params)?;
    Ok(run(move |backend| async move {
        if channels.is_empty() {
            return Err(bad_request("`channels` is missing or empty"));
        }
        let content = content.decode()?;
        let publishes = channels.into_iter().map(|channel| {
            let backend = Arc::clone(&backend);
            let content = content.clone();
            async move {
                let start = Instant::now();
                let outcome = match named(&channel) {
                    Ok(()) => content.publish(&*backend, &channel).await,
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
                json::envelope(&outcome)
            }
        });
        let responses = json::list(run_all(publishes).await);
        Ok(ObjectWriter::new().raw("responses", &responses).end())
    }))
}

/// The name of one publish of a broadcast, in metrics.
const PART: &str = "broadcast_publish";
