//! Where a stream has stood, change by change: an answer is judged by all that was true since its question.

/// Where a stream stands at some time, and what it still has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// Empty while the engine has not named this life of the stream.
    pub(crate) epoch: String,
    pub(crate) top: u64,
    /// The offset of the oldest publication that is kept.
    pub(crate) oldest: Option<u64>,
}

/// The states of one stream; each lasts until the next.
#[derive(Debug, Default)]
pub(crate) struct Past(Vec<State>);

/// Whether a statement held, and whether it did not, at some time in an interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) sometimes: bool,
    pub(crate) not_always: bool,
}

impl State {
    /// Whether everything after a position is there, and not more than `limit` publications.
    pub(crate) fn recovers(&self, (epoch, offset): (&str, u64), limit: u64) -> bool {
        (epoch.is_empty() || epoch == self.epoch)
            && offset <= self.top
            && self.top - offset <= limit
            && (offset == self.top || self.oldest.is_some_and(|oldest| oldest <= offset + 1))
    }
}

impl Past {
    /// The stream stands like this from now on.
    pub(crate) fn note(&mut self, state: State) {
        if self.0.last() != Some(&state) {
            self.0.push(state);
        }
    }

    /// The engine has named the present life of the stream: its states so far get the name, too. Unnamed states of
    /// earlier lives get it as well, which does no harm: they are empty, and were over before anybody knew the name.
    pub(crate) fn name(&mut self, epoch: &str) {
        let unnamed = self.0.iter_mut().rev();
        for state in unnamed.take_while(|state| state.epoch.is_empty()) {
            epoch.clone_into(&mut state.epoch);
        }
    }

    /// Stands for the present; an interval can begin here.
    pub(crate) fn moment(&self) -> usize {
        self.0.len().saturating_sub(1)
    }

    /// Whether something was published, or the stream began anew, since a moment.
    pub(crate) fn has_moved(&self, since: usize) -> bool {
        let states = self.0.get(since..).unwrap_or_default();
        let place = |state: &State| (state.epoch.clone(), state.top);
        states.iter().any(|state| place(state) != place(&states[0]))
    }

    /// Whether a statement about the stream held from a moment to the present.
    pub(crate) fn held(&self, since: usize, statement: impl Fn(&State) -> bool) -> Held {
        let mut held = Held::default();
        for state in self.0.get(since..).unwrap_or_default() {
            match statement(state) {
                true => held.sometimes = true,
                false => held.not_always = true,
            }
        }
        held
    }
}
