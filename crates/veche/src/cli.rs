//! The command line: subcommands, their options, and flags for every configuration key.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use veche_config::flags::{self, Flags};
use veche_server::explain::Operation;

use crate::bench::BenchOptions;
use crate::failure::Failure;
#[cfg(feature = "tools")]
use crate::tools::{CallOptions, HistoryOptions, PresenceOptions, PubOptions, SubOptions};
#[cfg(not(feature = "tools"))]
use crate::without_tools::{CallOptions, HistoryOptions, PresenceOptions, PubOptions, SubOptions};

/// A command and where its configuration is.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) command: Command,
    pub(crate) config_args: ConfigArgs,
}

/// Where the configuration is: a file, and flags for single keys.
#[derive(Debug, Default, Clone)]
pub(crate) struct ConfigArgs {
    /// The file that was named.
    pub(crate) file: Option<PathBuf>,
    /// Values of single keys.
    pub(crate) flags: Flags,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server (what happens without a subcommand)
    #[command(hide = true)]
    Serve,
    /// Run the chat, open to this machine only
    Demo(DemoOptions),
    /// Write a configuration file with fresh secrets
    Genconfig(GenconfigOptions),
    /// Check a configuration file
    Checkconfig(CheckconfigOptions),
    /// Make a connection token
    Gentoken(TokenOptions),
    /// Make a subscription token
    Gensubtoken(SubscriptionTokenOptions),
    /// Check a connection token
    Checktoken(CheckOptions),
    /// Check a subscription token
    Checksubtoken(CheckOptions),
    /// Say who may do what, step by step, and what would change it
    Explain(ExplainOptions),
    /// Look at a deployment from outside: names, proxies, upgrade, origin, pings
    Doctor(DoctorOptions),
    /// Copy the history on disk into a folder, also while the server runs
    Backup(FolderArgument),
    /// Make the history on disk of a backup; all channels begin new epochs
    Restore(FolderArgument),
    /// Look into the history on disk, also while the server runs
    Store(StoreOptions),
    /// Measure a server: what a delivery costs, and whether any is lost
    Bench(BenchOptions),
    /// Print what is published in channels, for as long as it may
    Sub(SubOptions),
    /// Publish in a channel: a value, or each line of standard input
    Pub(PubOptions),
    /// Call a method of the backend
    Call(CallOptions),
    /// Print past publications of a channel
    History(HistoryOptions),
    /// Print who is in a channel
    Presence(PresenceOptions),
    /// Print the version
    Version,
}

/// `demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoOptions {
    /// Folder that keeps the chat's messages, and the secrets of the demo [default: veche-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Let the chat sign tokens for any name with the token secret of your configuration
    #[arg(long)]
    pub(crate) sign_any_name: bool,
    /// Leave the chat's general room to people: no bot writes there
    #[arg(long)]
    pub(crate) no_bot: bool,
    #[command(flatten)]
    listen: Listen,
}

/// `genconfig`.
#[derive(Debug, Args)]
pub(crate) struct GenconfigOptions {
    /// Replace the file if it exists
    #[arg(long)]
    pub(crate) force: bool,
}

/// `checkconfig`.
#[derive(Debug, Args)]
pub(crate) struct CheckconfigOptions {
    /// Fail on unknown keys
    #[arg(short, long)]
    pub(crate) strict: bool,
}

/// `gentoken`.
#[derive(Debug, Args)]
pub(crate) struct TokenOptions {
    /// User id; without it the token is for an anonymous user
    #[arg(short, long, default_value = "", hide_default_value = true)]
    pub(crate) user: String,
    /// Seconds until the token expires; -1 is never
    #[arg(short, long, default_value_t = WEEK_SECS, allow_negative_numbers = true)]
    pub(crate) ttl: i64,
    /// Print nothing but the token
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// `gensubtoken`.
#[derive(Debug, Args)]
pub(crate) struct SubscriptionTokenOptions {
    /// The channel
    #[arg(short = 's', long, value_name = "CHANNEL")]
    pub(crate) channel: String,
    #[command(flatten)]
    pub(crate) token: TokenOptions,
}

/// `checktoken` and `checksubtoken`.
#[derive(Debug, Args)]
pub(crate) struct CheckOptions {
    /// The token
    pub(crate) token: String,
}

/// `backup` and `restore`.
#[derive(Debug, Args)]
#[command(after_help = STORE_HELP)]
pub(crate) struct FolderArgument {
    /// The folder of the backup
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
}

/// `store`.
#[derive(Debug, Args)]
#[command(after_help = STORE_HELP)]
pub(crate) struct StoreOptions {
    #[command(subcommand)]
    pub(crate) command: StoreCommand,
}

/// What to do with the store.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum StoreCommand {
    /// Verify all checksums; say what is wrong, and what it means (exit status 1)
    Check,
    /// Say how much is in it
    Stats,
}

