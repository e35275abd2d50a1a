//! Through a proxy: CONNECT (HTTP) and SOCKS5.

use std::io;
use std::net::IpAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::tcp::{resolve, tcp};
use super::upgrade::read_head;
use crate::connect_error::{ConnectError, ConnectResult};
use crate::proxy::{ProxyServer, Scheme};
use crate::socket::Socket;
use crate::url::{Url, basic};

/// Connects to the proxy, and has it connect to the host of `url`.
pub(super) async fn through(proxy: &ProxyServer, url: &Url) -> ConnectResult<Socket> {
    let mut socket = Socket::Tcp(tcp(&proxy.host, proxy.port).await?);
    match proxy.scheme {
        Scheme::Http => {}
        Scheme::Https => socket = secure(&proxy.host, socket).await?,
        Scheme::Socks5 | Scheme::Socks5h => {
            let address = match proxy.scheme {
                Scheme::Socks5 => {
                    let addresses = resolve(&url.host, url.port).await?;
                    addresses.first().map(std::net::SocketAddr::ip)
                }
                _ => url.host.parse().ok(),
            };
            socks5(&mut socket, proxy, url, address).await?;
            return Ok(socket);
        }
    }
    connect(&mut socket, proxy, url).await?;
    Ok(socket)
}

#[cfg(feature = "tls")]
async fn secure(host: &str, socket: Socket) -> ConnectResult<Socket> {
    crate::tls::Tls::default().secure(host, socket).await
}

#[cfg(not(feature = "tls"))]
#[expect(clippy::unused_async, reason = "it waits with the feature `tls`")]
async fn secure(_host: &str, _socket: Socket) -> ConnectResult<Socket> {
    Err(ConnectError::NoTls)
}

/// # Source
/// RFC 9110, section 9.3.6.
async fn connect(socket: &mut Socket, proxy: &ProxyServer, url: &Url) -> ConnectResult<()> {
    let address = url.host_and_port();
    let mut request = format!("CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n");
    if let Some(user_info) = &proxy.user_info {
        request.push_str(&format!("Proxy-Authorization: {}\r\n", basic(user_info)));
    }
    request.push_str("\r\n");
    socket
        .write_all(request.as_bytes())
        .await
        .map_err(ConnectError::Lost)?;
    socket.flush().await.map_err(ConnectError::Lost)?;
    let mut came = Vec::new();
    let head = read_head(socket, &mut came).await?;
    if head.status / 100 != 2 {
        return Err(ConnectError::Proxy {
            reason: format!("{} {}", head.status, head.reason),
            is_temporary: matches!(head.status, 429 | 500 | 502..=504),
        });
    }
    // The server speaks only after it was asked: what stands behind the head is not its.
    if came.len() == head.len {
        Ok(())
    } else {
        Err(ConnectError::NotHttp)
    }
}

/// # Source
/// RFC 1928; RFC 1929 for user and password.
async fn socks5(
    socket: &mut Socket,
    proxy: &ProxyServer,
    url: &Url,
    address: Option<IpAddr>,
) -> ConnectResult<()> {
    greet(socket, proxy.user_info.as_deref()).await?;
    let mut request = vec![5, 1, 0];
    match address {
        Some(IpAddr::V4(four)) => {
            request.push(1);
            request.extend_from_slice(&four.octets());
        }
        Some(IpAddr::V6(six)) => {
            request.push(4);
            request.extend_from_slice(&six.octets());
        }
        None => {
            request.push(3);
            push_short(&mut request, &url.host)?;
        }
    }
    request.extend_from_slice(&url.port.to_be_bytes());
    let [version, reply, _, kind] = ask(socket, &request).await?;
    if version != 5 {
        return Err(not_socks());
    }
    if reply != 0 {
        return Err(refusal(reply));
    }
    // The address that the proxy connects from is of no use to us.
    let len = match kind {
        1 => 4,
        4 => 16,
        3 => usize::from(read::<1>(socket).await?[0]),
        _ => return Err(not_socks()),
    };
    let mut bound = vec![0; len + 2];
    socket
        .read_exact(&mut bound)
        .await
        .map_err(ConnectError::Lost)?;
    Ok(())
}

async fn greet(socket: &mut Socket, user_info: Option<&str>) -> ConnectResult<()> {
    let methods: &[u8] = match user_info {
        Some(_) => &[5, 2, 0, PASSWORD],
        None => &[5, 1, 0],
    };
    match (ask(socket, methods).await?, user_info) {
        ([5, 0], _) => Ok(()),
        ([5, PASSWORD], Some(user_info)) => {
            let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
            let mut request = vec![1];
            push_short(&mut request, user)?;
            push_short(&mut request, password)?;
            match ask(socket, &request).await? {
                [1, 0] => Ok(()),
                _ => Err(refused("wrong user or password", false)),
            }
        }
        ([5, _], _) => Err(refused(
            "it asks for a kind of login that we do not have",
            false,
        )),
        _ => Err(not_socks()),
    }
}

/// A text with its length in one byte before it.
fn push_short(request: &mut Vec<u8>, text: &str) -> ConnectResult<()> {
    let Ok(len) = u8::try_from(text.len()) else {
        return Err(refused(
            "a name of more than 255 bytes cannot be asked for",
            false,
        ));
    };
    request.push(len);
    request.extend_from_slice(text.as_bytes());
    Ok(())
}

async fn ask<const N: usize>(socket: &mut Socket, request: &[u8]) -> ConnectResult<[u8; N]> {
    socket
        .write_all(request)
        .await
        .map_err(ConnectError::Lost)?;
    socket.flush().await.map_err(ConnectError::Lost)?;
    read(socket).await
}

async fn read<const N: usize>(socket: &mut Socket) -> ConnectResult<[u8; N]> {
    let mut answer = [0; N];
    socket
        .read_exact(&mut answer)
        .await
        .map_err(ConnectError::Lost)?;
    Ok(answer)
}

fn refusal(reply: u8) -> ConnectError {
    match reply {
        2 => refused("not allowed by its rules", false),
        3 => refused("the network is unreachable", true),
        4 => refused("the host is unreachable", true),
        5 => refused("the host refused the connection", true),
        6 => refused("the connection took too long", true),
        7 | 8 => refused("it does not do what we ask", false),
        _ => refused("it failed", true),
    }
}

fn refused(reason: &str, is_temporary: bool) -> ConnectError {
    ConnectError::Proxy {
        reason: reason.to_owned(),
        is_temporary,
    }
}

fn not_socks() -> ConnectError {
    ConnectError::Lost(io::Error::new(
        io::ErrorKind::InvalidData,
        "the proxy does not speak SOCKS5",
    ))
}

/// The method "user name and password".
const PASSWORD: u8 = 2;
