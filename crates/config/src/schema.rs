//! Every key there is: the root of the configuration, and one file for each group of sections.

pub mod api;
pub mod channel;
pub mod client;
pub mod consumer;
pub mod engine;
pub mod observe;
pub mod postgres;
pub mod proxy;
pub mod redis;
pub mod server;
pub mod transport;

use crate::section::sections;

sections! {
    /// The whole configuration, with defaults where nothing is said.
    Config {
        /// The main HTTP server.
        http_server: server::HttpServer,
        /// What is logged, and where.
        log: server::Log,
        /// What carries channels and presence between nodes.
        engine: engine::Engine,
        /// A broker chosen apart from the engine.
        broker: engine::Broker,
        /// A presence manager chosen apart from the engine.
        presence_manager: engine::PresenceManager,
        /// What keeps the state of map channels.
        map_broker: engine::MapBroker,
        /// What carries orders between nodes, apart from the engine.
        controller: engine::Controller,
        /// Shared poll subscriptions.
        shared_poll: engine::SharedPoll,
        /// Client connections: tokens, origins, timers and limits.
        client: client::Client,
        /// Channels, namespaces and who may do what in them.
        channel: channel::Channels,
        /// Calls from clients to the application.
        rpc: proxy::Rpc,
        /// Proxies that namespaces refer to by name.
        proxies: Vec<proxy::NamedProxy>,
        /// The HTTP API for the application's backend.
        http_api: api::HttpApi,
        /// The gRPC API for the application's backend.
        grpc_api: api::GrpcApi,
        /// Queues and tables that commands are read from.
        consumers: Vec<consumer::Consumer>,
        /// The WebSocket door.
        websocket: transport::WebSocket,
        /// The plain dialect for a bare WebSocket.
        plain: transport::Plain,
        /// The door for Server-Sent Events with emulation.
        sse: transport::Sse,
        /// The door for HTTP streaming with emulation.
        http_stream: transport::HttpStream,
        /// The door for WebTransport.
        webtransport: transport::WebTransport,
        /// The one-way door for Server-Sent Events.
        uni_sse: transport::UniSse,
        /// The one-way door for HTTP streaming.
        uni_http_stream: transport::UniHttpStream,
        /// The one-way WebSocket door.
        uni_websocket: transport::UniWebSocket,
        /// The one-way gRPC door.
        uni_grpc: transport::UniGrpc,
        /// Where emulated connections send their commands.
        emulation: transport::Emulation,
        /// The admin pages.
        admin: api::Admin,
        /// Metrics for Prometheus.
        prometheus: observe::Prometheus,
        /// The health check.
        health: observe::Health,
        /// The description of the HTTP API as a page.
        swagger: observe::Swagger,
        /// Profiling endpoints.
        debug: observe::Debug,
        /// The endpoint that prepares a connection.
        init: transport::Init,
        /// Traces for OpenTelemetry.
        opentelemetry: observe::OpenTelemetry,
        /// Metrics for Graphite.
        graphite: observe::Graphite,
        /// Usage statistics of the original; Veche never sends any.
        usage_stats: observe::UsageStats,
        /// This node among others.
        node: server::Node,
        /// How the server stops.
        shutdown: server::Shutdown,
        /// A file that holds the process id while the server runs.
        pid_file: String,
        /// Accepts what is not stable yet.
        enable_unreleased_features: bool,
    }
}
