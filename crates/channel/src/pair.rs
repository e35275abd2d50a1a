//! Two channels that are connected to each other in memory, for tests.

use std::time::Duration;

use crate::channel::Channel;
use crate::options::Options;
use crate::socket::Socket;
use veche_websocket::frame::Role;

/// Makes a client's and a server's channel that are connected to each other, without a network.
///
/// They speak the real protocol over a pipe of 64 KiB, so that back-pressure, closing and errors
/// are as they are over TCP. There are no pings. Dropping one loses the connection for the other.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (mut client, mut server) = veche_channel::pair();
/// client.send("hello").await?;
/// let message = server.next().await.expect("the channel is open")?;
/// assert_eq!(message.as_text(), Some("hello"));
/// # Ok(())
/// # }
/// ```
pub fn pair() -> (Channel, Channel) {
    let (client, server) = tokio::io::duplex(PIPE);
    let options = Options {
        ping: None,
        close_timeout: Duration::from_secs(5),
        ..Options::default()
    };
    let channel = |stream, role| {
        let socket = Socket::Other(Box::new(stream));
        Channel::new(socket, options.terms(role, None), None, Vec::new())
    };
    (channel(client, Role::Client), channel(server, Role::Server))
}

const PIPE: usize = 64 << 10;
