//! Waiting for what must happen, with a deadline.

use std::future::Future;
use std::time::Duration;

use veche_client::{Client, Publication, State, Subscription, SubscriptionEvent};

/// Far more than anything here takes, also on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let result = tokio::time::timeout(DEADLINE, future).await;
    result.unwrap_or_else(|_| panic!("in vain: {what}"))
}

/// The next publication of a subscription.
pub(crate) async fn publication(subscription: &mut Subscription) -> Publication {
    soon("a publication", async {
        loop {
            match subscription.next().await {
                Some(SubscriptionEvent::Publication(publication)) => return publication,
                Some(SubscriptionEvent::Ended(end)) => panic!("{end}"),
                Some(_) => {}
                None => panic!("the subscription has ended"),
            }
        }
    })
    .await
}

/// Waits until a subscription stands.
pub(crate) async fn subscribed(subscription: &mut Subscription) -> SubscriptionEvent {
    soon("subscribed", async {
        loop {
            match subscription.next().await {
                Some(event @ SubscriptionEvent::Subscribed { .. }) => return event,
                Some(SubscriptionEvent::Ended(end)) => panic!("{end}"),
                Some(_) => {}
                None => panic!("the subscription has ended"),
            }
        }
    })
    .await
}

/// Waits for a state.
pub(crate) async fn state(client: &Client, mut is_it: impl FnMut(&State) -> bool) -> State {
    let mut states = client.states();
    let found = soon("a state", states.wait_for(|state| is_it(state))).await;
    found.expect("the client tells its states").clone()
}
