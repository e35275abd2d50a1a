//! What is decided outside the node: by tokens, and by the application.

use std::fmt;

use veche_engine::pending::Pending;
use veche_protocol::claims::{
    ConnectionClaims, SubscriptionClaims, SubscriptionOptions, TokenError,
};
use veche_protocol::headers::Headers;
use veche_protocol::identity::{ClientId, UserId};
use veche_protocol::payload::Payload;
use veche_session::application::{
    ConnectRequest, ConnectResult, Denial, PublishRequest, PublishResult, RefreshResult,
    RpcRequest, SubRefreshRequest, SubscribeRequest, Verdict,
};

/// The client about which an authority is asked.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// The connection.
    pub client: ClientId,
    /// The user; before `connect` is answered, the one that a proxy before the server has named, or nobody.
    pub user: &'a UserId,
    /// The name of the transport: `websocket`, for example.
    pub transport: &'static str,
    /// What is spoken: `json`, `protobuf` or `plain`.
    pub protocol: &'static str,
    /// The connection's meta, if a token or the application has given it one.
    pub meta: Option<&'a Payload>,
    /// Headers of the client's request, as far as the doors keep them.
    pub headers: Option<&'a Headers>,
    /// Headers in the client's `connect`, as far as the rules keep them. A real header of the same name has precedence.
    pub emulated_headers: Option<&'a Headers>,
}

/// Answers the questions that the node cannot. Called on a worker's thread: what takes long is `Later`.
///
/// The events of the application are asked only where the rules say so, so an authority that is never configured for
/// one need not have it. Each question is answered within a time that the authority bounds: until then the command
/// waits, and a connection whose time has run out lives on. The answer to a client that has gone meanwhile is dropped.
pub trait Authority: Send + Sync + fmt::Debug {
    /// What a connection token says, at this time (seconds of Unix time).
    fn connection_token(
        &self,
        caller: &Caller<'_>,
        token: &str,
        now: i64,
    ) -> Pending<Result<Box<ConnectionClaims>, TokenError>>;

    /// What a subscription token says, at this time (seconds of Unix time).
    fn subscription_token(
        &self,
        caller: &Caller<'_>,
        token: &str,
        now: i64,
    ) -> Pending<Result<Box<SubscriptionClaims>, TokenError>>;

    /// Who a client without a token is; `None` where the application does not know.
    fn connect(
        &self,
        _caller: &Caller<'_>,
        _request: ConnectRequest,
    ) -> Pending<Verdict<Option<Box<ConnectResult>>>> {
        failed()
    }

    /// Whether a connection goes on whose time has run out.
    fn refresh(&self, _caller: &Caller<'_>) -> Pending<Verdict<Box<RefreshResult>>> {
        failed()
    }

    /// Whether a client may subscribe, and how.
    fn subscribe(
        &self,
        _caller: &Caller<'_>,
        _request: SubscribeRequest,
    ) -> Pending<Verdict<Box<SubscriptionOptions>>> {
        failed()
    }

    /// Whether a client may publish, and what is published.
    fn publish(
        &self,
        _caller: &Caller<'_>,
        _request: PublishRequest,
    ) -> Pending<Verdict<Box<PublishResult>>> {
        failed()
    }

    /// Whether a subscription goes on whose time has run out.
    fn sub_refresh(
        &self,
        _caller: &Caller<'_>,
        _request: SubRefreshRequest,
    ) -> Pending<Verdict<Box<RefreshResult>>> {
        failed()
    }

    /// Answers a call.
    fn rpc(&self, _caller: &Caller<'_>, _request: RpcRequest) -> Pending<Verdict<Option<Payload>>> {
        failed()
    }
}

/// The answer of an authority that is asked what it does not answer: rules and authority do not fit together.
fn failed<T>() -> Pending<Verdict<T>> {
    tracing::error!("the rules ask the application about an event for which nothing is configured");
    Pending::Ready(Err(Denial::Failed))
}
