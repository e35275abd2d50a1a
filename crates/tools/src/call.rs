//! `veche call`: calls a method of the backend.

use bytes::Bytes;

use crate::connection::Connection;
use crate::event::Event;
use crate::exit::Exit;
use crate::payload::json_line;
use crate::printer::Printer;
use crate::request::{answer, close, run};

/// Calls `method` with a JSON value, and prints the answer.
///
/// # Errors
/// In words: what is wrong with the arguments.
pub fn call(
    connection: &Connection,
    method: &str,
    data: &str,
    printer: &Printer,
) -> Result<Exit, String> {
    let data = json_line(data).map_err(|error| format!("the data is no JSON value: {error}"))?;
    let data = Bytes::copy_from_slice(data.get().as_bytes());
    run(connection, printer, async |link, printer| {
        let answered = answer(&link, link.call(method, data)).await;
        close(&link).await;
        match answered {
            Ok(data) => {
                let method = method.to_owned();
                printer.print(&Event::Answer { method, data }).ok();
                Exit::Done
            }
            Err(none) => none.print(&printer, None),
        }
    })
}
