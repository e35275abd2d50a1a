//! Asking the application for tokens.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::machine::{TokenError, TokenRequest};

/// A function of the application's that gives tokens.
pub(super) type Tokens = Arc<dyn Fn(TokenRequest) -> Asking + Send + Sync>;

/// A token that was asked for.
pub(super) type Asking = Pin<Box<dyn Future<Output = Result<String, TokenError>> + Send>>;

pub(super) fn token_source<F, T>(ask: F) -> Tokens
where
    F: Fn(TokenRequest) -> T + Send + Sync + 'static,
    T: Future<Output = Result<String, TokenError>> + Send + 'static,
{
    Arc::new(move |request| Box::pin(ask(request)))
}
