//! The connection: from the first attempt to the end, and back from each failure.

use super::asked::Ask;
use super::awaited::Awaited;
use super::backoff::{Backoff, LONGEST_MS};
use super::clock::{Jump, Now};
use super::liveness::Liveness;
use super::login::Login;
use super::output::{Event, LinkId, Output};
use super::phase::Phase;
use super::settings::{Credentials, Settings};
use super::{Machine, Timer};
use crate::state::{Cause, End, State};
use crate::wire::Welcome;

/// The one connection of a machine, and the attempts at it.
#[derive(Debug)]
pub(super) struct Connection {
    phase: Phase,
    state: State,
    /// Of the latest attempt.
    link: LinkId,
    pub(super) backoff: Backoff,
    pub(super) liveness: Liveness,
    pub(super) login: Login,
    /// A binary frame that was announced.
    pub(super) awaited: Option<Awaited>,
    /// The connection's id, once the server has told it.
    client: String,
    /// Who the client is, if anybody.
    user: Option<String>,
}

/// How a link ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkEnd {
    /// The server closed it.
    Closed {
        /// The close code.
        code: u16,
        /// The reason that came with it.
        reason: String,
    },
    /// It broke; says how.
    Lost(String),
}

/// Why a link was not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectFailure {
    /// What failed, in a few words.
    pub message: String,
    /// Whether no further attempt can go better: the address is none, a header cannot be sent.
    pub is_final: bool,
    /// How long the server wants to be left alone, in milliseconds; at most 5 minutes count.
    pub retry_after_ms: Option<u64>,
}

impl Connection {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            phase: Phase::Off,
            state: State::Connecting,
            link: LinkId(0),
            backoff: settings.backoff(),
            liveness: Liveness::default(),
            login: Login::default(),
            awaited: None,
            client: String::new(),
            user: None,
        }
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    pub(super) fn link(&self) -> LinkId {
        self.link
    }

    pub(super) fn is_online(&self) -> bool {
        self.phase == Phase::Online
    }

    pub(super) fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    pub(super) fn end(&self) -> Option<&End> {
        match &self.state {
            State::Ended(end) => Some(end),
            _ => None,
        }
    }

    /// Whether there is a link that frames come from.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Greeting | Phase::Online)
    }

    fn has_link(&self) -> bool {
        self.is_open() || self.phase == Phase::Opening
    }
}

impl Machine {
    /// Begins to connect. Does nothing the second time.
    pub fn start(&mut self, now: Now) {
        self.advance(now);
        if self.connection.phase == Phase::Off && self.connection.end().is_none() {
            self.set_timer(Timer::Watch, self.settings.watch_every_ms);
            self.attempt();
        }
    }

    /// Ends the client. Nothing starts it again.
    pub fn close(&mut self, now: Now) {
        self.advance(now);
        self.finish(End::Closed);
    }

    /// The link stands.
    pub fn handle_opened(&mut self, link: LinkId, now: Now) {
        self.advance(now);
        if self.connection.phase != Phase::Opening || self.connection.link != link {
            return;
        }
        self.connection.phase = Phase::Greeting;
        self.connection.awaited = None;
        self.start_liveness();
        if self.settings.credentials != Credentials::None {
            self.send_login(Ask::Login);
        }
    }

    /// The link was not made.
    pub fn handle_connect_failed(&mut self, link: LinkId, failure: ConnectFailure, now: Now) {
        self.advance(now);
        if self.connection.phase != Phase::Opening || self.connection.link != link {
            return;
        }
        if failure.is_final {
            self.connection.phase = Phase::Off;
            self.finish(End::Unusable(failure.message));
        } else {
            let least_ms = failure.retry_after_ms.unwrap_or_default().min(LONGEST_MS);
            self.fall_back(Cause::Connect(failure.message), least_ms);
        }
    }

    /// The link has ended.
    pub fn handle_closed(&mut self, link: LinkId, end: LinkEnd, now: Now) {
        self.advance(now);
        if !self.connection.has_link() || self.connection.link != link {
            return;
        }
        match end {
            LinkEnd::Closed { code, reason } => self.handle_close_code(code, reason),
            LinkEnd::Lost(message) => self.fall_back(Cause::Lost(message), 0),
        }
    }

    /// Something may have changed: the device woke up, the network is another one. A connection is
    /// probed, and the next attempt comes at once.
    pub fn handle_hint(&mut self, now: Now) {
        self.advance(now);
        self.doubt_everything();
    }

    /// The server has closed, or said that it will.
    pub(super) fn handle_close_code(&mut self, code: u16, reason: String) {
        match code {
            3500..=3999 | 4500..=4999 => return self.finish(End::Server { code, reason }),
            EXPIRED => self.connection.login.forget_token(),
            TOO_BIG => self.drop_largest_in_flight(),
            _ => {}
        }
        self.lose(Cause::Closed { code, reason });
    }

    /// Makes an attempt: a token first, if there has to be one, then the link.
    pub(super) fn attempt(&mut self) {
        self.set_state(State::Connecting);
        if self.needs_token() {
            self.connection.phase = Phase::Token;
            self.ask_for_login_token();
        } else {
            self.open();
        }
    }

