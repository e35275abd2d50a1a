//! What was measured, for people and for machines.

use serde_json::{Map, Value};

use crate::chart;
use crate::histogram::Histogram;
use crate::words::{self, Unit};

/// Figures in the order in which they are told, and what is drawn below them.
#[derive(Debug)]
pub struct Report {
    title: String,
    figures: Vec<Figure>,
    charts: Vec<(&'static str, &'static str, Histogram)>,
    notes: Vec<String>,
}

#[derive(Debug)]
struct Figure {
    key: String,
    amount: Amount,
    /// What it is, for people.
    words: &'static str,
}

#[derive(Debug)]
enum Amount {
    Count(u64),
    /// With so many decimals for people.
    Number(f64, usize),
    Text(String),
}

impl Report {
    pub(crate) fn new(title: String) -> Self {
        Self {
            title,
            figures: Vec::new(),
            charts: Vec::new(),
            notes: Vec::new(),
        }
    }

    pub(crate) fn count(&mut self, key: impl Into<String>, count: u64, words: &'static str) {
        self.push(key.into(), Amount::Count(count), words);
    }

    pub(crate) fn number(
        &mut self,
        key: impl Into<String>,
        number: f64,
        decimals: usize,
        words: &'static str,
    ) {
        self.push(key.into(), Amount::Number(number, decimals), words);
    }

    pub(crate) fn text(&mut self, key: impl Into<String>, text: String, words: &'static str) {
        self.push(key.into(), Amount::Text(text), words);
    }

    fn push(&mut self, key: String, amount: Amount, words: &'static str) {
        debug_assert!(words::find(&key).is_some(), "{key} has no name");
        self.figures.push(Figure { key, amount, words });
    }

    pub(crate) fn chart(&mut self, key: &'static str, title: &'static str, histogram: Histogram) {
        self.charts.push((key, title, histogram));
    }

    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// A figure that is a count.
    #[must_use]
    pub fn count_of(&self, key: &str) -> Option<u64> {
        self.figures.iter().find_map(|figure| match figure.amount {
            Amount::Count(count) if figure.key == key => Some(count),
            _ => None,
        })
    }

    /// A figure that is a number.
    #[must_use]
    pub fn number_of(&self, key: &str) -> Option<f64> {
        self.figures.iter().find_map(|figure| match figure.amount {
            Amount::Number(number, _) if figure.key == key => Some(number),
            _ => None,
        })
    }

    /// What went wrong, in words.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What it comes to, in one line.
    #[must_use]
    pub fn summary(&self) -> String {
        let show = |key: &str| self.shown(key).unwrap_or_else(|| "?".to_owned());
        let count = |key: &str| self.count_of(key).unwrap_or_default();
        let mode = self.figures.iter().find(|figure| figure.key == "mode");
        let mode = mode.map(|figure| figure.row().1).unwrap_or_default();
        let server = |key: &str, words: &str| match self.shown(key) {
            Some(amount) => format!(", {amount} {words}"),
            None => String::new(),
        };
        match mode.as_str() {
            "idle" => format!(
                "{} idle connections{}{}",
                show("connections"),
                server("memory_per_connection", "of the server's memory each"),
                server("server_us_per_ping", "of its time for a ping"),
            ),
            "storm" => format!(
                "{} connections, ready within {}{}",
                show("connections"),
                show("opening_s"),
                server(
                    "opening_server_ms_per_1000",
                    "of the server's time per 1000"
                ),
            ),
            "slow" => format!(
                "{} of the slow clients closed; latency of the others (99 %): {} before, {} meanwhile; {} lost",
                show("slow_closed"),
                show("before_latency_p99_us"),
                show("while_latency_p99_us"),
                count("lost"),
            ),
            _ => format!(
                "{} deliveries in {}{}; latency {} (median), {} (99 %); {} lost",
                show("deliveries"),
                show("seconds"),
                server("server_us_per_delivery", "of the server's time each"),
                show("latency_p50_us"),
                show("latency_p99_us"),
                count("lost"),
            ),
        }
    }

    /// A figure as people read it.
    fn shown(&self, key: &str) -> Option<String> {
        let figure = self.figures.iter().find(|figure| figure.key == key)?;
        Some(figure.row().1)
    }

