//! A worker: a thread that owns its connections and all that belongs to them, and the turns of its event loop.
//!
//! A turn reads what came on sockets, takes the inbox, looks at the timers, and then writes what became owed: so all
//! that one turn brings for a client leaves in one write. Nothing here is behind a lock.
//!
//! Each part of a worker's state has an owner, a type in a file of its own that keeps it private. The functions of
//! [`Worker`] itself bring the owners together: [`sockets`] and [`head`] until a conversation begins, [`driver`] while
//! it is held, [`closing`] when it ends; [`items`] for the inbox, [`timers`] for deadlines.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use mio::{Events, Poll};
use veche_session::turn::Now;

use crate::application::Calls;
use crate::hub::Hub;
use crate::listener::Listener;
use crate::node::Node;
use crate::notices::Notices;
use crate::outbox::Outboxes;

mod acceptor;
mod buffers;
pub(crate) mod clients;
mod closing;
pub(crate) mod connections;
pub(crate) mod deferred;
pub(crate) mod driver;
mod head;
mod items;
mod listing;
mod positions;
mod sender;
mod sockets;
mod timers;

use crate::context::Context;
use acceptor::Acceptor;
use buffers::Buffers;
use clients::Clients;
use connections::Connections;
use deferred::DeferredPublishes;
use driver::Contracts;
use positions::Positions;
use sender::Sender;

/// One worker: the owners of its state.
#[derive(Debug)]
pub(crate) struct Worker {
    /// Which worker of which node, the time and the rules.
    pub(crate) context: Context,
    poll: Poll,
    acceptor: Acceptor,
    pub(crate) connections: Connections,
    /// What is on its way to clients.
    pub(crate) outboxes: Outboxes,
    /// Who gets what from which channel.
    pub(crate) hub: Hub,
    /// Who is connected.
    pub(crate) clients: Clients,
    /// What clients are sent by their own conversations.
    sender: Sender,
    /// Whether what was published has come.
    positions: Positions,
    /// Publishes that wait because the node is congested.
    pub(crate) deferred: DeferredPublishes,
    /// What the application is asked.
    pub(crate) calls: Calls,
    /// What sessions let the world know.
    notices: Notices,
    /// Whether sessions are driven as they must be; only in debug builds.
    contracts: Contracts,
    buffers: Buffers,
}

/// Time for writing before the loop looks around again.
const FLUSH_SLICE: Duration = Duration::from_millis(1);
/// Sockets that one poll tells of.
const EVENTS: usize = 1024;
/// How soon publishes are tried again while the node is congested.
const DEFERRED_RETRY: Duration = Duration::from_millis(5);

impl Worker {
    pub(crate) fn new(
        index: usize,
        node: Arc<Node>,
        poll: Poll,
        listeners: Vec<Listener>,
    ) -> io::Result<Self> {
        let config = node.config();
        Ok(Self {
            acceptor: Acceptor::new(listeners, poll.registry())?,
            poll,
            connections: Connections::new(),
            outboxes: Outboxes::new(config.queue_max_size),
            hub: Hub::default(),
            clients: Clients::default(),
            sender: Sender::new(config),
            positions: Positions::default(),
            deferred: DeferredPublishes::default(),
            calls: Calls::default(),
            notices: Notices::default(),
            contracts: Contracts::default(),
            buffers: Buffers::new(),
            context: Context::new(index, node),
        })
    }

