//! What can be asked about.

/// What can be asked about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Operation {
    /// Connecting.
    Connect,
    /// Subscribing.
    #[default]
    Subscribe,
    /// Publishing.
    Publish,
    /// Reading the history.
    History,
    /// Asking who is there.
    Presence,
    /// Asking how many are there.
    PresenceStats,
    /// Having the position watched, as a subscriber.
    Positioning,
    /// Recovering, as a subscriber.
    Recovery,
    /// Receiving joins and leaves, as a subscriber.
    JoinLeave,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Connect,
        Self::Subscribe,
        Self::Publish,
        Self::History,
        Self::Presence,
        Self::PresenceStats,
        Self::Positioning,
        Self::Recovery,
        Self::JoinLeave,
    ];

    /// Its name, as the protocol has it where it is a command.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Subscribe => "subscribe",
            Self::Publish => "publish",
            Self::History => "history",
            Self::Presence => "presence",
            Self::PresenceStats => "presence_stats",
            Self::Positioning => "positioning",
            Self::Recovery => "recovery",
            Self::JoinLeave => "join_leave",
        }
    }
}
