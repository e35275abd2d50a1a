//! Where a checked configuration becomes a running server.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Handle, Runtime};
use veche_chat::{Chat, ChatConfig};
use veche_config::{Config, File, Loaded, Sources};
use veche_server::configuration;
use veche_server::listener::ListenError;
use veche_server::logging::{self, Log};
use veche_server::server::{Bound, Server, StartError};

use crate::allocator;
use crate::data_folder::{DataFolder, Secrets};
use crate::failure::Failure;
use crate::open_files;
use crate::signals::Signals;

/// Where the demo keeps the chat's messages and its secrets, if nothing else is said.
pub(crate) const DATA: &str = "veche-data";
/// Threads for HTTP and the engine; the clients' are the workers'.
const CONTROL_THREADS: usize = 2;

/// Runs the server until it is told to stop.
///
/// # Errors
/// A server that cannot start, or does not stop in time.
pub(crate) fn server(loaded: Loaded) -> Result<(), Failure> {
    run(loaded, async |loaded, log, runtime| {
        let mut signals = Signals::listen(false).map_err(failed)?;
        let timeout = loaded.config.shutdown.timeout;
        let mut bound = Bound::new(loaded).map_err(failed)?;
        bound.when_quiet(allocator::give_back);
        let addresses = bound.addresses().to_vec();
        let server = bound.start(None, runtime).map_err(failed)?;
        for address in addresses {
            log.announce(&format!("veche listens on {address}"));
        }
        signals.stop_requested(log).await;
        finish(server, None, timeout, &mut signals, log).await
    })
}

/// Runs the server with the chat, whose messages are kept in `data`, until it is told to stop. A bot writes in its
/// general room if there shall be one.
///
/// # Errors
/// A server that cannot start, or does not stop in time.
pub(crate) fn demo(loaded: Loaded, data: Option<&Path>, has_bot: bool) -> Result<(), Failure> {
    let data = data.unwrap_or(Path::new(DATA));
    run(loaded, async |loaded, log, runtime| {
        let mut signals = Signals::listen(true).map_err(failed)?;
        let timeout = loaded.config.shutdown.timeout;
        // The port comes first: where it is taken, no folder is made.
        let mut bound = Bound::new(loaded).map_err(demo_failed)?;
        bound.when_quiet(allocator::give_back);
        let folder = DataFolder::take(data)?;
        let is_key_kept = bound.config_mut().http_api.key.is_empty();
        add_chat(bound.config_mut(), &folder.secrets()?)?;
        keep_history_in(folder.path(), bound.config_mut());
        let (api_key, token_secret) = chat_keys(bound.config_mut());
        let url = format!("http://{}", reachable(bound.addresses()));
        // The server itself refuses requests for other hosts, so the chat need not look again.
        let mut chat_config = ChatConfig::new(url, api_key, token_secret, folder.path().to_owned());
        chat_config.is_demo = true;
        chat_config.has_bot = has_bot;
        let welcome = welcome(&mut bound, &folder, is_key_kept);
        let chat = veche_chat::open(chat_config).await.map_err(failed)?;
        let server = bound.start(Some(chat.router()), runtime).map_err(failed)?;
        for line in welcome {
            log.announce(&line);
        }
        signals.stop_requested(log).await;
        finish(server, Some(chat), timeout, &mut signals, log).await
    })
}

/// Runs a server from the first line of its log to the last.
fn run(
    loaded: Loaded,
    serve: impl AsyncFnOnce(Loaded, &Log, Handle) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let log = logging::start(&loaded.config.log).map_err(|error| {
        Failure::new(format!(
            "cannot write to log.file {:?}: {error}",
            loaded.config.log.file
        ))
    })?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    open_files::raise_and_log(&loaded.config);
    let runtime = control()?;
    let handle = runtime.handle().clone();
    let served = runtime.block_on(serve(loaded, &log, handle));
    // What has not ended by now ends with the process.
    runtime.shutdown_background();
    served.map_err(|failure| logged(failure, &log))
}

/// The failure with its place among the lines of the log, so that a log for programs holds nothing but their format.
fn logged(failure: Failure, log: &Log) -> Failure {
    if !log.is_json() {
        return failure;
    }
    tracing::error!("{}", failure.line());
    if std::io::stderr().is_terminal() {
        failure
    } else {
        Failure::NO
    }
}

fn control() -> Result<Runtime, Failure> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(CONTROL_THREADS)
        .thread_name("control")
        .on_thread_park(allocator::tidy)
        .enable_all()
        .build();
    runtime.map_err(|error| Failure::new(format!("the system gives no threads: {error}")))
}

