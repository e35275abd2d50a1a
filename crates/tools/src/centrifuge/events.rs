//! What the SDK tells, as events.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use centrifuge::{ClientBuilder, ClientInfo, SubscribedEvent, SubscriptionBuilder, TransportKind};
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::address::Transport;
use crate::event::{Ended, Error, Event, Info, Publication};
use crate::payload::Payload;
use crate::position::Position;
use crate::queue::Sender;

/// Puts events into the queue, in the order in which the SDK tells them, from its one thread for events.
#[derive(Clone)]
pub(super) struct Teller {
    events: Sender,
    runtime: Handle,
    is_protobuf: bool,
    ended: watch::Sender<Option<Ended>>,
}

/// The epoch of a channel's stream, which the SDK tells once for each subscription and not with a publication.
#[derive(Clone, Default)]
struct CurrentEpoch(Arc<Mutex<Option<String>>>);

impl Teller {
    pub(super) fn new(
        events: Sender,
        runtime: Handle,
        is_protobuf: bool,
        ended: watch::Sender<Option<Ended>>,
    ) -> Self {
        Self {
            events,
            runtime,
            is_protobuf,
            ended,
        }
    }

    /// Waits for room, as this thread may.
    fn tell(&self, event: Event) {
        self.runtime.block_on(self.events.send(event));
    }

    /// Data as the protocol has it: in JSON, the SDK gives no bytes for the value `null`.
    pub(super) fn payload(&self, bytes: &Bytes) -> Payload {
        if self.is_protobuf {
            Payload::from_bytes(bytes)
        } else {
            Payload::from_json(bytes)
        }
    }

    /// Hears what happens to the connection, and to subscriptions that the server made.
    pub(super) fn hear_client(&self, builder: ClientBuilder) -> ClientBuilder {
        let builder = self.hear_states(builder);
        // Of all channels that the server subscribed this client to.
        let epochs = Arc::new(Mutex::new(std::collections::HashMap::new()));
        let told = Arc::clone(&epochs);
        let [a, b, c, d, e, f] = std::array::from_fn(|_| self.clone());
        builder
            .on_subscribed(move |_, event| {
                let epoch = event.info.stream_position.as_ref();
                let epoch = epoch.map(|it| it.epoch.clone());
                let mut epochs = told.lock().unwrap_or_else(PoisonError::into_inner);
                epochs.insert(event.channel.clone(), epoch);
                drop(epochs);
                a.tell(subscribed(event.channel, event.info));
            })
            .on_subscribing(move |_, event| {
                b.tell(Event::Subscribing {
                    channel: event.channel,
                    code: TRANSPORT_CLOSED,
                    reason: "transport closed".to_owned(),
                });
            })
            .on_unsubscribed(move |_, event| {
                c.tell(Event::Unsubscribed {
                    channel: event.channel,
                    code: UNSUBSCRIBED_BY_SERVER,
                    reason: "server unsubscribe".to_owned(),
                });
            })
            .on_publication(move |_, event| {
                let known = epochs.lock().unwrap_or_else(PoisonError::into_inner);
                let epoch = known.get(&event.channel).cloned().flatten();
                drop(known);
                let it = publication(&event.channel, event.publication, epoch.as_deref(), &d);
                d.tell(Event::Publication(it));
            })
            .on_join(move |_, event| {
                let info = info(event.info, &e);
                let channel = event.channel;
                e.tell(Event::Join { channel, info });
            })
            .on_leave(move |_, event| {
                let info = info(event.info, &f);
                let channel = event.channel;
                f.tell(Event::Leave { channel, info });
            })
    }

    fn hear_states(&self, builder: ClientBuilder) -> ClientBuilder {
        let [a, b, c, d] = std::array::from_fn(|_| self.clone());
        builder
            .on_connecting(move |_, event| {
                let (code, reason) = (event.code, event.reason);
                a.tell(Event::Connecting { code, reason });
            })
            .on_connected(move |_, event| {
                let transport = match event.transport {
                    TransportKind::HttpStream => Transport::HttpStream,
                    _ => Transport::WebSocket,
                };
                b.tell(Event::Connected {
                    client: event.client_id,
                    user: None,
                    transport: transport.name(),
                });
            })
            .on_disconnected(move |_, event| {
                let (code, reason) = (event.code, event.reason);
                let end = Ended { code, reason };
                c.tell(Event::Disconnected(end.clone()));
                c.ended.send_replace(Some(end));
            })
            .on_error(move |_, event| {
                d.tell(failed(None, event.error.message));
            })
    }

