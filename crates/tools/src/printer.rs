//! Where events are printed: lines for people, or JSON for scripts.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use crate::event::Event;
use crate::text::{Kind, text};

/// How events are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// One JSON object a line, all on standard output.
    Json,
    /// Lines for people: what was asked for on standard output, all else on standard error.
    Text {
        /// Whether standard error takes colours.
        is_coloured: bool,
    },
}

/// Prints events, each line at once. Clones print to the same place.
#[derive(Clone)]
pub struct Printer {
    style: Style,
    places: Arc<Mutex<Places>>,
}

struct Places {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
}

impl Printer {
    /// Prints to the standard output and the standard error of this process.
    #[must_use]
    pub fn standard(style: Style) -> Self {
        let places = Places {
            out: Box::new(io::stdout()),
            err: Box::new(io::stderr()),
        };
        Self {
            style,
            places: Arc::new(Mutex::new(places)),
        }
    }

    /// Whether it prints for people.
    pub(crate) fn is_for_people(&self) -> bool {
        self.style != Style::Json
    }

    /// Prints one event, and does not return before it is written.
    ///
    /// # Errors
    /// The output is gone. That of standard error is not: what it was to be told is lost.
    pub(crate) fn print(&self, event: &Event) -> io::Result<()> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let Style::Text { is_coloured } = self.style else {
            return line(&mut places.out, &event.json());
        };
        let (kind, text) = text(event);
        let colour = match kind {
            Kind::Answer => return line(&mut places.out, &text),
            Kind::Note => "2",
            Kind::Trouble => "31",
        };
        places.tell(&text, is_coloured.then_some(colour));
        Ok(())
    }

    /// Tells people something that is no event. Scripts are not told.
    pub(crate) fn note(&self, text: &str) {
        if let Style::Text { is_coloured } = self.style {
            let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
            places.tell(text, is_coloured.then_some("2"));
        }
    }
}

impl Places {
    /// Writes a line to standard error; if that is gone, it is lost. The colour is ECMA-48's, section 8.3.117.
    fn tell(&mut self, text: &str, colour: Option<&str>) {
        let text = match colour {
            Some(colour) => format!("\u{1b}[{colour}m{text}\u{1b}[0m"),
            None => text.to_owned(),
        };
        line(&mut self.err, &text).ok();
    }
}

fn line(place: &mut impl Write, text: &str) -> io::Result<()> {
    place.write_all(format!("{text}\n").as_bytes())?;
    place.flush()
}

impl fmt::Debug for Printer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Printer")
            .field("style", &self.style)
            .finish_non_exhaustive()
    }
}
