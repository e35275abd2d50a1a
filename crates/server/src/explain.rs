//! Explains who may do what by a configuration: the tokens are checked as the running server checks them, and the
//! session is asked for its verdicts.

use veche_config::Loaded;
use veche_protocol::claims::TokenError;
use veche_session::explain::{self, Credentials};

pub use veche_session::explain::{Explanation, Operation, Part};
pub use veche_session::refusal::{Refusal, RefusalKind};
pub use veche_session::rule::{Decision, Outcome, Rule, Step};

use crate::authority::TokenAuthority;
use crate::rules::rules;

/// A question to the rules, as it is asked: tokens are not checked yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// The operation.
    pub operation: Operation,
    /// The channel; ignored where the operation is to connect.
    pub channel: String,
    /// The user, assumed to have a valid token; empty is an anonymous user with a token. `None`, without a token,
    /// is a client without credentials.
    pub user: Option<String>,
    /// A connection token, to be checked.
    pub token: Option<String>,
    /// A subscription token, to be checked.
    pub subscription_token: Option<String>,
    /// Whether the client is subscribed to the channel.
    pub is_subscribed: bool,
    /// Data to publish; without, some that every format takes.
    pub data: Option<String>,
}

/// Answers a question by a configuration. `now` is Unix time in seconds. Keys of an endpoint are fetched.
///
/// # Cancel safety
/// May be dropped.
pub async fn explain(loaded: &Loaded, question: &Question, now: i64) -> Explanation {
    let authority = TokenAuthority::new(&loaded.config).map_err(TokenError::Failed);
    let credentials = match (&question.token, &question.user) {
        (Some(token), _) => Credentials::Token(match &authority {
            Ok(authority) => authority.check_connection(token, now).wait().await,
            Err(error) => Err(error.clone()),
        }),
        (None, Some(user)) => Credentials::User(user.as_str().into()),
        (None, None) => Credentials::Nothing,
    };
    let token = question.subscription_token.as_ref();
    let subscription_token = match token.filter(|_| question.operation == Operation::Subscribe) {
        Some(token) => Some(match &authority {
            Ok(authority) => authority.check_subscription(token, now).wait().await,
            Err(error) => Err(error.clone()),
        }),
        None => None,
    };
    let question = explain::Question {
        operation: question.operation,
        channel: &question.channel,
        credentials,
        subscription_token,
        is_subscribed: question.is_subscribed,
        data: question.data.as_deref(),
        now_secs: now,
    };
    explain::explain(question, &rules(&loaded.config, ""))
}

#[cfg(test)]
mod tests;
