//! Loads a configuration: reads all sources in their order, and checks the result.

use std::collections::BTreeMap;
use std::fmt;

use crate::findings::Findings;
use crate::flags::Flags;
use crate::origin::Origins;
use crate::schema::Config;
use crate::setting::{Layer, Reading, Setting};
use crate::{commercial, environment, file, short, support, table, validate, variable};

/// Everything a configuration is made of. Loading looks nowhere else.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The file, if there is one.
    pub file: Option<File>,
    /// The variables of the process.
    pub variables: BTreeMap<String, String>,
    /// The flags, as [`flags::split`] returns them.
    pub flags: Flags,
    /// Puts [`Config::demo`] below all this instead of the defaults.
    pub demo: bool,
}

/// A configuration file that was read.
#[derive(Debug, Clone)]
pub struct File {
    /// Its path; the extension decides the format.
    pub name: String,
    /// Its content.
    pub text: String,
}

/// A configuration that the server can start with.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Warnings, one line each.
    pub warnings: Vec<String>,
    /// The warnings about unknown keys.
    pub unknown_keys: Vec<String>,
    /// Where each value comes from.
    pub origins: Origins,
    demo: bool,
}

impl Loaded {
    /// Whether the server shall listen on 127.0.0.1 and `::1` only, and let in no origin but its
    /// own: the demo, unless an address is given.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.demo && self.config.http_server.address.is_empty()
    }

    /// Whether this is the demo.
    #[must_use]
    pub fn is_demo(&self) -> bool {
        self.demo
    }
}

/// Checks values that this crate can only read as text, because another crate knows what they mean.
pub type Check = fn(&Config) -> Findings;

/// Why the server cannot start: all that is wrong, one line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The lines, never empty.
    pub problems: Vec<String>,
    /// What the operator should know besides; an unknown key may be the cause.
    pub warnings: Vec<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.problems.join("\n"))
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads all sources and checks the result, at the end by `checks`.
    ///
    /// # Errors
    /// [`ConfigError`] for a file that cannot be parsed, a value that is wrong, values that contradict each other, and
    /// a key that protects but has no effect yet.
    pub fn load(sources: &Sources, checks: &[Check]) -> Result<Loaded, ConfigError> {
        let mut loaded = Self::read(sources)?;
        let own: [Check; 2] = [validate::check, support::check];
        let mut problems = Vec::new();
        for check in own.iter().chain(checks) {
            let found = check(&loaded.config);
            problems.extend(found.problems);
            loaded.warnings.extend(found.warnings);
        }
        if problems.is_empty() {
            Ok(loaded)
        } else {
            Err(ConfigError {
                problems,
                warnings: loaded.warnings,
            })
        }
    }

    fn read(sources: &Sources) -> Result<Loaded, ConfigError> {
        let mut config = if sources.demo {
            Self::demo()
        } else {
            Self::default()
        };
        let tree = sources
            .file
            .as_ref()
            .map(|file| file::parse(&file.name, &file.text));
        let mut tree = tree
            .unwrap_or_else(|| Ok(serde_json::json!({})))
            .map_err(|problem| ConfigError {
                problems: vec![problem],
                warnings: Vec::new(),
            })?;
        let mut reading = Reading::new(&sources.variables);
        let short = short::apply(&mut config, &mut tree, &sources.variables, &mut reading);
        reading.layer = Layer::File;
        config.read_tree(&tree, &mut reading);
        let unknown_variables = environment::overlay(&mut config, &sources.variables, &mut reading);
        for (key, text) in &sources.flags {
            reading.origin = Some(format!("--{key}"));
            config.read_tree(&variable::nested(key, text), &mut reading);
        }
        let says = |path: &str| reading.touched.contains(path);
        let mut warnings = short.complete(&mut config, says);
        if has_token_key(&config) && !says("plain.allow_name_login") {
            config.plain.allow_name_login = false;
        }
        reading.unknown.sort();
        let (commercial, unknown): (Vec<_>, Vec<_>) = reading
            .unknown
            .iter()
            .partition(|path| commercial::knows(path));
        warnings.extend(commercial.into_iter().map(|path| {
            format!("{path}: a key of Centrifugo's commercial edition; not available yet")
        }));
        let unknown_keys: Vec<_> = unknown.into_iter().map(|path| unknown_key(path)).collect();
        warnings.extend(unknown_keys.iter().cloned());
        warnings.extend(unknown_variables);
        if !reading.problems.is_empty() {
            return Err(ConfigError {
                problems: reading.problems,
                warnings,
            });
        }
        let origins = Origins::new(sources, reading.touched, reading.origins);
        Ok(Loaded {
            config,
            warnings,
            unknown_keys,
            origins,
            demo: sources.demo,
        })
    }

    fn read_tree(&mut self, tree: &serde_json::Value, reading: &mut Reading<'_>) {
        Setting::read(self, tree, "", reading);
    }

    /// The configuration as a tree that can be written into a file; secrets are in it.
    #[must_use]
    pub fn to_tree(&self) -> serde_json::Value {
        self.show()
    }
}

fn unknown_key(path: &str) -> String {
    match table::nearest(path) {
        Some(near) => format!("{path}: no such key is known; did you mean {near}?"),
        None => format!("{path}: no such key is known"),
    }
}

/// Whether tokens are configured. Then a name without proof must not be enough to log in.
fn has_token_key(config: &Config) -> bool {
    let token = &config.client.token;
    !token.hmac_secret_key.is_empty()
        || !token.jwks_public_endpoint.is_empty()
        || token.public_keys().iter().any(|(_, key)| !key.is_empty())
}
