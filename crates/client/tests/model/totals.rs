//! What happened in all runs, so that a model in which nothing happens is noticed.

/// What happened in all runs.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) steps: u64,
    pub(crate) delivered: u64,
    pub(crate) published: u64,
    pub(crate) uncertain: u64,
    pub(crate) resumed: u64,
    pub(crate) lost: u64,
    pub(crate) deduplicated: u64,
    pub(crate) crashes: u64,
}

impl Totals {
    pub(crate) fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.delivered += other.delivered;
        self.published += other.published;
        self.uncertain += other.uncertain;
        self.resumed += other.resumed;
        self.lost += other.lost;
        self.deduplicated += other.deduplicated;
        self.crashes += other.crashes;
    }
}
