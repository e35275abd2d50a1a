//! The rules of a client, without I/O: no socket, no clock, no task, no randomness of its own.
//!
//! A [`Machine`] is told what happens (a link opened, a frame came, time passed, the application
//! wants something) and says what is to be done ([`Output`]). Whoever drives it calls
//! [`Machine::poll_output`] until there is nothing more, after each input, and
//! [`Machine::handle_timeout`] when [`Machine::poll_timeout`] is reached. Everything that it waits
//! for has a deadline of its own, so that a driver that keeps to this never gets stuck.
//!
//! The crate's client is a driver for Tokio. Another one, as in a browser, needs nothing but this
//! module: without default features the crate compiles to WebAssembly.

mod asked;
mod awaited;
mod backoff;
mod clock;
mod connection;
mod liveness;
mod login;
mod outbox;
mod output;
mod phase;
mod progress;
mod publishing;
mod random;
mod receiving;
mod requests;
mod settings;
mod subscribing;
mod subscription;
mod timers;

use std::collections::VecDeque;

pub use clock::Now;
pub use connection::{ConnectFailure, LinkEnd};
pub use output::{
    Answer, Change, Event, Frame, LinkId, Output, PublicationId, Recovery, RequestId, Sent, Stored,
    SubscriptionEvent, SubscriptionId, TokenError, TokenId, TokenReason, TokenRequest,
};
pub use publishing::Draft;
pub use requests::Request;
pub use settings::{Credentials, Settings, WhenUncertain};
pub use subscribing::SubscribeError;
pub use subscription::SubscribeOptions;

use asked::Asked;
use clock::Clock;
use connection::Connection;
use outbox::Outbox;
use publishing::Storing;
use random::Random;
use requests::Requests;
use subscription::Subscriptions;
use timers::Timers;

use crate::state::State;

/// A client of the plain dialect, as rules alone.
#[derive(Debug)]
pub struct Machine {
    settings: Settings,
    clock: Clock,
    random: Random,
    timers: Timers<Timer>,
    outputs: VecDeque<Output>,
    connection: Connection,
    asked: Asked,
    subscriptions: Subscriptions,
    requests: Requests,
    outbox: Outbox,
    storing: Storing,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// The clocks are to be compared.
    Watch,
    /// The next attempt to connect.
    Retry,
    /// The end of an attempt to connect.
    Connect,
    /// The connection has stood for long enough to forget the failures before it.
    Stable,
    /// The server has been silent, or has not answered a ping.
    Liveness,
    /// The oldest answer that is waited for.
    Answer,
    /// The token is to be renewed.
    Refresh,
    /// The application has not given a token.
    Token(TokenId),
    /// The next attempt to subscribe.
    Subscribe(SubscriptionId),
    /// A request has not been answered.
    Request(RequestId),
    /// What could not be stored is to be tried again.
    Store,
    /// Publishing in a channel goes on.
    Lane(outbox::LaneId),
}

impl Machine {
    /// A machine that has not started. `seed` makes its delays and its keys: give each machine
    /// another one, out of the system's randomness.
    pub fn new(settings: Settings, seed: u64, now: Now) -> Self {
        let mut random = Random::new(seed);
        Self {
            connection: Connection::new(&settings),
            outbox: Outbox::new(&settings, random.next()),
            settings,
            clock: Clock::new(now),
            random,
            timers: Timers::new(),
            outputs: VecDeque::new(),
            asked: Asked::default(),
            subscriptions: Subscriptions::default(),
            requests: Requests::default(),
            storing: Storing::default(),
        }
    }

    /// The next thing to be done.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Self::handle_timeout`] is to be called, on the monotonic clock.
    pub fn poll_timeout(&self) -> Option<u64> {
        self.timers.next()
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Now) {
        self.advance(now);
        while let Some(timer) = self.timers.take_due(self.clock.mono()) {
            self.on_timer(timer);
        }
    }

    /// Where the client stands.
    pub fn state(&self) -> &State {
        self.connection.state()
    }

    fn on_timer(&mut self, timer: Timer) {
        match timer {
            Timer::Watch => self.watch(),
            Timer::Retry => self.attempt(),
            Timer::Connect => self.lose(crate::Cause::ConnectTimeout),
            Timer::Stable => self.connection.backoff.reset(),
            Timer::Liveness => self.check_liveness(),
            Timer::Answer => self.check_answers(),
            Timer::Refresh => self.refresh_token(),
            Timer::Token(id) => self.token_is_late(id),
            Timer::Subscribe(id) => self.begin_subscription(id),
            Timer::Request(id) => self.request_is_late(id),
            Timer::Store => self.remove_again(),
            Timer::Lane(id) => self.wake_lane(id),
        }
    }

    /// Takes note of the time. Every input begins with this.
    fn advance(&mut self, now: Now) {
        let jump = self.clock.advance(now, self.timers.next());
        if let Some(jump) = jump {
            self.handle_jump(jump);
        }
    }

    /// Sets a timer to go off so many milliseconds from now.
    fn set_timer(&mut self, timer: Timer, in_ms: u64) {
        self.timers
            .set(timer, self.clock.mono().saturating_add(in_ms));
    }

    fn tell(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }
}
