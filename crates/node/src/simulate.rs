//! One worker that turns when it is told to, with clients that need no socket: for measuring what it costs.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;

use tokio::runtime::Runtime;
use veche_engine::memory::broker::MemoryBroker;
use veche_engine::memory::clock::SystemClock;
use veche_engine::memory::presence::MemoryPresence;
use veche_engine::pending::Pending;
use veche_protocol::batch::Encoding;
use veche_protocol::channel::Channel;
use veche_protocol::claims::{ConnectionClaims, SubscriptionClaims, TokenError};
use veche_protocol::error_code::{CommandError, ErrorCode};
use veche_protocol::payload::Payload;
use veche_protocol::publication::{Publication, PublishOptions};
use veche_session::rules::Rules;

use crate::authority::Authority;
use crate::connection::{Conversation, Opening, Stage};
use crate::node::{Engine, Node, NodeConfig, Surroundings};
use crate::reception::{Decision, Reception};
use crate::worker::Worker;

/// A node of one worker on the caller's thread, with the engine in memory.
#[derive(Debug)]
pub struct Simulation {
    pub(crate) worker: Worker,
    node: Arc<Node>,
    _control: Runtime,
}

impl Simulation {
    /// A node without clients.
    ///
    /// # Errors
    /// When the system gives no event queue.
    pub fn new(rules: Rules) -> io::Result<Self> {
        let control = tokio::runtime::Builder::new_current_thread().build()?;
        let surroundings = Surroundings {
            authority: Arc::new(Nobody),
            reception: Arc::new(Nobody),
            control: control.handle().clone(),
            listeners: Vec::new(),
        };
        let config = NodeConfig::default();
        let (node, polls) = Node::assemble(config, rules, surroundings, |sink| {
            let clock = Arc::new(SystemClock::default());
            Engine {
                broker: Arc::new(MemoryBroker::new(sink, clock.clone())),
                presence: Arc::new(MemoryPresence::new(clock)),
            }
        })?;
        let poll = polls.into_iter().next().ok_or(io::ErrorKind::NotFound)?;
        let worker = Worker::new(0, node.clone(), poll, Vec::new())?;
        Ok(Self {
            worker,
            node,
            _control: control,
        })
    }

    /// A client whose upgrade is agreed. What it is sent goes to `socket`, or nowhere. Returns its slot.
    ///
    /// # Errors
    /// When the event queue does not take the socket.
    pub fn open(&mut self, encoding: Encoding, socket: Option<TcpStream>) -> io::Result<u32> {
        let slot = match socket {
            Some(socket) => {
                let socket = mio::net::TcpStream::from_std(socket);
                self.worker.admit(socket, Stage::Busy)
            }
            None => self.worker.seat(None, Stage::Busy),
        };
        let slot = slot.ok_or(io::ErrorKind::Other)?;
        let opening = Opening {
            answer: Vec::new(),
            conversation: Conversation::Centrifuge {
                encoding,
                frame_ping: false,
            },
            inflate: false,
            deflate: false,
            user: None,
            pass: None,
        };
        self.worker.open(slot, opening);
        Ok(slot)
    }

    /// Bytes of the client in `slot`: masked frames.
    pub fn receive(&mut self, slot: u32, bytes: &mut [u8]) {
        self.worker.received(slot, bytes);
    }

    /// The client in `slot` is gone.
    pub fn lose(&mut self, slot: u32) {
        self.worker.lost(slot);
    }

    /// Publishes in a channel, as the engine is asked to by the API.
    pub fn publish(&self, channel: &Channel, data: &Payload, options: &PublishOptions) {
        let publication = Publication::new(data.clone());
        let published = self
            .node
            .engine()
            .broker
            .publish(channel, publication, options);
        debug_assert!(matches!(published, Pending::Ready(Ok(_))));
    }

    /// Takes the inbox and writes what is owed, until nothing is left to do.
    pub fn turn(&mut self) {
        self.worker.now = self.node.now();
        self.worker.act();
        while self.worker.outboxes.is_dirty() {
            self.worker.act();
        }
    }

    /// Connected clients and their subscriptions.
    #[must_use]
    pub fn population(&self) -> (usize, usize) {
        (self.worker.clients, self.worker.hub.subscription_count())
    }
}

/// Knows nobody, and lets nobody in who is not let in by the rules.
#[derive(Debug)]
struct Nobody;

impl Authority for Nobody {
    fn connection_token(
        &self,
        _token: &str,
        _now: i64,
    ) -> Pending<Result<Box<ConnectionClaims>, TokenError>> {
        Pending::Ready(Err(TokenError::Expired))
    }

    fn subscription_token(
        &self,
        _token: &str,
        _now: i64,
    ) -> Pending<Result<Box<SubscriptionClaims>, TokenError>> {
        Pending::Ready(Err(TokenError::Expired))
    }

    fn rpc(
        &self,
        _method: &str,
        _data: Option<Payload>,
    ) -> Pending<Result<Option<Payload>, CommandError>> {
        Pending::Ready(Err(CommandError::from(ErrorCode::METHOD_NOT_FOUND)))
    }
}

impl Reception for Nobody {
    fn receive(&self, _received: &[u8]) -> Decision {
        Decision::Incomplete
    }

    fn pass_on(&self, _socket: TcpStream, _received: Vec<u8>) {}
}
