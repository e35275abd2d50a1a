//! The server's side of a channel, as an extractor of axum's (feature `axum`).

use std::convert::Infallible;
use std::future::Future;

use axum_core::body::Body;
use axum_core::extract::FromRequestParts;
use axum_core::response::{IntoResponse, Response};
use http::Request;
use http::request::Parts;
use hyper::upgrade::OnUpgrade;

use crate::channel::Channel;
use crate::server::{Accept, Rejected};

/// A request that may be an upgrade to WebSocket.
///
/// # Example
/// ```no_run
/// use axum::Router;
/// use axum::response::Response;
/// use axum::routing::get;
/// use veche_channel::axum::Upgrade;
/// use veche_channel::server::Accept;
///
/// async fn echo(upgrade: Upgrade) -> Response {
///     upgrade.accept(&Accept::new(), |mut channel| async move {
///         while let Some(Ok(message)) = channel.next().await {
///             if channel.send(message).await.is_err() {
///                 break;
///             }
///         }
///     })
/// }
///
/// let app: Router = Router::new().route("/echo", get(echo));
/// ```
#[derive(Debug)]
pub struct Upgrade {
    request: Request<()>,
}

impl Upgrade {
    /// Answers the request; with a correct upgrade, `serve` gets the channel in a task of its
    /// own.
    pub fn accept<F, T>(mut self, accept: &Accept, serve: F) -> Response
    where
        F: FnOnce(Channel) -> T + Send + 'static,
        T: Future<Output = ()> + Send + 'static,
    {
        let (answer, upgrade) = match accept.upgrade(&mut self.request) {
            Ok(accepted) => accepted,
            Err(rejected) => return rejected.into_response(),
        };
        tokio::spawn(async move {
            // A client that left before it had its answer needs no channel.
            if let Ok(channel) = upgrade.channel().await {
                serve(channel).await;
            }
        });
        answer
    }

    /// The request: its headers, its URI.
    pub fn request(&self) -> &Request<()> {
        &self.request
    }
}

impl<S: Sync> FromRequestParts<S> for Upgrade {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let mut request = Request::new(());
        request.method_mut().clone_from(&parts.method);
        request.uri_mut().clone_from(&parts.uri);
        *request.version_mut() = parts.version;
        request.headers_mut().clone_from(&parts.headers);
        if let Some(on_upgrade) = parts.extensions.remove::<OnUpgrade>() {
            request.extensions_mut().insert(on_upgrade);
        }
        Ok(Self { request })
    }
}

impl IntoResponse for Rejected {
    fn into_response(self) -> Response {
        self.response::<String>().map(Body::from)
    }
}
