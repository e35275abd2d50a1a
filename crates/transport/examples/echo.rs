//! An echo server on the server's own connection code, for conformance tests of the WebSocket and for trying clients.
//!
//! `echo [ADDRESS]` listens on ADDRESS (default 127.0.0.1:9001; port 0 takes a free one), says so on standard output,
//! and sends every message on `/echo` back, compressed where the client offers it.

use std::error::Error;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use veche_engine::memory::broker::MemoryBroker;
use veche_engine::memory::clock::SystemClock;
use veche_engine::memory::presence::MemoryPresence;
use veche_engine::pending::Pending;
use veche_node::authority::{Authority, Caller};
use veche_node::listener::{Listener, Role};
use veche_node::node::{Engine, Node, NodeConfig, Surroundings};
use veche_protocol::claims::{ConnectionClaims, SubscriptionClaims, TokenError};
use veche_session::rules::Rules;
use veche_transport::doors::{Door, Doors};
use veche_transport::reception::HttpReception;
use veche_websocket::decoder::Limits;

/// Messages of up to 16 MiB come back.
const MAX_MESSAGE: usize = 16 << 20;

#[expect(
    clippy::print_stdout,
    reason = "whoever started it waits for the address"
)]
fn main() -> Result<(), Box<dyn Error>> {
    let address: SocketAddr = std::env::args()
        .nth(1)
        .as_deref()
        .unwrap_or("127.0.0.1:9001")
        .parse()?;
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let doors = Doors {
        doors: vec![("/echo".into(), Door::Echo)],
        compression: true,
        ..Doors::default()
    };
    let reception = HttpReception::new(Arc::new(doors), |_| {});
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()?;
    let surroundings = Surroundings {
        authority: Arc::new(Nobody),
        reception: Arc::new(reception),
        control: runtime.handle().clone(),
        listeners: vec![vec![Listener {
            socket: listener,
            role: Role::OUTSIDE,
        }]],
    };
    let config = NodeConfig {
        workers: 1,
        websocket: Limits {
            max_message: MAX_MESSAGE,
            max_inflated: MAX_MESSAGE,
        },
        queue_max_size: 4 * MAX_MESSAGE,
        ..NodeConfig::default()
    };
    let node = Node::start(config, Rules::default(), surroundings, |sink| {
        let clock = Arc::new(SystemClock::default());
        Engine {
            broker: Arc::new(MemoryBroker::new(sink, clock.clone())),
            presence: Arc::new(MemoryPresence::new(clock)),
            controller: None,
        }
    })?;
    println!("listening on {address}");
    runtime.block_on(std::future::pending::<()>());
    node.stop();
    Ok(())
}

/// Nobody has to prove anything to an echo.
#[derive(Debug)]
struct Nobody;

impl Authority for Nobody {
    fn connection_token(
        &self,
        _caller: &Caller<'_>,
        _: &str,
        _: i64,
    ) -> Pending<Result<Box<ConnectionClaims>, TokenError>> {
        Pending::Ready(Ok(Box::default()))
    }

    fn subscription_token(
        &self,
        _caller: &Caller<'_>,
        _: &str,
        _: i64,
    ) -> Pending<Result<Box<SubscriptionClaims>, TokenError>> {
        Pending::Ready(Ok(Box::default()))
    }
}
