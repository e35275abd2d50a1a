//! What a worker does when timers come due, and when the clock jumps.

use super::Worker;
use crate::connection::Stage;

impl Worker {
    /// Lets those act whose time had come when the sockets were last read.
    ///
    /// A client whose bytes have come in time must not be judged before they are read. So the time of this step is not
    /// the turn's: the process may have stood still since the sockets were looked at.
    pub(super) fn let_timers_act(&mut self) {
        let now = self.context.clock_mut().go_back_to_heard();
        let due = self.connections.take_due(self.context.monotonic());
        for &(slot, tick) in &due {
            self.let_timer_act(slot, tick);
        }
        self.connections.keep_table(due);
        self.context.clock_mut().set(now);
    }

    /// A timer came. It may be stale, or early.
    fn let_timer_act(&mut self, slot: u32, tick: u64) {
        let is_behind = self.outboxes.is_behind(slot);
        let Some((deadline, connection)) = self.connections.come_due(slot, tick) else {
            return;
        };
        if deadline <= self.context.monotonic() {
            match &mut connection.stage {
                Stage::Head(_) | Stage::Closing(_) => self.remove(slot),
                Stage::Open(open) => {
                    // A pong may lie in what waits, or its ping may not have reached the client yet.
                    let hears = open.pending.is_none() && !is_behind;
                    if let Some(session) = open.talk.session_mut() {
                        session.set_reading(hears);
                    }
                    let may_be_unheard = self.may_be_unheard(slot);
                    self.with_session(slot, |session, turn, effects| {
                        if may_be_unheard {
                            session.extend_pong(turn);
                        }
                        session.handle_timeout(turn, effects)
                    });
                }
                Stage::Busy => {}
            }
        }
        self.connections.set_timer(slot);
    }

    /// Whether a pong may be on its way unseen, although the time for it is over: behind other bytes that were not read
    /// yet, or, after the process stood still, in a packet that nobody took and that the peer has to send again.
    fn may_be_unheard(&self, slot: u32) -> bool {
        let connection = self.connections.get(slot);
        let grace = self.context.rules().client.pong_timeout;
        connection.is_some_and(|connection| connection.has_more)
            || self
                .context
                .clock()
                .has_just_resumed(grace.unwrap_or_default())
    }

    /// Tells the sessions when the wall clock was set, or went on while the machine was suspended: they have deadlines in
    /// it, and their timers count by the other clock.
    pub(super) fn tell_of_clock_jump(&mut self) {
        if !self.context.clock_mut().has_jumped() {
            return;
        }
        let is_open = |stage: &Stage| matches!(stage, Stage::Open(_));
        for slot in self.connections.slots_at(is_open) {
            self.with_session(slot, |session, turn, _| session.handle_clock_jump(turn));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use veche_engine::memory::broker::MemoryBroker;
    use veche_engine::memory::clock::SystemClock;
    use veche_engine::memory::presence::MemoryPresence;
    use veche_engine::pending::Pending;
    use veche_protocol::batch::Encoding;
    use veche_protocol::claims::{ConnectionClaims, SubscriptionClaims, TokenError};
    use veche_protocol::identity::UserId;
    use veche_session::rules::Rules;
    use veche_session::turn::Now;
    use veche_websocket::frame::{self, Opcode};

    use crate::authority::{Authority, Caller};
    use crate::node::{Engine, NodeConfig};
    use crate::simulate::{Nobody, Simulation};

    /// Every token is anna's, for a minute.
    #[derive(Debug)]
    struct AMinute;

    impl Authority for AMinute {
        fn connection_token(
            &self,
            _caller: &Caller<'_>,
            _token: &str,
            now: i64,
        ) -> Pending<Result<Box<ConnectionClaims>, TokenError>> {
            Pending::Ready(Ok(Box::new(ConnectionClaims {
                user: UserId::new("anna"),
                expire_at: Some(now + 60),
                ..ConnectionClaims::default()
            })))
        }

        fn subscription_token(
            &self,
            _caller: &Caller<'_>,
            _token: &str,
            _now: i64,
        ) -> Pending<Result<Box<SubscriptionClaims>, TokenError>> {
            Pending::Ready(Err(TokenError::Invalid("no token is accepted here".into())))
        }
    }

    fn simulation() -> Simulation {
        let mut rules = Rules::default();
        rules.client.ping_interval = None;
        let config = NodeConfig::default();
        let simulation =
            Simulation::with(config, rules, Arc::new(AMinute), Arc::new(Nobody), |sink| {
                let clock = Arc::new(SystemClock::default());
                Engine {
                    broker: Arc::new(MemoryBroker::new(sink, clock.clone())),
                    presence: Arc::new(MemoryPresence::new(clock)),
                    controller: None,
                }
            });
        simulation.expect("an event queue")
    }

    #[test]
    fn a_connection_ends_in_time_when_the_wall_clock_went_on_and_the_other_stood_still() {
        let mut simulation = simulation();
        let start = simulation.node().now();
        let at = |secs: u64, slept_secs: i64| Now {
            monotonic: start.monotonic + Duration::from_secs(secs),
            unix_ms: start.unix_ms + i64::try_from(secs).unwrap() * 1000 + slept_secs * 1000,
        };
        simulation.act(0, at(0, 0));
        let slot = simulation.open(Encoding::Json, None).unwrap();
        let mut connect = Vec::new();
        let command = br#"{"id":1,"connect":{"token":"t"}}"#;
        frame::write_masked(&mut connect, Opcode::Text, false, command, [1, 2, 3, 4]);
        simulation.receive(slot, &mut connect);
        simulation.act(0, at(1, 0));
        assert_eq!(simulation.population().0, 1);
        // The machine slept for an hour. What is left is the grace for a late refresh.
        let grace = Rules::default().client.expired_close_delay.as_secs();
        simulation.act(0, at(2, 3600));
        simulation.act(0, at(1 + grace, 3600));
        assert_eq!(simulation.population().0, 1);
        simulation.act(0, at(3 + grace, 3600));
        assert_eq!(simulation.population().0, 0);
    }
}
