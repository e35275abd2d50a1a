//! `veche sub`: prints what is published, for as long as it may.

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::thread;

use tokio::sync::oneshot;

use crate::connection::Connection;
use crate::event::{Ended, Event};
use crate::exit::Exit;
use crate::interrupt::interrupted;
use crate::link::Link;
use crate::position::Position;
use crate::printer::Printer;
use crate::queue::{Receiver, queue};
use crate::request::{close, runtime};

/// What to subscribe to.
#[derive(Clone, Debug)]
pub struct Subscribe {
    /// The channels, each named once.
    pub channels: Vec<String>,
    /// Where to go on, if there is one channel.
    pub since: Option<Position>,
    /// Publications after which it is enough.
    pub count: Option<NonZeroU64>,
}

/// Subscribes, and prints what comes until it is enough, the end is final, or somebody interrupts it.
///
/// # Errors
/// In words: what is wrong with the arguments.
pub fn subscribe(
    connection: &Connection,
    wanted: &Subscribe,
    printer: &Printer,
) -> Result<Exit, String> {
    let channels: BTreeSet<_> = wanted.channels.iter().cloned().collect();
    if wanted.since.is_some() && channels.len() != 1 {
        return Err("--since is a position in one channel; name one".to_owned());
    }
    let runtime = runtime()?;
    let exit = runtime.block_on(async {
        let (sender, events) = queue();
        let mut link = Link::new(connection, sender)?;
        for channel in &channels {
            link.subscribe(channel, wanted.since.clone())?;
        }
        link.connect().await?;
        let reader = Reader {
            events,
            printer: printer.clone(),
            left: wanted.count.map(NonZeroU64::get),
            channels,
            own: None,
        };
        let exit = tokio::select! {
            exit = reader.start() => exit,
            () = interrupted() => Exit::Done,
        };
        close(&link).await;
        Ok(exit)
    });
    runtime.shutdown_background();
    exit
}

/// Prints events on a thread of its own: when the output is blocked, pings are answered all the same.
struct Reader {
    events: Receiver,
    printer: Printer,
    /// Publications that are still to come.
    left: Option<u64>,
    /// Channels that have not ended.
    channels: BTreeSet<String>,
    /// This client's own id, once it is known.
    own: Option<String>,
}

impl Reader {
    async fn start(mut self) -> Exit {
        let (done, exit) = oneshot::channel();
        // Nobody joins it: its output may be blocked for good.
        thread::spawn(move || done.send(self.read()).ok());
        exit.await.unwrap_or(Exit::Done)
    }

    fn read(&mut self) -> Exit {
        while let Some(event) = self.events.recv_blocking() {
            if self.is_our_own_coming(&event) {
                continue;
            }
            if self.printer.print(&event).is_err() {
                // Nobody reads any more.
                return Exit::Done;
            }
            match event {
                Event::Connected { client, .. } => self.own = Some(client),
                Event::Disconnected(_) => return Exit::Ended,
                Event::Publication(_) => {
                    self.left = self.left.map(|left| left.saturating_sub(1));
                    if self.left == Some(0) {
                        return Exit::Done;
                    }
                }
                Event::Unsubscribed { channel, .. } => {
                    self.channels.remove(&channel);
                    if self.channels.is_empty() {
                        let nothing_left = Ended {
                            code: 0,
                            reason: "every subscription has ended".to_owned(),
                        };
                        self.printer.print(&Event::Disconnected(nothing_left)).ok();
                        return Exit::Ended;
                    }
                }
                _ => {}
            }
        }
        Exit::Done
    }

    /// People know that they are here; scripts get what the server says.
    fn is_our_own_coming(&self, event: &Event) -> bool {
        match event {
            Event::Join { info, .. } | Event::Leave { info, .. } => {
                self.printer.is_for_people() && self.own.as_ref() == Some(&info.client)
            }
            _ => false,
        }
    }
}
