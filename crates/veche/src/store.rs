//! `veche backup`, `restore` and `store`: looking after the history on disk.

use std::path::{Path, PathBuf};

use veche_server::engine::care::{self, Figures};

use crate::cli::{ConfigArgs, StoreCommand};
use crate::failure::Failure;
use crate::output;
use crate::sources::{self, Purpose};

/// Copies the store into a folder.
///
/// # Errors
/// A store that can't be read, or a folder that is not empty.
pub(crate) fn backup(config_args: &ConfigArgs, folder: &Path) -> Result<(), Failure> {
    let path = path(config_args)?;
    care::backup(&path, folder).map_err(|error| Failure::new(error.to_string()))?;
    let (path, folder) = (path.display(), folder.display());
    output::line(&format!("{path} is copied to {folder}"))
}

/// Makes the store of a backup.
///
/// # Errors
/// A folder that is no backup, or a store that is there already.
pub(crate) fn restore(config_args: &ConfigArgs, folder: &Path) -> Result<(), Failure> {
    let path = path(config_args)?;
    care::restore(folder, &path).map_err(|error| Failure::new(error.to_string()))?;
    let (path, folder) = (path.display(), folder.display());
    output::line(&format!(
        "{path} is as it was in {folder}; all channels begin new epochs, so clients are told that they may have missed \
         something"
    ))
}

/// Looks into the store.
///
/// # Errors
/// A store that can't be read; [`Failure::NO`] where something in it is damaged.
pub(crate) fn run(config_args: &ConfigArgs, command: StoreCommand) -> Result<(), Failure> {
    let path = path(config_args)?;
    let failed = |error: &dyn std::fmt::Display| Failure::new(error.to_string());
    match command {
        StoreCommand::Check => {
            let report = care::check(&path).map_err(|error| failed(&error))?;
            for problem in &report.problems {
                output::line(problem)?;
            }
            let (channels, publications) = (report.channels, report.publications);
            let read = format!("{channels} channels and {publications} publications were read");
            if report.problems.is_empty() {
                return output::line(&format!("{read}; all is well"));
            }
            let count = report.problems.len();
            output::line(&format!("{read}; problems: {count}"))?;
            Err(Failure::NO)
        }
        StoreCommand::Stats => {
            let figures = care::figures(&path).map_err(|error| failed(&error))?;
            output::line(&text(&figures))
        }
    }
}

fn path(config_args: &ConfigArgs) -> Result<PathBuf, Failure> {
    let loaded = sources::load(config_args, Purpose::Serve)?;
    Ok(loaded.config.engine.disk.path.into())
}

fn text(figures: &Figures) -> String {
    let mut lines = vec![
        format!(
            "channels      {:>12}  ({} with history)",
            figures.channels, figures.with_history
        ),
        format!("publications  {:>12}", figures.publications),
        format!("  their bytes {:>12}", figures.chunk_bytes),
        format!("database      {:>12}  bytes in use", figures.used_bytes),
        format!("              {:>12}  bytes free", figures.free_bytes),
        format!("journal       {:>12}  bytes", figures.journal_bytes),
    ];
    if !figures.largest.is_empty() {
        lines.push("the largest channels:".to_owned());
    }
    for (channel, publications, bytes) in &figures.largest {
        // A name may hold anything.
        let channel = channel.escape_debug();
        lines.push(format!(
            "{bytes:>14} bytes {publications:>9} publications  {channel}"
        ));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_name_the_largest_channels_and_no_name_breaks_the_table() {
        let text = text(&Figures {
            channels: 3,
            with_history: 2,
            publications: 70,
            largest: vec![("chat:a\nb".to_owned(), 60, 9000)],
            ..Figures::default()
        });
        assert!(text.contains("3  (2 with history)"), "{text}");
        assert!(
            text.ends_with("9000 bytes        60 publications  chat:a\\nb"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 8);
    }
}
