//! From a URL to a connected socket: to its host, or through a proxy.

use super::tcp::tcp;
use super::tunnel;
use crate::connect_error::ConnectResult;
use crate::proxy::Proxy;
use crate::socket::Socket;
use crate::url::Url;

/// Connects to the host of `url`, or to the proxy on the way and through it.
pub(super) async fn dial(url: &Url, proxy: &Proxy) -> ConnectResult<Socket> {
    match proxy.for_url(url)? {
        Some(server) => tunnel::through(&server, url).await,
        None => tcp(&url.host, url.port).await.map(Socket::Tcp),
    }
}
