//! Questions that a session has asked and that are not answered yet.

use veche_protocol::channel::Channel;

use crate::question::Ask;

/// What a session does with the answer to a question.
#[derive(Debug)]
pub(crate) enum PendingQuestion {
    Connect,
    Making(Channel),
    Publish(u32),
    /// Of the application, about the publication with this number in the queue.
    Approval(u32),
    History(u32),
    Presence(u32),
    PresenceStats(u32),
    Rpc(u32),
    Refresh(u32),
    SubRefresh(Box<SubRefreshing>),
    /// Of the application: whether the connection goes on.
    Renewal,
    /// Of the application: whether the subscription with this generation goes on.
    SubRenewal(Channel, u32),
}

/// A `sub_refresh` whose token is being checked.
#[derive(Debug)]
pub(crate) struct SubRefreshing {
    pub(crate) id: u32,
    pub(crate) channel: Channel,
    /// The generation of the subscription at the time of the command.
    pub(crate) generation: u32,
}

/// All questions of a session that are not answered yet.
#[derive(Debug, Default)]
pub(super) struct PendingQuestions(Vec<(Ask, PendingQuestion)>);

impl PendingQuestions {
    pub(super) fn insert(&mut self, ask: Ask, pending: PendingQuestion) {
        if self.0.capacity() == 0 {
            // Most often there is one, which is answered at once.
            self.0 = Vec::with_capacity(1);
        }
        self.0.push((ask, pending));
    }

    /// Removes the question with this number. Frees the memory when no question is left.
    pub(super) fn take(&mut self, ask: Ask) -> Option<PendingQuestion> {
        let at = self.0.iter().position(|(asked, _)| *asked == ask)?;
        let (_, pending) = self.0.swap_remove(at);
        if self.0.is_empty() {
            self.0 = Vec::new();
        }
        Some(pending)
    }

    /// Whether one of these questions is not answered yet.
    pub(super) fn any(&self, is_it: impl Fn(&PendingQuestion) -> bool) -> bool {
        self.0.iter().any(|(_, pending)| is_it(pending))
    }

    /// Forgets all questions: their answers are dropped.
    pub(super) fn forget_all(&mut self) {
        self.0 = Vec::new();
    }
}
