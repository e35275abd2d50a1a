//! Assembles, starts and stops the server.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use serde_json::json;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use veche_api::grpc::GrpcOptions;
use veche_api::openapi::{self, Description};
use veche_engine_disk::lock::OpenError;
use veche_node::gate::Gate;
use veche_node::node::{MAX_WORKERS, Node, NodeConfig, Surroundings};
use veche_transport::doors::{Door, Doors, Log};
use veche_transport::host::Hosts;
use veche_transport::origin::{BadPattern, Origins};
use veche_transport::reception::HttpReception;
use veche_transport::refusals::Refusals;
use veche_websocket::decoder::Limits;

use crate::authority::TokenAuthority;
use crate::backend::NodeBackend;
use crate::drain::Drain;
use crate::engine::{self, Parts};
use crate::grpc::Grpc;
use crate::http::Http;
use crate::index;
use crate::listener::{self, ListenError, Listeners};
use crate::metrics::Metrics;
use crate::rules::rules;
use veche_config::schema::api::ErrorMode;
use veche_config::{Config, Loaded};

pub use crate::version::VERSION;
/// An inflated message may be this many times the limit of a message, where no limit of its own is set.
const INFLATED: usize = 10;
/// From the end of the calls to the end of their connections, at shutdown. Clients have as long to answer close frames.
const PARTING: Duration = Duration::from_secs(5);
/// From the end of the last connection to the end of the engine: time for its answers to the last calls.
const DRAIN: Duration = Duration::from_secs(2);
/// A worker that has not taken its inbox for so long is not well.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a client is present without being kept, at least.
const PRESENCE_TTL: Duration = Duration::from_secs(60);
/// Beyond two intervals in which a client is kept.
const PRESENCE_SLACK: Duration = Duration::from_secs(6);

/// Why the server can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Nothing listens.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// `client.allowed_origins` holds something that is no pattern.
    #[error(transparent)]
    Origins(#[from] BadPattern),
    /// A key for tokens cannot be used; names the key and the reason.
    #[error("{0}")]
    Keys(String),
    /// The store of the engine on disk can't be used.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The node does not start.
    #[error("cannot start the node")]
    Node(#[from] veche_node::node::StartError),
}

/// A server that listens, and does not serve yet.
#[derive(Debug)]
pub struct Bound {
    config: Config,
    listeners: Listeners,
    /// Of the gRPC API.
    grpc: Vec<TcpListener>,
    /// It lets in its own pages.
    is_local: bool,
    /// It answers to the names of this machine alone.
    is_private: bool,
    when_quiet: Option<fn()>,
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    node: Arc<Node>,
    http: Arc<Http>,
    grpc: Option<Arc<Grpc>>,
    /// The backends of the API.
    backends: Vec<Arc<NodeBackend>>,
    sweeper: JoinHandle<()>,
}

impl Bound {
    /// Listens as the configuration says.
    ///
    /// # Errors
    /// Where that is not possible.
    pub fn new(loaded: Loaded) -> Result<Self, StartError> {
        let (is_local, is_demo) = (loaded.is_local(), loaded.is_demo());
        let config = loaded.config;
        let workers = workers(&config);
        let server = &config.http_server;
        let listeners = if is_local {
            Listeners::on_loopback(server.port, workers)?
        } else {
            Listeners::on_host(&server.address, server.port, workers)?
        };
        let grpc = grpc_listeners(&config, is_local)?;
        let mut addresses = listeners.addresses.iter();
        let is_private = is_demo && addresses.all(|address| address.ip().is_loopback());
        Ok(Self {
            config,
            listeners,
            grpc,
            is_local,
            is_private,
            when_quiet: None,
        })
    }

    /// What each worker calls on its thread when nothing has come for a second.
    pub fn when_quiet(&mut self, call: fn()) {
        self.when_quiet = Some(call);
    }

    /// The addresses that it listens on.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.listeners.addresses
    }

    /// What it will serve by, for what is only to be known once it listens. Its addresses and workers do not change any
    /// more.
    pub fn config_mut(&mut self) -> &mut Config {
        &mut self.config
    }

    /// Begins to serve. `pages` answers what no door and no method of the API is for; without any the address `/` says
    /// what is here.
    ///
    /// # Errors
    /// Where the system gives too little.
    pub fn start(self, pages: Option<Router>, control: Handle) -> Result<Server, StartError> {
        let Self {
            config,
            listeners,
            grpc,
            is_local,
            is_private,
            when_quiet,
        } = self;
        let mut doors = doors(&config, is_local)?;
        if is_private {
            doors.hosts = Hosts::ThisMachine(doors.origins.clone());
        }
        let doors = Arc::new(doors);
        let http = Http::new(doors.clone(), config.http_server.keepalive_timeout);
        let reception = HttpReception::new(doors.clone(), {
            let (http, control) = (http.clone(), control.clone());
            move |handover| {
                control.spawn(http.clone().serve(handover));
            }
        });
        let surroundings = Surroundings {
            authority: Arc::new(TokenAuthority::new(&config).map_err(StartError::Keys)?),
            reception: Arc::new(reception),
            control: control.clone(),
            listeners: listeners.for_workers(),
        };
        let mut parts = None;
        let version = format!("Veche {VERSION}");
        let rules = rules(&config, &version);
        let opened = engine::open(&config, &rules.channel)?;
        let node = Node::start(
            NodeConfig {
                when_quiet,
                ..node_config(&config)
            },
            rules,
            surroundings,
            |sink| parts.insert(Parts::new(opened, sink)).engine(),
        )?;
        let backend = Arc::new(NodeBackend::new(node.clone()));
        let mut backends = vec![backend.clone()];
        let mut calls = vec![("http", backend.calls())];
        let grpc = (!grpc.is_empty()).then(|| {
            let backend = Arc::new(NodeBackend::new(node.clone()));
            backends.push(backend.clone());
            calls.push(("grpc", backend.calls()));
            serve_grpc(&config, backend, grpc, &control)
        });
        let disk = parts.as_ref().and_then(Parts::disk);
        let metrics = Metrics::new(node.clone(), calls, doors, disk);
        let router = router(&config, &node, backend, metrics, pages);
        http.open(node.clone(), router);
        let parts = parts.expect("the node has made its engine");
        let sweeper = control.spawn(parts.sweep());
        Ok(Server {
            node,
            http,
            grpc,
            backends,
            sweeper,
        })
    }
}

