//! The floor: the cheapest server that can still be called WebSocket pub/sub, to measure others against.
//!
//! It speaks the Centrifuge client protocol in JSON as far as a load generator does, and has no
//! checks, timers, permissions or history: `veche-floor [PORT]`. Commands are recognised by a simple
//! search. What is published in a turn is laid out once per channel, and leaves in one write for
//! each subscriber.

mod commands;
mod connection;

use std::collections::HashMap;
use std::io::{self, ErrorKind, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token};
use slab::Slab;
use socket2::{Domain, Socket, Type};
use veche_websocket::decoder::Workspace;
use veche_websocket::frame::{self, Opcode};

use crate::commands::Command;
use crate::connection::Connection;

/// Who is there, and what is to be written at the end of the turn.
#[derive(Debug)]
struct Floor {
    poll: Poll,
    listener: TcpListener,
    connections: Slab<Connection>,
    names: HashMap<Vec<u8>, usize>,
    channels: Vec<Channel>,
    /// Channels that something was published in.
    dirty: Vec<usize>,
    workspace: Workspace,
    scratch: Vec<u8>,
    frame: Vec<u8>,
}

#[derive(Debug, Default)]
struct Channel {
    subscribers: Vec<usize>,
    /// The frames of this turn.
    batch: Vec<u8>,
}

fn main() -> ExitCode {
    let port = std::env::args()
        .nth(1)
        .map_or(Ok(DEFAULT_PORT), |port| port.parse());
    let outcome = match port {
        Ok(port) => Floor::listen(port).and_then(|mut floor| floor.run()),
        Err(_) => Err(io::Error::other("the only argument is a port")),
    };
    if let Err(error) = outcome {
        // Nobody is left to tell if this write fails.
        let _ = writeln!(io::stderr(), "veche-floor: {error}");
    }
    ExitCode::FAILURE
}

