//! Whether the peer is still there: pings after silence, and how long their answer may take.

use std::time::Duration;

use tokio::time::Instant;

/// Silence is followed by a ping, and a ping by any sign of life, or the link is dead.
#[derive(Debug)]
pub(crate) struct Liveness {
    ping: Option<Ping>,
    state: State,
}

/// When to ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ping {
    /// How long the peer may be silent before it is asked.
    pub(crate) every: Duration,
    /// How long it may be silent after that.
    pub(crate) within: Duration,
}

#[derive(Debug)]
enum State {
    /// The peer was heard at this time.
    Heard(Instant),
    /// It was asked at this time, and not heard since.
    Asked(Instant),
}

/// What is to be done when the deadline has passed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    SendPing,
    /// The peer did not answer within this time.
    GiveUp(Duration),
}

impl Liveness {
    pub(crate) fn new(ping: Option<Ping>, now: Instant) -> Self {
        Self {
            ping,
            state: State::Heard(now),
        }
    }

    /// Something came from the peer; any byte is a sign of life.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.state = State::Heard(now);
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        let ping = self.ping?;
        Some(match self.state {
            State::Heard(at) => at + ping.every,
            State::Asked(at) => at + ping.within,
        })
    }

    /// To be called when the deadline has passed. While the application leaves a message unread,
    /// `is_reading` is false: an answer may lie behind it, so that silence proves nothing.
    pub(crate) fn handle_timeout(&mut self, now: Instant, is_reading: bool) -> Due {
        let (Some(ping), Some(deadline)) = (self.ping, self.deadline()) else {
            return Due::Nothing;
        };
        if now < deadline {
            return Due::Nothing;
        }
        match self.state {
            State::Heard(_) => {
                self.state = State::Asked(now);
                Due::SendPing
            }
            State::Asked(_) if is_reading => Due::GiveUp(ping.within),
            State::Asked(_) => {
                self.state = State::Heard(now);
                Due::Nothing
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PING: Ping = Ping {
        every: Duration::from_secs(30),
        within: Duration::from_secs(10),
    };

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn silence_is_followed_by_a_ping_and_silence_after_that_by_the_end() {
        let start = Instant::now();
        let mut liveness = Liveness::new(Some(PING), start);
        assert_eq!(liveness.deadline(), Some(start + secs(30)));
        assert_eq!(
            liveness.handle_timeout(start + secs(29), true),
            Due::Nothing
        );
        assert_eq!(
            liveness.handle_timeout(start + secs(30), true),
            Due::SendPing
        );
        assert_eq!(liveness.deadline(), Some(start + secs(40)));
        assert_eq!(
            liveness.handle_timeout(start + secs(40), true),
            Due::GiveUp(secs(10))
        );
    }

    #[test]
    fn any_sign_of_life_answers_a_ping() {
        let start = Instant::now();
        let mut liveness = Liveness::new(Some(PING), start);
        liveness.handle_timeout(start + secs(30), true);
        liveness.heard(start + secs(35));
        assert_eq!(liveness.deadline(), Some(start + secs(65)));
    }

    #[test]
    fn a_peer_is_not_given_up_while_the_application_does_not_read() {
        let start = Instant::now();
        let mut liveness = Liveness::new(Some(PING), start);
        liveness.handle_timeout(start + secs(30), false);
        assert_eq!(
            liveness.handle_timeout(start + secs(40), false),
            Due::Nothing
        );
        assert_eq!(
            liveness.handle_timeout(start + secs(70), true),
            Due::SendPing
        );
    }

    #[test]
    fn without_pings_there_is_no_deadline() {
        let start = Instant::now();
        assert_eq!(Liveness::new(None, start).deadline(), None);
    }
}
