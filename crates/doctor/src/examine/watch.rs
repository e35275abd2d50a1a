//! An idle connection, watched: whether pings come, and whether something cuts it between them.

use std::time::{Duration, Instant};

use super::talk::{Talk, ended};
use crate::advice;
use crate::check::{Check, Mark};
use crate::conversation::Heard;

const NAME: &str = "idle";
/// How late a ping may be.
const MARGIN: Duration = Duration::from_secs(3);
/// Between two words about the time that has passed.
const SECOND: Duration = Duration::from_secs(1);

/// How long to watch.
#[derive(Debug)]
pub(super) enum Plan {
    /// Until the second ping: so there was silence as long as it gets.
    Pings { interval: Duration },
    /// For this time, with pings or without.
    For {
        time: Duration,
        interval: Option<Duration>,
    },
    /// Not at all.
    Skip(Check),
}

impl Plan {
    pub(super) fn new(wish: Option<Duration>, interval: Option<Duration>) -> Self {
        match (wish, interval) {
            (Some(Duration::ZERO), _) => {
                let found = "not looked at: whether an idle connection stays (--wait 0)";
                Self::Skip(Check::new(NAME, Mark::Note, found))
            }
            (Some(time), interval) => Self::For { time, interval },
            (None, Some(interval)) => Self::Pings { interval },
            (None, None) => {
                let found = "the server sends no pings: a proxy ends idle connections, and nobody notices a lost one";
                Self::Skip(Check::new(NAME, Mark::Doubtful, found).advising([
                    "set client.ping_interval, such as \"25s\"; --wait SECONDS watches an idle connection as it is",
                ]))
            }
        }
    }

    /// The longest time that it takes.
    pub(super) fn longest(&self) -> Duration {
        match self {
            // The first comes within an interval, and the second an interval later.
            Self::Pings { interval } => *interval * 2 + MARGIN,
            Self::For { time, .. } => *time,
            Self::Skip(_) => Duration::ZERO,
        }
    }

    fn is_enough(&self, pings: u32) -> bool {
        matches!(self, Self::Pings { .. }) && pings >= 2
    }

    fn interval(&self) -> Option<Duration> {
        match self {
            Self::Pings { interval } => Some(*interval),
            Self::For { interval, .. } => *interval,
            Self::Skip(_) => None,
        }
    }
}

/// Watches a connection on which nothing is said, and tells every second how long already, and how many pings came.
pub(super) fn watch(mut talk: Talk, plan: &Plan, tell: &mut dyn FnMut(Duration, u32)) -> Check {
    let began = Instant::now();
    let until = began + plan.longest();
    let (mut pings, mut last) = (0, began);
    let mut word = began;
    loop {
        tell(word - began, pings);
        word = (word + SECOND).min(until);
        match talk.hear(word) {
            Heard::Nothing if word < until => continue,
            Heard::Ping => {
                pings += 1;
                word = Instant::now();
                last = Instant::now();
                if plan.is_enough(pings) {
                    break;
                }
            }
            Heard::Text(_) | Heard::Binary | Heard::Pong => {
                word = Instant::now();
                last = word;
            }
            Heard::Nothing => break,
            Heard::Cut => return cut(last.elapsed(), plan.interval()),
            heard => return ended(NAME, &heard),
        }
    }
    talk.conversation.leave();
    let time = in_words(began.elapsed());
    match (pings, plan.interval()) {
        (0, Some(interval)) if began.elapsed() > interval + MARGIN => {
            let found = format!(
                "no ping came in {time}, though the server sends one every {}",
                in_words(interval)
            );
            Check::new(NAME, Mark::Wrong, found).advising(advice::DO_NOT_BUFFER)
        }
        (0, _) => Check::new(
            NAME,
            Mark::Fine,
            format!("an idle connection stayed for {time}"),
        ),
        (1, _) => Check::new(
            NAME,
            Mark::Fine,
            format!("an idle connection stayed for {time}, with one ping"),
        ),
        (pings, _) => {
            let found = format!("an idle connection stayed for {time}, with {pings} pings");
            Check::new(NAME, Mark::Fine, found)
        }
    }
}

/// Something ended the connection, and it was not the server.
fn cut(silence: Duration, interval: Option<Duration>) -> Check {
    let after = in_words(silence);
    let Some(interval) = interval else {
        let found =
            format!("the connection was cut after {after} of silence, without a close frame");
        return Check::new(NAME, Mark::Wrong, found).advising([
            "something before the server ends idle connections: set client.ping_interval",
        ]);
    };
    let found = format!(
        "the connection was cut after {after} of silence, without a close frame, and the server pings every {}: \
         something before the server ends idle connections too soon",
        in_words(interval)
    );
    Check::new(NAME, Mark::Wrong, found).advising(advice::keep_idle(silence, interval))
}

fn in_words(time: Duration) -> String {
    if time < Duration::from_secs(10) {
        let tenths = time.as_millis() / 100;
        return format!("{}.{} s", tenths / 10, tenths % 10);
    }
    format!("{} s", time.as_secs())
}
