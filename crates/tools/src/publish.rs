//! `veche pub`: publishes one value, or a line of standard input each as it comes.

use std::io::{BufRead, IsTerminal, Read};
use std::thread;

use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::mpsc;

use crate::connection::{Connection, Dialect};
use crate::event::{Error, Event};
use crate::exit::Exit;
use crate::link::Link;
use crate::payload::json_line;
use crate::printer::Printer;
use crate::question::Draft;
use crate::request::{NoAnswer, answer, close, run};

/// What to publish.
#[derive(Clone, Debug)]
pub struct Publish {
    /// Where.
    pub channel: String,
    /// One value; without, each line of standard input is one.
    pub data: Option<String>,
    /// Whether what is published is text, and not JSON.
    pub is_text: bool,
    /// Makes publications with this key one, in the plain dialect. The key of a line has its number behind a colon.
    pub key: Option<String>,
}

/// Publishes, one after the other, and prints which were confirmed.
///
/// # Errors
/// In words: what is wrong with the arguments.
pub fn publish(
    connection: &Connection,
    wanted: Publish,
    printer: &Printer,
) -> Result<Exit, String> {
    if wanted.key.is_some() && !matches!(connection.dialect, Dialect::Plain { .. }) {
        return Err(
            "--key needs --plain: the Centrifuge protocol has no keys for clients".to_owned(),
        );
    }
    let one = match &wanted.data {
        None => None,
        Some(data) => Some(value(data, wanted.is_text)?),
    };
    run(connection, printer, async |link, printer| {
        let mut publisher = Publisher {
            link,
            printer,
            wanted,
            exit: Exit::Done,
        };
        match one {
            Some(data) => publisher.publish(data, None).await,
            None => publisher.publish_lines().await,
        };
        close(&publisher.link).await;
        publisher.exit
    })
}

struct Publisher {
    link: Link,
    printer: Printer,
    wanted: Publish,
    /// What it comes to so far.
    exit: Exit,
}

impl Publisher {
    async fn publish_lines(&mut self) {
        if std::io::stdin().is_terminal() {
            self.printer
                .note("each line that you write is published; Ctrl+D ends");
        }
        let mut lines = lines_of_standard_input();
        let mut number = 0;
        let mut ended = self.link.ended();
        loop {
            let line = tokio::select! {
                line = lines.recv() => line,
                end = ended.wait_for(Option::is_some) => {
                    if let Some(end) = end.ok().and_then(|end| end.clone()) {
                        self.exit = NoAnswer::Ended(end).print(&self.printer, None);
                    }
                    return;
                }
            };
            let Some(line) = line else { return };
            number += 1;
            let data = match line {
                Ok(line) if line.trim().is_empty() && !self.wanted.is_text => continue,
                Ok(line) => value(&line, self.wanted.is_text),
                Err(what) => Err(what),
            };
            match data {
                Ok(data) => self.publish(data, Some(number)).await,
                Err(reason) => {
                    let error = Error {
                        reason,
                        ..Error::default()
                    };
                    self.refused(error, Some(number));
                }
            }
            if self.exit == Exit::Ended {
                return;
            }
        }
    }

    async fn publish(&mut self, data: Box<RawValue>, line: Option<u64>) {
        let key = self.wanted.key.as_ref().map(|key| match line {
            Some(line) => format!("{key}:{line}"),
            None => key.clone(),
        });
        let channel = self.wanted.channel.clone();
        let draft = Draft { channel, data, key };
        match answer(&self.link, self.link.publish(draft)).await {
            Ok(position) => {
                let published = Event::Published {
                    channel: self.wanted.channel.clone(),
                    line,
                    position,
                };
                self.printer.print(&published).ok();
            }
            Err(NoAnswer::Failed(failure)) => {
                let error = Error {
                    code: failure.code,
                    reason: failure.reason,
                    uncertain: failure.is_uncertain,
                    ..Error::default()
                };
                self.refused(error, line);
            }
            Err(NoAnswer::Ended(end)) => {
                let error = Error {
                    reason: "the connection ended before it was confirmed".to_owned(),
                    uncertain: true,
                    ..Error::default()
                };
                self.refused(error, line);
                self.exit = NoAnswer::Ended(end).print(&self.printer, None);
            }
        }
    }

