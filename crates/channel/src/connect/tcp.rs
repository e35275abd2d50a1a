//! From a name to a connected socket: its addresses are tried side by side.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, sleep_until};

use crate::connect_error::{ConnectError, ConnectResult};
use crate::url::bracketed;

/// Connects to the first address of `host` that answers.
pub(super) async fn tcp(host: &str, port: u16) -> ConnectResult<TcpStream> {
    let addresses = resolve(host, port).await?;
    let tcp = race(interleave(addresses))
        .await
        .map_err(|source| ConnectError::Connect {
            address: format!("{}:{port}", bracketed(host)),
            source,
        })?;
    // A message is a write; it is not to wait for another.
    tcp.set_nodelay(true).map_err(ConnectError::Lost)?;
    Ok(tcp)
}

/// The addresses of `host`, at least one.
pub(super) async fn resolve(host: &str, port: u16) -> ConnectResult<Vec<SocketAddr>> {
    let failed = |source| ConnectError::Resolve {
        host: host.to_owned(),
        source,
    };
    let addresses: Vec<_> = lookup_host((host, port)).await.map_err(failed)?.collect();
    if addresses.is_empty() {
        return Err(failed(io::ErrorKind::NotFound.into()));
    }
    Ok(addresses)
}

/// Families in turn, beginning with that of the first address.
///
/// # Source
/// RFC 8305, section 4.
fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let is_six = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == is_six);
    let mut second = second.into_iter();
    let mut turns = Vec::new();
    for address in first {
        turns.push(address);
        turns.extend(second.next());
    }
    turns.extend(second);
    turns
}

/// Tries the addresses, the next one when the last has failed or has not answered for a while;
/// the first to answer is taken, and the other attempts end.
///
/// # Source
/// RFC 8305, section 5.
async fn race(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut waiting = addresses.into_iter();
    let mut attempts: Vec<Attempt> = waiting.next().map(attempt).into_iter().collect();
    let mut timer = Box::pin(sleep_until(Instant::now() + STAGGER));
    let mut failure = io::Error::from(io::ErrorKind::NotFound);
    poll_fn(|cx| {
        loop {
            let mut begins_next = false;
            let mut connected = None;
            attempts.retain_mut(|attempt| match attempt.as_mut().poll(cx) {
                Poll::Pending => true,
                Poll::Ready(Ok(tcp)) => {
                    connected = Some(tcp);
                    false
                }
                Poll::Ready(Err(error)) => {
                    failure = error;
                    begins_next = true;
                    false
                }
            });
            if let Some(tcp) = connected {
                return Poll::Ready(Ok(tcp));
            }
            if waiting.len() > 0 && timer.as_mut().poll(cx).is_ready() {
                begins_next = true;
            }
            let next = if begins_next { waiting.next() } else { None };
            match next {
                Some(address) => {
                    attempts.push(attempt(address));
                    timer.as_mut().reset(Instant::now() + STAGGER);
                }
                None if attempts.is_empty() => {
                    return Poll::Ready(Err(std::mem::replace(
                        &mut failure,
                        io::ErrorKind::NotFound.into(),
                    )));
                }
                None => return Poll::Pending,
            }
        }
    })
    .await
}

type Attempt = Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>;

fn attempt(address: SocketAddr) -> Attempt {
    Box::pin(TcpStream::connect(address))
}

/// How long one address may keep the next one waiting.
const STAGGER: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        let texts = texts.iter();
        texts
            .map(|text| text.parse().expect("an address"))
            .collect()
    }

    #[test]
    fn families_are_tried_in_turn() {
        let given = addresses(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"]);
        let turns = addresses(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"]);
        assert_eq!(interleave(given), turns);
    }

    #[tokio::test]
    async fn an_address_that_refuses_is_followed_by_the_next_at_once() {
        let refusing = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let closed = refusing.local_addr().expect("bound");
        drop(refusing);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let open = listener.local_addr().expect("bound");
        let tcp = race(vec![closed, open]).await.expect("one of them listens");
        assert_eq!(tcp.peer_addr().expect("connected"), open);
        let error = race(vec![closed, closed]).await.expect_err("none listens");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}
