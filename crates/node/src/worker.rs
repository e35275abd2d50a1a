//! A worker: a thread that owns its connections and all that belongs to them, and the turns of its event loop.
//!
//! A turn reads what came on sockets, takes the inbox, looks at the timers, and then writes what became owed: so all
//! that one turn brings for a client leaves in one write. Nothing here is behind a lock.

use std::collections::{BTreeMap, VecDeque};
use std::io;
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

use crate::apps::Apps;
use crate::connection::{Connection, Stage};
use crate::counters::Counters;
use crate::doubts::Doubts;
use crate::encoder::{Encoder, give_back};
use crate::hub::{Aftermath, Attachments, Connections, Hub};
use crate::inbox::{ConnectionKey, Item};
use crate::link::Received;
use crate::listener::{Listener, Role};
use crate::node::Node;
use crate::outbox::Outboxes;
use crate::reception::Reception;
use crate::refusal_log::RefusalLog;
use crate::shortage::Shortage;
use crate::trouble_log::LossLog;
use crate::wheel::Wheel;
use crate::worker::deferred::Deferred;
use crate::worker::driver::{Allowance, Farewells};
use crate::worker::positions::Positions;

pub(crate) mod deferred;
pub(crate) mod driver;
mod ending;
mod items;
mod listing;
mod plain;
mod positions;
mod quiet;
mod timers;

/// One worker.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) index: usize,
    pub(crate) node: Arc<Node>,
    pub(crate) reception: Arc<dyn Reception>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) poll: Poll,
    pub(crate) listeners: Vec<(TcpListener, Role)>,
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
    pub(crate) doubts: Doubts,
    pub(crate) encoder: Encoder,
    pub(crate) workspace: Workspace,
    pub(crate) rules: Arc<Rules>,
    pub(crate) now: Now,
    pub(crate) effects: Effects,
    /// What carrying these out brings: two tables that take turns.
    pub(crate) next_effects: Effects,
    /// Replies to the message that is being handled; they share a frame.
    pub(crate) batch: Vec<u8>,
    /// Whether the batch holds what its client has asked for.
    pub(crate) batch_is_reply: bool,
    /// What the client that is being served may still have done in this turn.
    pub(crate) allowance: Allowance,
    pub(crate) frames: Vec<u8>,
    scratch: Vec<u8>,
    /// Slots of connections that have more to read, or to be carried out, than one turn takes; see
    /// [`Connection::has_more`].
    again: Vec<u32>,
    /// When it is looked for clients that take nothing, while some are behind.
    next_look: Option<Duration>,
    /// When the worker counts as quiet, unless something comes before.
    quiet_at: Option<Duration>,
    /// Everything that clients had sent by this time has been read, but for those that have more than one turn takes.
    /// Deadlines are judged by it, not by `now`: the bytes that meet a deadline may have come meanwhile.
    pub(crate) heard: Now,
    /// When the worker began to sleep, in monotonic time.
    asleep_since: Duration,
    /// Milliseconds of the wall clock when the monotonic one began, as far as is known.
    wall_clock_began: i64,
    /// When the process last went on after it had stood still.
    pub(crate) resumed: Option<Duration>,
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
/// Sockets that one poll tells of.
const EVENTS: usize = 1024;
/// A worker that slept so much longer than it wanted did not run meanwhile.
const OVERSLEPT: Duration = Duration::from_secs(1);