    fn refused(&mut self, error: Error, line: Option<u64>) {
        self.exit = Exit::Failed;
        let channel = Some(self.wanted.channel.clone());
        let error = Error {
            channel,
            line,
            ..error
        };
        self.printer.print(&Event::Error(error)).ok();
    }
}

/// What stands on the command line or in a line, as JSON.
fn value(text: &str, is_text: bool) -> Result<Box<RawValue>, String> {
    if is_text {
        return Ok(to_raw_value(text).expect("text is JSON, once it is quoted"));
    }
    json_line(text).map_err(|error| {
        format!("the data is no JSON value: {error} (--text publishes text as it is)")
    })
}

/// Reads lines on a thread of its own, which nobody joins: there may never be another one.
fn lines_of_standard_input() -> mpsc::Receiver<Result<String, String>> {
    let (sender, lines) = mpsc::channel(1);
    thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        loop {
            let line = next_line(&mut input);
            let is_end = matches!(line, Err(Fault::Input(_)));
            let line = match line {
                Ok(None) => return,
                Ok(Some(line)) => Ok(line),
                Err(Fault::Line(what) | Fault::Input(what)) => Err(what),
            };
            if sender.blocking_send(line).is_err() || is_end {
                return;
            }
        }
    });
    lines
}

/// What is wrong with standard input.
#[derive(Debug)]
enum Fault {
    /// A line cannot be published; others may follow.
    Line(String),
    /// Nothing follows.
    Input(String),
}

fn next_line(input: &mut impl BufRead) -> Result<Option<String>, Fault> {
    let cannot = |error: std::io::Error| Fault::Input(format!("cannot read: {error}"));
    let mut line = Vec::new();
    let mut bounded = input.take(LONGEST_LINE);
    bounded.read_until(b'\n', &mut line).map_err(cannot)?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    } else if bounded.limit() == 0 {
        input.skip_until(b'\n').map_err(cannot)?;
        return Err(Fault::Line("the line has more than 16 MiB".to_owned()));
    }
    let line = String::from_utf8(line);
    line.map(Some)
        .map_err(|_| Fault::Line("the line is not UTF-8".to_owned()))
}

/// Bytes of a line, its end among them. No server takes as much.
const LONGEST_LINE: u64 = 16 << 20;

#[cfg(test)]
mod tests {
    use super::{Fault, LONGEST_LINE, next_line, value};

    #[test]
    fn lines_end_with_their_file_and_with_either_line_end() {
        let mut input = &b"1\r\n\n\xff\nlast"[..];
        assert_eq!(next_line(&mut input).unwrap().unwrap(), "1");
        assert_eq!(next_line(&mut input).unwrap().unwrap(), "");
        assert!(matches!(next_line(&mut input), Err(Fault::Line(_))));
        assert_eq!(next_line(&mut input).unwrap().unwrap(), "last");
        assert!(next_line(&mut input).unwrap().is_none());
    }

    #[test]
    fn a_line_without_end_is_passed_over_and_the_next_one_is_read() {
        let mut long = vec![b'x'; usize::try_from(LONGEST_LINE).unwrap() + 5];
        long.extend(b"\nnext\n");
        let mut input = &long[..];
        assert!(matches!(next_line(&mut input), Err(Fault::Line(_))));
        assert_eq!(next_line(&mut input).unwrap().unwrap(), "next");
    }

    #[test]
    fn text_is_quoted_and_what_is_no_json_is_refused() {
        assert_eq!(value("a \"b\"", true).unwrap().get(), r#""a \"b\"""#);
        assert_eq!(value(" {\"a\":1} ", false).unwrap().get(), r#"{"a":1}"#);
        assert!(value("hello", false).unwrap_err().contains("--text"));
    }
}
