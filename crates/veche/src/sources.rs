//! Where this process finds its configuration: the file, the variables, the flags.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use veche_config::{File, Loaded, Sources};
use veche_server::configuration;

use crate::cli::ConfigArgs;
use crate::failure::Failure;
use crate::output;

/// The file that is read where none is named.
pub(crate) const DEFAULT_FILE: &str = "config.json";

/// What runs: the server reads [`DEFAULT_FILE`] if it is there, the demo only a file it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Serve,
    Demo,
}

/// Loads the configuration; its warnings are for the caller to tell.
///
/// # Errors
/// A file that was named and cannot be read, and everything [`configuration::load`] refuses.
pub(crate) fn load(config_args: &ConfigArgs, purpose: Purpose) -> Result<Loaded, Failure> {
    let file = match (&config_args.file, purpose) {
        (Some(path), _) => Some(read(path)?.ok_or_else(|| missing(path))?),
        (None, Purpose::Serve) => read(Path::new(DEFAULT_FILE))?,
        (None, Purpose::Demo) => None,
    };
    let no_file = file.is_none() && purpose == Purpose::Serve;
    let sources = Sources {
        file,
        variables: variables(),
        flags: config_args.flags.clone(),
        demo: purpose == Purpose::Demo,
    };
    let mut loaded =
        configuration::load(&sources).inspect_err(|error| output::warnings(&error.warnings))?;
    if no_file {
        let text = format!("there is no {DEFAULT_FILE}; variables, flags and defaults hold");
        loaded.warnings.insert(0, text);
    }
    Ok(loaded)
}

/// The failure of a file that is not there.
pub(crate) fn missing(path: &Path) -> Failure {
    Failure::new(format!("there is no file {}", path.display()))
}

fn read(path: &Path) -> Result<Option<File>, Failure> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(File {
            name: path.display().to_string(),
            text,
        })),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::new(format!(
            "cannot read {}: {error}",
            path.display()
        ))),
    }
}

fn variables() -> BTreeMap<String, String> {
    std::env::vars_os()
        .map(|(name, text)| {
            (
                name.to_string_lossy().into_owned(),
                text.to_string_lossy().into_owned(),
            )
        })
        .filter(|(name, _)| name.starts_with("VECHE_") || name.starts_with("CENTRIFUGO_"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Purpose, load};
    use crate::cli::ConfigArgs;
    use crate::failure::Failure;

    #[test]
    fn a_named_file_that_is_missing_is_a_failure() {
        let config_args = ConfigArgs {
            file: Some("no/such/file.json".into()),
            ..ConfigArgs::default()
        };
        let Err(Failure::Said { what, .. }) = load(&config_args, Purpose::Serve) else {
            panic!("accepted")
        };
        assert_eq!(what, "there is no file no/such/file.json");
    }
}
