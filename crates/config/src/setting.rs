//! The trait of configuration values: they describe themselves, are read from a layer, and are shown.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Map, Value};

/// A configuration value, or a section of them.
pub trait Setting: Default {
    /// The kind of the value, for the key table.
    fn kind() -> Kind;

    /// Takes `value`, found at the dotted path `at`; what is wrong goes to `reading`, and the
    /// setting then keeps what it had.
    fn read(&mut self, value: &Value, at: &str, reading: &mut Reading<'_>);

    /// The value as it would stand in a file.
    fn show(&self) -> Value;
}

/// The kind of a key's value.
#[derive(Debug, Clone)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number within a range.
    Integer,
    /// A string.
    Text,
    /// A string that is never shown.
    Secret,
    /// A duration such as `25s`.
    Duration,
    /// One of these strings.
    Choice(&'static [&'static str]),
    /// A list of strings.
    Texts,
    /// An object of strings.
    TextMap,
    /// An object of further keys.
    Section(Vec<Field>),
    /// A list of such objects.
    List(Vec<Field>),
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => out.write_str("bool"),
            Self::Integer => out.write_str("integer"),
            Self::Text => out.write_str("string"),
            Self::Secret => out.write_str("secret"),
            Self::Duration => out.write_str("duration"),
            Self::Choice(choices) => write!(out, "one of {}", or_list(choices)),
            Self::Texts => out.write_str("list of strings"),
            Self::TextMap => out.write_str("map of strings"),
            Self::Section(_) => out.write_str("section"),
            Self::List(_) => out.write_str("list of sections"),
        }
    }
}

/// One key of a section.
#[derive(Debug, Clone)]
pub struct Field {
    /// The key, as it is written in a file.
    pub name: &'static str,
    /// Its effect, in a sentence.
    pub doc: &'static str,
    /// The kind of its value.
    pub kind: Kind,
}

/// A group of keys. Made by the `sections!` macro.
pub trait Section: Setting {
    /// The keys, in the order they are declared; those of flattened sections among them.
    fn fields() -> Vec<Field>;

    /// Takes one key; false if there is no such key.
    fn read_key(&mut self, key: &str, value: &Value, at: &str, reading: &mut Reading<'_>) -> bool;

    /// Puts all keys into `object`.
    fn show_into(&self, object: &mut Map<String, Value>);
}

/// Where values come from; files are read a little differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layer {
    /// A file: a zero value leaves a default in force, as Centrifugo does.
    File,
    /// A variable, a flag or a short key: every value is deliberate, even zero.
    Override,
}

/// The state of reading: the current layer, and what was found so far.
#[derive(Debug)]
pub struct Reading<'a> {
    pub(crate) layer: Layer,
    /// Appended to a problem, for example the variable that set the value.
    pub(crate) origin: Option<String>,
    variables: &'a BTreeMap<String, String>,
    pub(crate) touched: BTreeSet<String>,
    /// Where values come from, but for those of the file.
    pub(crate) origins: BTreeMap<String, String>,
    pub(crate) unknown: Vec<String>,
    pub(crate) problems: Vec<String>,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(variables: &'a BTreeMap<String, String>) -> Self {
        Self {
            layer: Layer::File,
            origin: None,
            variables,
            touched: BTreeSet::new(),
            origins: BTreeMap::new(),
            unknown: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// Notes that the value at `at` was set.
    pub(crate) fn touch(&mut self, at: &str) {
        self.touched.insert(at.to_owned());
        match &self.origin {
            Some(origin) => self.origins.insert(at.to_owned(), origin.clone()),
            None => self.origins.remove(at),
        };
    }

    /// Reports that `value` at `at` is wrong; `why` is the problem and its remedy.
    pub(crate) fn wrong(&mut self, at: &str, value: &Value, why: &str) {
        self.problem(at, &format!("{} {why}", brief(value)));
    }

    /// Reports a problem at `at`.
    pub(crate) fn problem(&mut self, at: &str, text: &str) {
        let origin = self
            .origin
            .as_ref()
            .map(|origin| format!(" (from {origin})"));
        let at = if at.is_empty() {
            "the configuration"
        } else {
            at
        };
        self.problems
            .push(format!("{at}: {text}{}", origin.unwrap_or_default()));
    }

    /// Whether `value` is empty in this layer, so that the default stays.
    pub(crate) fn leaves_default(&self, value: &Value) -> bool {
        value.as_str() == Some("") || (self.layer == Layer::File && is_zero(value))
    }

    /// Replaces each `${CENTRIFUGO_VAR_X}` and `${VECHE_VAR_X}` by that variable.
    ///
    /// # Errors
    /// The name of a variable that is not set.
    pub(crate) fn interpolate(&self, text: &str) -> Result<String, String> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let name = after.split_once('}').filter(|(name, _)| {
                name.starts_with("CENTRIFUGO_VAR_") || name.starts_with("VECHE_VAR_")
            });
            if let Some((name, tail)) = name {
                out.push_str(self.variables.get(name).ok_or_else(|| name.to_owned())?);
                rest = tail;
            } else {
                out.push_str("${");
                rest = after;
            }
        }
        out.push_str(rest);
        Ok(out)
    }
}