const STORE_HELP: &str = "The store is where engine.disk.path of the configuration says \
[default: veche-data/history, where the demo's is].";

/// `explain`.
#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 allowed, 1 denied, 2 the question cannot be answered.")]
pub(crate) struct ExplainOptions {
    /// The channel; not needed for --op connect
    #[arg(short = 's', long, default_value = "", hide_default_value = true)]
    pub(crate) channel: String,
    /// The user, believed to have a valid token; "" is an anonymous user with one. Without --user and --token the
    /// client brings nothing
    #[arg(short, long)]
    pub(crate) user: Option<String>,
    /// What is to be done: connect, subscribe, publish, history, presence, presence_stats; or what a subscriber may
    /// have: positioning, recovery, join_leave
    #[arg(long = "op", value_name = "OPERATION", default_value = "subscribe", value_parser = operation)]
    pub(crate) operation: Operation,
    /// A connection token, to be checked
    #[arg(long, conflicts_with = "user")]
    pub(crate) token: Option<String>,
    /// A subscription token, to be checked
    #[arg(long)]
    pub(crate) subscription_token: Option<String>,
    /// The client is subscribed to the channel
    #[arg(long)]
    pub(crate) subscribed: bool,
    /// Data to publish; without, some that every format takes
    #[arg(long)]
    pub(crate) data: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `doctor`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 clients have no trouble, 1 they have, 2 there is nothing to look at."
)]
pub(crate) struct DoctorOptions {
    /// Where clients connect: https://chat.example.com, localhost:8000, or with the path of the WebSocket
    pub(crate) url: String,
    /// A connection token, for a server that wants one
    #[arg(long)]
    pub(crate) token: Option<String>,
    /// The origin of the pages that will connect: https://example.com
    #[arg(long)]
    pub(crate) origin: Option<String>,
    /// Seconds for which an idle connection is watched; without, until the second ping; 0 is not at all
    #[arg(long, value_name = "SECONDS")]
    pub(crate) wait: Option<u64>,
    /// Authorities to trust instead of this machine's, as PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Seconds that each step may take
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub(crate) timeout: u64,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

fn operation(name: &str) -> Result<Operation, String> {
    let found = Operation::ALL.into_iter().find(|it| it.name() == name);
    found.ok_or_else(|| {
        let names = Operation::ALL.map(Operation::name).join(", ");
        format!("there is no such operation; write one of {names}")
    })
}

/// Short forms of two keys.
#[derive(Debug, Args)]
struct Listen {
    /// Address to listen on, as --http_server.address [default: every one; demo: this machine alone]
    #[arg(short = 'a', value_name = "ADDRESS")]
    address: Option<String>,
    /// Port to listen on, as --http_server.port [default: 8000]
    #[arg(short = 'p', value_name = "PORT")]
    port: Option<String>,
}

impl Listen {
    fn into_flags(self, flags: &mut Flags) {
        let short = [
            ("http_server.address", self.address),
            ("http_server.port", self.port),
        ];
        for (key, value) in short {
            flags.extend(value.map(|value| (key.to_owned(), value)));
        }
    }
}

#[derive(Debug, Parser)]
#[command(name = "veche", version, about = "A real-time messaging server", after_help = KEYS)]
struct Cli {
    /// Configuration file: .json, .yaml or .toml [default: config.json]
    #[arg(short, long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    listen: Listen,
    #[command(subcommand)]
    command: Option<Command>,
}

const KEYS: &str = "Every configuration key is a flag too (--client.ping_interval 10s), \
and a variable (VECHE_CLIENT_PING_INTERVAL=10s, or CENTRIFUGO_...).";

const WEEK_SECS: i64 = 7 * 24 * 3600;

/// Reads the command line; the first argument is the program.
///
/// # Errors
/// [`Failure::CommandLine`] for help and for what clap refuses, a line for a wrong key.
pub(crate) fn parse(arguments: Vec<String>) -> Result<Invocation, Failure> {
    let (mut flags, rest) = flags::split(without_help_of_help(arguments)).map_err(Failure::new)?;
    let cli = Cli::try_parse_from(rest).map_err(Failure::CommandLine)?;
    let mut command = cli.command.unwrap_or(Command::Serve);
    cli.listen.into_flags(&mut flags);
    if let Command::Demo(options) = &mut command {
        let Listen { address, port } = &mut options.listen;
        Listen {
            address: address.take(),
            port: port.take(),
        }
        .into_flags(&mut flags);
    }
    Ok(Invocation {
        command,
        config_args: ConfigArgs {
            file: cli.config,
            flags,
        },
    })
}

/// `veche help --help` asks for what `veche help` says; clap knows no flags behind `help`.
fn without_help_of_help(mut arguments: Vec<String>) -> Vec<String> {
    if arguments.get(1).is_some_and(|command| command == "help") {
        arguments.retain(|argument| argument != "--help" && argument != "-h");
    }
    arguments
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use clap::error::ErrorKind;

    use super::{Cli, Command, Invocation, WEEK_SECS, parse};
    use crate::failure::Failure;

    fn line(line: &str) -> Result<Invocation, Failure> {
        parse(line.split_whitespace().map(str::to_owned).collect())
    }

    #[test]
    fn the_declaration_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_a_subcommand_the_server_runs() {
        let Invocation {
            command,
            config_args,
        } = line("veche -c a.yaml -p 9000 --client.insecure --log.level=debug").unwrap();
        assert!(matches!(command, Command::Serve));
        assert_eq!(config_args.file.unwrap().to_str(), Some("a.yaml"));
        let flags: Vec<_> = config_args
            .flags
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        assert_eq!(
            flags,
            [
                "client.insecure=true",
                "log.level=debug",
                "http_server.port=9000"
            ]
        );
    }

    #[test]
    fn the_demo_takes_the_same_flags() {
        let Invocation {
            command,
            config_args,
        } = line("veche demo -a 0.0.0.0 -p9000 --data dir -c a.json --http_server.internal_port 1")
            .unwrap();
        let Command::Demo(options) = command else {
            panic!("{command:?}")
        };
        assert_eq!(options.data.unwrap().to_str(), Some("dir"));
        assert!(config_args.file.is_some());
        assert_eq!(config_args.flags.len(), 3);
    }

    #[test]
    fn a_token_may_live_forever() {
        let Invocation { command, .. } = line("veche gentoken -u anna -t -1 -q").unwrap();
        let Command::Gentoken(options) = command else {
            panic!("{command:?}")
        };
        assert_eq!(
            (options.user.as_str(), options.ttl, options.quiet),
            ("anna", -1, true)
        );
        let Invocation { command, .. } = line("veche gensubtoken -u anna -s news").unwrap();
        let Command::Gensubtoken(options) = command else {
            panic!("{command:?}")
        };
        assert_eq!(
            (options.channel.as_str(), options.token.ttl),
            ("news", WEEK_SECS)
        );
    }

    #[test]
    fn help_has_help_and_names_what_holds_where_nothing_is_said() {
        let help = |words: &str| match line(words) {
            Err(Failure::CommandLine(error)) if error.kind() == ErrorKind::DisplayHelp => {
                error.to_string()
            }
            other => panic!("{words}: {other:?}"),
        };
        assert_eq!(help("veche help --help"), help("veche help"));
        assert_eq!(help("veche help demo -h"), help("veche help demo"));
        for words in ["veche-data", "8000", "this machine alone"] {
            let text = help("veche demo --help");
            assert!(text.contains(words), "{words}: {text}");
        }
    }

    #[test]
    fn a_wrong_key_is_named_with_its_neighbour() {
        let Err(Failure::Said { what, .. }) = line("veche --http_server.prot 1") else {
            panic!("accepted")
        };
        assert!(what.contains("--http_server.port?"));
        assert!(matches!(
            line("veche --no-such"),
            Err(Failure::CommandLine(_))
        ));
    }
}