impl Worker {
    pub(crate) fn new(
        index: usize,
        node: Arc<Node>,
        poll: Poll,
        listeners: Vec<Listener>,
    ) -> io::Result<Self> {
        let config = node.config();
        let mut worker = Self {
            index,
            reception: node.reception(),
            counters: node.counters(index),
            poll,
            listeners: listeners
                .into_iter()
                .map(|listener| (TcpListener::from_std(listener.socket), listener.role))
                .collect(),
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
            doubts: Doubts::default(),
            encoder: Encoder::new(config.compression_level, config.compression_min_size),
            workspace: Workspace::new(),
            rules: node.rules(),
            now: node.now(),
            effects: Effects::new(),
            next_effects: Effects::new(),
            batch: Vec::new(),
            batch_is_reply: false,
            allowance: Allowance::default(),
            frames: Vec::new(),
            scratch: vec![0; SCRATCH],
            again: Vec::new(),
            next_look: None,
            quiet_at: None,
            heard: node.now(),
            asleep_since: node.now().monotonic,
            wall_clock_began: timers::wall_clock_began(node.now()),
            resumed: None,
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
        for (at, (socket, _)) in worker.listeners.iter_mut().enumerate() {
            worker.poll.registry().register(
                socket,
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
            self.listen(&mut events, timeout)?;
            self.note_pause(timeout);
            self.heard = self.now;
            if self.wheel.is_due(self.now.monotonic) {
                self.heard = self.catch_up(&mut events)?;
            }
            self.act();
        }
        self.node.inbox(self.index).close();
        Ok(())
    }

    /// Waits until something comes, and reads the sockets that are ready. Returns which these were.
    fn listen(&mut self, events: &mut Events, timeout: Option<Duration>) -> io::Result<Told> {
        let told = match self.poll.poll(events, timeout) {
            Ok(()) if events.iter().count() < EVENTS => Told::All,
            Ok(()) => Told::Some,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Told::None,
            Err(error) => return Err(error),
        };
        self.node.inbox(self.index).awake();
        self.now = self.node.now();
        if !events.is_empty() {
            self.note_work();
        }
        for event in events.iter() {
            self.ready(event);
        }
        Ok(told)
    }

    /// Reads everything that clients have sent by now, and returns that time.
    ///
    /// The last poll may have been interrupted or have told of some sockets only, and the process may have stood still
    /// since. A poll that begins after the returned time tells of all that was ready then, in the order in which it
    /// became ready; so as many full polls as there are connections for are enough, whatever comes meanwhile.
    fn catch_up(&mut self, events: &mut Events) -> io::Result<Now> {
        let now = self.node.now();
        let mut left = self.connections.len() / EVENTS + 1;
        while left > 0 {
            match self.listen(events, Some(Duration::ZERO))? {
                Told::All => break,
                Told::Some => left -= 1,
                Told::None => {}
            }
        }
        Ok(now)
    }

    /// Notices that the process stood still (stopped, a paused virtual machine): it slept much longer than it wanted.
    fn note_pause(&mut self, timeout: Option<Duration>) {
        let slept = self.now.monotonic.saturating_sub(self.asleep_since);
        if timeout.is_some_and(|timeout| slept > timeout.saturating_add(OVERSLEPT)) {
            self.resumed = Some(self.now.monotonic);
        }
    }

    /// How long the next poll may sleep. Whoever puts something into the inbox from now on wakes the worker.
    fn timeout(&mut self) -> Option<Duration> {
        self.asleep_since = self.node.now().monotonic;
        if self.is_busy() || self.node.inbox(self.index).fall_asleep() {
            return Some(Duration::ZERO);
        }
        let next = [
            self.wheel.next_due(),
            self.shortage.next_try(),
            self.next_check(),
            self.next_look,
            self.quiet_at,
        ]
        .into_iter()
        .flatten()
        .min();
        let mut timeout = next.map(|next| next.saturating_sub(self.asleep_since));
        if !self.deferred.is_empty() {
            timeout = Some(timeout.unwrap_or(DEFERRED_RETRY).min(DEFERRED_RETRY));
        }
        // mio counts in milliseconds and rounds up; a wake-up before the tick would be for nothing.
        timeout
    }

    /// Whether something is to be done or written without waiting for anybody.
    pub(crate) fn is_busy(&self) -> bool {
        self.outboxes.is_dirty() || !self.again.is_empty()
    }

    /// The turn's rest, after what sockets had: all that came, and then the writing.
    pub(crate) fn act(&mut self) {
        self.note_clock_jump();
        self.read_again();
        self.take_inbox();
        self.retry_deferred();
        self.check_positions();
        self.accept_after_pause();
        self.take_timers();
        self.outboxes.flush(FLUSH_SLICE);
        self.find_stalled();
        self.counters.bytes_sent.add(self.outboxes.take_written());
        self.bury();
        self.bound_backlog();
        self.clean_up();
        self.give_back();
        self.act_when_quiet();
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

    /// Has a connection gone on with, and read, in the next turn: the event loop would not tell of what is there twice.
    pub(crate) fn read_later(&mut self, slot: u32) {
        if let Some(connection) = self.connections.get_mut(slot as usize)
            && !mem::replace(&mut connection.has_more, true)
        {
            self.again.push(slot);
        }
    }

    fn read_again(&mut self) {
        for slot in mem::take(&mut self.again) {
            // The slot may be another's by now.
            let connection = self.connections.get_mut(slot as usize);
            if connection.is_some_and(|connection| mem::take(&mut connection.has_more)) {
                self.go_on(slot);
                self.read(slot);
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
            Some(link) => link.receive(&mut scratch),
            None => Err(io::ErrorKind::WouldBlock.into()),
        };
        match result {
            Ok(Received { count: 0, .. }) => self.read_to_end(slot),
            Ok(Received { count, has_more }) => {
                if let Some(received) = scratch.get_mut(..count) {
                    self.received(slot, received);
                }
                // More would be told anew, but for the end, which was told already.
                let connection = self.connections.get(slot as usize);
                let hung_up = connection.is_some_and(|connection| connection.hung_up);
                if has_more || hung_up {
                    self.read_later(slot);
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

/// Which of the sockets that are ready a poll has told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    All,
    /// As many as one poll tells of; there may be others.
    Some,
    /// None was looked at: a signal came, as it does when a process is stopped and goes on.
    None,
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