/// Reads an object key by key; the common body of all sections.
pub(crate) fn read_section<S: Section>(
    section: &mut S,
    value: &Value,
    at: &str,
    reading: &mut Reading<'_>,
) {
    let Value::Object(object) = value else {
        reading.wrong(at, value, "is not a section; write an object of keys");
        return;
    };
    reading.touch(at);
    for (key, value) in object {
        if value.is_null() {
            continue;
        }
        // Keys are compared without case, as Centrifugo's configuration library does.
        let name = key.to_ascii_lowercase();
        if section.read_key(&name, value, &join(at, &name), reading) {
            continue;
        }
        // A key may be written with dots instead of nesting.
        if let Some((head, tail)) = name.split_once('.') {
            let nested = Value::Object(Map::from_iter([(tail.to_owned(), value.clone())]));
            if section.read_key(head, &nested, &join(at, head), reading) {
                continue;
            }
        }
        reading.unknown.push(join(at, key));
    }
}

impl<S: Section> Setting for Vec<S> {
    fn kind() -> Kind {
        Kind::List(S::fields())
    }

    fn read(&mut self, value: &Value, at: &str, reading: &mut Reading<'_>) {
        let parsed;
        let items = match value {
            Value::Array(items) => items,
            Value::String(text) if text.trim_start().starts_with('[') => {
                match serde_json::from_str(text) {
                    Ok(items) => {
                        parsed = items;
                        &parsed
                    }
                    Err(error) => {
                        reading.problem(at, &format!("is not a JSON list: {error}"));
                        return;
                    }
                }
            }
            Value::String(text) if S::fields().iter().any(|field| field.name == "name") => {
                name_items(self, text, at, reading);
                return;
            }
            _ => {
                reading.wrong(at, value, "is not a list of objects; write [{...}, {...}]");
                return;
            }
        };
        self.clear();
        for (index, item) in items.iter().enumerate() {
            let name = item.get("name").and_then(Value::as_str);
            let label = name.map_or_else(|| index.to_string(), str::to_owned);
            let mut section = S::default();
            section.read(item, &format!("{at}[{label}]"), reading);
            self.push(section);
        }
        reading.touch(at);
    }

    fn show(&self) -> Value {
        Value::Array(self.iter().map(Setting::show).collect())
    }
}

/// Adds an item for each of `names` that the list does not have yet; a variable may do so.
fn name_items<S: Section>(list: &mut Vec<S>, names: &str, at: &str, reading: &mut Reading<'_>) {
    for name in split_words(names) {
        let name = Value::String(name);
        if list
            .iter()
            .any(|item| item.show().get("name") == Some(&name))
        {
            continue;
        }
        let mut item = S::default();
        item.read_key("name", &name, &join(at, "name"), reading);
        list.push(item);
    }
    reading.touch(at);
}

/// The words of a list in one string: split at white space and commas.
pub(crate) fn split_words(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || c == ',')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// `parent.key`, or `key` at the root.
pub(crate) fn join(parent: &str, key: &str) -> String {
    if parent.is_empty() {
        key.to_owned()
    } else {
        format!("{parent}.{key}")
    }
}

/// `a, b or c`, each in quotes.
pub(crate) fn or_list(choices: &[&str]) -> String {
    let quoted: Vec<String> = choices
        .iter()
        .map(|choice| format!("\"{choice}\""))
        .collect();
    match quoted.split_last() {
        Some((last, first)) if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        Some((last, _)) => last.clone(),
        None => String::new(),
    }
}

/// The value in at most 60 characters of JSON.
fn brief(value: &Value) -> String {
    const LONGEST: usize = 60;
    let text = value.to_string();
    if text.chars().count() <= LONGEST {
        return text;
    }
    let start: String = text.chars().take(LONGEST).collect();
    format!("{start}...")
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => matches!(text.as_str(), "" | "0" | "0s"),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}
