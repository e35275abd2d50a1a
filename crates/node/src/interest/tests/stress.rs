//! Workers that come and go, an engine that answers later, and a publisher, all at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use veche_protocol::channel::Channel;
use veche_session::question::{Ask, Failure};

use crate::inbox::tests::{Desk, ROOMY, event, offset};
use crate::inbox::{ConnectionKey, Item};
use crate::interest::{Interest, Request, Waiter};

const WORKERS: usize = 3;
const CHANNELS: usize = 4;
/// Each worker enters or leaves a channel so many times.
const STEPS: u32 = 4000;

/// The engine: what it was asked for, and the streams.
struct Engine {
    interest: Interest,
    streams: Vec<Mutex<Stream>>,
    requests: Sender<(usize, Request)>,
}

#[derive(Default)]
struct Stream {
    is_subscribed: bool,
    is_under_way: bool,
    offset: u64,
}

impl Engine {
    fn request(&self, channel: usize, request: Request) {
        if matches!(request, Request::Begin | Request::End) {
            let mut stream = self.streams[channel].lock();
            assert!(!stream.is_under_way, "one request per channel at a time");
            stream.is_under_way = true;
            self.requests
                .send((channel, request))
                .expect("the engine runs");
        }
    }

    /// Answers requests until there are no workers; every eleventh beginning fails.
    fn run(&self, requests: &Receiver<(usize, Request)>, working: &AtomicUsize) {
        let mut count = 0;
        while working.load(Ordering::SeqCst) > 0 {
            let Ok((channel, request)) = requests.recv_timeout(Duration::from_millis(1)) else {
                continue;
            };
            count += 1;
            thread::yield_now();
            let begins = request == Request::Begin;
            let result = if begins && count % 11 == 0 {
                Err(Failure::Unavailable)
            } else {
                Ok(())
            };
            let mut stream = self.streams[channel].lock();
            stream.is_under_way = false;
            stream.is_subscribed = begins && result.is_ok();
            drop(stream);
            let next = if begins {
                self.interest.began(&name(channel), result)
            } else {
                self.interest.ended(&name(channel))
            };
            self.request(channel, next);
        }
    }

    fn publish(&self, working: &AtomicUsize) {
        while working.load(Ordering::SeqCst) > 0 {
            for (channel, stream) in self.streams.iter().enumerate() {
                let mut stream = stream.lock();
                stream.offset += 1;
                let offset = stream.offset;
                if stream.is_subscribed {
                    self.interest
                        .deliver(&name(channel), |_| event(name(channel).as_str(), offset, 1));
                }
            }
            thread::yield_now();
        }
    }
}

fn name(channel: usize) -> Channel {
    Channel::new(&channel.to_string())
}

/// How a worker stands to a channel.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Away,
    Entering(Ask),
    /// With the last offset it has seen there.
    Entered(Option<u64>),
}

struct Worker<'a> {
    index: usize,
    desk: Desk,
    engine: &'a Engine,
    places: [Place; CHANNELS],
    newest: [u64; CHANNELS],
    random: fastrand::Rng,
    seen: usize,
}

impl Worker<'_> {
    fn run(mut self) -> usize {
        for step in 0..STEPS {
            let channel = self.random.usize(..CHANNELS);
            match self.places[channel] {
                Place::Away => self.enter(channel, step),
                // Some leave before they are answered.
                Place::Entering(_) if self.random.bool() => self.leave(channel),
                Place::Entering(_) => self.wait_for(channel),
                Place::Entered(_) => self.leave(channel),
            }
            self.take();
        }
        for channel in 0..CHANNELS {
            if self.places[channel] != Place::Away {
                self.wait_for(channel);
                self.leave(channel);
            }
        }
        self.seen
    }

    fn enter(&mut self, channel: usize, step: u32) {
        let waiting = Waiter {
            worker: self.index,
            connection: ConnectionKey {
                slot: 0,
                generation: step,
            },
            ask: Ask(step),
        };
        let request = self.engine.interest.enter(&name(channel), waiting);
        self.places[channel] = match request {
            Request::None => Place::Entered(None),
            _ => Place::Entering(Ask(step)),
        };
        self.engine.request(channel, request);
    }

    fn leave(&mut self, channel: usize) {
        self.places[channel] = Place::Away;
        let request = self.engine.interest.leave(&name(channel), self.index);
        self.engine.request(channel, request);
    }

    fn wait_for(&mut self, channel: usize) {
        while matches!(self.places[channel], Place::Entering(_)) {
            let is_woken = self.desk.sleep(Duration::from_secs(10));
            assert!(is_woken, "worker {} waits in vain", self.index);
            self.take();
        }
    }

    fn take(&mut self) {
        let mut items = Vec::new();
        let bytes = self.desk.inbox.take(&mut items);
        for item in items {
            match item {
                Item::Deliver(event) => {
                    let channel = event.channel.as_str().parse().expect("a number");
                    self.see(channel, offset(&event));
                }
                Item::Entered {
                    channel,
                    result,
                    waiting,
                } => {
                    let channel: usize = channel.as_str().parse().expect("a number");
                    for (_, ask) in waiting {
                        self.answered(channel, ask, result);
                    }
                }
                other => unreachable!("{other:?}"),
            }
        }
        self.desk.inbox.finished(bytes);
    }

    /// In order always; without a gap while the worker has the channel.
    fn see(&mut self, channel: usize, offset: u64) {
        assert!(offset > self.newest[channel], "out of order, or twice");
        self.newest[channel] = offset;
        if let Place::Entered(last) = &mut self.places[channel] {
            assert!(last.is_none_or(|last| last + 1 == offset), "a gap");
            *last = Some(offset);
            self.seen += 1;
        }
    }

    fn answered(&mut self, channel: usize, ask: Ask, result: Result<(), Failure>) {
        if self.places[channel] == Place::Entering(ask) {
            if result.is_ok() {
                self.places[channel] = Place::Entered(None);
            } else {
                self.leave(channel);
            }
        }
    }
}

/// Ends the others when this thread ends, however it does.
struct Working<'a>(&'a AtomicUsize);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[test]
fn nobody_waits_in_vain_and_nothing_is_missed_whoever_comes_and_goes() {
    let desks: Vec<_> = (0..WORKERS).map(|_| Desk::new(ROOMY)).collect();
    let inboxes = desks.iter().map(|desk| Arc::clone(&desk.inbox)).collect();
    let (sender, requests) = channel();
    let engine = Engine {
        interest: Interest::new(inboxes),
        streams: (0..CHANNELS).map(|_| Mutex::default()).collect(),
        requests: sender,
    };
    let working = AtomicUsize::new(WORKERS);
    let has_seen = AtomicBool::new(false);
    thread::scope(|scope| {
        let (engine, working, has_seen) = (&engine, &working, &has_seen);
        scope.spawn(move || engine.run(&requests, working));
        scope.spawn(move || engine.publish(working));
        for (index, desk) in desks.into_iter().enumerate() {
            let worker = Worker {
                index,
                desk,
                engine,
                places: [Place::Away; CHANNELS],
                newest: [0; CHANNELS],
                random: fastrand::Rng::with_seed(index as u64),
                seen: 0,
            };
            scope.spawn(move || {
                let _working = Working(working);
                if worker.run() > 0 {
                    has_seen.store(true, Ordering::SeqCst);
                }
            });
        }
    });
    assert!(has_seen.load(Ordering::SeqCst), "something was delivered");
}
