//! `veche demo`: the chat on this machine.

use veche_config::Loaded;

use crate::cli::{ConfigArgs, DemoOptions};
use crate::failure::Failure;
use crate::sources::{self, Purpose};
use crate::start;

/// The key whose secret the chat would sign connection tokens with.
const TOKEN_SECRET: &str = "client.token.hmac_secret_key";

/// Runs the server and the chat until it is told to stop.
///
/// # Errors
/// A configuration that is wrong, a token secret that the chat may not sign with, or a server that
/// cannot start.
pub(crate) fn run(config_args: &ConfigArgs, options: &DemoOptions) -> Result<(), Failure> {
    let loaded = sources::load(config_args, Purpose::Demo)?;
    if !options.sign_any_name {
        refuse_configured_secret(&loaded)?;
    }
    start::demo(loaded, options.data.as_deref(), !options.no_bot)
}

/// Refuses to start with a token secret of the operator's.
///
/// The chat asks for a name and no proof, and gives out connection tokens for it. Signed with the
/// secret of a real deployment they would be valid there, for any user that somebody thinks of.
fn refuse_configured_secret(loaded: &Loaded) -> Result<(), Failure> {
    if loaded
        .config
        .client
        .token
        .hmac_secret_key
        .expose()
        .is_empty()
    {
        return Ok(());
    }
    let origin = loaded.origins.lookup(&loaded.config, TOKEN_SECRET).origin;
    Err(Failure::new(format!(
        "the demo signs tokens for any name that somebody types, so it does not use your {TOKEN_SECRET} \
         ({origin}): remove it, and the demo makes a secret of its own, or say --sign-any-name"
    )))
}

#[cfg(test)]
mod tests {
    use veche_config::{File, Loaded, Sources};
    use veche_server::configuration;

    use super::refuse_configured_secret;
    use crate::failure::Failure;

    fn demo(text: &str) -> Loaded {
        let file = Some(File {
            name: "config.json".to_owned(),
            text: text.to_owned(),
        });
        let sources = Sources {
            file,
            demo: true,
            ..Sources::default()
        };
        configuration::load(&sources).unwrap()
    }

    #[test]
    fn the_operators_secret_does_not_sign_what_strangers_ask_for() {
        let loaded =
            demo(r#"{"client": {"token": {"hmac_secret_key": "a secret of the operator"}}}"#);
        let Failure::Said {
            what: failure,
            details,
        } = refuse_configured_secret(&loaded).unwrap_err()
        else {
            panic!("it is said in words");
        };
        assert!(details.is_empty());
        assert!(
            failure.contains("client.token.hmac_secret_key (config.json)"),
            "{failure}"
        );
        assert!(failure.contains("--sign-any-name"), "{failure}");
        assert!(!failure.contains("a secret of the operator"), "{failure}");
        assert_eq!(failure.lines().count(), 1);
    }

    #[test]
    fn a_file_without_a_secret_is_fine() {
        refuse_configured_secret(&demo(r#"{"client": {"ping_interval": "10s"}}"#)).unwrap();
    }
}
