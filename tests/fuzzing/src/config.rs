//! Configuration: any text is read or refused, in each format and through variables.

use std::collections::BTreeMap;

use veche_config::{File, Sources};
use veche_server::configuration;

/// The first byte chooses the format; for variables each line is one.
pub fn run(input: &[u8]) {
    let Some((&first, text)) = input.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let mut sources = Sources::default();
    match first % 4 {
        0..3 => {
            let extension = ["json", "yaml", "toml"];
            let extension = extension.get(usize::from(first % 4)).expect("of three");
            sources.file = Some(File {
                name: format!("config.{extension}"),
                text: text.to_owned(),
            });
        }
        _ => {
            let variables = text.lines().filter_map(|line| line.split_once('='));
            let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
            sources.variables = variables.collect::<BTreeMap<_, _>>();
        }
    }
    match configuration::load(&sources) {
        Ok(loaded) => {
            // What was read can be written and read again.
            let tree = loaded.config.to_tree();
            let again = Sources {
                file: Some(File {
                    name: "config.json".to_owned(),
                    text: tree.to_string(),
                }),
                ..Sources::default()
            };
            let again = configuration::load(&again).expect("it was good before");
            assert_eq!(again.config.to_tree(), tree);
        }
        Err(error) => assert!(!error.problems.is_empty()),
    }
}
