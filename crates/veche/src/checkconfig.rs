//! `veche checkconfig`: says what the server would say, without starting it.

use std::path::Path;

use crate::cli::{CheckconfigOptions, ConfigArgs};
use crate::failure::Failure;
use crate::open_files::OpenFiles;
use crate::output;
use crate::sources::{self, DEFAULT_FILE, Purpose};

/// Checks the file, the variables and the flags.
///
/// # Errors
/// A file that is missing or wrong; with `strict` unknown keys too.
pub(crate) fn run(config_args: &ConfigArgs, options: &CheckconfigOptions) -> Result<(), Failure> {
    let path = config_args
        .file
        .clone()
        .unwrap_or_else(|| Path::new(DEFAULT_FILE).to_owned());
    let config_args = ConfigArgs {
        file: Some(path.clone()),
        ..config_args.clone()
    };
    let loaded = sources::load(&config_args, Purpose::Serve)?;
    if options.strict && !loaded.unknown_keys.is_empty() {
        return Err(Failure::Said {
            what: format!("{} has keys that nobody knows", path.display()),
            details: loaded.unknown_keys,
        });
    }
    output::warnings(&loaded.warnings);
    let files = OpenFiles::of_this_process();
    let shortage = files.and_then(|files| files.shortage(&loaded.config));
    output::warnings(shortage.as_slice());
    output::line(&format!("{} is correct", path.display()))
}

#[cfg(test)]
mod tests {
    use super::run;
    use crate::cli::{CheckconfigOptions, ConfigArgs};
    use crate::failure::Failure;

    fn check(name: &str, text: &str, strict: bool) -> Result<(), Failure> {
        let path = std::env::temp_dir().join(format!("veche-{}-{name}.json", std::process::id()));
        std::fs::write(&path, text).unwrap();
        let config_args = ConfigArgs {
            file: Some(path.clone()),
            ..ConfigArgs::default()
        };
        let result = run(&config_args, &CheckconfigOptions { strict });
        std::fs::remove_file(path).unwrap();
        result
    }

    #[test]
    fn an_unknown_key_fails_only_a_strict_check() {
        let text = r#"{"client": {"ping_intervall": "1s"}}"#;
        assert!(check("loose", text, false).is_ok());
        let Err(Failure::Said { details, .. }) = check("strict", text, true) else {
            panic!("accepted")
        };
        assert!(details[0].contains("client.ping_interval?"));
    }

    #[test]
    fn a_wrong_value_fails_any_check() {
        assert!(check("wrong", r#"{"http_server": {"port": "x"}}"#, false).is_err());
    }
}
