//! The hub against a model of one channel: an engine, losses on the way, sessions that come and go.

use std::collections::VecDeque;

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq};
use proptest::prelude::{prop_oneof, proptest};
use proptest::test_runner::TestCaseResult;

use super::{Aftermath, CLIENTS, World, channel, key, numbered, position};
use crate::hub::GroupKey;

#[derive(Clone, Debug)]
enum Step {
    /// The engine delivers; the inbox may be full.
    Publish {
        is_lost: bool,
    },
    /// The stream begins anew, and something is published.
    NewEpoch,
    /// The worker takes the next item of its inbox.
    Process,
    Enter {
        slot: u32,
        positioned: bool,
    },
    /// The session is answered with the top of the stream.
    ReadHistory {
        slot: u32,
    },
    Attach {
        slot: u32,
    },
    Detach {
        slot: u32,
    },
}

fn steps(with_losses: bool) -> impl Strategy<Value = Vec<Step>> {
    let slot = 0..CLIENTS;
    let losses = u32::from(with_losses);
    let step = prop_oneof![
        60 => Just(Step::Publish { is_lost: false }),
        10 * losses + 1 => Just(Step::Publish { is_lost: with_losses }),
        6 * losses + 1 => Just(if with_losses { Step::NewEpoch } else { Step::Process }),
        80 => Just(Step::Process),
        60 => (slot.clone(), any::<bool>())
            .prop_map(|(slot, positioned)| Step::Enter { slot, positioned }),
        40 => slot.clone().prop_map(|slot| Step::ReadHistory { slot }),
        60 => slot.clone().prop_map(|slot| Step::Attach { slot }),
        20 => slot.prop_map(|slot| Step::Detach { slot }),
    ];
    proptest::collection::vec(step, 1..200)
}

/// Epoch and offset.
type At = (u64, u64);

#[derive(Clone, Copy, Debug)]
enum Item {
    Publication(At),
    Gap,
}

#[derive(Debug)]
enum Client {
    Away,
    Making {
        positioned: bool,
        history: Option<At>,
        buffered: Vec<At>,
        has_lost: bool,
    },
    /// Where a client stands that watches its position.
    Positioned(At),
    /// Where the stream stood when a client came that does not.
    Loose(At),
}

struct Model {
    world: World,
    clients: Vec<Client>,
    top: At,
    inbox: VecDeque<Item>,
    has_losses: bool,
}

impl Model {
    fn new() -> Self {
        Self {
            world: World::new(),
            clients: (0..CLIENTS).map(|_| Client::Away).collect(),
            top: (1, 0),
            inbox: VecDeque::new(),
            has_losses: false,
        }
    }

    fn take(&mut self, step: &Step) -> TestCaseResult {
        match *step {
            Step::Publish { is_lost } => self.publish(is_lost),
            Step::NewEpoch => {
                self.has_losses = true;
                self.top = (self.top.0 + 1, 0);
                self.publish(false);
            }
            Step::Process => self.process()?,
            Step::Enter { slot, positioned } => {
                if matches!(self.clients[slot as usize], Client::Away) {
                    self.world.enter(slot);
                    self.clients[slot as usize] = Client::Making {
                        positioned,
                        history: None,
                        buffered: Vec::new(),
                        has_lost: false,
                    };
                }
            }
            Step::ReadHistory { slot } => {
                if let Client::Making { history, .. } = &mut self.clients[slot as usize] {
                    history.get_or_insert(self.top);
                }
            }
            Step::Attach { slot } => self.attach(slot),
            Step::Detach { slot } => self.detach(slot),
        }
        Ok(())
    }

    fn publish(&mut self, is_lost: bool) {
        self.top.1 += 1;
        if is_lost {
            self.has_losses = true;
            self.inbox.push_back(Item::Gap);
        } else {
            self.inbox.push_back(Item::Publication(self.top));
        }
    }

