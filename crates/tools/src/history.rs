//! `veche history`: past publications of a channel.

use crate::connection::Connection;
use crate::event::Event;
use crate::exit::Exit;
use crate::printer::Printer;
pub use crate::question::HistoryRequest;
use crate::request::{answer, close, run};

/// Prints past publications of a channel, and the top of its stream.
///
/// # Errors
/// In words: what is wrong with the arguments.
pub fn history(
    connection: &Connection,
    channel: &str,
    request: HistoryRequest,
    printer: &Printer,
) -> Result<Exit, String> {
    run(connection, printer, async |link, printer| {
        let answered = answer(&link, link.history(channel, request)).await;
        close(&link).await;
        let page = match answered {
            Ok(page) => page,
            Err(none) => return none.print(&printer, Some(channel)),
        };
        let end = Event::History {
            channel: channel.to_owned(),
            count: page.publications.len(),
            position: page.position,
        };
        let lines = page.publications.into_iter().map(Event::Publication);
        // A reader that has gone has seen enough.
        let _gone = lines.chain([end]).try_for_each(|line| printer.print(&line));
        Exit::Done
    })
}
