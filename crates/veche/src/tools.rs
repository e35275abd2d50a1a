//! `veche sub`, `pub`, `call`, `history` and `presence`: their command line.

use std::io::IsTerminal;
use std::num::NonZeroU64;
use std::time::Duration;

use clap::{Args, ValueEnum};
use veche_tools::address::{Address, Transport};
use veche_tools::connection::{Connection, Dialect};
use veche_tools::exit::Exit;
use veche_tools::history::HistoryRequest;
use veche_tools::position::Position;
use veche_tools::printer::{Printer, Style};
use veche_tools::publish::Publish;
use veche_tools::subscribe::Subscribe;
use veche_tools::token::Token;
use veche_tools::{call, history, presence, publish, subscribe};

use crate::failure::Failure;

/// What all of them take.
#[derive(Debug, Args)]
struct Link {
    /// Connection token
    #[arg(long, conflicts_with = "token_command")]
    token: Option<String>,
    /// Command of the shell that prints a connection token; run whenever one is needed
    #[arg(long, value_name = "CMD")]
    token_command: Option<String>,
    /// Speak Protobuf instead of JSON
    #[arg(long, conflicts_with = "plain")]
    protobuf: bool,
    /// Speak the plain dialect instead of the Centrifuge protocol
    #[arg(long)]
    plain: bool,
    /// A name without proof, for a server that takes one (plain.allow_name_login); needs --plain
    #[arg(long, value_name = "NAME", requires = "plain", conflicts_with_all = ["token", "token_command"])]
    user: Option<String>,
    /// How bytes travel
    #[arg(long, value_enum, value_name = "TRANSPORT", default_value_t = Way::Websocket)]
    transport: Way,
    /// Seconds that an answer may take, the wait for a connection included
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    timeout: u32,
    /// Print JSON, one object a line
    #[arg(long)]
    json: bool,
}

/// How bytes travel, as the command line names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Way {
    Websocket,
    #[value(alias = "http-stream")]
    HttpStream,
}

/// `sub`.
#[derive(Debug, Args)]
#[command(after_help = SUB_STATUS)]
pub(crate) struct SubOptions {
    /// The server: ws://localhost:8000; without a path, where servers have the protocol
    url: String,
    /// Channels to subscribe to
    #[arg(required = true, value_name = "CHANNEL")]
    channels: Vec<String>,
    /// Go on after this position
    #[arg(long, value_name = "EPOCH:OFFSET")]
    since: Option<Position>,
    /// End after so many publications
    #[arg(long, value_name = "N")]
    count: Option<NonZeroU64>,
    #[command(flatten)]
    link: Link,
}

/// `pub`.
#[derive(Debug, Args)]
#[command(after_help = STATUS)]
pub(crate) struct PubOptions {
    /// The server: ws://localhost:8000; without a path, where servers have the protocol
    url: String,
    /// Channel to publish in
    channel: String,
    /// A JSON value; without it, or with -, each line of standard input is one
    #[arg(allow_negative_numbers = true)]
    data: Option<String>,
    /// Publish text as it is, as a JSON string
    #[arg(long)]
    text: bool,
    /// Publications with the same key are one; needs --plain. Line N of standard input has the key KEY:N
    #[arg(long)]
    key: Option<String>,
    #[command(flatten)]
    link: Link,
}

/// `call`.
#[derive(Debug, Args)]
#[command(after_help = STATUS)]
pub(crate) struct CallOptions {
    /// The server: ws://localhost:8000; without a path, where servers have the protocol
    url: String,
    /// Method of the backend
    method: String,
    /// A JSON value
    #[arg(default_value = "null", allow_negative_numbers = true)]
    data: String,
    #[command(flatten)]
    link: Link,
}

/// `history`.
#[derive(Debug, Args)]
#[command(after_help = STATUS)]
pub(crate) struct HistoryOptions {
    /// The server: ws://localhost:8000; without a path, where servers have the protocol
    url: String,
    /// Channel whose past is asked for
    channel: String,
    /// At most so many publications; 0 asks for the position alone [default: all that the server gives at once]
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    /// After this position; before it with --reverse
    #[arg(long, value_name = "EPOCH:OFFSET")]
    since: Option<Position>,
    /// The newest first
    #[arg(long)]
    reverse: bool,
    #[command(flatten)]
    link: Link,
}

/// `presence`.
#[derive(Debug, Args)]
#[command(after_help = STATUS)]
pub(crate) struct PresenceOptions {
    /// The server: ws://localhost:8000; without a path, where servers have the protocol
    url: String,
    /// Channel that is asked about
    channel: String,
    /// Print how many are there, and not who
    #[arg(long)]
    stats: bool,
    #[command(flatten)]
    link: Link,
}

const SUB_STATUS: &str =
    "Exit status: 0 at --count or Ctrl+C, 2 for a wrong command line, 3 when the end is final.";
const STATUS: &str = "Exit status: 0 done, 1 refused or not confirmed, 2 for a wrong command line, 3 when the \
connection ended for good.";

/// Runs `sub`.
///
/// # Errors
/// As its exit status says.
pub(crate) fn run_sub(options: SubOptions) -> Result<(), Failure> {
    let connection = options.link.connection(&options.url)?;
    let wanted = Subscribe {
        channels: options.channels,
        since: options.since,
        count: options.count,
    };
    let printer = options.link.printer();
    ended(subscribe::subscribe(&connection, &wanted, &printer))
}