impl Server {
    /// How many clients are connected.
    #[must_use]
    pub fn clients(&self) -> u64 {
        let counters = self.node.all_counters();
        counters.iter().map(|it| it.clients.value()).sum()
    }

    /// Stops: no new connections and calls, the calls in progress are finished, every client is told 3001 behind what
    /// is queued for it.
    ///
    /// Of `time` calls have a share ([`calls_share`]). After it the clients are told, whatever the calls do, and
    /// connections of HTTP and gRPC whose answers nobody reads are dropped. So a stop that has 10 seconds or more takes
    /// no longer than that.
    ///
    /// # Cancel safety
    /// May be dropped; then whatever is left ends with the process.
    pub async fn stop(self, time: Duration) {
        self.node.stop_accepting();
        for backend in &self.backends {
            backend.close();
        }
        let drains =
            || std::iter::once(self.http.drain()).chain(self.grpc.iter().map(|it| it.drain()));
        drains().for_each(Drain::close);
        let calls_done = async {
            for drain in drains() {
                drain.calls_done().await;
            }
        };
        if tokio::time::timeout(calls_share(time), calls_done)
            .await
            .is_err()
        {
            tracing::warn!(
                "calls in progress are not finished in time; the server stops without them"
            );
        }
        let node = self.node.clone();
        let workers = tokio::task::spawn_blocking(move || node.stop());
        let parting = PARTING.min(time / 4);
        let (http, grpc) = (self.http.drain(), self.grpc.as_ref().map(|it| it.drain()));
        let grpc = async {
            if let Some(grpc) = grpc {
                grpc.connections_done(parting).await;
            }
        };
        let (stopped, (), ()) = tokio::join!(workers, http.connections_done(parting), grpc);
        self.sweeper.abort();
        if stopped.is_err() {
            tracing::error!("the workers did not stop in order");
        }
    }
}

/// How long a stop that has `time` waits for the calls in progress: half of it, or less where it takes the rest to part
/// from the clients and to let the engine finish.
fn calls_share(time: Duration) -> Duration {
    let rest = time.saturating_sub(PARTING + DRAIN + Duration::from_secs(1));
    (time / 2).min(rest.max(time / 4))
}

fn workers(config: &Config) -> usize {
    match config.node.workers {
        0 => std::thread::available_parallelism()
            .map_or(1, usize::from)
            .min(MAX_WORKERS),
        workers => workers.min(MAX_WORKERS),
    }
}

fn node_config(config: &Config) -> NodeConfig {
    let framing = &config.websocket.framing;
    let max_inflated = match framing.decompressed_message_size_limit {
        0 => framing.message_size_limit.saturating_mul(INFLATED),
        limit => limit,
    };
    NodeConfig {
        workers: workers(config),
        websocket: Limits {
            max_message: framing.message_size_limit,
            max_inflated,
        },
        compression_level: u32::try_from(framing.compression_level)
            .unwrap_or(1)
            .clamp(1, 9),
        compression_min_size: framing.compression_min_size,
        queue_max_size: config.client.queue_max_size,
        presence_ttl: presence_ttl(config),
        drain_timeout: DRAIN,
        count_users: config.client.user_connection_limit > 0,
        name: node_name(config),
        version: VERSION.to_owned(),
        ..NodeConfig::default()
    }
}

/// How long a client is present without being kept: 60 s, or more where it is kept seldom. It may miss one time of
/// being kept.
///
/// Source: `presence_ttl` of Centrifugo's engines is 60 s, and `client.presence_update_interval` 27 s.
fn presence_ttl(config: &Config) -> Duration {
    let interval = config.client.presence_update_interval;
    let two_intervals = interval.saturating_mul(2);
    PRESENCE_TTL.max(two_intervals.saturating_add(PRESENCE_SLACK))
}

