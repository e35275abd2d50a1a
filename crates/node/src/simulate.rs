//! Workers that turn when they are told to, on the caller's thread: for measuring what they cost, and for tests in
//! which every interleaving can be had again.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;

use tokio::runtime::Runtime;
use veche_engine::control::Addressees;
use veche_engine::memory::broker::MemoryBroker;
use veche_engine::memory::clock::SystemClock;
use veche_engine::memory::presence::MemoryPresence;
use veche_engine::pending::Pending;
use veche_engine::sink::Sink;
use veche_protocol::batch::Encoding;
use veche_protocol::channel::Channel;
use veche_protocol::claims::{ConnectionClaims, SubscriptionClaims, TokenError};
use veche_protocol::publication::{Publication, PublishOptions};
use veche_session::order::Order;
use veche_session::rules::Rules;
use veche_session::turn::Now;

use crate::authority::{Authority, Caller};
use crate::connection::{Conversation, Opening, Stage};
use crate::link::handover::Handover;
use crate::listener::Role;
use crate::node::{Engine, Node, NodeConfig, Surroundings};
use crate::reception::{Decision, Reception};
use crate::worker::Worker;

/// A node whose workers are all on the caller's thread.
#[derive(Debug)]
pub struct Simulation {
    pub(crate) workers: Vec<Worker>,
    node: Arc<Node>,
    control: Runtime,
}

/// A client's place: the worker, and its slot there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The worker's index.
    pub worker: usize,
    /// The slot.
    pub slot: u32,
}

impl Simulation {
    /// A node of one worker without clients, with the engine in memory.
    ///
    /// # Errors
    /// When the system gives no event queue.
    pub fn new(rules: Rules) -> io::Result<Self> {
        Self::with(
            NodeConfig::default(),
            rules,
            Arc::new(Nobody),
            Arc::new(Nobody),
            |sink| {
                let clock = Arc::new(SystemClock::default());
                Engine {
                    broker: Arc::new(MemoryBroker::new(sink, clock.clone())),
                    presence: Arc::new(MemoryPresence::new(clock)),
                    controller: None,
                }
            },
        )
    }

    /// A node without clients, with an engine of the caller's.
    ///
    /// # Errors
    /// When the system gives no event queue.
    pub fn with(
        config: NodeConfig,
        rules: Rules,
        authority: Arc<dyn Authority>,
        reception: Arc<dyn Reception>,
        engine: impl FnOnce(Arc<dyn Sink>) -> Engine,
    ) -> io::Result<Self> {
        let control = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        let surroundings = Surroundings {
            authority,
            reception,
            control: control.handle().clone(),
            listeners: Vec::new(),
        };
        let (node, polls) =
            Node::assemble(config, rules, surroundings, engine).map_err(io::Error::other)?;
        node.join_cluster().map_err(io::Error::other)?;
        let workers = polls
            .into_iter()
            .enumerate()
            .map(|(index, poll)| Worker::new(index, node.clone(), poll, Vec::new()))
            .collect::<io::Result<_>>()?;
        Ok(Self {
            workers,
            node,
            control,
        })
    }

    /// The node.
    #[must_use]
    pub fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// A client whose upgrade is agreed. What it is sent goes to `socket`, or nowhere. Returns its slot at the first
    /// worker.
    ///
    /// # Errors
    /// When the event queue does not take the socket.
    pub fn open(&mut self, encoding: Encoding, socket: Option<TcpStream>) -> io::Result<u32> {
        let opening = Opening::websocket(Conversation::Centrifuge { encoding });
        Ok(self.open_at(0, opening, socket)?.slot)
    }

    /// A client at any worker. Its socket does not block.
    ///
    /// # Errors
    /// When the event queue does not take the socket.
    pub fn open_at(
        &mut self,
        worker: usize,
        opening: Opening,
        socket: Option<TcpStream>,
    ) -> io::Result<Seat> {
        let seat = self.seat(worker, socket, Stage::Busy)?;
        self.worker(worker).open(seat.slot, opening);
        Ok(seat)
    }

    /// A client whose first request is still to come, by its socket, which does not block.
    ///
    /// # Errors
    /// When the event queue does not take the socket.
    pub fn knock_at(&mut self, worker: usize, socket: TcpStream) -> io::Result<Seat> {
        let stage = self.worker(worker).fresh_head(Role::OUTSIDE);
        self.seat(worker, Some(socket), stage)
    }

