//! Clients of a simulated node: their rules and their frames.

use std::sync::Arc;
use std::time::Duration;

use veche_node::simulate::Simulation;
use veche_protocol::batch::Encoding;
use veche_protocol::publication::Retention;
use veche_session::rules::{ChannelOptions, Rules};
use veche_websocket::frame::{self, Opcode};

/// Whether channels keep their publications, so that positions are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// Nothing is kept.
    Off,
    /// The last ten are kept.
    On,
}

/// What a channel with history keeps.
pub const RETENTION: Retention = Retention {
    size: 10,
    ttl: Duration::from_secs(3600),
    meta_ttl: Duration::from_secs(3600),
};

/// A node where everybody may subscribe and publish.
#[must_use]
pub fn simulation(history: History) -> Simulation {
    let mut rules = Rules::default();
    rules.client.allow_anonymous_connect_without_token = true;
    // Nobody answers pings, and what is counted must not depend on how long it takes.
    rules.client.ping_interval = None;
    rules.client.pong_timeout = None;
    rules.channel.without_namespace = Arc::new(ChannelOptions {
        retention: (history == History::On).then_some(RETENTION),
        history_meta_ttl: RETENTION.meta_ttl,
        force_recovery: history == History::On,
        allow_subscribe_for_client: true,
        allow_subscribe_for_anonymous: true,
        allow_publish_for_client: true,
        allow_publish_for_anonymous: true,
        allow_tags_filter: true,
        allow_fossil_delta: history == History::On,
        ..ChannelOptions::default()
    });
    Simulation::new(rules).expect("an event queue")
}

/// A client's frame with one command of the JSON dialect.
#[must_use]
pub fn command(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::write_masked(
        &mut bytes,
        Opcode::Text,
        false,
        text.as_bytes(),
        [1, 2, 3, 4],
    );
    bytes
}

/// Connects a client without a socket. Returns its slot.
#[must_use]
pub fn connect(simulation: &mut Simulation) -> u32 {
    let slot = simulation
        .open(Encoding::Json, None)
        .expect("no socket is needed");
    simulation.receive(slot, &mut command(r#"{"id":1,"connect":{}}"#));
    slot
}

/// Subscribes a client.
pub fn subscribe(simulation: &mut Simulation, slot: u32, channel: &str) {
    let text = format!(r#"{{"id":2,"subscribe":{{"channel":"{channel}"}}}}"#);
    simulation.receive(slot, &mut command(&text));
}
