//! The server's side of a channel: an upgrade that hyper received (feature `hyper`).

use std::fmt;
use std::time::Duration;

use http::header::{CONNECTION, HeaderName, HeaderValue, UPGRADE};
use http::{Request, Response, StatusCode, Version};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use veche_websocket::frame::Role;
use veche_websocket::handshake::server::{self, UpgradeError};

use crate::channel::Channel;
use crate::conversation::Terms;
use crate::options::{Options, setters};
use crate::socket::Socket;

/// What a server agrees to.
///
/// # Example
/// ```
/// use http::{Request, Response};
/// use hyper::body::Incoming;
/// use veche_channel::server::Accept;
///
/// async fn echo(mut request: Request<Incoming>) -> Response<String> {
///     let (answer, upgrade) = match Accept::new().upgrade(&mut request) {
///         Ok(accepted) => accepted,
///         Err(rejected) => return rejected.response(),
///     };
///     tokio::spawn(async move {
///         let mut channel = upgrade.channel().await?;
///         while let Some(message) = channel.next().await {
///             channel.send(message?).await?;
///         }
///         Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
///     });
///     answer
/// }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "nothing is accepted until `upgrade` is called"]
pub struct Accept {
    protocols: Vec<String>,
    options: Options,
}

impl Accept {
    /// Takes any upgrade, without a subprotocol and without compression.
    pub fn new() -> Self {
        Self::default()
    }

    /// The subprotocols that are spoken here. The first that a client offers is chosen; who
    /// offers none of them is accepted without one.
    pub fn protocols<P: Into<String>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        self.protocols = protocols.into_iter().map(Into::into).collect();
        self
    }

    setters!();

    /// Checks a request, and makes the answer to it. The channel comes into being when the answer
    /// has been sent: await [`Upgrade::channel`] in a task of its own.
    ///
    /// Who may connect (`Origin`, a path, a token) is for the caller to decide before.
    ///
    /// # Errors
    /// What is wrong with the request, to be answered by [`Rejected::response`].
    pub fn upgrade<B, A: Default>(
        &self,
        request: &mut Request<B>,
    ) -> Result<(Response<A>, Upgrade), Rejected> {
        let on_upgrade = hyper::upgrade::on(&mut *request);
        let minor_version = u8::from(request.version() == Version::HTTP_11);
        let headers: Vec<_> = (request.headers().iter())
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect();
        let wants_deflate = self.options.compress_from.is_some();
        let checked = server::check(
            request.method().as_str(),
            minor_version,
            headers.into_iter(),
            wants_deflate,
        )
        .map_err(Rejected)?;
        let ours: Vec<_> = self.protocols.iter().map(String::as_str).collect();
        let protocol = checked.choose(&ours);
        let mut answer = Response::new(A::default());
        *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = answer.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        for (name, value) in checked.answer_headers(protocol) {
            if let (Ok(name), Ok(value)) =
                (HeaderName::try_from(name), HeaderValue::try_from(value))
            {
                headers.insert(name, value);
            }
        }
        let upgrade = Upgrade {
            on_upgrade,
            terms: self.options.terms(Role::Server, checked.deflate),
            protocol: protocol.map(Into::into),
        };
        Ok((answer, upgrade))
    }
}

/// An upgrade that was accepted, and whose answer is still to be sent.
#[derive(Debug)]
pub struct Upgrade {
    on_upgrade: OnUpgrade,
    terms: Terms,
    protocol: Option<Box<str>>,
}

impl Upgrade {
    /// Waits until the answer has been sent, and makes the channel.
    ///
    /// # Errors
    /// The client left, or hyper's connection was not served `with_upgrades`.
    /// # Cancel safety
    /// Dropped early, the connection ends.
    pub async fn channel(self) -> Result<Channel, hyper::Error> {
        let stream = TokioIo::new(self.on_upgrade.await?);
        let socket = Socket::Other(Box::new(stream));
        Ok(Channel::new(socket, self.terms, self.protocol, Vec::new()))
    }
}

/// A request that is no upgrade to WebSocket. Displayed, it says what is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejected(UpgradeError);

impl Rejected {
    /// The HTTP status to answer with: 400, 405 or 426.
    pub fn status(self) -> StatusCode {
        StatusCode::from_u16(self.0.status()).unwrap_or(StatusCode::BAD_REQUEST)
    }

    /// The answer.
    pub fn response<A: From<String>>(self) -> Response<A> {
        let mut answer = Response::new(A::from(format!("{self}\n")));
        *answer.status_mut() = self.status();
        if let Some((name, value)) = self.0.header()
            && let Ok(name) = HeaderName::try_from(name)
        {
            (answer.headers_mut()).insert(name, HeaderValue::from_static(value));
        }
        answer
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.text())
    }
}

impl std::error::Error for Rejected {}
