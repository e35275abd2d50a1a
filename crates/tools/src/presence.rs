//! `veche presence`: who is in a channel.

use crate::connection::Connection;
use crate::event::Event;
use crate::exit::Exit;
use crate::printer::Printer;
use crate::request::{answer, close, run};

/// Prints who is in a channel, and how many; with `only_stats` how many alone.
///
/// # Errors
/// In words: what is wrong with the arguments.
pub fn presence(
    connection: &Connection,
    channel: &str,
    only_stats: bool,
    printer: &Printer,
) -> Result<Exit, String> {
    run(connection, printer, async |link, printer| {
        let clients = if only_stats {
            Ok(Vec::new())
        } else {
            answer(&link, link.presence(channel)).await
        };
        let answered = match clients {
            Ok(clients) => answer(&link, link.presence_stats(channel))
                .await
                .map(|stats| (clients, stats)),
            Err(none) => Err(none),
        };
        close(&link).await;
        let (mut clients, stats) = match answered {
            Ok(answered) => answered,
            Err(none) => return none.print(&printer, Some(channel)),
        };
        clients.sort_by(|a, b| (&a.user, &a.client).cmp(&(&b.user, &b.client)));
        let channel = || channel.to_owned();
        let lines = clients.into_iter().map(|info| Event::Presence {
            channel: channel(),
            info,
        });
        let end = Event::PresenceStats {
            channel: channel(),
            num_clients: stats.num_clients,
            num_users: stats.num_users,
        };
        // A reader that has gone has seen enough.
        let _gone = lines.chain([end]).try_for_each(|line| printer.print(&line));
        Exit::Done
    })
}