/// The name for people: host and port, if nothing else is said.
fn node_name(config: &Config) -> String {
    if !config.node.name.is_empty() {
        return config.node.name.clone();
    }
    let host = gethostname::gethostname();
    format!("{}_{}", host.to_string_lossy(), config.http_server.port)
}

/// The doors that the configuration opens.
fn doors(config: &Config, own_origin: bool) -> Result<Doors, BadPattern> {
    let mut doors = Vec::new();
    if !config.websocket.disabled {
        doors.push((config.websocket.handler_prefix.clone(), Door::WebSocket));
    }
    if config.plain.enabled {
        let paths = std::iter::once(&config.plain.handler_prefix).chain(&config.plain.aliases);
        doors.extend(paths.map(|path| (path.clone(), Door::Plain)));
    }
    for (path, _) in &mut doors {
        *path = path.trim_end_matches('/').to_owned();
    }
    Ok(Doors {
        doors,
        hosts: Hosts::default(),
        origins: Origins::new(&config.client.allowed_origins, own_origin)?,
        compression: config.websocket.framing.compression,
        gate: Gate::new(
            config.client.connection_limit,
            config.client.connection_rate_limit,
        ),
        refusals: Refusals::default(),
        user_header: Some(config.client.user_id_http_header.clone()).filter(|it| !it.is_empty()),
        kept_headers: Vec::new(),
        log: Log::default(),
    })
}

/// Everything that is answered by HTTP alone.
fn router(
    config: &Config,
    node: &Arc<Node>,
    backend: Arc<NodeBackend>,
    metrics: Metrics,
    pages: Option<Router>,
) -> Router {
    let mut router = pages.unwrap_or_else(|| index::router(config));
    if !config.http_api.disabled {
        let options = api_options(config);
        if config.swagger.enabled {
            router = router.merge(openapi::router(&description(config), &options));
        }
        router = router.merge(veche_api::http::router(backend, options));
    }
    if config.health.enabled {
        let health = get(health).post(health).with_state(node.clone());
        router = router.route(&config.health.handler_prefix, health);
    }
    if config.prometheus.enabled {
        let metrics = get(scrape).with_state(Arc::new(metrics));
        router = router.route(&config.prometheus.handler_prefix, metrics);
    }
    router
}

fn api_options(config: &Config) -> veche_api::http::ApiOptions {
    let api = &config.http_api;
    veche_api::http::ApiOptions {
        prefix: api.handler_prefix.clone(),
        key: veche_api::ApiKey::new(api.key.expose()),
        insecure: api.insecure,
        transport_errors: api.error_mode == ErrorMode::Transport,
        ..veche_api::http::ApiOptions::default()
    }
}

/// Where the gRPC API listens: nowhere, where it is off.
fn grpc_listeners(config: &Config, is_local: bool) -> Result<Vec<TcpListener>, ListenError> {
    let api = &config.grpc_api;
    if !api.enabled {
        return Ok(Vec::new());
    }
    let host = match api.address.as_str() {
        "" if is_local => "127.0.0.1",
        host => host,
    };
    listener::on_host_alone("grpc_api", host, api.port)
}

fn serve_grpc(
    config: &Config,
    backend: Arc<NodeBackend>,
    listeners: Vec<TcpListener>,
    control: &Handle,
) -> Arc<Grpc> {
    let api = &config.grpc_api;
    if api.key.is_empty() {
        tracing::warn!(
            "grpc_api.key is empty: whoever reaches the port of the gRPC API may call it"
        );
    }
    let mut options = GrpcOptions {
        key: veche_api::ApiKey::new(api.key.expose()),
        transport_errors: api.error_mode == ErrorMode::Transport,
        reflection: api.reflection,
        ..GrpcOptions::default()
    };
    if api.max_receive_message_size > 0 {
        options.max_message = api.max_receive_message_size;
    }
    let grpc = Grpc::new(veche_api::grpc::Grpc::new(backend, options));
    for listener in listeners {
        if let Ok(address) = listener.local_addr() {
            tracing::info!("the gRPC API listens on {address}");
        }
        control.spawn(grpc.clone().accept(listener));
    }
    grpc
}

fn description(config: &Config) -> Description {
    let health = &config.health;
    Description {
        prefix: config.swagger.handler_prefix.clone(),
        health: health.enabled.then(|| health.handler_prefix.clone()),
        version: VERSION.to_owned(),
    }
}

/// Whether all workers answer, and all parts of the engine work.
async fn health(State(node): State<Arc<Node>>) -> impl IntoResponse {
    let (status, body) = match node.check_health(HEALTH_TIMEOUT).await {
        Ok(()) => (StatusCode::OK, "{}".to_owned()),
        Err(why) => {
            tracing::error!("the health check fails: {why}");
            let error = json!({ "code": 100, "message": why, "temporary": true });
            (
                StatusCode::SERVICE_UNAVAILABLE,
                json!({ "error": error }).to_string(),
            )
        }
    };
    (status, [(header::CONTENT_TYPE, "application/json")], body)
}

async fn scrape(State(metrics): State<Arc<Metrics>>) -> impl IntoResponse {
    (
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        metrics.render(),
    )
}
