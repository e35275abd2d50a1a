//! One client: its connection, what it asked for, and its views of channels.

use std::collections::{BTreeMap, HashMap};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use veche_node::simulate::Seat;
use veche_websocket::decoder::{Decoder, Event, Limits, Workspace};
use veche_websocket::frame::{self, Opcode, Role};

use crate::book::Counts;
use crate::dialect::{Dialect, Heard, Name, Said, Speech, Wish};
use crate::view::{Before, View};

/// How a client speaks.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) dialect: Dialect,
    pub(crate) deflate: bool,
    pub(crate) delta: bool,
    pub(crate) compact: bool,
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (deflate, delta, compact) = (self.deflate, self.delta, self.compact);
        write!(
            f,
            "{:?} deflate: {deflate}, delta: {delta}, compact: {compact}",
            self.dialect
        )
    }
}

#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) kind: Kind,
    pub(crate) user: String,
    pub(crate) wire: Option<Wire>,
    pub(crate) is_connected: bool,
    pub(crate) asked: HashMap<u32, Asked>,
    pub(crate) views: BTreeMap<String, View>,
    pub(crate) numbers: BTreeMap<i64, String>,
    /// Subscriptions that the server was ordered to make.
    pub(crate) orders: Vec<Ordered>,
    last_id: u32,
}

/// A subscription that one worker was ordered to make. Each worker gets the order, and whichever has the client when it
/// takes it obeys: also the second one, if the client moves to it meanwhile.
#[derive(Debug)]
pub(crate) struct Ordered {
    pub(crate) worker: usize,
    pub(crate) channel: String,
    /// What the channel had had when the order was given.
    pub(crate) before: Counts,
    pub(crate) stage: OrderStage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OrderStage {
    /// It is in the worker's inbox.
    Waiting,
    /// The worker has taken it, for the present connection.
    Taken,
    /// The client has heard of its subscription.
    Heard,
}

/// What waits for an answer.
#[derive(Debug)]
pub(crate) enum Asked {
    Connect(Vec<(Wish, Before)>),
    Subscribe(Wish, Before),
    Unsubscribe(String),
    Publish,
}

/// A connection, seen from the client.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) seat: Seat,
    socket: UnixStream,
    unsent: Vec<u8>,
    speech: Speech,
    decoder: Decoder,
    workspace: Workspace,
}

const LIMITS: Limits = Limits {
    max_message: 16 << 20,
    max_inflated: 64 << 20,
};

/// Two ends of a connection: the client's, and one that the server takes for a TCP socket.
pub(crate) fn pair() -> (UnixStream, TcpStream) {
    let (ours, theirs) = UnixStream::pair().expect("two ends");
    for end in [&ours, &theirs] {
        end.set_nonblocking(true).expect("it is a socket");
    }
    (ours, TcpStream::from(OwnedFd::from(theirs)))
}

impl Client {
    pub(crate) fn new(number: usize, kind: Kind) -> Self {
        Self {
            kind,
            user: format!("u{number}"),
            wire: None,
            is_connected: false,
            asked: HashMap::default(),
            views: BTreeMap::default(),
            numbers: BTreeMap::default(),
            orders: Vec::new(),
            last_id: 0,
        }
    }

    pub(crate) fn take_wire(&mut self, seat: Seat, socket: UnixStream) {
        self.wire = Some(Wire {
            seat,
            socket,
            unsent: Vec::new(),
            speech: Speech::new(self.kind.dialect),
            decoder: Decoder::new(Role::Client, self.kind.deflate),
            workspace: Workspace::new(),
        });
    }

    /// The connection is no more, and with it every subscription.
    pub(crate) fn drop_wire(&mut self) {
        self.wire = None;
        self.is_connected = false;
        self.asked.clear();
        self.numbers.clear();
        self.orders.retain(|it| it.stage == OrderStage::Waiting);
        for view in self.views.values_mut() {
            view.live = None;
        }
    }

