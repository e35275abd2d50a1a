//! Commands that ask, print the answer, and end.

use std::future::Future;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::connection::Connection;
use crate::event::{Ended, Error, Event};
use crate::exit::Exit;
use crate::interrupt::interrupted;
use crate::link::Link;
use crate::printer::Printer;
use crate::queue::{Receiver, queue};
use crate::request_failure::RequestFailure;

/// One thread for the connection; the calling thread prints.
pub(crate) fn runtime() -> Result<Runtime, String> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    runtime.map_err(|error| format!("cannot start: {error}"))
}

/// Connects and does `work`, unless somebody interrupts it.
///
/// # Errors
/// In words: the connection cannot be made as it was described.
pub(crate) fn run<W: Future<Output = Exit>>(
    connection: &Connection,
    printer: &Printer,
    work: impl FnOnce(Link, Printer) -> W,
) -> Result<Exit, String> {
    let runtime = runtime()?;
    let exit = runtime.block_on(async {
        let (sender, events) = queue();
        let mut link = Link::new(connection, sender)?;
        link.connect().await?;
        let telling = tokio::spawn(tell_trouble(events, printer.clone()));
        let exit = tokio::select! {
            exit = work(link, printer.clone()) => exit,
            () = interrupted() => Exit::Done,
        };
        telling.abort();
        Ok(exit)
    });
    // A token command may still be running.
    runtime.shutdown_background();
    exit
}

/// Prints why there is no connection yet.
async fn tell_trouble(mut events: Receiver, printer: Printer) {
    while let Some(event) = events.recv().await {
        if matches!(event, Event::Error(_)) {
            printer.print(&event).ok();
        }
    }
}

/// Waits for an answer, or for the end of the connection.
pub(crate) async fn answer<T>(
    link: &Link,
    asking: impl Future<Output = Result<T, RequestFailure>>,
) -> Result<T, NoAnswer> {
    let mut ended = link.ended();
    let answer = tokio::select! {
        biased;
        end = ended.wait_for(Option::is_some) => return Err(NoAnswer::Ended(known(end.as_deref().ok()))),
        answer = asking => answer,
    };
    match answer {
        Ok(answer) => Ok(answer),
        // A request may hear of the end before it is told.
        Err(failure) if failure.is_end => {
            let end = timeout(TELLING, ended.wait_for(Option::is_some)).await;
            let end = end.ok().and_then(Result::ok);
            Err(NoAnswer::Ended(known(end.as_deref())))
        }
        Err(failure) => Err(NoAnswer::Failed(failure)),
    }
}

fn known(end: Option<&Option<Ended>>) -> Ended {
    end.cloned().flatten().unwrap_or_else(|| Ended {
        code: 0,
        reason: "the client has ended".to_owned(),
    })
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    Failed(RequestFailure),
    Ended(Ended),
}

impl NoAnswer {
    /// Prints it.
    pub(crate) fn print(self, printer: &Printer, channel: Option<&str>) -> Exit {
        let (event, exit) = match self {
            Self::Ended(end) => (Event::Disconnected(end), Exit::Ended),
            Self::Failed(failure) => {
                let error = Error {
                    channel: channel.map(str::to_owned),
                    line: None,
                    code: failure.code,
                    reason: failure.reason,
                    uncertain: failure.is_uncertain,
                };
                (Event::Error(error), Exit::Failed)
            }
        };
        printer.print(&event).ok();
        exit
    }
}

/// Says goodbye, and does not wait long for the answer.
pub(crate) async fn close(link: &Link) {
    timeout(CLOSING, link.close()).await.ok();
}

/// How long a server may take to answer a close.
const CLOSING: Duration = Duration::from_secs(1);
/// How much later than its requests the end of a connection is told, at the most.
const TELLING: Duration = Duration::from_secs(5);
