//! What is asked: who wants to do what.

/// A question to the rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// What is to be done.
    pub operation: Operation,
    /// The channel; not looked at where the operation is to connect.
    pub channel: String,
    /// The user, who is believed to have proved it; empty is an anonymous user with a token. `None`, without a token,
    /// is a client that brings nothing.
    pub user: Option<String>,
    /// A connection token, to be checked.
    pub token: Option<String>,
    /// A subscription token, to be checked.
    pub subscription_token: Option<String>,
    /// Whether the client is subscribed to the channel.
    pub is_subscribed: bool,
    /// Data to publish; without, some that every format takes.
    pub data: Option<String>,
}

/// What can be asked about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Operation {
    /// Coming in at all.
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
    /// Hearing who comes and goes, as a subscriber.
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