impl Floor {
    fn listen(port: u16) -> io::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        let mut listener = TcpListener::from_std(socket.into());
        let poll = Poll::new()?;
        poll.registry()
            .register(&mut listener, LISTENER, Interest::READABLE)?;
        writeln!(io::stdout(), "veche-floor listens on {address}")?;
        Ok(Self {
            poll,
            listener,
            connections: Slab::new(),
            names: HashMap::new(),
            channels: Vec::new(),
            dirty: Vec::new(),
            workspace: Workspace::new(),
            scratch: vec![0; SCRATCH],
            frame: Vec::new(),
        })
    }

    /// Does not end, but by an error of the poller.
    fn run(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        loop {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &events {
                if event.token() == LISTENER {
                    self.accept()?;
                    continue;
                }
                let Token(index) = event.token();
                let is_alive = match self.connections.get_mut(index) {
                    Some(connection) if event.is_writable() => connection.resume(),
                    Some(_) => true,
                    None => continue,
                };
                let is_alive =
                    is_alive && (!event.is_readable() || self.read(index, event.is_read_closed()));
                if !is_alive {
                    self.close(index);
                }
            }
            self.flush();
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let mut socket = match self.listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(_) => continue,
            };
            socket.set_nodelay(true)?;
            let entry = self.connections.vacant_entry();
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.poll
                .registry()
                .register(&mut socket, Token(entry.key()), interest)?;
            entry.insert(Connection::new(socket));
        }
    }

    /// Reads what there is; false if the connection is to end.
    fn read(&mut self, index: usize, to_the_end: bool) -> bool {
        loop {
            let mut scratch = std::mem::take(&mut self.scratch);
            let read = self
                .connections
                .get_mut(index)
                .map_or(Ok(0), |connection| connection.read(&mut scratch));
            let goes_on = match &read {
                Ok(0) => false,
                Ok(count) => self.receive(index, scratch.get_mut(..*count).unwrap_or_default()),
                Err(error) => error.kind() == ErrorKind::WouldBlock,
            };
            let is_full = read.as_ref().is_ok_and(|count| *count == scratch.len());
            self.scratch = scratch;
            if !goes_on || read.is_err() || !(is_full || to_the_end) {
                return goes_on;
            }
        }
    }

    fn receive(&mut self, index: usize, bytes: &mut [u8]) -> bool {
        let Some(connection) = self.connections.get_mut(index) else {
            return false;
        };
        if !connection.is_open() {
            return connection.upgrade(bytes);
        }
        let mut decoder = connection.take_decoder();
        let mut workspace = std::mem::take(&mut self.workspace);
        let mut input = bytes;
        let goes_on = loop {
            match connection::next(&mut decoder, &mut input, &mut workspace) {
                Ok(Some(message)) => self.message(index, message),
                Ok(None) => break true,
                Err(()) => break false,
            }
        };
        self.workspace = workspace;
        if let Some(connection) = self.connections.get_mut(index) {
            connection.put_decoder(decoder);
        }
        goes_on
    }

    fn message(&mut self, index: usize, message: &[u8]) {
        let mut replies = Vec::new();
        for line in message.split(|byte| *byte == b'\n') {
            let Some((id, command)) = commands::recognise(line) else {
                continue;
            };
            let reply = match command {
                Command::Connect => format!(
                    r#"{{"id":{id},"connect":{{"client":"{index}","version":"floor","ping":25,"pong":true}}}}"#
                ),
                Command::Subscribe(channel) => {
                    self.subscribe(index, channel);
                    format!(r#"{{"id":{id},"subscribe":{{}}}}"#)
                }
                Command::Publish(channel, data) => {
                    self.publish(channel, data);
                    format!(r#"{{"id":{id},"publish":{{}}}}"#)
                }
            };
            frame::write(&mut replies, Opcode::Text, reply.as_bytes());
        }
        if let Some(connection) = self.connections.get_mut(index) {
            connection.write(&replies);
        }
    }

    fn subscribe(&mut self, index: usize, channel: &[u8]) {
        let number = self.channel(channel);
        let channel = self.channels.get_mut(number);
        if let Some((channel, connection)) = channel.zip(self.connections.get_mut(index)) {
            channel.subscribers.push(index);
            connection.channels.push(number);
        }
    }

    fn publish(&mut self, channel: &[u8], data: &[u8]) {
        let number = self.channel(channel);
        let mut push = std::mem::take(&mut self.frame);
        push.clear();
        for part in [
            &b"{\"push\":{\"channel\":\""[..],
            channel,
            b"\",\"pub\":{\"data\":",
            data,
            b"}}}",
        ] {
            push.extend_from_slice(part);
        }
        if let Some(channel) = self.channels.get_mut(number) {
            if channel.batch.is_empty() {
                self.dirty.push(number);
            }
            frame::write(&mut channel.batch, Opcode::Text, &push);
        }
        self.frame = push;
    }

    fn channel(&mut self, name: &[u8]) -> usize {
        if let Some(number) = self.names.get(name) {
            return *number;
        }
        let number = self.channels.len();
        self.channels.push(Channel::default());
        self.names.insert(name.to_vec(), number);
        number
    }

    /// One write for each subscriber of each channel that something was published in.
    fn flush(&mut self) {
        for number in self.dirty.drain(..) {
            let Some(channel) = self.channels.get_mut(number) else {
                continue;
            };
            for subscriber in &channel.subscribers {
                if let Some(connection) = self.connections.get_mut(*subscriber) {
                    connection.write(&channel.batch);
                }
            }
            channel.batch.clear();
        }
    }

    fn close(&mut self, index: usize) {
        let connection = self.connections.remove(index);
        for number in connection.channels {
            if let Some(channel) = self.channels.get_mut(number) {
                channel
                    .subscribers
                    .retain(|subscriber| *subscriber != index);
            }
        }
    }
}

const DEFAULT_PORT: u16 = 8000;
const LISTENER: Token = Token(usize::MAX);
const BACKLOG: i32 = 4096;
const SCRATCH: usize = 256 << 10;
