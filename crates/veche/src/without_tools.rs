//! What a binary says of `sub`, `pub`, `call`, `history` and `presence` that was built without them.

use clap::Args;

use crate::failure::Failure;

/// Whatever stands behind the command.
#[derive(Debug, Args)]
#[command(after_help = NOT_BUILT, disable_help_flag = true)]
pub(crate) struct Anything {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _arguments: Vec<String>,
}

pub(crate) type SubOptions = Anything;
pub(crate) type PubOptions = Anything;
pub(crate) type CallOptions = Anything;
pub(crate) type HistoryOptions = Anything;
pub(crate) type PresenceOptions = Anything;

pub(crate) use run as run_sub;
pub(crate) use run as run_pub;
pub(crate) use run as run_call;
pub(crate) use run as run_history;
pub(crate) use run as run_presence;

/// Says how to build them.
///
/// # Errors
/// Always.
pub(crate) fn run(_: Anything) -> Result<(), Failure> {
    Err(Failure::new(NOT_BUILT).misused())
}

const NOT_BUILT: &str = "this veche was built without sub, pub, call, history and presence; \
    cargo build --release --features tools builds it with them";

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::{Anything, run};
    use crate::failure::Failure;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        anything: Anything,
    }

    #[test]
    fn whatever_is_asked_the_answer_says_how_to_build_it() {
        for line in ["sub", "sub --help", "sub ws://x a --token y --json"] {
            let line = Line::try_parse_from(line.split(' ')).unwrap();
            let Err(Failure::Misused { what, .. }) = run(line.anything) else {
                panic!("it was run");
            };
            assert!(what.contains("--features tools"));
        }
    }
}
