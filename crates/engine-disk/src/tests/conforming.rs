//! The suite of all engines: with everything in memory, with nothing, and with publications that wait for a sync.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use veche_engine::broker::{Broker, Published};
use veche_engine::conformance::{Bench, Delivers, Pass, Reopen};
use veche_engine::error::EngineError;
use veche_engine::life::Lifecycle;
use veche_engine::memory::clock::ManualClock;
use veche_engine::memory::presence::MemoryPresence;
use veche_engine::pending::Pending;
use veche_protocol::channel::Channel;
use veche_protocol::history::{Page, Query};
use veche_protocol::identity::ClientInfo;
use veche_protocol::publication::{Publication, PublishOptions};

use crate::broker::DiskBroker;
use crate::durability::Durability;
use crate::open::Opened;
use crate::testing::{START_MS, TestFolder, World, block_on, options};

/// How an engine is tested.
#[derive(Clone, Copy, Debug)]
struct Kind {
    durability: Durability,
    /// Nothing stays in memory between two calls.
    is_cold: bool,
}

/// An engine that writes everything to the store and forgets it before each call.
#[derive(Debug)]
struct Cold(Arc<DiskBroker>);

impl Cold {
    fn forget(&self) -> &DiskBroker {
        // After the end there is nothing to write.
        let _ = self.0.checkpoint();
        &self.0
    }
}

impl Lifecycle for Cold {
    fn health(&self) -> Result<(), Cow<'static, str>> {
        self.0.health()
    }

    fn close(&self) -> Pending<()> {
        self.0.close()
    }
}

impl Broker for Cold {
    fn subscribe(&self, channel: &Channel) -> Pending<Result<(), EngineError>> {
        self.forget().subscribe(channel)
    }

    fn unsubscribe(&self, channel: &Channel) -> Pending<Result<(), EngineError>> {
        self.forget().unsubscribe(channel)
    }

    fn publish(
        &self,
        channel: &Channel,
        publication: Publication,
        options: &PublishOptions,
    ) -> Pending<Result<Published, EngineError>> {
        self.forget().publish(channel, publication, options)
    }

    fn publish_join(
        &self,
        channel: &Channel,
        info: Arc<ClientInfo>,
    ) -> Pending<Result<(), EngineError>> {
        self.forget().publish_join(channel, info)
    }

    fn publish_leave(
        &self,
        channel: &Channel,
        info: Arc<ClientInfo>,
    ) -> Pending<Result<(), EngineError>> {
        self.forget().publish_leave(channel, info)
    }

    fn history(&self, channel: &Channel, query: &Query) -> Pending<Result<Page, EngineError>> {
        self.forget().history(channel, query)
    }

    fn remove_history(&self, channel: &Channel) -> Pending<Result<(), EngineError>> {
        self.forget().remove_history(channel)
    }
}

fn bench(kind: Kind) -> Bench {
    let folder = Arc::new(TestFolder::new());
    bench_in(folder, kind, START_MS)
}

fn bench_in(folder: Arc<TestFolder>, kind: Kind, unix_ms: i64) -> Bench {
    let mut options = options(&folder, kind.durability);
    if kind.is_cold {
        options.cache_size = 0;
    }
    let opened = Opened::new(options).expect("the store opens");
    let World {
        broker,
        sink,
        clock,
    } = World::at(opened, unix_ms);
    let presence = Arc::new(MemoryPresence::new(clock.clone()));
    let pass: Pass = {
        let (broker, presence, clock) = (broker.clone(), presence.clone(), clock.clone());
        Box::new(move |time| {
            clock.pass(time);
            broker.sweep().expect("the store is well");
            presence.sweep();
            Box::pin(std::future::ready(()))
        })
    };
    let reopen = reopen(folder, kind, broker.clone(), clock);
    Bench {
        broker: if kind.is_cold {
            Arc::new(Cold(broker))
        } else {
            broker
        },
        presence,
        sink,
        pass,
        delivers: Delivers::InPublish,
        reopen: Some(reopen),
    }
}

fn reopen(
    folder: Arc<TestFolder>,
    kind: Kind,
    broker: Arc<DiskBroker>,
    clock: Arc<ManualClock>,
) -> Reopen {
    use veche_engine::memory::clock::Clock;

    Box::new(move |time: Duration| {
        Box::pin(async move {
            broker.close().wait().await;
            let later = i64::try_from(time.as_millis()).expect("a short time");
            bench_in(folder, kind, clock.now().unix_ms + later)
        })
    })
}

mod in_memory {
    use super::{Bench, Durability, Kind, block_on};

    fn make() -> Bench {
        super::bench(Kind {
            durability: Durability::Interval,
            is_cold: false,
        })
    }

    veche_engine::conformance_suite!(make, block_on);
    veche_engine::durable_conformance_suite!(make, block_on);
}

mod cold {
    use super::{Bench, Durability, Kind, block_on};

    fn make() -> Bench {
        super::bench(Kind {
            durability: Durability::Interval,
            is_cold: true,
        })
    }

    veche_engine::conformance_suite!(make, block_on);
    veche_engine::durable_conformance_suite!(make, block_on);
}

mod synced {
    use super::{Bench, Durability, Kind, block_on};

    fn make() -> Bench {
        super::bench(Kind {
            durability: Durability::Sync,
            is_cold: false,
        })
    }

    veche_engine::conformance_suite!(make, block_on);
    veche_engine::durable_conformance_suite!(make, block_on);
}

mod synced_and_cold {
    use super::{Bench, Durability, Kind, block_on};

    fn make() -> Bench {
        super::bench(Kind {
            durability: Durability::Sync,
            is_cold: true,
        })
    }

    veche_engine::conformance_suite!(make, block_on);
    veche_engine::durable_conformance_suite!(make, block_on);
}
