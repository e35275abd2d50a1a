//! Clients of the SDK, and waiting for what they must hear.

use std::future::Future;
use std::time::Duration;

use centrifuge::{Client, ClientBuilder, Protocol, Subscription, SubscriptionBuilder};
use tokio::sync::mpsc;

/// Far more than anything here takes, also on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) const PROTOCOLS: [Protocol; 2] = [Protocol::Json, Protocol::Protobuf];

pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let result = tokio::time::timeout(DEADLINE, future).await;
    result.unwrap_or_else(|_| panic!("in vain: {what}"))
}

/// A client to be, which comes back fast.
pub(crate) fn builder(url: &str, protocol: Protocol) -> ClientBuilder {
    Client::builder(url)
        .protocol(protocol)
        .min_reconnect_delay(Duration::from_millis(20))
        .max_reconnect_delay(Duration::from_millis(200))
        .max_server_ping_delay(Duration::from_secs(1))
}

/// A connected client.
pub(crate) async fn client(url: &str, protocol: Protocol) -> Client {
    let client = builder(url, protocol).build().unwrap();
    client.connect().unwrap();
    soon("connected", client.ready(None)).await.unwrap();
    client
}

/// What a subscription hears.
#[derive(Debug)]
pub(crate) enum Heard {
    Subscribed {
        was_recovering: bool,
        recovered: bool,
    },
    Unsubscribed(u32),
    Publication(Box<centrifuge::Publication>),
}

/// A subscription, and what it hears.
pub(crate) struct Listener {
    pub(crate) subscription: Subscription,
    heard: mpsc::UnboundedReceiver<Heard>,
}

/// Subscribes, and waits until that is done.
pub(crate) async fn listen(builder: SubscriptionBuilder) -> Listener {
    let mut listener = begin(builder);
    match listener.next().await {
        Heard::Subscribed { .. } => listener,
        other => panic!("{other:?}"),
    }
}

/// Subscribes.
pub(crate) fn begin(builder: SubscriptionBuilder) -> Listener {
    let (sender, heard) = mpsc::unbounded_channel();
    let (a, b, c) = (sender.clone(), sender.clone(), sender);
    let subscription = builder
        .on_subscribed(move |_, event| {
            let (was_recovering, recovered) = (event.was_recovering, event.recovered);
            a.send(Heard::Subscribed {
                was_recovering,
                recovered,
            })
            .ok();
        })
        .on_unsubscribed(move |_, event| {
            b.send(Heard::Unsubscribed(event.code)).ok();
        })
        .on_publication(move |_, event| {
            c.send(Heard::Publication(event.publication.into())).ok();
        })
        .build()
        .unwrap();
    subscription.subscribe();
    Listener {
        subscription,
        heard,
    }
}

impl Listener {
    pub(crate) async fn next(&mut self) -> Heard {
        let next = soon("something to hear", self.heard.recv()).await;
        next.expect("the client lives")
    }

    pub(crate) async fn publication(&mut self) -> centrifuge::Publication {
        loop {
            match self.next().await {
                Heard::Publication(publication) => return *publication,
                Heard::Subscribed { .. } => {}
                Heard::Unsubscribed(code) => panic!("unsubscribed with {code}"),
            }
        }
    }

    /// Reads numbers, which must come each once and in order.
    pub(crate) async fn expect_numbers(&mut self, numbers: std::ops::Range<u32>) {
        for number in numbers {
            let data = self.publication().await.data;
            let got: u32 = serde_json::from_slice(&data).unwrap();
            assert_eq!(got, number);
        }
    }
}
