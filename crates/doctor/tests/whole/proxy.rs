//! Small proxies that do one thing wrong each.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// What a proxy does wrong.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proxy {
    /// Headers of a request that it drops, in small letters.
    drops: Vec<&'static str>,
    /// It asks the server over HTTP/1.0.
    is_old: bool,
    /// It ends connections on which the server is silent for so long.
    cuts_after: Option<Duration>,
    /// What comes behind so many pieces from the server it keeps until the next comes.
    holds_back_after: Option<usize>,
}

impl Proxy {
    pub(crate) fn dropping(headers: &[&'static str]) -> Self {
        Self {
            drops: headers.to_vec(),
            ..Self::default()
        }
    }

    pub(crate) fn speaking_http_1_0() -> Self {
        Self {
            is_old: true,
            ..Self::dropping(&["upgrade", "connection"])
        }
    }

    pub(crate) fn cutting_after(silence: Duration) -> Self {
        Self {
            cuts_after: Some(silence),
            ..Self::default()
        }
    }

    pub(crate) fn holding_back(after: usize) -> Self {
        Self {
            holds_back_after: Some(after),
            ..Self::default()
        }
    }

    /// Stands before `server`, until the test ends.
    pub(crate) fn start(self, server: SocketAddr) -> SocketAddr {
        listen(move |client| {
            let proxy = self.clone();
            thread::spawn(move || proxy.serve(client, server));
        })
    }

    fn serve(&self, mut client: TcpStream, server: SocketAddr) {
        let server = TcpStream::connect(server).expect("the server listens");
        let (mut request, rest) = head(&mut client);
        if self.is_old {
            request = request.replacen("HTTP/1.1", "HTTP/1.0", 1);
        }
        let lines = request.split_inclusive("\r\n").filter(|line| {
            let name = line.split(':').next().unwrap_or_default();
            !self.drops.contains(&name.to_ascii_lowercase().as_str())
        });
        let mut to_server = server.try_clone().expect("a socket");
        let mut bytes = lines.collect::<String>().into_bytes();
        bytes.extend(rest);
        let _ = to_server.write_all(&bytes);
        let mut from_client = client.try_clone().expect("a socket");
        let back = {
            let proxy = self.clone();
            thread::spawn(move || proxy.answer(server, client))
        };
        let _ = std::io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
        let _ = back.join();
    }

    /// From the server to the client.
    fn answer(&self, mut server: TcpStream, mut client: TcpStream) {
        server.set_read_timeout(self.cuts_after).expect("a timeout");
        let mut kept = Vec::new();
        let mut pieces = 0;
        let mut buffer = [0; 4096];
        loop {
            let count = match server.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => break,
            };
            pieces += 1;
            let piece = buffer[..count].to_vec();
            let is_kept = self.holds_back_after.is_some_and(|after| pieces > after);
            let out = if is_kept {
                std::mem::replace(&mut kept, piece)
            } else {
                piece
            };
            if client.write_all(&out).is_err() {
                break;
            }
        }
        let _ = client.write_all(&kept);
        let _ = client.shutdown(Shutdown::Both);
        let _ = server.shutdown(Shutdown::Both);
    }
}

/// Answers each request with these bytes, and ends the connection.
pub(crate) fn answering(answer: Vec<u8>) -> SocketAddr {
    listen(move |mut client| {
        let answer = answer.clone();
        thread::spawn(move || {
            let _ = head(&mut client);
            let _ = client.write_all(&answer);
            let _ = client.shutdown(Shutdown::Write);
            // Until the other side has read it.
            let _ = client.read_to_end(&mut Vec::new());
        });
    })
}

fn listen(serve: impl Fn(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            serve(client);
        }
    });
    address
}

/// A request's head, and what came behind it. Who goes before has sent an empty one.
fn head(client: &mut TcpStream) -> (String, Vec<u8>) {
    let mut received = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some(end) = received.windows(4).position(|it| it == b"\r\n\r\n") {
            let rest = received.split_off(end + 4);
            return (String::from_utf8(received).expect("text"), rest);
        }
        match client.read(&mut buffer) {
            Ok(count) if count > 0 => received.extend_from_slice(&buffer[..count]),
            _ => return (String::new(), Vec::new()),
        }
    }
}