    /// Has the link made.
    pub(super) fn open(&mut self) {
        self.connection.phase = Phase::Opening;
        self.connection.link.0 += 1;
        let link = self.connection.link;
        self.outputs.push_back(Output::Connect(link));
        self.set_timer(Timer::Connect, self.settings.connect_timeout_ms);
    }

    pub(super) fn handle_welcome(&mut self, welcome: Welcome) {
        self.connection.client = welcome.client;
        if let Some((first_ms, most_ms)) = welcome.retry_ms
            && self.settings.backoff_ms.is_none()
        {
            self.connection.backoff.advise(first_ms, most_ms);
        }
        self.connection.liveness.learn_interval(welcome.ping_secs);
        if self.connection.phase == Phase::Greeting
            && self.settings.credentials == Credentials::None
        {
            self.go_online(welcome.user);
        }
    }

    pub(super) fn go_online(&mut self, user: Option<String>) {
        let user = user.filter(|user| !user.is_empty());
        self.connection.phase = Phase::Online;
        self.connection.user.clone_from(&user);
        self.timers.clear(Timer::Connect);
        self.set_timer(Timer::Stable, STABLE_MS);
        self.set_state(State::Online {
            client: self.connection.client.clone(),
            user,
        });
        self.begin_subscriptions();
        self.send_requests();
        self.send_publications();
    }

    /// Gives the link up, and comes back later.
    pub(super) fn lose(&mut self, cause: Cause) {
        self.close_link(LEAVING);
        self.fall_back(cause, 0);
    }

    /// There is no link: everything that belonged to it is taken back.
    pub(super) fn fall_back(&mut self, cause: Cause, least_ms: u64) {
        self.connection.phase = Phase::Waiting;
        self.forget_link();
        self.take_back_subscriptions();
        self.take_back_requests();
        self.take_back_publications();
        self.connection.user = None;
        let delay = self.connection.backoff.next_ms(&mut self.random);
        let retry_in_ms = delay.saturating_add(least_ms);
        self.set_timer(Timer::Retry, retry_in_ms);
        self.set_state(State::Waiting {
            attempt: self.connection.backoff.attempts(),
            retry_in_ms,
            cause,
        });
    }

    /// Ends the client: everything that waits is told why.
    pub(super) fn finish(&mut self, end: End) {
        if self.connection.end().is_some() {
            return;
        }
        self.close_link(NORMAL);
        self.connection.phase = Phase::Off;
        self.forget_link();
        self.timers.clear(Timer::Retry);
        self.timers.clear(Timer::Watch);
        self.forget_tokens();
        self.end_subscriptions(&end);
        self.end_requests(&end);
        self.end_publications(&end);
        self.set_state(State::Ended(end));
    }

    /// Compares the clocks, now and again.
    pub(super) fn watch(&mut self) {
        self.set_timer(Timer::Watch, self.settings.watch_every_ms);
    }

    pub(super) fn handle_jump(&mut self, jump: Jump) {
        tracing::debug!(hidden_ms = jump.hidden_ms, "the clocks disagree");
        self.reschedule_refresh();
        self.doubt_everything();
    }

    fn doubt_everything(&mut self) {
        match self.connection.phase {
            Phase::Waiting => self.set_timer(Timer::Retry, 0),
            Phase::Greeting | Phase::Online => self.probe(),
            Phase::Off | Phase::Token | Phase::Opening => {}
        }
    }

    fn close_link(&mut self, code: u16) {
        if self.connection.has_link() {
            self.outputs.push_back(Output::Close {
                link: self.connection.link,
                code,
                reason: "",
            });
        }
    }

    fn forget_link(&mut self) {
        for timer in [
            Timer::Connect,
            Timer::Stable,
            Timer::Liveness,
            Timer::Answer,
            Timer::Refresh,
        ] {
            self.timers.clear(timer);
        }
        self.asked.clear();
        self.connection.awaited = None;
        self.forget_refresh();
    }

    fn set_state(&mut self, state: State) {
        if self.connection.state == state && self.connection.phase != Phase::Waiting {
            return;
        }
        match &state {
            State::Connecting => tracing::debug!("connecting"),
            State::Online { client, user } => tracing::info!(client, user, "online"),
            State::Waiting {
                attempt,
                retry_in_ms,
                cause,
            } => tracing::info!(attempt, retry_in_ms, %cause, "no connection"),
            State::Ended(end) => tracing::info!(%end, "ended"),
        }
        self.connection.state = state.clone();
        self.tell(Event::State(state));
    }
}

/// A connection that has stood for so long has not failed at once: the next failure is a first one.
const STABLE_MS: u64 = 10_000;
/// Close code: this side is done.
const NORMAL: u16 = 1000;
/// Close code: this side goes, and comes back.
const LEAVING: u16 = 1001;
/// Close code of a server that was sent too large a message (RFC 6455, section 7.4.1).
const TOO_BIG: u16 = 1009;
/// The dialect's close code for a token that has run out.
const EXPIRED: u16 = 3005;
