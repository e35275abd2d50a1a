//! One running server: its workers, its engine, and what spans them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use veche_engine::control::NodeId;
use veche_protocol::identity::ClientId;
use veche_session::rules::Rules;
use veche_session::turn::Now;

use crate::authority::Authority;
use crate::clock::Clock;
use crate::cluster::Cluster;
use crate::counters::{Cell, Counters};
use crate::inbox::{Congestion, Inbox, Item};
use crate::interest::Interest;
use crate::reception::Reception;
use crate::sink::Received;
use crate::tasks::Tasks;
use crate::trouble_log::EngineLog;
use crate::users::Users;

/// Most workers of a node.
pub use crate::interest::MAX_WORKERS;

mod config;
mod sharing;
mod start;
mod surroundings;

pub use config::NodeConfig;
pub use start::StartError;
pub use surroundings::{Engine, Surroundings};

/// One running server.
#[derive(Debug)]
pub struct Node {
    config: NodeConfig,
    id: NodeId,
    clock: Clock,
    rules: RwLock<Arc<Rules>>,
    engine: Engine,
    surroundings: Surroundings,
    interest: Arc<Interest>,
    received: Arc<Received>,
    inboxes: Vec<Arc<Inbox>>,
    counters: Vec<Arc<Counters>>,
    congestion: Arc<Congestion>,
    /// `None` where nobody asks, and the only worker knows how many users there are.
    users: Option<Users>,
    lists: Semaphore,
    /// What is known of other nodes; `None` for a node that is alone.
    cluster: Option<Cluster>,
    /// For surveys of other nodes.
    survey_permits: Semaphore,
    engine_log: Arc<EngineLog>,
    /// Calls to the engine that are seen through, whoever is still there.
    tasks: Arc<Tasks>,
    /// Answers that sessions wait for.
    answers: Tasks,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Node {
    /// Puts new rules in force. A subscription keeps what it was granted.
    pub fn set_rules(&self, rules: Rules) {
        let rules = Arc::new(rules);
        *self.rules.write() = rules.clone();
        for inbox in &self.inboxes {
            inbox.push(Item::Rules(rules.clone()));
        }
    }

    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> Arc<Rules> {
        self.rules.read().clone()
    }

    /// Stops accepting, and drops handshakes that wait.
    pub fn stop_accepting(&self) {
        for inbox in &self.inboxes {
            inbox.push(Item::StopAccepting);
        }
    }

    /// Tells every client 3001 behind what is queued for it, waits for their close frames (5 seconds at most), and
    /// ends the workers. What was put into the inboxes before is delivered first. Then the engine has
    /// [`NodeConfig::drain_timeout`] to answer the last calls (leaves, removals from presence) and to close.
    ///
    /// Blocks; call it where that is allowed.
    pub fn stop(&self) {
        for inbox in &self.inboxes {
            inbox.push(Item::Stop);
        }
        for thread in std::mem::take(&mut *self.threads.lock()) {
            if thread.join().is_err() {
                tracing::error!("a worker had panicked");
            }
        }
        self.leave_cluster();
        self.end_engine();
    }

    /// The node's id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.id.as_str()
    }

    /// The node's id, as other nodes know it.
    #[must_use]
    pub fn node_id(&self) -> &NodeId {
        &self.id
    }

    /// How the node was built.
    #[must_use]
    pub fn config(&self) -> &NodeConfig {
        &self.config
    }

    /// Since when the node runs.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.now().monotonic
    }

    /// What each worker has counted.
    #[must_use]
    pub fn all_counters(&self) -> &[Arc<Counters>] {
        &self.counters
    }

    /// Channels that the node has at its engine.
    #[must_use]
    pub fn channel_count(&self) -> usize {
        self.interest.channel_count()
    }

    /// Publications that the engine has delivered to this node.
    #[must_use]
    pub fn received_publications(&self) -> u64 {
        self.received.publications.load(Ordering::Relaxed)
    }

    /// Joins that the engine has delivered to this node.
    #[must_use]
    pub fn received_joins(&self) -> u64 {
        self.received.joins.load(Ordering::Relaxed)
    }

    /// Leaves that the engine has delivered to this node.
    #[must_use]
    pub fn received_leaves(&self) -> u64 {
        self.received.leaves.load(Ordering::Relaxed)
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn now(&self) -> Now {
        self.clock.now()
    }

    pub(crate) fn inbox(&self, worker: usize) -> &Arc<Inbox> {
        self.inboxes
            .get(worker)
            .expect("a worker's index is below the number of workers")
    }

    pub(crate) fn inboxes(&self) -> &[Arc<Inbox>] {
        &self.inboxes
    }

    pub(crate) fn counters(&self, worker: usize) -> Arc<Counters> {
        self.counters
            .get(worker)
            .expect("a worker's index is below the number of workers")
            .clone()
    }

    pub(crate) fn reception(&self) -> &dyn Reception {
        &*self.surroundings.reception
    }

    pub(crate) fn authority(&self) -> &dyn Authority {
        &*self.surroundings.authority
    }

    pub(crate) fn control(&self) -> &Handle {
        &self.surroundings.control
    }

    pub(crate) fn interest(&self) -> &Interest {
        &self.interest
    }

    /// Lists are gathered one by one, or a few at once.
    pub(crate) fn lists(&self) -> &Semaphore {
        &self.lists
    }

    pub(crate) fn cluster(&self) -> Option<&Cluster> {
        self.cluster.as_ref()
    }

    pub(crate) fn survey_permits(&self) -> &Semaphore {
        &self.survey_permits
    }

    pub(crate) fn tasks(&self) -> &Arc<Tasks> {
        &self.tasks
    }

    pub(crate) fn answers(&self) -> &Tasks {
        &self.answers
    }

    pub(crate) fn engine_log(&self) -> &Arc<EngineLog> {
        &self.engine_log
    }

    pub(crate) fn is_congested(&self) -> bool {
        self.congestion.is_congested()
    }

    pub(crate) async fn eased(&self) {
        self.congestion.eased().await;
    }

    pub(crate) fn new_client(&self) -> ClientId {
        ClientId::from_random(*uuid::Uuid::new_v4().as_bytes())
    }
}

/// A number that each worker counts, over all of them.
pub(crate) fn sum(counters: &[Arc<Counters>], cell: fn(&Counters) -> &Cell) -> usize {
    let sum: u64 = counters.iter().map(|counters| cell(counters).value()).sum();
    usize::try_from(sum).unwrap_or(usize::MAX)
}
