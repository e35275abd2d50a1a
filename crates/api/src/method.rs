//! The methods: what a command is, how it is carried out, and how it is asked for in JSON.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use tracing::{debug, warn};

use veche_protocol::error_code::{CommandError, ErrorCode};

use crate::backend::{Backend, Observed};
use crate::json::JsonResult;
use crate::pattern::Pattern;
use crate::request::{Malformed, Object};

pub(crate) mod batch;
pub(crate) mod broadcast;
pub(crate) mod channels;
pub(crate) mod connections;
pub(crate) mod disconnect;
pub(crate) mod history;
pub(crate) mod history_remove;
pub(crate) mod info;
pub(crate) mod presence;
pub(crate) mod presence_stats;
pub(crate) mod publish;
pub(crate) mod refresh;
pub(crate) mod rpc;
pub(crate) mod subscribe;
pub(crate) mod unsubscribe;
pub(crate) mod users;

pub(crate) mod addressees;
pub(crate) mod data;
pub(crate) mod paging;

/// What a method does, whoever asks for it and however its answer is spelled.
pub(crate) trait Command: Send + Sized + 'static {
    /// The method's name, as in the URL.
    const NAME: &'static str;
    /// What it comes to.
    type Output: Send;

    /// Does it.
    fn run(
        self,
        backend: &Arc<dyn Backend>,
    ) -> impl Future<Output = Result<Self::Output, CommandError>> + Send;
}

/// A command that is asked for and answered in JSON.
pub(crate) trait InJson: Command {
    /// Reads its parameters. Nothing is done yet.
    fn read(params: &Object<'_>) -> Result<Self, Malformed>;

    /// Writes its result.
    fn write(answer: &Self::Output) -> Vec<u8>;
}

/// Does it, and tells the operator and the metrics.
pub(crate) async fn carry_out<C: Command>(
    command: C,
    backend: &Arc<dyn Backend>,
) -> Result<C::Output, CommandError> {
    let start = Instant::now();
    let outcome = command.run(backend).await;
    report::<C>(start, outcome.as_ref().err(), &**backend);
    outcome
}

/// Tells the operator and the metrics what a command came to.
fn report<C: Command>(start: Instant, error: Option<&CommandError>, backend: &dyn Backend) {
    if let Some(error) = error {
        log(C::NAME, error);
    }
    backend.observe(Observed {
        method: C::NAME,
        took: start.elapsed(),
        error: error.map(|error| error.code),
    });
}

/// One method, in JSON.
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
    method::<publish::Publish>(0),
    method::<broadcast::Broadcast>(1),
    method::<subscribe::Subscribe>(11),
    method::<unsubscribe::Unsubscribe>(2),
    method::<disconnect::Disconnect>(3),
    method::<history::History>(6),
    method::<history_remove::HistoryRemove>(7),
    method::<presence::Presence>(4),
    method::<presence_stats::PresenceStats>(5),
    method::<info::Info>(9),
    method::<rpc::Rpc>(10),
    method::<refresh::Refresh>(12),
    method::<channels::Channels>(8),
    method::<connections::Connections>(14),
    // Centrifugo has none; far beyond its numbers.
    method::<users::Users>(1000),
];

const fn method<C: InJson>(number: i64) -> Method {
    Method {
        name: C::NAME,
        number,
        parse: parse::<C>,
    }
}

fn parse<C: InJson>(params: &Object<'_>) -> Result<Run, Malformed> {
    let command = C::read(params)?;
    Ok(Box::new(|backend| {
        Box::pin(async move {
            let answer = carry_out(command, &backend).await?;
            Ok(C::write(&answer))
        })
    }))
}

/// What a command has still to do.
type Run =
    Box<dyn FnOnce(Arc<dyn Backend>) -> Pin<Box<dyn Future<Output = JsonResult> + Send>> + Send>;

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
    pub(crate) async fn run(self, backend: &Arc<dyn Backend>) -> JsonResult {
        (self.run)(Arc::clone(backend)).await
    }
}

/// Tells the operator why a command was not carried out; the caller hears only a code.
pub(crate) fn log(method: &'static str, error: &CommandError) {
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

/// The glob in `pattern`, unless it is empty.
fn glob(pattern: &str) -> Result<Option<Pattern>, CommandError> {
    if pattern.is_empty() {
        return Ok(None);
    }
    let pattern = Pattern::parse(pattern);
    pattern
        .map(Some)
        .ok_or_else(|| bad_request("`pattern` is no glob"))
}
