//! The contract between a session and the driver that carries out what it asks for, and a check of it.
//!
//! What a session asks for:
//!
//! 1. Each question has a number of its own.
//! 2. `Enter` begins a channel, and one [`Effect::Detach`] ends it, also where the question was answered by a failure or
//!    not at all. Between them stands at most one [`Effect::Attach`], behind the good answer to `Enter`.
//! 3. [`Notice::Connected`] is told once.
//! 4. Before [`Effect::Close`], or when the driver has said the end, all channels are left. Nothing follows.
//!
//! What a driver does:
//!
//! 1. It carries effects out in the order in which the session asks for them: all that one input brings, before the next
//!    input. An answer that is there at once is an input of its own; its effects come behind those that were asked for
//!    before. So calls to the engine are made in the session's order, and nobody waits for an answer to undo something.
//! 2. It answers each question at most once, by the kind of answer that the question names; while the session lives, each
//!    is answered.
//! 3. It delivers a channel to the session from `Enter` until `Attach` or `Detach`, and no other.
//! 4. It says the end once, and brings nothing after it.
//!
//! The node's driver and those of tests run every conversation through a [`Contract`].

use std::collections::{HashMap, VecDeque};

use veche_protocol::channel::Channel;

use crate::effect::Effect;
use crate::question::{Answer, Ask, Notice, Question};

/// Follows one conversation, and panics where the session or its driver breaks the contract. For tests and debug builds:
/// it copies all effects.
#[derive(Debug, Default)]
pub struct Contract {
    /// Asked for, and not carried out.
    asked_for: VecDeque<Effect>,
    /// Questions that are not answered.
    questions: HashMap<Ask, Question>,
    /// The number of the last question.
    last: Option<Ask>,
    channels: HashMap<Channel, Delivery>,
    is_connected: bool,
    phase: Phase,
}

/// How far a conversation is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Lives,
    /// The session has asked for the end.
    Closed,
    /// The driver has said the end.
    Ended,
    /// The session failed: nothing holds.
    Failed,
}

/// To whom the publications of a channel go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Delivery {
    /// To the session; the question is not answered well.
    Entering,
    /// To the session.
    Entered,
    /// To the client.
    Attached,
}

impl Contract {
    /// The session asks for these effects, in answer to one input.
    ///
    /// # Panics
    /// When it must not.
    pub fn ask_for(&mut self, effects: &[Effect]) {
        for effect in effects {
            self.check(effect);
            self.asked_for.push_back(effect.clone());
        }
        if self.phase == Phase::Ended || self.phase == Phase::Closed {
            let kept: Vec<_> = self.channels.keys().collect();
            assert!(kept.is_empty(), "channels are not left: {kept:?}");
        }
    }

    /// The driver carries out an effect.
    ///
    /// # Panics
    /// When it is not the effect's turn.
    pub fn carry_out(&mut self, effect: &Effect) {
        if self.phase == Phase::Failed {
            return;
        }
        let next = self.asked_for.pop_front();
        assert_eq!(next.as_ref(), Some(effect), "it is another effect's turn");
    }

    /// The driver brings an answer.
    ///
    /// # Panics
    /// When nothing waits for it, or for another one.
    pub fn answer(&mut self, ask: Ask, answer: &Answer) {
        if self.phase == Phase::Failed {
            return;
        }
        assert_ne!(self.phase, Phase::Ended, "an answer after the end");
        let is_carried_out = !self.asked_for.iter().any(|effect| is_ask(effect, ask));
        assert!(is_carried_out, "an answer to what was not asked: {ask:?}");
        let question = self.questions.remove(&ask);
        let question = question.unwrap_or_else(|| unreachable!("{ask:?} is answered already"));
        let fits = question.is_answered_by(answer);
        assert!(fits, "{answer:?} is no answer to {question:?}");
        if let (Question::Enter { channel }, Answer::Done(Ok(()))) = (&question, answer)
            && let Some(delivery) = self.channels.get_mut(channel)
        {
            *delivery = Delivery::Entered;
        }
    }

