//! What all parts of a worker are told: which worker of which node it is, what time it is, and which rules are in force.

use std::sync::Arc;
use std::time::Duration;

use veche_session::rules::Rules;
use veche_session::turn::{Now, Turn};

use crate::counters::Counters;
use crate::inbox::Inbox;
use crate::node::{Node, NodeConfig};

mod clock;

use clock::TurnClock;

/// The surroundings of one worker.
#[derive(Debug)]
pub(crate) struct Context {
    /// Of the worker, among those of the node.
    index: usize,
    node: Arc<Node>,
    counters: Arc<Counters>,
    rules: Arc<Rules>,
    clock: TurnClock,
}

impl Context {
    /// The surroundings of the node's worker `index`.
    pub(crate) fn new(index: usize, node: Arc<Node>) -> Self {
        Self {
            index,
            counters: node.counters(index),
            rules: node.rules(),
            clock: TurnClock::new(node.now()),
            node,
        }
    }

    pub(crate) fn index(&self) -> usize {
        self.index
    }

    pub(crate) fn node(&self) -> &Arc<Node> {
        &self.node
    }

    pub(crate) fn config(&self) -> &NodeConfig {
        self.node.config()
    }

    pub(crate) fn inbox(&self) -> &Arc<Inbox> {
        self.node.inbox(self.index)
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    pub(crate) fn set_rules(&mut self, rules: Arc<Rules>) {
        self.rules = rules;
    }

    /// The time and the rules, as sessions are told.
    pub(crate) fn turn(&self) -> Turn<'_> {
        Turn {
            now: self.now(),
            rules: &self.rules,
        }
    }

    /// The time of the turn.
    pub(crate) fn now(&self) -> Now {
        self.clock.now()
    }

    /// The monotonic time of the turn.
    pub(crate) fn monotonic(&self) -> Duration {
        self.clock.now().monotonic
    }

    pub(crate) fn clock(&self) -> &TurnClock {
        &self.clock
    }

    pub(crate) fn clock_mut(&mut self) -> &mut TurnClock {
        &mut self.clock
    }

    /// Reads the clock of the node: a new turn begins.
    pub(crate) fn read_clock(&mut self) {
        let now = self.node.now();
        self.clock.set(now);
    }
}
