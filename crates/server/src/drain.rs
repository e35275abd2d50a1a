//! How the connections of a listener end when the server stops: the calls in progress are finished, their answers are
//! written, and what takes too long is dropped.

use std::time::Duration;

use tokio::sync::watch;

/// Tells the connections of a listener when to end, and waits until they have ended.
#[derive(Debug)]
pub(crate) struct Drain {
    phase: watch::Sender<Phase>,
    calls: watch::Sender<()>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Serving,
    /// Connections end after the response in progress.
    Closing,
    /// Connections end now.
    Dropping,
}

/// A connection, or a listener, as long as it is there.
#[derive(Debug)]
pub(crate) struct Connection(watch::Receiver<Phase>);

/// A call, from its head to its answer.
#[derive(Debug)]
pub(crate) struct Call {
    _receiver: watch::Receiver<()>,
}

impl Drain {
    pub(crate) fn new() -> Self {
        Self {
            phase: watch::Sender::new(Phase::Serving),
            calls: watch::Sender::new(()),
        }
    }

    /// A connection that has begun. [`Drain::connections_done`] waits until it is dropped.
    pub(crate) fn connection(&self) -> Connection {
        Connection(self.phase.subscribe())
    }

    /// A call that has begun. [`Drain::calls_done`] waits until it is dropped.
    pub(crate) fn call(&self) -> Call {
        Call {
            _receiver: self.calls.subscribe(),
        }
    }

    /// From now on connections take no further calls.
    pub(crate) fn close(&self) {
        self.phase.send_replace(Phase::Closing);
    }

    /// Waits for the calls in progress.
    pub(crate) async fn calls_done(&self) {
        self.calls.closed().await;
    }

    /// Waits for the connections; after `limit` those that are left are dropped, with their calls.
    pub(crate) async fn connections_done(&self, limit: Duration) {
        if tokio::time::timeout(limit, self.phase.closed())
            .await
            .is_err()
        {
            let left = self.phase.receiver_count();
            tracing::warn!(left, "connections that did not end in time are dropped");
            self.phase.send_replace(Phase::Dropping);
            self.phase.closed().await;
        }
    }
}

impl Connection {
    /// Waits until the connection should end after the response in progress.
    pub(crate) async fn closing(&mut self) {
        self.reached(|phase| phase != Phase::Serving).await;
    }

    /// Waits until the connection should be dropped.
    pub(crate) async fn dropping(&mut self) {
        self.reached(|phase| phase == Phase::Dropping).await;
    }

    async fn reached(&mut self, is_reached: fn(Phase) -> bool) {
        // A listener that is gone ends its connections, too.
        let _ = self.0.wait_for(|phase| is_reached(*phase)).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_ends_by_itself_is_waited_for_and_no_longer() {
        let drain = Arc::new(Drain::new());
        let mut connection = drain.connection();
        tokio::spawn(async move {
            connection.closing().await;
            tokio::time::sleep(LIMIT / 2).await;
        });
        let began = tokio::time::Instant::now();
        drain.close();
        drain.connections_done(LIMIT).await;
        assert_eq!(began.elapsed(), LIMIT / 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_does_not_end_is_dropped_at_the_limit() {
        let drain = Arc::new(Drain::new());
        let mut connection = drain.connection();
        let dropped = tokio::spawn(async move {
            connection.dropping().await;
            tokio::time::Instant::now()
        });
        let began = tokio::time::Instant::now();
        drain.close();
        drain.connections_done(LIMIT).await;
        assert_eq!(began.elapsed(), LIMIT);
        assert_eq!(dropped.await.expect("it ends") - began, LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn calls_are_waited_for_whatever_their_connections_do() {
        let drain = Drain::new();
        let _connection = drain.connection();
        let call = drain.call();
        let waits = tokio::time::timeout(LIMIT, drain.calls_done()).await;
        assert!(waits.is_err(), "a call is in progress");
        drop(call);
        drain.calls_done().await;
    }
}
