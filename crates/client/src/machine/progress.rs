//! How far the reader of a subscription has got, and what is new to it.

use std::sync::Arc;

use super::output::Recovery;
use crate::position::Position;

/// How far a reader has got in a channel's stream.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// The stream that the server has put the subscription into; `None` if it has none.
    epoch: Option<Arc<str>>,
    /// Everything up to here was handed to the reader, or was before its time.
    at: Option<Position>,
    /// Where the latest subscription began.
    began: Option<Position>,
    /// Whether the subscription has stood before.
    has_stood: bool,
}

/// What is to become of a publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is the next one.
    New,
    /// The reader has it already.
    Known,
    /// It is of another stream than the subscription.
    Foreign,
}

impl Progress {
    /// Goes on from `at`.
    pub(super) fn since(at: Option<Position>) -> Self {
        Self {
            at,
            ..Self::default()
        }
    }

    /// What the server is to be asked to resume from.
    pub(super) fn at(&self) -> Option<&Position> {
        self.at.as_ref()
    }

    /// The server has made the subscription. It stands at `position` once it has sent what it
    /// recovered, or the latest `history` publications if it recovered nothing.
    pub(super) fn subscribed(
        &mut self,
        position: Option<&Position>,
        recovered: bool,
        history: u32,
    ) -> Recovery {
        let recovery = match (self.at.is_some() || self.has_stood, recovered) {
            (false, _) => Recovery::Fresh,
            (true, true) if self.at.is_some() => Recovery::Resumed,
            (true, _) => Recovery::Lost,
        };
        self.has_stood = true;
        self.epoch = position.map(|position| Arc::clone(&position.epoch));
        self.began = position.cloned();
        if recovery != Recovery::Resumed {
            self.at = position.map(|position| Position {
                epoch: Arc::clone(&position.epoch),
                offset: position.offset.saturating_sub(history.into()),
            });
        }
        recovery
    }

    /// The server does not send the history that was asked for.
    pub(super) fn history_refused(&mut self) {
        if let (Some(at), Some(began)) = (&mut self.at, &self.began)
            && at.epoch == began.epoch
        {
            at.offset = at.offset.max(began.offset);
        }
    }

    /// A publication has come, at a position if the channel has a stream.
    pub(super) fn accept(&mut self, position: Option<&Position>) -> Verdict {
        let Some(position) = position else {
            return Verdict::New;
        };
        if self.epoch.as_ref() != Some(&position.epoch) {
            return Verdict::Foreign;
        }
        if let Some(at) = &self.at
            && at.epoch == position.epoch
            && position.offset <= at.offset
        {
            return Verdict::Known;
        }
        self.at = Some(position.clone());
        Verdict::New
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Position {
        text.parse().expect("a position")
    }

    #[test]
    fn what_comes_twice_is_known_and_what_is_recovered_is_new() {
        let mut progress = Progress::default();
        let first = progress.subscribed(Some(&at("e:5")), false, 0);
        assert_eq!(first, Recovery::Fresh);
        assert_eq!(progress.accept(Some(&at("e:5"))), Verdict::Known);
        assert_eq!(progress.accept(Some(&at("e:6"))), Verdict::New);
        // The answer names the position behind what it recovers: 7 is still to come.
        let second = progress.subscribed(Some(&at("e:7")), true, 0);
        assert_eq!(second, Recovery::Resumed);
        assert_eq!(progress.at(), Some(&at("e:6")));
        assert_eq!(progress.accept(Some(&at("e:6"))), Verdict::Known);
        assert_eq!(progress.accept(Some(&at("e:7"))), Verdict::New);
        assert_eq!(progress.accept(Some(&at("f:8"))), Verdict::Foreign);
    }

    #[test]
    fn a_link_that_breaks_before_the_history_came_resumes_before_it() {
        let mut progress = Progress::default();
        progress.subscribed(Some(&at("e:5")), false, 3);
        assert_eq!(progress.at(), Some(&at("e:2")));
        assert_eq!(progress.accept(Some(&at("e:3"))), Verdict::New);
        assert_eq!(progress.at(), Some(&at("e:3")));
        progress.history_refused();
        assert_eq!(progress.at(), Some(&at("e:5")));
    }

    #[test]
    fn another_epoch_begins_anew_and_says_that_something_is_lost() {
        let mut progress = Progress::default();
        progress.subscribed(Some(&at("e:5")), false, 0);
        let lost = progress.subscribed(Some(&at("f:2")), false, 0);
        assert_eq!(lost, Recovery::Lost);
        assert_eq!(progress.accept(Some(&at("f:3"))), Verdict::New);
    }

    #[test]
    fn a_channel_without_a_stream_has_lost_what_came_meanwhile() {
        let mut progress = Progress::default();
        assert_eq!(progress.subscribed(None, false, 0), Recovery::Fresh);
        assert_eq!(progress.accept(None), Verdict::New);
        assert_eq!(progress.subscribed(None, false, 0), Recovery::Lost);
    }
}
