//! Where a checked configuration becomes a running server.

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use tokio::runtime::{Builder, Runtime};
use veche_chat::{Chat, ChatConfig};
use veche_server::config::{Config, File, Loaded, Sources};
use veche_server::logging;
use veche_server::server::{Bound, Server};

use crate::failure::Failure;
use crate::genconfig::secret;
use crate::open_files;
use crate::output;

/// Where the demo keeps the chat's messages and its secrets, if nothing else is said.
const DATA: &str = "veche-data";
/// Threads for HTTP and the engine; the clients' are the workers'.
const CONTROL_THREADS: usize = 2;

/// Runs the server until it is told to stop.
///
/// # Errors
/// A server that cannot start.
pub(crate) fn server(loaded: Loaded) -> Result<(), Failure> {
    begin(&loaded)?;
    let timeout = loaded.config.shutdown.timeout;
    let runtime = control()?;
    runtime.block_on(async {
        let bound = Bound::new(loaded).map_err(failed)?;
        let addresses = bound.addresses().to_vec();
        let server = bound
            .start(Router::new(), runtime.handle().clone())
            .map_err(failed)?;
        for address in addresses {
            output::line(&format!("veche listens on {address}"))?;
        }
        stop_requested().await?;
        finish(server, None, timeout).await;
        Ok(())
    })
}

/// Runs the server with the chat, whose messages are kept in `data`, until it is told to stop.
///
/// # Errors
/// A server that cannot start.
pub(crate) fn demo(mut loaded: Loaded, data: Option<&Path>) -> Result<(), Failure> {
    begin(&loaded)?;
    let data = data.map_or_else(|| PathBuf::from(DATA), Path::to_owned);
    let secrets = Secrets::kept_in(&data)?;
    add_chat(&mut loaded, &secrets)?;
    let timeout = loaded.config.shutdown.timeout;
    let (api_key, token_secret) = chat_keys(&loaded.config);
    let runtime = control()?;
    runtime.block_on(async {
        let bound = Bound::new(loaded).map_err(failed)?;
        let port = bound.addresses().first().map_or(0, SocketAddr::port);
        let url = format!("http://{}", reachable(bound.addresses()));
        let config = ChatConfig::new(url, api_key, token_secret, data.clone());
        let chat = veche_chat::open(config).await.map_err(failed)?;
        let server = bound
            .start(chat.router(), runtime.handle().clone())
            .map_err(failed)?;
        output::line(&format!("The chat is on http://localhost:{port}"))?;
        output::line(&format!(
            "Its messages are kept in {}; Ctrl+C stops it",
            data.display()
        ))?;
        stop_requested().await?;
        finish(server, Some(chat), timeout).await;
        Ok(())
    })
}

fn begin(loaded: &Loaded) -> Result<(), Failure> {
    output::warnings(&loaded.warnings);
    logging::start(&loaded.config.log).map_err(|error| {
        Failure::new(format!(
            "cannot write to log.file {:?}: {error}",
            loaded.config.log.file
        ))
    })?;
    open_files::raise_and_log(&loaded.config);
    Ok(())
}

fn control() -> Result<Runtime, Failure> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(CONTROL_THREADS)
        .thread_name("control")
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

/// Waits for the first of Ctrl+C and, on Unix, SIGTERM.
async fn stop_requested() -> Result<(), Failure> {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        let mut terminated =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            result = interrupted => Ok(result?),
            _ = terminated.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    Ok(interrupted.await?)
}

/// Stops in order, but not for ever: past the timeout, or at a second signal, the process just ends.
async fn finish(server: Server, chat: Option<Chat>, timeout: Duration) {
    let stop = async {
        if let Some(chat) = chat {
            chat.stop().await;
        }
        server.stop().await;
    };
    tokio::select! {
        () = stop => {}
        () = tokio::time::sleep(timeout) => std::process::exit(1),
        _ = stop_requested() => std::process::exit(1),
    }
}

/// Adds to the configuration what the chat needs and nobody has set.
fn add_chat(loaded: &mut Loaded, secrets: &Secrets) -> Result<(), Failure> {
    let config = &mut loaded.config;
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

/// The chat's namespaces, as a configuration of their own.
fn chat_namespaces() -> Result<Config, Failure> {
    let text =
        serde_json::json!({ "channel": { "namespaces": veche_chat::namespaces() } }).to_string();
    let file = Some(File {
        name: "chat.json".to_owned(),
        text,
    });
    Ok(Config::load(&Sources {
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

/// Secrets of the demo. They outlive a restart, and so do the tokens of the clients.
struct Secrets {
    api_key: String,
    token_secret: String,
}

impl Secrets {
    fn kept_in(data: &Path) -> Result<Self, Failure> {
        let cannot = |error: std::io::Error| {
            Failure::new(format!("cannot use the folder {}: {error}", data.display()))
        };
        fs::create_dir_all(data).map_err(cannot)?;
        Ok(Self {
            api_key: kept(&data.join("api_key"))?,
            token_secret: kept(&data.join("token_secret"))?,
        })
    }
}

/// The secret in a file, made if there is none.
fn kept(path: &Path) -> Result<String, Failure> {
    let cannot =
        |error: std::io::Error| Failure::new(format!("cannot use {}: {error}", path.display()));
    match fs::read_to_string(path) {
        Ok(text) if !text.trim().is_empty() => return Ok(text.trim().to_owned()),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(cannot(error)),
        _ => {}
    }
    let secret = secret(32)?;
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .and_then(|mut file| file.write_all(secret.as_bytes()))
        .map_err(cannot)?;
    Ok(secret)
}
