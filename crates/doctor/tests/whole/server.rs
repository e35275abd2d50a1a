//! Our server in this process.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::runtime::{Builder, Runtime};
use veche_config::Sources;
use veche_server::configuration;
use veche_server::server::{Bound, Server as Running};

/// How long the server may take to stop.
const STOP_TIME: Duration = Duration::from_secs(30);

/// A running server; it ends with this.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    running: Option<Running>,
    runtime: Runtime,
}

impl Server {
    /// One that anonymous clients may connect to, and these keys.
    pub(crate) fn start(flags: &[(&str, &str)]) -> Self {
        let common = [
            ("http_server.address", "127.0.0.1"),
            ("http_server.port", "0"),
            ("node.workers", "1"),
            ("client.allow_anonymous_connect_without_token", "true"),
        ];
        let flags = common.iter().chain(flags);
        let sources = Sources {
            flags: flags
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            ..Sources::default()
        };
        let loaded = configuration::load(&sources).expect("a good configuration");
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build();
        let runtime = runtime.expect("a runtime");
        let (address, running) = runtime.block_on(async {
            let bound = Bound::new(loaded).expect("a free port");
            let address = bound.addresses()[0];
            let running = bound.start(Some(Router::new()), runtime.handle().clone());
            (address, running.expect("it starts"))
        });
        Self {
            address,
            running: Some(running),
            runtime,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.stop(STOP_TIME));
        }
    }
}
