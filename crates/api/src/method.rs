//! The methods, and how a command becomes a call.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use tracing::{debug, warn};

use veche_protocol::error_code::{CommandError, ErrorCode};

use crate::backend::{Backend, Observed};
use crate::json::Outcome;
use crate::pattern::Pattern;
use crate::request::{Malformed, Object};

pub(crate) mod batch;
mod broadcast;
mod channels;
mod connections;
mod disconnect;
mod history;
mod history_remove;
mod info;
mod presence;
mod presence_stats;
mod publish;
mod refresh;
mod rpc;
mod subscribe;
mod unsubscribe;
mod users;

mod addressees;
mod data;
mod paging;

/// One method.
pub(crate) struct Method {
    /// Its name, as in the URL.
    pub(crate) name: &'static str,
    /// Its number in commands to the legacy address.
    pub(crate) number: i64,
    /// Reads its parameters. Nothing is done yet.
    parse: fn(&Object<'_>) -> Result<Run, Malformed>,
}

/// All methods but `batch`. Of several in one command of a batch the first counts.
pub(crate) static METHODS: [Method; 15] = [
    method("publish", 0, publish::parse),
    method("broadcast", 1, broadcast::parse),
    method("subscribe", 11, subscribe::parse),
    method("unsubscribe", 2, unsubscribe::parse),
    method("disconnect", 3, disconnect::parse),
    method("history", 6, history::parse),
    method("history_remove", 7, history_remove::parse),
    method("presence", 4, presence::parse),
    method("presence_stats", 5, presence_stats::parse),
    method("info", 9, info::parse),
    method("rpc", 10, rpc::parse),
    method("refresh", 12, refresh::parse),
    method("channels", 8, channels::parse),
    method("connections", 14, connections::parse),
    // Centrifugo has none; far beyond its numbers.
    method("users", 1000, users::parse),
];

const fn method(
    name: &'static str,
    number: i64,
    parse: fn(&Object<'_>) -> Result<Run, Malformed>,
) -> Method {
    Method {
        name,
        number,
        parse,
    }
}

/// What a command has still to do.
pub(crate) type Run =
    Box<dyn FnOnce(Arc<dyn Backend>) -> Pin<Box<dyn Future<Output = Outcome> + Send>> + Send>;

/// Makes a [`Run`] of a function.
fn run<F, Fut>(action: F) -> Run
where
    F: FnOnce(Arc<dyn Backend>) -> Fut + Send + 'static,
    Fut: Future<Output = Outcome> + Send + 'static,
{
    Box::new(|backend| Box::pin(action(backend)))
}

/// A command that makes sense.
pub(crate) struct Call {
    method: &'static str,
    run: Run,
}

impl Method {
    /// Reads the parameters.
    pub(crate) fn call(&self, params: &Object<'_>) -> Result<Call, Malformed> {
        Ok(Call {
            method: self.name,
            run: (self.parse)(params)?,
        })
    }
}

impl Call {
    /// Does it.
    pub(crate) async fn run(self, backend: &Arc<dyn Backend>) -> Outcome {
        let start = Instant::now();
        let outcome = (self.run)(Arc::clone(backend)).await;
        let error = outcome.as_ref().err();
        if let Some(error) = error {
            log(self.method, error);
        }
        backend.observe(Observed {
            method: self.method,
            took: start.elapsed(),
            error: error.map(|error| error.code),
        });
        outcome
    }
}

/// Tells the operator why a command was not carried out; the caller hears only a code.
fn log(method: &'static str, error: &CommandError) {
    let why = error.why.as_deref().unwrap_or_default();
    if error.code == ErrorCode::INTERNAL {
        warn!(method, code = error.code.0, why, "an API command failed");
    } else {
        debug!(
            method,
            code = error.code.0,
            why,
            "an API command was refused"
        );
    }
}

/// The channel of a command; an empty one is a bad request.
fn named(channel: &str) -> Result<(), CommandError> {
    if channel.is_empty() {
        return Err(bad_request("`channel` is missing or empty"));
    }
    Ok(())
}

fn bad_request(why: &'static str) -> CommandError {
    CommandError::because(ErrorCode::BAD_REQUEST, why)
}

/// A bad request whose caller hears why, in methods of which Centrifugo's client libraries expect no certain words.
fn telling(why: &'static str) -> CommandError {
    CommandError {
        message: format!("bad request: {why}").into(),
        ..bad_request(why)
    }
}

/// The glob in `pattern`, if there is one.
fn pattern(params: &Object<'_>) -> Result<Option<Result<Pattern, CommandError>>, Malformed> {
    let text = params.string("pattern")?;
    if text.is_empty() {
        return Ok(None);
    }
    let pattern = Pattern::parse(&text);
    Ok(Some(
        pattern.ok_or_else(|| bad_request("`pattern` is no glob")),
    ))
}

/// The result of a command that has nothing to tell.
fn done() -> Outcome {
    Ok(b"{}".into())
}