    /// Whether [`Self::answer`] would accept this.
    #[must_use]
    pub fn awaits(&self, ask: Ask, answer: &Answer) -> bool {
        let question = self.questions.get(&ask);
        self.phase != Phase::Ended
            && question.is_some_and(|question| question.is_answered_by(answer))
    }

    /// The driver brings a publication of a channel.
    ///
    /// # Panics
    /// When the session is not making a subscription to it.
    pub fn deliver(&mut self, channel: &Channel) {
        if self.phase == Phase::Failed {
            return;
        }
        let delivery = self.channels.get(channel);
        let takes = self.takes(channel);
        assert!(takes, "a delivery of {channel}: it is {delivery:?}");
    }

    /// Whether [`Self::deliver`] would accept this.
    #[must_use]
    pub fn takes(&self, channel: &Channel) -> bool {
        let delivery = self.channels.get(channel);
        matches!(delivery, Some(Delivery::Entering | Delivery::Entered))
    }

    /// The driver says the end; what the session asks for upon it is still carried out.
    ///
    /// # Panics
    /// When something is left that was to be carried out before, or the end was said.
    pub fn end(&mut self) {
        if self.phase == Phase::Failed {
            return;
        }
        assert_ne!(self.phase, Phase::Ended, "the end is said twice");
        self.assert_done();
        self.phase = Phase::Ended;
    }

    /// The session failed: what it has asked for is not carried out, and nothing holds any more.
    pub fn fail(&mut self) {
        self.phase = Phase::Failed;
    }

    /// The driver forgets the session.
    ///
    /// # Panics
    /// When it has not said the end, or has not carried out all.
    pub fn forget(&self) {
        if self.phase != Phase::Failed {
            assert_eq!(self.phase, Phase::Ended, "the end was not said");
            self.assert_done();
        }
    }

    fn assert_done(&self) {
        let left = &self.asked_for;
        assert!(left.is_empty(), "effects are not carried out: {left:?}");
    }

    fn check(&mut self, effect: &Effect) {
        match self.phase {
            Phase::Failed => return,
            Phase::Lives => {}
            Phase::Closed => unreachable!("{effect:?} follows the end"),
            Phase::Ended => {
                let leaves = matches!(effect, Effect::Detach { .. } | Effect::Tell(_));
                assert!(leaves, "{effect:?} is sent after the end");
            }
        }
        match effect {
            Effect::Ask { ask, question } => self.check_question(*ask, question),
            Effect::Attach(attach) => {
                let delivery = self.channels.get_mut(&attach.channel);
                let is_entered = delivery.as_deref() == Some(&Delivery::Entered);
                assert!(is_entered, "{} is attached: {delivery:?}", attach.channel);
                self.channels
                    .insert(attach.channel.clone(), Delivery::Attached);
            }
            Effect::Detach { channel } => {
                let delivery = self.channels.remove(channel);
                assert!(delivery.is_some(), "{channel} is left and was not entered");
            }
            Effect::Tell(Notice::Connected { .. }) => {
                let is_connected = std::mem::replace(&mut self.is_connected, true);
                assert!(!is_connected, "the client is connected twice");
            }
            Effect::Close(_) => self.phase = Phase::Closed,
            Effect::Reply(_) | Effect::Push(_) | Effect::Ping | Effect::Tell(_) => {}
        }
    }

    fn check_question(&mut self, ask: Ask, question: &Question) {
        assert!(
            self.last.is_none_or(|last| last < ask),
            "{ask:?} is a number that was used"
        );
        self.last = Some(ask);
        self.questions.insert(ask, question.clone());
        if let Question::Enter { channel } = question {
            let before = self.channels.insert(channel.clone(), Delivery::Entering);
            assert_eq!(before, None, "{channel} is entered twice");
        }
    }
}

fn is_ask(effect: &Effect, number: Ask) -> bool {
    matches!(effect, Effect::Ask { ask, .. } if *ask == number)
}

#[cfg(test)]
mod tests;