    /// Hears what happens to a subscription of ours.
    pub(super) fn hear_subscription(
        &self,
        channel: &str,
        builder: SubscriptionBuilder,
    ) -> SubscriptionBuilder {
        let epoch = CurrentEpoch::default();
        let told = epoch.clone();
        let [a, b, c, d, e, f, g] = std::array::from_fn(|_| (self.clone(), channel.to_owned()));
        builder
            .on_subscribing(move |_, event| {
                a.0.tell(Event::Subscribing {
                    channel: a.1.clone(),
                    code: event.code,
                    reason: event.reason,
                });
            })
            .on_subscribed(move |_, event| {
                told.set(event.stream_position.as_ref().map(|it| it.epoch.clone()));
                b.0.tell(subscribed(b.1.clone(), event));
            })
            .on_unsubscribed(move |_, event| {
                c.0.tell(Event::Unsubscribed {
                    channel: c.1.clone(),
                    code: event.code,
                    reason: event.reason,
                });
            })
            .on_publication(move |_, event| {
                let epoch = epoch.get();
                let it = publication(&d.1, event.publication, epoch.as_deref(), &d.0);
                d.0.tell(Event::Publication(it));
            })
            .on_error(move |_, event| e.0.tell(failed(Some(e.1.clone()), event.error.message)))
            .on_join(move |_, event| {
                let (channel, info) = (f.1.clone(), info(event.info, &f.0));
                f.0.tell(Event::Join { channel, info });
            })
            .on_leave(move |_, event| {
                let (channel, info) = (g.1.clone(), info(event.info, &g.0));
                g.0.tell(Event::Leave { channel, info });
            })
    }
}

impl CurrentEpoch {
    fn get(&self) -> Option<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, epoch: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = epoch;
    }
}

fn subscribed(channel: String, event: SubscribedEvent) -> Event {
    Event::Subscribed {
        channel,
        was_recovering: event.was_recovering,
        recovered: event.recovered,
        position: event.stream_position.map(|it| Position {
            offset: it.offset,
            epoch: it.epoch,
        }),
    }
}

pub(super) fn publication(
    channel: &str,
    publication: centrifuge::Publication,
    epoch: Option<&str>,
    teller: &Teller,
) -> Publication {
    // Offsets begin with 1; a channel without a stream has none.
    let has_offset = publication.offset > 0;
    let position = has_offset.then(|| Position {
        offset: publication.offset,
        epoch: epoch.unwrap_or_default().to_owned(),
    });
    Publication {
        channel: publication.channel.unwrap_or_else(|| channel.to_owned()),
        data: teller.payload(&publication.data),
        position,
        tags: publication.tags.into_iter().collect(),
        time: publication.time.and_then(|ms| u64::try_from(ms).ok()),
        info: publication.info.map(|it| info(it, teller)),
    }
}

pub(super) fn info(info: ClientInfo, teller: &Teller) -> Info {
    let value = |bytes: Option<Bytes>| bytes.map(|bytes| teller.payload(&bytes).into_value());
    Info {
        user: info.user,
        client: info.client,
        conn_info: value(info.conn_info),
        chan_info: value(info.chan_info),
    }
}

/// An error that the SDK tells in words; a code of the server's stands at their end, in brackets.
fn failed(channel: Option<String>, message: String) -> Event {
    let (reason, code) = match split_code(&message) {
        Some((reason, code)) => (reason.to_owned(), Some(code)),
        None => (message, None),
    };
    Event::Error(Error {
        channel,
        code,
        reason,
        ..Error::default()
    })
}

fn split_code(message: &str) -> Option<(&str, u32)> {
    let (reason, code) = message.strip_suffix(')')?.rsplit_once(" (")?;
    Some((reason, code.parse().ok()?))
}

/// As the Centrifuge clients number them: the connection was lost.
const TRANSPORT_CLOSED: u32 = 1;
/// The code that a server's own unsubscribe has; the SDK does not tell it.
const UNSUBSCRIBED_BY_SERVER: u32 = 2000;

#[cfg(test)]
mod tests {
    use super::split_code;

    #[test]
    fn the_code_stands_at_the_end_of_the_words() {
        assert_eq!(
            split_code("token expired (109)"),
            Some(("token expired", 109))
        );
        assert_eq!(split_code("a (b) (7)"), Some(("a (b)", 7)));
        for without in ["refused (os error 111)", "(7)x", "", "timeout"] {
            assert_eq!(split_code(without), None, "{without}");
        }
    }
}
