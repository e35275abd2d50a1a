//! Making a connection: what may be asked for, and the steps from a name to a channel.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use tokio::time::timeout;
use veche_websocket::frame::Role;

use crate::channel::Channel;
use crate::connect_error::{ConnectError, ConnectResult};
use crate::options::{Options, setters};
use crate::proxy::Proxy;
use crate::socket::{Socket, Transport};
#[cfg(feature = "tls")]
use crate::tls::Tls;
use crate::url::{Url, basic};

mod dial;
mod tcp;
mod tunnel;
mod upgrade;

/// Connects to a WebSocket URL, with all that [`Connect`] has by default.
///
/// # Errors
/// Why there is no channel.
pub async fn connect(url: &str) -> Result<Channel, ConnectError> {
    Connect::new(url).connect().await
}

/// A connection to be made.
///
/// # Example
/// ```no_run
/// # use std::time::Duration;
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let mut channel = veche_channel::Connect::new("wss://example.com/live")
///     .protocols(["chat.v2", "chat.v1"])
///     .header("Authorization", "Bearer secret")
///     .timeout(Duration::from_secs(5))
///     .connect()
///     .await?;
/// assert!(channel.protocol().is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "nothing is connected until `connect` is awaited"]
pub struct Connect {
    url: String,
    protocols: Vec<String>,
    headers: Vec<(String, String)>,
    timeout: Duration,
    proxy: Proxy,
    #[cfg(feature = "tls")]
    tls: Tls,
    options: Options,
}

impl Connect {
    /// A connection to a `ws://` or `wss://` URL. A user and a password in it become an
    /// `Authorization` header.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            protocols: Vec::new(),
            headers: Vec::new(),
            timeout: Duration::from_secs(10),
            proxy: Proxy::from_env(),
            #[cfg(feature = "tls")]
            tls: Tls::default(),
            options: Options::default(),
        }
    }

    /// Offers subprotocols, the favourite first. The server must choose one of them, as for a
    /// browser; [`Channel::protocol`] says which.
    pub fn protocols<P: Into<String>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        self.protocols = protocols.into_iter().map(Into::into).collect();
        self
    }

    /// Sends a header with the upgrade, as `Authorization`, `Cookie` or `Origin`. A header of the
    /// same name that was set before is replaced.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let name = name.into();
        self.headers
            .retain(|(other, _)| !other.eq_ignore_ascii_case(&name));
        self.headers.push((name, value.into()));
        self
    }

    /// How long all steps may take together, from the name to the upgrade (default: 10 seconds).
    /// When it has passed, the attempt has ended and its socket is closed.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The way through a proxy (default: [`Proxy::from_env`]).
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = proxy;
        self
    }

    /// Whom to trust and who to be in a `wss://` connection (default: the certificates that the
    /// system trusts).
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = tls;
        self
    }

    setters!();

    /// Makes the connection.
    ///
    /// # Errors
    /// Why there is no channel. All errors come here and nowhere else.
    /// # Cancel safety
    /// Dropped early, the attempt ends and its socket is closed.
    pub async fn connect(self) -> Result<Channel, ConnectError> {
        let url = Url::parse(&self.url)?;
        self.in_time(async {
            let socket = Box::pin(dial::dial(&url, &self.proxy)).await?;
            let socket = self.secure(&url, socket).await?;
            self.upgrade(&url, socket).await
        })
        .await
    }

    /// Makes the connection over a stream that is connected already: a Unix socket, a pipe, a
    /// tunnel of your own. The URL only says what to ask for; neither a proxy nor TLS is added.
    ///
    /// # Errors
    /// Why there is no channel.
    /// # Cancel safety
    /// Dropped early, the stream is dropped too.
    pub async fn connect_over(self, stream: impl Transport) -> Result<Channel, ConnectError> {
        let url = Url::parse(&self.url)?;
        let socket = Socket::Other(Box::new(stream));
        self.in_time(self.upgrade(&url, socket)).await
    }

    async fn in_time(
        &self,
        steps: impl Future<Output = Result<Channel, ConnectError>>,
    ) -> Result<Channel, ConnectError> {
        timeout(self.timeout, Box::pin(steps))
            .await
            .unwrap_or(Err(ConnectError::Timeout(self.timeout)))
    }

    #[cfg(feature = "tls")]
    async fn secure(&self, url: &Url, socket: Socket) -> ConnectResult<Socket> {
        if !url.is_secure {
            return Ok(socket);
        }
        self.tls.secure(&url.host, socket).await
    }

    #[cfg(not(feature = "tls"))]
    #[expect(clippy::unused_async, reason = "it waits with the feature `tls`")]
    async fn secure(&self, url: &Url, socket: Socket) -> ConnectResult<Socket> {
        if url.is_secure {
            return Err(ConnectError::NoTls);
        }
        Ok(socket)
    }

    async fn upgrade(&self, url: &Url, socket: Socket) -> Result<Channel, ConnectError> {
        let mut headers: Vec<_> = (self.headers.iter())
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let is_set =
            |name: &str| (self.headers.iter()).any(|(other, _)| other.eq_ignore_ascii_case(name));
        let authorization = url.user_info.as_deref().map(basic);
        if let Some(basic) = &authorization
            && !is_set("authorization")
        {
            headers.push(("Authorization", basic));
        }
        if !is_set("user-agent") {
            headers.push(("User-Agent", USER_AGENT));
        }
        let asked = upgrade::Asked {
            host: &url.host_header(),
            target: &url.target,
            protocols: &self.protocols,
            headers: &headers,
            deflate: self.options.compress_from.is_some(),
        };
        let agreed = upgrade::upgrade(asked, socket).await?;
        Ok(Channel::new(
            agreed.socket,
            self.options.terms(Role::Client, agreed.deflate),
            agreed.protocol,
            agreed.rest,
        ))
    }
}

/// Neither the URL nor the values of headers: they hold secrets.
impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Connect")
            .field("protocols", &self.protocols)
            .field("headers", &names)
            .field("timeout", &self.timeout)
            .field("proxy", &self.proxy)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

const USER_AGENT: &str = concat!("veche-channel/", env!("CARGO_PKG_VERSION"));
