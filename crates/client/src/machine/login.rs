//! Who the client is: tokens, logins, and their renewal in time.

use std::collections::BTreeMap;

use super::asked::Ask;
use super::clock::Now;
use super::output::{Output, SubscriptionId, TokenError, TokenId, TokenReason, TokenRequest};
use super::phase::Phase;
use super::settings::Credentials;
use super::{Machine, Timer};
use crate::state::{Cause, End};
use crate::wire::{ActionError, Verb};

/// The token of the connection, and what the application is asked for.
#[derive(Debug)]
pub(super) struct Login {
    token: Option<String>,
    reason: TokenReason,
    /// When the token is to be renewed, by the longest time that may have passed.
    refresh_at: Option<u64>,
    last_id: u64,
    awaited: BTreeMap<TokenId, For>,
}

/// What a token was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum For {
    /// The next attempt to connect.
    Login,
    /// The connection that stands.
    Refresh,
    Subscription(SubscriptionId),
}

impl Default for Login {
    fn default() -> Self {
        Self {
            token: None,
            reason: TokenReason::First,
            refresh_at: None,
            last_id: 0,
            awaited: BTreeMap::new(),
        }
    }
}

impl Login {
    /// The token has run out.
    pub(super) fn forget_token(&mut self) {
        self.token = None;
        self.refresh_at = None;
        self.reason = TokenReason::Expired;
    }
}

impl Machine {
    /// The application has answered [`Output::AskToken`].
    pub fn handle_token(&mut self, id: TokenId, token: Result<String, TokenError>, now: Now) {
        self.advance(now);
        self.take_token(id, token);
    }

    pub(super) fn token_is_late(&mut self, id: TokenId) {
        let late = TokenError::Later("it did not come in time".into());
        self.take_token(id, Err(late));
    }

    fn take_token(&mut self, id: TokenId, token: Result<String, TokenError>) {
        self.timers.clear(Timer::Token(id));
        match self.connection.login.awaited.remove(&id) {
            Some(For::Login) => self.take_login_token(token),
            Some(For::Refresh) => self.take_refresh_token(token),
            Some(For::Subscription(id)) => self.take_subscription_token(id, token),
            // It was too late, or what it was for is gone.
            None => {}
        }
    }

    fn take_login_token(&mut self, token: Result<String, TokenError>) {
        if self.connection.phase() != Phase::Token {
            return;
        }
        match token {
            Ok(token) => {
                self.connection.login.token = Some(token);
                self.connection.login.refresh_at = None;
                self.open();
            }
            Err(TokenError::Later(why)) => self.fall_back(Cause::Token(why), 0),
            Err(TokenError::Denied(why)) => self.finish(End::NoToken(why)),
        }
    }

    fn take_refresh_token(&mut self, token: Result<String, TokenError>) {
        match token {
            Ok(token) => {
                self.connection.login.token = Some(token);
                self.send_login(Ask::Refresh);
            }
            Err(TokenError::Later(why)) => {
                tracing::debug!(why, "no token for the renewal yet");
                self.set_timer(Timer::Refresh, RETRY_MS);
            }
            Err(TokenError::Denied(why)) => self.finish(End::NoToken(why)),
        }
    }

    /// Whether the application has to be asked before an attempt.
    pub(super) fn needs_token(&mut self) -> bool {
        let login = &mut self.connection.login;
        let is_over = (login.refresh_at).is_some_and(|at| at <= self.clock.longest());
        if is_over && login.token.is_some() {
            login.forget_token();
        }
        self.settings.credentials == Credentials::Token && login.token.is_none()
    }

    pub(super) fn ask_for_login_token(&mut self) {
        let reason = self.connection.login.reason.clone();
        self.ask_token(For::Login, None, reason);
    }

    pub(super) fn ask_for_subscription_token(
        &mut self,
        id: SubscriptionId,
        channel: String,
        reason: TokenReason,
    ) -> TokenId {
        self.ask_token(For::Subscription(id), Some(channel), reason)
    }

