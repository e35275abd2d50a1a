//! What `veche-client` tells, as events.

use bytes::Bytes;
use tokio::sync::{broadcast, watch};
use veche_client::{
    Cause, ClientInfo, Data, End, Recovery, State, Subscription, SubscriptionEnd, SubscriptionEvent,
};

use crate::event::{Ended, Error, Event, Info, Publication};
use crate::payload::Payload;
use crate::position::Position;
use crate::queue::Sender;

/// Tells where the client stands, until it has ended.
pub(super) async fn tell_states(
    now: State,
    mut states: broadcast::Receiver<State>,
    events: Sender,
    ended: watch::Sender<Option<Ended>>,
) {
    let start = Event::Connecting {
        code: 0,
        reason: "connect called".to_owned(),
    };
    events.send(start).await;
    let mut before = State::Connecting;
    let mut next = Some(now);
    while let Some(state) = next {
        // What it was when it was asked may also be the first that comes.
        if state != before {
            if let Some(event) = event(&before, &state) {
                events.send(event).await;
            }
            if let State::Ended(end) = &state {
                ended.send_replace(Some(end_of(end)));
                return;
            }
            before = state;
        }
        next = loop {
            match states.recv().await {
                Ok(state) => break Some(state),
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => break None,
            }
        };
    }
}

/// What is told of a state that follows another one.
fn event(before: &State, state: &State) -> Option<Event> {
    Some(match state {
        State::Online { client, user } => Event::Connected {
            client: client.clone(),
            user: user.clone(),
            transport: "websocket",
        },
        State::Waiting { cause, .. } => {
            let code = code_of(cause);
            let reason = cause.to_string();
            if matches!(before, State::Online { .. }) {
                Event::Connecting {
                    code: code.unwrap_or(TRANSPORT_CLOSED),
                    reason,
                }
            } else {
                Event::Error(Error {
                    code,
                    reason,
                    ..Error::default()
                })
            }
        }
        State::Ended(end) => Event::Disconnected(end_of(end)),
        _ => return None,
    })
}

/// Tells what comes out of a subscription, until it has ended.
pub(super) async fn tell_subscription(mut subscription: Subscription, events: Sender) {
    let channel = subscription.channel().to_owned();
    let subscribing = |code, reason: &str| Event::Subscribing {
        channel: channel.clone(),
        code,
        reason: reason.to_owned(),
    };
    events.send(subscribing(0, "subscribe called")).await;
    while let Some(event) = subscription.next().await {
        let channel = channel.clone();
        let event = match event {
            SubscriptionEvent::Subscribed {
                recovery,
                position: at,
                ..
            } => Event::Subscribed {
                channel,
                was_recovering: recovery != Recovery::Fresh,
                recovered: recovery == Recovery::Resumed,
                position: at.as_ref().and_then(position),
            },
            SubscriptionEvent::Publication(it) => Event::Publication(publication(&channel, it)),
            SubscriptionEvent::Join(who) => Event::Join {
                channel,
                info: info(who),
            },
            SubscriptionEvent::Leave(who) => Event::Leave {
                channel,
                info: info(who),
            },
            SubscriptionEvent::Interrupted => subscribing(
                TRANSPORT_CLOSED,
                "the connection was lost, or is read too slowly",
            ),
            SubscriptionEvent::Ended(SubscriptionEnd::Client(_)) => return,
            SubscriptionEvent::Ended(end) => unsubscribed(channel, &end),
            // Who is there was asked for, and may be nobody's business.
            _ => continue,
        };
        events.send(event).await;
    }
}

fn unsubscribed(channel: String, end: &SubscriptionEnd) -> Event {
    let (code, reason) = match end {
        SubscriptionEnd::Refused(error) => (error.code, error.message.clone()),
        SubscriptionEnd::Unsubscribed { code, reason } => (*code, reason.clone()),
        other => (UNAUTHORIZED, other.to_string()),
    };
    Event::Unsubscribed {
        channel,
        code,
        reason,
    }
}

fn end_of(end: &End) -> Ended {
    let (code, reason) = match end {
        End::Server { code, reason } => (u32::from(*code), reason.clone()),
        End::Login(error) => (error.code, error.message.clone()),
        End::Closed => (0, end.to_string()),
        other => (UNAUTHORIZED, other.to_string()),
    };
    Ended { code, reason }
}

fn code_of(cause: &Cause) -> Option<u32> {
    match cause {
        Cause::Closed { code, .. } => Some(u32::from(*code)),
        Cause::Login(error) => Some(error.code),
        _ => None,
    }
}

pub(super) fn publication(channel: &str, publication: veche_client::Publication) -> Publication {
    let event = Some(publication.event).filter(|name| name != "message");
    let media_type = publication.data.media_type().map(str::to_owned);
    let tags = [("event", event), ("type", media_type)];
    let tags = tags.into_iter();
    Publication {
        channel: channel.to_owned(),
        data: payload(&publication.data),
        position: publication.position.as_ref().and_then(position),
        tags: tags
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect(),
        time: publication.time_ms,
        info: publication.from.map(info),
    }
}

pub(super) fn info(info: ClientInfo) -> Info {
    let value = |data: Option<Data>| data.map(|data| payload(&data).into_value());
    Info {
        user: info.user,
        client: info.client,
        conn_info: value(info.conn_info),
        chan_info: value(info.chan_info),
    }
}

pub(super) fn payload(data: &Data) -> Payload {
    match data.as_json() {
        Some(json) => Payload::from_bytes(&Bytes::copy_from_slice(json.as_bytes())),
        None => Payload::base64(data.as_bytes()),
    }
}

pub(super) fn position(position: &veche_client::Position) -> Option<Position> {
    position.to_string().parse().ok()
}

/// As the Centrifuge clients number them: the connection was lost.
const TRANSPORT_CLOSED: u32 = 1;
/// As the Centrifuge clients number them: there is no token that is good enough.
const UNAUTHORIZED: u32 = 1;