/// An error and what caused it, in one line.
fn failed(error: impl std::error::Error) -> Failure {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    Failure::new(text)
}

/// The same for who started the demo, and may not know that there are keys.
fn demo_failed(error: StartError) -> Failure {
    match error {
        StartError::Listen(ListenError::PortInUse(port, "http_server")) => Failure::new(format!(
            "port {port} is in use: stop what uses it, or choose another with -p PORT"
        )),
        error => failed(error),
    }
}

/// What the demo says when it has started.
fn welcome(bound: &mut Bound, folder: &DataFolder, is_key_kept: bool) -> Vec<String> {
    let address = reachable(bound.addresses());
    let site = if address.ip().is_loopback() {
        format!("http://localhost:{}", address.port())
    } else {
        format!("http://{address}")
    };
    let config = bound.config_mut();
    let mut lines = vec![
        format!("The chat is on {site}"),
        format!(
            "Its messages are kept in {}; Ctrl+C stops it",
            folder.path().display()
        ),
    ];
    if config.swagger.enabled && !config.http_api.disabled {
        let key = if is_key_kept {
            format!("in {}", folder.api_key_file().display())
        } else {
            "the http_api.key of your configuration".to_owned()
        };
        lines.push(format!(
            "Its HTTP API is described on {site}{}; the key is {key}",
            config.swagger.handler_prefix
        ));
    }
    lines
}

/// Stops in order, but not for ever: past the timeout, or at a second signal, the process just ends.
async fn finish(
    server: Server,
    chat: Option<Chat>,
    timeout: Duration,
    signals: &mut Signals,
    log: &Log,
) -> Result<(), Failure> {
    let clients = match server.clients() {
        0 => String::new(),
        1 => ": 1 client is told to come back later".to_owned(),
        clients => format!(": {clients} clients are told to come back later"),
    };
    log.announce(&format!("Stopping{clients}"));
    let stop = async {
        let began = Instant::now();
        if let Some(chat) = chat
            && tokio::time::timeout(timeout / 4, chat.stop())
                .await
                .is_err()
        {
            tracing::warn!("the chat did not stop in time; the server stops without it");
        }
        server.stop(timeout.saturating_sub(began.elapsed())).await;
    };
    tokio::select! {
        () = stop => {
            log.announce("Stopped");
            Ok(())
        }
        () = tokio::time::sleep(timeout) => Err(Failure::new(format!(
            "stopping took longer than shutdown.timeout ({timeout:?}); the rest was dropped"
        ))),
        () = signals.stop_requested(log) => Err(Failure::new(
            "a second signal came before all had stopped; the rest was dropped",
        )),
    }
}

/// Adds to the configuration what the chat needs and nobody has set.
fn add_chat(config: &mut Config, secrets: &Secrets) -> Result<(), Failure> {
    for namespace in chat_namespaces()?.channel.namespaces {
        if config
            .channel
            .namespaces
            .iter()
            .all(|known| known.name != namespace.name)
        {
            config.channel.namespaces.push(namespace);
        }
    }
    if config.http_api.key.is_empty() {
        config.http_api.key = secrets.api_key.clone().into();
    }
    let token = &mut config.client.token;
    if token.hmac_secret_key.is_empty() {
        token.hmac_secret_key = secrets.token_secret.clone().into();
    }
    Ok(())
}

/// The demo's history is where its messages are, unless the configuration says another place.
fn keep_history_in(folder: &Path, config: &mut Config) {
    let disk = &mut config.engine.disk;
    if disk.path == Config::default().engine.disk.path {
        disk.path = folder.join("history").to_string_lossy().into_owned();
    }
}

/// The chat's namespaces, as a configuration of their own.
fn chat_namespaces() -> Result<Config, Failure> {
    let text =
        serde_json::json!({ "channel": { "namespaces": veche_chat::namespaces() } }).to_string();
    let file = Some(File {
        name: "chat.json".to_owned(),
        text,
    });
    Ok(configuration::load(&Sources {
        file,
        ..Sources::default()
    })?
    .config)
}

fn chat_keys(config: &Config) -> (String, String) {
    (
        config.http_api.key.expose().to_owned(),
        config.client.token.hmac_secret_key.expose().to_owned(),
    )
}

/// An address that this machine reaches itself by.
fn reachable(addresses: &[SocketAddr]) -> SocketAddr {
    let mut address = addresses
        .first()
        .copied()
        .unwrap_or_else(|| ([127, 0, 0, 1], 0).into());
    if address.ip().is_unspecified() {
        address.set_ip([127, 0, 0, 1].into());
    }
    address
}
