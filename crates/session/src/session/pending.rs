//! Questions that a session has asked and that are not answered yet.

use veche_protocol::channel::Channel;

use crate::question::Ask;

/// What a session does with the answer to a question.
#[derive(Debug)]
pub(crate) enum PendingQuestion {
    Connect,
    Making(Channel),
    Publish(u32),
    History(u32),
    Presence(u32),
    PresenceStats(u32),
    Rpc(u32),
    Refresh(u32),
    SubRefresh(Box<SubRefreshing>),
    /// Nobody any more: delivery that has begun is to be ended.
    LeftEntering(Channel),
    /// Nobody any more: a presence that was added is to be removed.
    LeftPresence(Channel),
}

/// A `sub_refresh` whose token is being checked.
#[derive(Debug)]
pub(crate) struct SubRefreshing {
    pub(crate) id: u32,
    pub(crate) channel: Channel,
    /// Of the subscription that was there when it was asked.
    pub(crate) generation: u32,
}

/// All questions of a session that are not answered yet.
#[derive(Debug, Default)]
pub(super) struct PendingQuestions(Vec<(Ask, PendingQuestion)>);

impl PendingQuestions {
    pub(super) fn insert(&mut self, ask: Ask, pending: PendingQuestion) {
        self.0.push((ask, pending));
    }

    /// The question that was asked with this number. Where none is left, its memory is given back.
    pub(super) fn take(&mut self, ask: Ask) -> Option<PendingQuestion> {
        let at = self.0.iter().position(|(asked, _)| *asked == ask)?;
        let (_, pending) = self.0.swap_remove(at);
        if self.0.is_empty() {
            self.0 = Vec::new();
        }
        Some(pending)
    }

    /// Replaces each question by what is left to do with its answer, and forgets those with which there is nothing.
    pub(super) fn replace(
        &mut self,
        replacement: impl FnMut(PendingQuestion) -> Option<PendingQuestion>,
    ) {
        let mut replacement = replacement;
        let asked = std::mem::take(&mut self.0).into_iter();
        let left = asked.filter_map(|(ask, pending)| Some((ask, replacement(pending)?)));
        self.0 = left.collect();
    }
}