/// Runs `pub`.
///
/// # Errors
/// As its exit status says.
pub(crate) fn run_pub(options: PubOptions) -> Result<(), Failure> {
    let connection = options.link.connection(&options.url)?;
    let wanted = Publish {
        channel: options.channel,
        data: options.data.filter(|data| data != "-"),
        is_text: options.text,
        key: options.key,
    };
    let printer = options.link.printer();
    ended(publish::publish(&connection, wanted, &printer))
}

/// Runs `call`.
///
/// # Errors
/// As its exit status says.
pub(crate) fn run_call(options: CallOptions) -> Result<(), Failure> {
    let connection = options.link.connection(&options.url)?;
    let printer = options.link.printer();
    ended(call::call(
        &connection,
        &options.method,
        &options.data,
        &printer,
    ))
}

/// Runs `history`.
///
/// # Errors
/// As its exit status says.
pub(crate) fn run_history(options: HistoryOptions) -> Result<(), Failure> {
    let connection = options.link.connection(&options.url)?;
    let request = HistoryRequest {
        limit: options.limit,
        since: options.since,
        is_reverse: options.reverse,
    };
    let printer = options.link.printer();
    ended(history::history(
        &connection,
        &options.channel,
        request,
        &printer,
    ))
}

/// Runs `presence`.
///
/// # Errors
/// As its exit status says.
pub(crate) fn run_presence(options: PresenceOptions) -> Result<(), Failure> {
    let connection = options.link.connection(&options.url)?;
    let printer = options.link.printer();
    ended(presence::presence(
        &connection,
        &options.channel,
        options.stats,
        &printer,
    ))
}

fn ended(result: Result<Exit, String>) -> Result<(), Failure> {
    match result {
        Ok(Exit::Done) => Ok(()),
        Ok(exit) => Err(Failure::Told(exit.code())),
        Err(what) => Err(Failure::new(what).misused()),
    }
}

impl Link {
    fn connection(&self, url: &str) -> Result<Connection, Failure> {
        let transport = match self.transport {
            Way::Websocket => Transport::WebSocket,
            Way::HttpStream => Transport::HttpStream,
        };
        let dialect = match self.plain {
            true if transport != Transport::WebSocket => {
                return Err(Failure::new("--plain is spoken over a WebSocket alone").misused());
            }
            true => Dialect::Plain {
                user: self.user.clone(),
            },
            false => Dialect::Centrifuge {
                is_protobuf: self.protobuf,
                transport,
            },
        };
        let address = Address::complete(url, transport, dialect.default_path());
        Ok(Connection {
            address: address.map_err(|what| Failure::new(what).misused())?,
            dialect,
            token: match (&self.token, &self.token_command) {
                (Some(token), _) => Token::Fixed(token.trim().to_owned()),
                (None, Some(command)) => Token::Command(command.clone()),
                (None, None) => Token::None,
            },
            timeout: Duration::from_secs(self.timeout.into()),
        })
    }

    fn printer(&self) -> Printer {
        if self.json {
            return Printer::standard(Style::Json);
        }
        let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty());
        let is_coloured = std::io::stderr().is_terminal() && !is_unwanted;
        Printer::standard(Style::Text { is_coloured })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use veche_tools::connection::Dialect;

    use super::SubOptions;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        sub: SubOptions,
    }

    fn sub(line: &str) -> Result<SubOptions, String> {
        let arguments = std::iter::once("sub").chain(line.split_whitespace());
        let line = Line::try_parse_from(arguments).map_err(|error| error.to_string())?;
        Ok(line.sub)
    }

    #[test]
    fn the_path_is_the_dialects_own_if_none_is_named() {
        let address = |line: &str| {
            let options = sub(line).unwrap();
            let connection = options.link.connection(&options.url).unwrap();
            connection.address.as_str().to_owned()
        };
        assert_eq!(
            address("localhost:1 a"),
            "ws://localhost:1/connection/websocket"
        );
        assert_eq!(address("https://x a --plain"), "wss://x/connection/plain");
        assert_eq!(
            address("ws://x a --transport http_stream"),
            "http://x/connection/http_stream"
        );
        assert_eq!(address("ws://x/y a --protobuf"), "ws://x/y");
    }

    #[test]
    fn options_that_do_not_go_together_are_refused() {
        for line in [
            "url",
            "url a --count 0",
            "url a --since 7",
            "url a --plain --protobuf",
            "url a --user anna",
            "url a --plain --user anna --token x",
            "url a --token x --token-command y",
            "url a --timeout 0",
            "url a --transport pigeon",
        ] {
            assert!(sub(line).is_err(), "{line}");
        }
        let options = sub("url a b --since a:b:7 --count 3 --plain --user anna").unwrap();
        assert_eq!(options.since.unwrap().epoch, "a:b");
        let connection = options.link.connection("url").unwrap();
        let user = Some("anna".to_owned());
        assert_eq!(connection.dialect, Dialect::Plain { user });
        let stream = sub("url a --plain --transport http_stream").unwrap();
        assert!(stream.link.connection("url").is_err());
    }
}