    /// As a session does it: history, and what was delivered meanwhile, merged.
    fn attach(&mut self, slot: u32) {
        let Client::Making {
            positioned,
            history,
            buffered,
            has_lost,
        } = &self.clients[slot as usize]
        else {
            return;
        };
        let mut at = history.unwrap_or(self.top);
        let mut has_lost = *has_lost;
        for &(epoch, offset) in buffered.iter() {
            if epoch == at.0 && offset == at.1 + 1 {
                at.1 = offset;
            } else {
                has_lost |= epoch != at.0 || offset > at.1;
            }
        }
        if !*positioned {
            self.clients[slot as usize] = Client::Loose(self.top);
            self.world.attach(slot, group(slot, false), None);
        } else if has_lost {
            self.detach(slot);
        } else {
            self.clients[slot as usize] = Client::Positioned(at);
            let after = position(&at.0.to_string(), at.1);
            self.world.attach(slot, group(slot, true), Some(after));
        }
    }

    fn detach(&mut self, slot: u32) {
        self.clients[slot as usize] = Client::Away;
        self.world.detach(slot);
    }

    fn process(&mut self) -> TestCaseResult {
        let Some(item) = self.inbox.pop_front() else {
            return Ok(());
        };
        let aftermath = match item {
            Item::Publication((epoch, offset)) => {
                let number = epoch * 1000 + offset;
                self.world
                    .deliver(numbered(&epoch.to_string(), offset, number))
            }
            Item::Gap => {
                let mut aftermath = Aftermath::default();
                self.world.hub.gap(&channel(), &mut aftermath);
                aftermath
            }
        };
        prop_assert!(self.has_losses || aftermath.gap.is_empty(), "a false alarm");
        for slot in 0..CLIENTS {
            self.check_client(slot, item, &aftermath)?;
        }
        Ok(())
    }

    fn check_client(&mut self, slot: u32, item: Item, aftermath: &Aftermath) -> TestCaseResult {
        let got = self.world.numbers(slot);
        let is_told = aftermath.gap.contains(&slot);
        match (&mut self.clients[slot as usize], item) {
            (Client::Away, _) => {
                prop_assert!(got.is_empty() && !is_told);
            }
            (Client::Making { buffered, .. }, Item::Publication(at)) => {
                prop_assert!(got.is_empty() && aftermath.making.contains(&slot));
                buffered.push(at);
            }
            (Client::Making { has_lost, .. }, Item::Gap) => {
                prop_assert!(is_told);
                *has_lost = true;
            }
            (Client::Loose(since), Item::Publication(at)) => {
                prop_assert!(!is_told);
                let number = at.0 * 1000 + at.1;
                // What was published before it came may be skipped with what others have from history.
                prop_assert!(got == [number] || (got.is_empty() && at <= *since));
            }
            (Client::Loose(_), Item::Gap) => {
                prop_assert!(got.is_empty() && !is_told);
            }
            (Client::Positioned(at), Item::Publication(next)) if !is_told => {
                if next.0 == at.0 && next.1 == at.1 + 1 {
                    prop_assert_eq!(got, vec![next.0 * 1000 + next.1]);
                    *at = next;
                } else {
                    prop_assert!(got.is_empty(), "nothing twice, nothing behind a gap");
                    prop_assert!(next <= *at, "it would have to be told");
                }
            }
            (Client::Positioned(_), _) => {
                prop_assert!(got.is_empty() && is_told);
                self.detach(slot);
            }
        }
        Ok(())
    }

    /// When all has been taken, everybody who watches its position stands at the top.
    fn finish(&mut self) -> TestCaseResult {
        while !self.inbox.is_empty() {
            self.process()?;
        }
        for client in &self.clients {
            if let Client::Positioned(at) = client {
                prop_assert_eq!(*at, self.top);
            }
        }
        (0..CLIENTS).for_each(|slot| self.detach(slot));
        prop_assert_eq!(self.world.hub.names().len(), 0);
        prop_assert_eq!(self.world.hub.subscription_count(), 0);
        Ok(())
    }
}

/// Two groups of each kind.
fn group(slot: u32, positioned: bool) -> GroupKey {
    GroupKey {
        join_leave: slot.is_multiple_of(2),
        ..key(positioned)
    }
}

fn check(steps: &[Step]) -> TestCaseResult {
    let mut model = Model::new();
    for step in steps {
        model.take(step)?;
    }
    model.finish()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn without_losses_everybody_gets_everything_once_and_nobody_is_alarmed(steps in steps(false)) {
        check(&steps)?;
    }

    #[test]
    fn with_losses_everybody_gets_everything_once_or_is_told(steps in steps(true)) {
        check(&steps)?;
    }
}