    /// All of it for people, with a line break at the end.
    #[must_use]
    pub fn table(&self) -> String {
        let mut out = format!("{}\n\n", self.title);
        let rows: Vec<_> = self.figures.iter().map(Figure::row).collect();
        let widest = rows.iter().map(|(name, ..)| name.chars().count()).max();
        let width = widest.unwrap_or_default();
        for (name, amount, words) in rows {
            let line = format!("  {name:<width$} {amount:>18}  {words}");
            out.push_str(line.trim_end());
            out.push('\n');
        }
        for (_, title, histogram) in self
            .charts
            .iter()
            .filter(|(_, _, histogram)| histogram.count() > 0)
        {
            out.push_str(&format!("\n{title}\n\n{}", chart::draw(histogram)));
        }
        if !self.notes.is_empty() {
            out.push_str("\nwhat went wrong\n\n");
            out.extend(self.notes.iter().map(|note| format!("  {note}\n")));
        }
        out
    }

    /// All of it as one JSON object; histograms as lists of [step's end in nanoseconds, count].
    #[must_use]
    pub fn json(&self) -> String {
        let mut object = Map::new();
        for Figure { key, amount, .. } in &self.figures {
            let value = match amount {
                Amount::Count(count) => Value::from(*count),
                Amount::Number(number, _) => Value::from(*number),
                Amount::Text(text) => Value::from(text.as_str()),
            };
            object.insert(key.clone(), value);
        }
        for (key, _, histogram) in &self.charts {
            let steps = histogram
                .steps()
                .into_iter()
                .map(|(end, count)| Value::from(vec![end, count]));
            object.insert((*key).to_owned(), steps.collect());
        }
        object.insert("notes".to_owned(), self.notes.clone().into());
        Value::Object(object).to_string()
    }
}

impl Figure {
    /// Its name, its amount and its words, for people.
    fn row(&self) -> (String, String, &'static str) {
        let named = words::find(&self.key);
        let (name, unit) = named.unwrap_or_else(|| (self.key.replace('_', " "), Unit::None));
        let amount = match &self.amount {
            // Beyond 2^53 a count loses its last digits, which nobody would read.
            Amount::Count(count) => words::amount(*count as f64, 0, unit),
            Amount::Number(number, decimals) => words::amount(*number, *decimals, unit),
            Amount::Text(text) => text.clone(),
        };
        (name, amount, self.words)
    }
}

#[cfg(test)]
mod tests {
    use super::Report;
    use crate::histogram::Histogram;

    fn report() -> Report {
        let mut report = Report::new("veche bench fanout".to_owned());
        report.count("deliveries", 1000, "");
        report.number("server_us_per_delivery", 2.567_89, 3, "processor time");
        report.text("dialect", "plain".to_owned(), "");
        let mut latency = Histogram::default();
        latency.add(1_500_000);
        report.chart("latency", "latency of a delivery", latency);
        report.note("a connection failed (2 times)".to_owned());
        report
    }

    #[test]
    fn people_read_a_table() {
        let table = report().table();
        assert!(
            table.starts_with("veche bench fanout\n\n  deliveries  "),
            "{table}"
        );
        assert!(table.contains("server time per delivery"), "{table}");
        assert!(table.contains("2.57 µs  processor time\n"), "{table}");
        let summary = report().summary();
        assert!(
            summary.starts_with("1000 deliveries in ?, 2.57 µs of the server's time each; "),
            "{summary}"
        );
        assert!(!summary.contains('\n'), "{summary}");
        assert!(table.contains("\nlatency of a delivery\n"), "{table}");
        assert!(
            table.ends_with("  a connection failed (2 times)\n"),
            "{table}"
        );
    }

    #[test]
    fn machines_read_json() {
        let json = report().json();
        let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(value["deliveries"], 1000);
        assert_eq!(value["server_us_per_delivery"], 2.567_89);
        assert_eq!(value["latency"], serde_json::json!([[2_000_000, 1]]));
        assert_eq!(value["notes"][0], "a connection failed (2 times)");
    }
}