    fn ask_token(&mut self, what: For, channel: Option<String>, reason: TokenReason) -> TokenId {
        let login = &mut self.connection.login;
        login.last_id += 1;
        let id = TokenId(login.last_id);
        login.awaited.insert(id, what);
        let request = TokenRequest { channel, reason };
        self.outputs.push_back(Output::AskToken { id, request });
        self.set_timer(Timer::Token(id), self.settings.answer_timeout_ms);
        id
    }

    /// Nobody waits for this token any more.
    pub(super) fn forget_token_request(&mut self, id: TokenId) {
        self.connection.login.awaited.remove(&id);
        self.timers.clear(Timer::Token(id));
    }

    pub(super) fn forget_tokens(&mut self) {
        for id in std::mem::take(&mut self.connection.login.awaited).into_keys() {
            self.timers.clear(Timer::Token(id));
        }
    }

    /// The connection that a token was to be renewed on is gone.
    pub(super) fn forget_refresh(&mut self) {
        let awaited = &self.connection.login.awaited;
        let refresh = awaited.iter().find(|(_, what)| **what == For::Refresh);
        if let Some(id) = refresh.map(|(id, _)| *id) {
            self.forget_token_request(id);
        }
    }

    pub(super) fn send_login(&mut self, ask: Ask) {
        let id = self.asked.next_id();
        let user = match &self.settings.credentials {
            Credentials::Name(name) => Some(name.as_str()),
            Credentials::None | Credentials::Token => None,
        };
        let token = self.connection.login.token.as_deref();
        let text = Verb::Login { token, user }.encode(id);
        self.ask(ask, id, text);
    }

    /// The server has answered a login; `ttl_secs` says when the token runs out.
    pub(super) fn handle_login(&mut self, user: Option<String>, ttl_secs: Option<u64>) {
        self.connection.login.reason = TokenReason::Expired;
        self.connection.login.refresh_at = ttl_secs.map(|secs| {
            let ttl = secs.saturating_mul(1000);
            let margin = (ttl / 4).min(REFRESH_MARGIN_MS);
            let refresh_in = (ttl - margin).max(SHORTEST_TTL_MS);
            self.clock.longest().saturating_add(refresh_in)
        });
        self.reschedule_refresh();
        if self.connection.phase() == Phase::Greeting {
            self.go_online(user);
        }
    }

    /// The server has refused the login that makes the connection.
    pub(super) fn handle_login_refused(&mut self, refusal: ActionError) {
        if refusal.is_expired() {
            self.connection.login.forget_token();
            self.lose(Cause::Login(refusal));
        } else if refusal.is_temporary() {
            self.lose(Cause::Login(refusal));
        } else {
            self.finish(End::Login(refusal));
        }
    }

    /// The server has refused a renewal. The connection lives as long as its old token does.
    pub(super) fn handle_refresh_refused(&mut self, refusal: ActionError) {
        tracing::debug!(%refusal, "the token was not renewed");
        self.connection.login.token = None;
        self.connection.login.reason = TokenReason::Refused(refusal);
        self.set_timer(Timer::Refresh, RETRY_MS);
    }

    /// Time has passed that the monotonic clock does not show.
    pub(super) fn reschedule_refresh(&mut self) {
        if let Some(refresh_at) = self.connection.login.refresh_at
            && self.settings.credentials == Credentials::Token
            && self.connection.is_open()
        {
            let left = refresh_at.saturating_sub(self.clock.longest());
            self.set_timer(Timer::Refresh, left);
        }
    }

    pub(super) fn refresh_token(&mut self) {
        let login = &self.connection.login;
        let is_asked = login.awaited.values().any(|what| *what == For::Refresh);
        if self.connection.is_online() && !is_asked {
            let reason = login.reason.clone();
            self.ask_token(For::Refresh, None, reason);
        }
    }
}

/// A token is renewed so long before it runs out, or after three quarters of its time.
const REFRESH_MARGIN_MS: u64 = 60_000;
/// A token that is said to live for less is not renewed more often.
const SHORTEST_TTL_MS: u64 = 1_000;
/// Between two attempts to renew it.
const RETRY_MS: u64 = 5_000;