    /// A worker takes all orders that wait for it: they are for whoever is connected there.
    pub(crate) fn take_orders(&mut self, worker: usize) {
        let is_here = self
            .wire
            .as_ref()
            .is_some_and(|it| it.seat.worker == worker);
        let is_taken = |it: &Ordered| it.worker == worker && it.stage == OrderStage::Waiting;
        match is_here {
            true => {
                let orders = self.orders.iter_mut();
                orders
                    .filter(|it| is_taken(it))
                    .for_each(|it| it.stage = OrderStage::Taken);
            }
            false => self.orders.retain(|it| !is_taken(it)),
        }
    }

    /// The first order to subscribe to a channel of which the client has not heard.
    pub(crate) fn obeyed(&mut self, channel: &str) -> Option<Counts> {
        let mut orders = self.orders.iter_mut();
        let order = orders.find(|it| it.channel == channel && it.stage == OrderStage::Taken)?;
        order.stage = OrderStage::Heard;
        Some(order.before)
    }

    /// Whether the worker has obeyed an order to subscribe to this channel, as far as can be known.
    pub(crate) fn was_ordered(&self, channel: &str) -> bool {
        let mut orders = self.orders.iter();
        orders.any(|it| it.channel == channel && it.stage != OrderStage::Waiting)
    }

    pub(crate) fn say(&mut self, said: &Said, asked: Asked) {
        let Some(wire) = &mut self.wire else {
            return;
        };
        self.last_id += 1;
        let (is_text, message) = wire.speech.spell(self.last_id, said);
        let opcode = if is_text {
            Opcode::Text
        } else {
            Opcode::Binary
        };
        frame::write_masked(&mut wire.unsent, opcode, false, &message, [1, 2, 3, 4]);
        self.asked.insert(self.last_id, asked);
    }

    /// Whether a `subscribe` or `unsubscribe` of this channel waits for its answer.
    pub(crate) fn is_asking(&self, channel: &str) -> bool {
        self.asked.values().any(|asked| match asked {
            Asked::Subscribe(wish, _) => wish.channel == channel,
            Asked::Unsubscribe(name) => name == channel,
            Asked::Connect(_) | Asked::Publish => false,
        })
    }

    /// Whether an `unsubscribe` of this channel waits for its answer.
    pub(crate) fn asked_to_leave(&self, channel: &str) -> bool {
        (self.asked.values())
            .any(|asked| matches!(asked, Asked::Unsubscribe(name) if name == channel))
    }

    /// What a pushed publication's channel is called; `None` for a number that the client does not know (any more): of
    /// what was published before it subscribed, while others here had the channel under that number.
    pub(crate) fn name(&self, name: Name) -> Option<String> {
        match name {
            Name::Whole(name) => Some(name),
            Name::Number(id) => self.numbers.get(&id).cloned(),
        }
    }
}

impl Wire {
    /// Writes what the socket takes.
    pub(crate) fn send(&mut self) {
        while !self.unsent.is_empty() {
            match self.socket.write(&self.unsent) {
                Ok(count) => drop(self.unsent.drain(..count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // The server has closed; what it said before is still to be read.
                Err(_) => self.unsent.clear(),
            }
        }
    }

    /// Reads some of what came, at most so many bytes; in the end, that the server has closed.
    pub(crate) fn hear(&mut self, most: usize) -> Vec<Heard> {
        let mut heard = Vec::new();
        let mut bytes = vec![0; most];
        let count = match self.socket.read(&mut bytes) {
            Ok(0) => return vec![Heard::Closed(0)],
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return heard,
            Err(_) => return vec![Heard::Closed(0)],
        };
        let mut input = &mut bytes[..count];
        while let Some(event) =
            (self.decoder.next(&mut input, &LIMITS, &mut self.workspace)).expect("good frames")
        {
            match event {
                Event::Text(text) => heard.extend(self.speech.read(true, text.as_bytes())),
                Event::Binary(bytes) => heard.extend(self.speech.read(false, bytes)),
                Event::Ping(_) | Event::Pong(_) => {}
                Event::Close(close) => {
                    heard.push(Heard::Closed(close.map_or(1005, |(code, _)| code)));
                }
            }
        }
        heard
    }
}