    fn seat(&mut self, worker: usize, socket: Option<TcpStream>, stage: Stage) -> io::Result<Seat> {
        let place = self.worker(worker);
        let slot = match socket {
            Some(socket) => place.admit(mio::net::TcpStream::from_std(socket).into(), stage),
            None => place.seat(None, stage),
        };
        let slot = slot.ok_or(io::ErrorKind::Other)?;
        Ok(Seat { worker, slot })
    }

    /// Bytes of the client in `slot` of the first worker: masked frames.
    pub fn receive(&mut self, slot: u32, bytes: &mut [u8]) {
        self.worker(0).received(slot, bytes);
    }

    /// The socket of a client has something to be read, or takes more, or both.
    pub fn ready(&mut self, seat: Seat) {
        let worker = self.worker(seat.worker);
        worker.outboxes.unblock(seat.slot);
        worker.read(seat.slot);
    }

    /// The client in `slot` of the first worker is gone.
    pub fn lose(&mut self, slot: u32) {
        self.worker(0).lost(slot);
    }

    /// Publishes in a channel, as the engine is asked to by the API.
    pub fn publish(&self, channel: &Channel, publication: Publication, options: &PublishOptions) {
        let published = self
            .node
            .engine()
            .broker
            .publish(channel, publication, options);
        debug_assert!(matches!(published, Pending::Ready(Ok(_))));
    }

    /// Puts an order into the inboxes, and does not wait until it is obeyed.
    pub fn order(&self, addressees: &Addressees, order: &Order) {
        drop(self.node.send_order(addressees, order));
    }

    /// Takes the inboxes and writes what is owed, until nothing is left to do.
    pub fn turn(&mut self) {
        let now = self.node.now();
        for index in 0..self.workers.len() {
            let worker = self.worker(index);
            worker.act_at(now);
            while worker.is_busy() {
                worker.act();
            }
        }
    }

    /// One turn of one worker, without reading, at a time of the caller's.
    pub fn act(&mut self, worker: usize, now: Now) {
        self.worker(worker).act_at(now);
    }

    /// Lets what runs beside the workers go as far as it can.
    pub fn control(&self) {
        self.control.block_on(async {
            for _ in 0..CONTROL_STEPS {
                tokio::task::yield_now().await;
            }
        });
    }

    /// Runs something beside the workers, as far as it goes now and in each [`Self::control`].
    pub fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.control.spawn(future);
    }

    /// Connected clients and their subscriptions.
    #[must_use]
    pub fn population(&self) -> (usize, usize) {
        let clients = self.workers.iter().map(|it| it.clients.count()).sum();
        let subscriptions = self.workers.iter().map(|it| it.hub.subscription_count());
        (clients, subscriptions.sum())
    }

    /// Connections, in whatever stage, and sessions that failed.
    #[must_use]
    pub fn connections(&self) -> (usize, u64) {
        let connections = self.workers.iter().map(|it| it.connections.len()).sum();
        let counters = self.workers.iter().map(|it| it.context.counters());
        (connections, counters.map(|it| it.panics.value()).sum())
    }

    fn worker(&mut self, index: usize) -> &mut Worker {
        self.workers
            .get_mut(index)
            .expect("a worker's index is below the number of workers")
    }
}

/// Steps that tasks are given at a time; none of ours needs more of them to come to where it waits.
const CONTROL_STEPS: usize = 16;

/// Knows nobody, and lets nobody in who is not let in by the rules.
#[derive(Debug)]
pub struct Nobody;

impl Authority for Nobody {
    fn connection_token(
        &self,
        _caller: &Caller<'_>,
        _token: &str,
        _now: i64,
    ) -> Pending<Result<Box<ConnectionClaims>, TokenError>> {
        Pending::Ready(Err(TokenError::Expired("no token is accepted here".into())))
    }

    fn subscription_token(
        &self,
        _caller: &Caller<'_>,
        _token: &str,
        _now: i64,
    ) -> Pending<Result<Box<SubscriptionClaims>, TokenError>> {
        Pending::Ready(Err(TokenError::Expired("no token is accepted here".into())))
    }
}

impl Reception for Nobody {
    fn receive(&self, _received: &[u8], _role: Role) -> Decision {
        Decision::Incomplete
    }

    fn pass_on(&self, _handover: Handover) {}
}
