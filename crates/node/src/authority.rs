//! What the application decides: by token, and later by permission or proxy.

use std::fmt;

use veche_engine::pending::Pending;
use veche_protocol::claims::{ConnectionClaims, SubscriptionClaims, TokenError};
use veche_protocol::error_code::CommandError;
use veche_protocol::payload::Payload;

/// Answers the questions that only the application can. Called on a worker's thread: what takes long is `Later`.
pub trait Authority: Send + Sync + fmt::Debug {
    /// What a connection token says, at this time (seconds of Unix time).
    fn connection_token(
        &self,
        token: &str,
        now: i64,
    ) -> Pending<Result<Box<ConnectionClaims>, TokenError>>;

    /// What a subscription token says, at this time (seconds of Unix time).
    fn subscription_token(
        &self,
        token: &str,
        now: i64,
    ) -> Pending<Result<Box<SubscriptionClaims>, TokenError>>;

    /// Calls the application.
    fn rpc(
        &self,
        method: &str,
        data: Option<Payload>,
    ) -> Pending<Result<Option<Payload>, CommandError>>;
}
