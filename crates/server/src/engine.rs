//! Which engine the server has.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use veche_config::Config;
use veche_config::schema::channel::{ChannelOptions, HistoryDurability};
use veche_config::schema::engine::{DiskDurability, EngineType};
use veche_engine::memory::broker::MemoryBroker;
use veche_engine::memory::clock::SystemClock;
use veche_engine::memory::presence::MemoryPresence;
use veche_engine::sink::Sink;
pub use veche_engine_disk::care;

use veche_engine_disk::broker::DiskBroker;
use veche_engine_disk::durability::{Durability, Policy};
use veche_engine_disk::lock::OpenError;
use veche_engine_disk::open::{DiskOptions, Opened};
use veche_node::node::Engine;
use veche_session::rules::ChannelRules;

/// Between two sweeps of what has expired in memory.
const SWEEP: Duration = Duration::from_secs(1);

/// The parts of an engine, as those who look after them know them.
#[derive(Debug)]
pub(crate) struct Parts {
    broker: Kind,
    presence: Arc<MemoryPresence>,
}

#[derive(Debug)]
enum Kind {
    Memory(Arc<MemoryBroker>),
    Disk(Arc<DiskBroker>),
}

/// Opens the store, where the configuration has the engine on disk.
///
/// # Errors
/// One line that says why the store can't be used.
pub(crate) fn open(config: &Config, channel: &ChannelRules) -> Result<Option<Opened>, OpenError> {
    let has_own_broker = config.broker.enabled;
    if config.engine.kind != EngineType::Disk || has_own_broker {
        return Ok(None);
    }
    let disk = &config.engine.disk;
    let bytes = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
    Opened::new(DiskOptions {
        durability: policy(config, channel),
        interval: disk.interval,
        max_size: bytes(disk.max_size),
        cache_size: bytes(disk.cache_size),
        ..DiskOptions::new(&disk.path)
    })
    .map(Some)
}

impl Parts {
    /// Makes the engine: on disk, if a store is open.
    pub(crate) fn new(opened: Option<Opened>, sink: Arc<dyn Sink>) -> Self {
        let clock = Arc::new(SystemClock::default());
        let broker = match opened {
            Some(opened) => Kind::Disk(Arc::new(DiskBroker::new(opened, sink, clock.clone()))),
            None => Kind::Memory(Arc::new(MemoryBroker::new(sink, clock.clone()))),
        };
        Self {
            broker,
            presence: Arc::new(MemoryPresence::new(clock)),
        }
    }

    /// The engine, as the node knows it.
    pub(crate) fn engine(&self) -> Engine {
        Engine {
            broker: match &self.broker {
                Kind::Memory(broker) => broker.clone(),
                Kind::Disk(broker) => broker.clone(),
            },
            presence: self.presence.clone(),
            controller: None,
        }
    }

    /// The broker that keeps history on disk, if it is one.
    pub(crate) fn disk(&self) -> Option<Arc<DiskBroker>> {
        match &self.broker {
            Kind::Memory(_) => None,
            Kind::Disk(broker) => Some(broker.clone()),
        }
    }

    /// Gives back the memory of what has expired, once a second. The engine on disk does it itself.
    pub(crate) async fn sweep(self) {
        let mut ticks = tokio::time::interval(SWEEP);
        loop {
            ticks.tick().await;
            if let Kind::Memory(broker) = &self.broker {
                broker.sweep();
            }
            self.presence.sweep();
        }
    }
}

/// What publications wait for, by the namespaces of their channels.
fn policy(config: &Config, channel: &ChannelRules) -> Policy {
    let general = match config.engine.disk.durability {
        DiskDurability::Interval => Durability::Interval,
        DiskDurability::Sync => Durability::Sync,
    };
    let without_namespace = durability(&config.channel.without_namespace);
    let namespaces: HashMap<String, Durability> = (config.channel.namespaces.iter())
        .filter_map(|namespace| Some((namespace.name.clone(), durability(&namespace.options)?)))
        .collect();
    if without_namespace.is_none() && namespaces.is_empty() {
        return Policy { general, of: None };
    }
    let rules = channel.clone();
    Policy {
        general,
        of: Some(Arc::new(move |channel| match rules.split(channel) {
            ("", _) => without_namespace,
            (namespace, _) => namespaces.get(namespace).copied(),
        })),
    }
}

fn durability(options: &ChannelOptions) -> Option<Durability> {
    match options.history_durability {
        HistoryDurability::Default => None,
        HistoryDurability::Interval => Some(Durability::Interval),
        HistoryDurability::Sync => Some(Durability::Sync),
    }
}

#[cfg(test)]
mod tests {
    use veche_config::schema::channel::Namespace;

    use super::*;
    use crate::rules::rules;

    #[test]
    fn a_namespace_says_what_its_publications_wait_for_and_the_engine_says_the_rest() {
        let mut config = Config::default();
        let of = |config: &Config, channel: &str| {
            let policy = policy(config, &rules(config, "").channel);
            let own = policy.of.and_then(|of| of(channel));
            own.unwrap_or(policy.general)
        };
        assert_eq!(of(&config, "news"), Durability::Interval);
        config.engine.disk.durability = DiskDurability::Sync;
        assert_eq!(of(&config, "news"), Durability::Sync);
        for (name, own) in [
            ("prices", HistoryDurability::Interval),
            ("chat", HistoryDurability::Default),
        ] {
            let mut namespace = Namespace {
                name: name.to_owned(),
                ..Namespace::default()
            };
            namespace.options.history_durability = own;
            config.channel.namespaces.push(namespace);
        }
        assert_eq!(of(&config, "prices:eur"), Durability::Interval);
        assert_eq!(of(&config, "$prices:eur"), Durability::Interval);
        assert_eq!(of(&config, "chat:lobby"), Durability::Sync);
        config.channel.without_namespace.history_durability = HistoryDurability::Interval;
        assert_eq!(of(&config, "news"), Durability::Interval);
        assert_eq!(of(&config, "chat:lobby"), Durability::Sync);
    }
}
