//! A worker: a thread that owns its connections and all that belongs to them, and the turns of its event loop.
//!
//! A turn reads what came on sockets, takes the inbox, looks at the timers, and then writes what became owed: so all
//! that one turn brings for a client leaves in one write. Nothing here is behind a lock.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use mio::event::Event as Readiness;
use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token};
use slab::Slab;
use smallvec::SmallVec;
use veche_protocol::identity::UserId;
use veche_session::effect::Effects;
use veche_session::rules::Rules;
use veche_session::turn::{Now, Turn};
use veche_websocket::decoder::Workspace;

use crate::accept::Shortage;
use crate::apps::Apps;
use crate::connection::{Connection, Stage};
use crate::counters::Counters;
use crate::driver::Farewells;
use crate::fanout::{Encoder, give_back};
use crate::hub::{Aftermath, Attachments, Connections, Hub};
use crate::inbox::{ConnectionKey, Item};
use crate::node::Node;
use crate::outbox::Outboxes;
use crate::positions::Positions;
use crate::questions::Deferred;
use crate::reception::Reception;
use crate::refusal_log::RefusalLog;
use crate::trouble_log::LossLog;
use crate::wheel::Wheel;

mod ending;
mod items;
mod listing;
mod timers;

/// One worker.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) index: usize,
    pub(crate) node: Arc<Node>,
    pub(crate) reception: Arc<dyn Reception>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) poll: Poll,
    pub(crate) listeners: Vec<TcpListener>,
    pub(crate) accepting: bool,
    pub(crate) shortage: Shortage,
    pub(crate) connections: Slab<Connection>,
    pub(crate) next_generation: u32,
    pub(crate) outboxes: Outboxes,
    pub(crate) hub: Hub,
    /// In the order in which they are listed.
    pub(crate) users: BTreeMap<UserId, SmallVec<[u32; 2]>>,
    /// Places among users' connections that were taken for connections, by slot, which are not let in yet.
    pub(crate) user_places: Vec<(u32, UserId)>,
    pub(crate) apps: Apps,
    pub(crate) wheel: Wheel,
    pub(crate) positions: Positions,
    pub(crate) encoder: Encoder,
    pub(crate) workspace: Workspace,
    pub(crate) rules: Arc<Rules>,
    pub(crate) now: Now,
    pub(crate) effects: Effects,
    /// Replies to the message that is being handled; they share a frame.
    pub(crate) batch: Vec<u8>,
    pub(crate) frames: Vec<u8>,
    scratch: Vec<u8>,
    /// Connections that have more to read than one turn takes.
    pub(crate) again: Vec<ConnectionKey>,
    /// Publishes that wait because the node is congested.
    pub(crate) deferred: VecDeque<Deferred>,
    items: Vec<Item>,
    aftermath: Aftermath,
    due: Vec<(u32, u64)>,
    pub(crate) farewells: Farewells,
    pub(crate) refusal_log: RefusalLog,
    pub(crate) loss_log: LossLog,
    pub(crate) stopping: bool,
    /// Connected clients.
    pub(crate) clients: usize,
}

/// The token of the inbox's waker.
pub(crate) const WAKER: Token = Token(usize::MAX);
/// Listeners have the tokens below the waker's.
const FIRST_LISTENER: usize = usize::MAX - 64;
/// Bytes read at once, and from one connection in one turn.
const SCRATCH: usize = 64 << 10;
/// Time for writing before the loop looks around again.
const FLUSH_SLICE: Duration = Duration::from_millis(1);
const EVENTS: usize = 1024;

impl Worker {
    pub(crate) fn new(
        index: usize,
        node: Arc<Node>,
        poll: Poll,
        listeners: Vec<TcpListener>,
    ) -> io::Result<Self> {
        let config = node.config();
        let mut worker = Self {
            index,
            reception: node.reception(),
            counters: node.counters(index),
            poll,
            listeners,
            accepting: true,
            shortage: Shortage::default(),
            connections: Slab::new(),
            next_generation: 0,
            outboxes: Outboxes::new(config.queue_max_size),
            hub: Hub::default(),
            users: BTreeMap::new(),
            user_places: Vec::new(),
            apps: Apps::default(),
            wheel: Wheel::new(),
            positions: Positions::default(),
            encoder: Encoder::new(config.compression_level, config.compression_min_size),
            workspace: Workspace::new(),
            rules: node.rules(),
            now: node.now(),
            effects: Effects::new(),
            batch: Vec::new(),
            frames: Vec::new(),
            scratch: vec![0; SCRATCH],
            again: Vec::new(),
            deferred: VecDeque::new(),
            items: Vec::new(),
            aftermath: Aftermath::default(),
            due: Vec::new(),
            farewells: Farewells::default(),
            refusal_log: RefusalLog::default(),
            loss_log: LossLog::default(),
            stopping: false,
            clients: 0,
            node,
        };
        for (at, listener) in worker.listeners.iter_mut().enumerate() {
            worker.poll.registry().register(
                listener,
                Token(FIRST_LISTENER + at),
                Interest::READABLE,
            )?;
        }
        Ok(worker)
    }