    /// Runs until the node stops: a pass of the loop is a turn.
    ///
    /// # Errors
    /// When the event loop fails. The worker's clients are lost then.
    pub(crate) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        while !self.connections.are_over() {
            let timeout = self.timeout();
            self.listen(&mut events, timeout)?;
            self.context.clock_mut().note_pause(timeout);
            let mut heard = self.context.now();
            if self.connections.is_due(heard.monotonic) {
                heard = self.catch_up(&mut events)?;
            }
            self.context.clock_mut().set_heard(heard);
            self.act();
        }
        self.context.inbox().close();
        Ok(())
    }

    /// The turn's rest, after what sockets had: all that came, and then the writing.
    pub(crate) fn act(&mut self) {
        self.tell_of_clock_jump();
        self.read_again();
        self.handle_inbox();
        self.retry_deferred();
        self.check_positions();
        self.accept_after_pause();
        self.let_timers_act();
        self.write();
        self.end_casualties();
        self.bound_backlog();
        self.notices.flush(&self.context);
        self.sender.give_back();
        self.act_when_quiet();
    }

    /// A turn without reading, at a time of the caller's.
    pub(crate) fn act_at(&mut self, now: Now) {
        self.context.clock_mut().set(now);
        self.context.clock_mut().set_heard(now);
        self.act();
    }

    /// Whether something is to be done or written without waiting for anybody.
    pub(crate) fn is_busy(&self) -> bool {
        self.outboxes.is_dirty() || self.connections.has_more()
    }

    /// How long the next poll may sleep. Whoever puts something into the inbox from now on wakes the worker.
    fn timeout(&mut self) -> Option<Duration> {
        let now = self.context.node().now().monotonic;
        self.context.clock_mut().fall_asleep(now);
        if self.is_busy() || self.context.inbox().fall_asleep() {
            return Some(Duration::ZERO);
        }
        let next = [
            self.connections.next_due(),
            self.acceptor.next_try(),
            self.positions.next_check(&self.hub, &self.context),
            self.outboxes.next_look(),
            self.context.clock().quiet_at(),
        ]
        .into_iter()
        .flatten()
        .min();
        // mio counts in milliseconds and rounds up; a wake-up before the tick would be for nothing.
        let timeout = next.map(|next| next.saturating_sub(now));
        if self.deferred.is_empty() {
            return timeout;
        }
        Some(timeout.unwrap_or(DEFERRED_RETRY).min(DEFERRED_RETRY))
    }

    /// Waits until something comes, and reads the sockets that are ready. Returns which these were.
    fn listen(&mut self, events: &mut Events, timeout: Option<Duration>) -> io::Result<Ready> {
        let ready = match self.poll.poll(events, timeout) {
            Ok(()) if events.iter().count() < EVENTS => Ready::All,
            Ok(()) => Ready::Some,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ready::None,
            Err(error) => return Err(error),
        };
        self.context.inbox().awake();
        self.context.read_clock();
        if !events.is_empty() && self.context.config().when_quiet.is_some() {
            self.context.clock_mut().note_work();
        }
        for event in events.iter() {
            self.ready(event);
        }
        Ok(ready)
    }

    /// Reads everything that clients have sent by now, and returns that time.
    ///
    /// The last poll may have been interrupted or have told of some sockets only, and the process may have stood still
    /// since. A poll that begins after the returned time tells of all that was ready then, in the order in which it
    /// became ready; so as many full polls as there are connections for are enough, whatever comes meanwhile.
    fn catch_up(&mut self, events: &mut Events) -> io::Result<Now> {
        let now = self.context.node().now();
        let mut left = self.connections.len() / EVENTS + 1;
        while left > 0 {
            match self.listen(events, Some(Duration::ZERO))? {
                Ready::All => break,
                Ready::Some => left -= 1,
                Ready::None => {}
            }
        }
        Ok(now)
    }

    /// Publishes what waited for the node to be less congested, one after the other.
    ///
    /// What waits stays in the queue until its turn: an answer lets a client go on, and what it publishes then comes
    /// behind what it has published before.
    fn retry_deferred(&mut self) {
        while let Some((connection, ask, answer)) = self.deferred.publish_next(&self.context) {
            if let Some(answer) = answer {
                self.answer(connection, ask, answer);
            }
        }
    }

    /// Compares channels with their streams, and tells those who have lost something.
    fn check_positions(&mut self) {
        let now = self.context.monotonic();
        while let Some((channel, stood)) = self.positions.next_lost(&self.hub, now) {
            self.lose(&channel, &stood);
        }
        self.positions.compare_some(&self.hub, &self.context);
    }

    /// Writes what clients are owed, for about as long as a slice, and looks from time to time for those that take
    /// nothing.
    fn write(&mut self) {
        self.outboxes.flush(FLUSH_SLICE);
        let stall_timeout = self.context.config().stall_timeout;
        self.outboxes
            .look_for_stalled(self.context.monotonic(), stall_timeout);
        let written = self.outboxes.take_written();
        self.context.counters().bytes_sent.add(written);
    }

    /// Calls what is to be called in quiet times, once for each.
    fn act_when_quiet(&mut self) {
        if self.context.clock_mut().becomes_quiet()
            && let Some(when_quiet) = self.context.config().when_quiet
        {
            when_quiet();
        }
    }
}

/// Which of the sockets that are ready a poll has told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ready {
    All,
    /// As many as one poll tells of; there may be others.
    Some,
    /// None was looked at: a signal came, as it does when a process is stopped and goes on.
    None,
}