    /// Runs until the node stops.
    ///
    /// # Errors
    /// When the event loop fails. The worker's clients are lost then.
    pub(crate) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        while !(self.stopping && self.connections.is_empty()) {
            let timeout = self.timeout();
            if let Err(error) = self.poll.poll(&mut events, timeout)
                && error.kind() != io::ErrorKind::Interrupted
            {
                return Err(error);
            }
            self.node.inbox(self.index).awake();
            self.now = self.node.now();
            for event in &events {
                self.ready(event);
            }
            self.act();
        }
        self.node.inbox(self.index).close();
        Ok(())
    }

    /// How long the next poll may sleep. Whoever puts something into the inbox from now on wakes the worker.
    fn timeout(&self) -> Option<Duration> {
        let busy = self.outboxes.is_dirty() || !self.again.is_empty();
        if busy || self.node.inbox(self.index).fall_asleep() {
            return Some(Duration::ZERO);
        }
        let next = [
            self.wheel.next_due(),
            self.shortage.next_try(),
            self.next_check(),
        ]
        .into_iter()
        .flatten()
        .min();
        let now = self.node.now().monotonic;
        let mut timeout = next.map(|next| next.saturating_sub(now));
        if !self.deferred.is_empty() {
            timeout = Some(timeout.unwrap_or(DEFERRED_RETRY).min(DEFERRED_RETRY));
        }
        // mio counts in milliseconds and rounds up; a wake-up before the tick would be for nothing.
        timeout
    }

    /// The turn's rest, after what sockets had: all that came, and then the writing.
    pub(crate) fn act(&mut self) {
        self.read_again();
        self.take_inbox();
        self.retry_deferred();
        self.check_positions();
        self.accept_after_pause();
        self.take_timers();
        self.outboxes.flush(FLUSH_SLICE);
        self.counters.bytes_sent.add(self.outboxes.take_written());
        self.bury();
        self.bound_backlog();
        self.clean_up();
        self.give_back();
    }

    /// What a very large message needed is not kept for ever.
    fn give_back(&mut self) {
        self.encoder.give_back();
        give_back(&mut self.batch);
        give_back(&mut self.frames);
    }

    fn ready(&mut self, event: &Readiness) {
        let Token(token) = event.token();
        if event.token() == WAKER {
            return;
        }
        if token >= FIRST_LISTENER {
            self.accept(token - FIRST_LISTENER);
            return;
        }
        let Ok(slot) = u32::try_from(token) else {
            return;
        };
        if event.is_writable() {
            self.outboxes.unblock(slot);
        }
        if event.is_read_closed()
            && let Some(connection) = self.connections.get_mut(slot as usize)
        {
            connection.hung_up = true;
        }
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            self.read(slot);
        }
    }

    fn read_again(&mut self) {
        for key in mem::take(&mut self.again) {
            if self.is_alive(key) {
                self.read(key.slot);
            }
        }
    }

    /// Reads what has come for a connection, up to a turn's share. While it is paused nothing is read; it is read again
    /// when it goes on, because the event loop would not tell of these bytes twice.
    pub(crate) fn read(&mut self, slot: u32) {
        if self.is_paused(slot) {
            return;
        }
        let mut scratch = mem::take(&mut self.scratch);
        let result = match self.outboxes.link(slot) {
            Some(link) => link.read(&mut scratch),
            None => Err(io::ErrorKind::WouldBlock.into()),
        };
        match result {
            Ok(0) => self.read_to_end(slot),
            Ok(count) => {
                if let Some(received) = scratch.get_mut(..count) {
                    self.received(slot, received);
                }
                // A short read has emptied the socket; more would be told anew, but for the end, which was told already.
                if let Some(connection) = self.connections.get(slot as usize)
                    && (count == SCRATCH || connection.hung_up)
                {
                    let generation = connection.generation;
                    self.again.push(ConnectionKey { slot, generation });
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.lost(slot),
        }
        self.scratch = scratch;
    }

    /// Whether a connection is not read for the time being. When it is again, it is read without being told.
    fn is_paused(&self, slot: u32) -> bool {
        let connection = self.connections.get(slot as usize);
        matches!(connection, Some(Connection { stage: Stage::Open(open), .. }) if open.paused)
    }

    pub(crate) fn is_alive(&self, key: ConnectionKey) -> bool {
        self.connections
            .get(key.slot as usize)
            .is_some_and(|connection| connection.generation == key.generation)
    }

    /// The time and the rules, as sessions are told.
    pub(crate) fn turn(&self) -> Turn<'_> {
        Turn {
            now: self.now,
            rules: &self.rules,
        }
    }
}

/// How soon publishes are tried again while the node is congested.
const DEFERRED_RETRY: Duration = Duration::from_millis(5);

/// Finds attachments by slot.
pub(crate) struct Slots<'a>(pub(crate) &'a mut Slab<Connection>);

impl Connections for Slots<'_> {
    fn attachments(&mut self, slot: u32) -> Option<&mut Attachments> {
        Some(&mut self.0.get_mut(slot as usize)?.attachments)
    }
}
