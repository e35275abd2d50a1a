//! The rules that decide who may do what, the steps by which they are gone through, and what would change a verdict.

use std::fmt;

/// A rule of the permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// A connection token.
    ConnectionToken,
    /// Tokens without a user (`client.disallow_anonymous_connection_tokens`).
    AnonymousToken,
    /// The application says who a client is (`client.proxy.connect.enabled`).
    ConnectProxy,
    /// A header that a proxy before the server has set (`client.user_id_http_header`).
    UserHeader,
    /// A bare name (`plain.allow_name_login`).
    NameLogin,
    /// No credentials at all (`client.allow_anonymous_connect_without_token`).
    AnonymousConnect,
    /// The length of the channel's name.
    MaxLength,
    /// The namespace of the channel.
    Namespace,
    /// The characters of the channel's name.
    Name,
    /// A subscription token for this channel, user and connection.
    Token,
    /// The time that a subscription token gives.
    Expiry,
    /// Channels that need a subscription token whatever else allows.
    Private,
    /// Channels whose names list their users.
    UserLimited,
    /// The application decides who subscribes (`subscribe_proxy_enabled`).
    SubscribeProxy,
    /// The application decides who publishes, and what (`publish_proxy_enabled`).
    PublishProxy,
    /// The namespace allows all clients.
    ForClient,
    /// What the namespace allows holds for clients without a user too.
    ForAnonymous,
    /// The namespace allows subscribers.
    ForSubscriber,
    /// The data has the format that the channel wants.
    DataFormat,
    /// The channel keeps who is there.
    Presence,
    /// The channel keeps publications.
    History,
    /// The channel watches positions.
    Positioning,
    /// The channel recovers.
    Recovery,
    /// The channel tells who comes and goes.
    JoinLeave,
    /// The application says whether connections go on (`client.proxy.refresh.enabled`).
    RefreshProxy,
    /// The application says whether subscriptions go on (`sub_refresh_proxy_enabled`).
    SubRefreshProxy,
    /// The application answers calls (`rpc.proxy`).
    RpcProxy,
    /// `client.insecure`.
    Insecure,
}

/// The outcome of checking a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The rule does not object; the next rule is checked.
    Passes,
    /// The rule does not allow it; another rule may.
    No,
    /// The rule allows it.
    Allows,
    /// The rule denies it.
    Refuses,
    /// The application is asked, and decides.
    Asks,
}

/// What the rules come to where they do not refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// This rule allows it.
    Allowed(Rule),
    /// By this rule the application is asked, and decides.
    Asked(Rule),
}

/// One rule that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The rule.
    pub rule: Rule,
    /// The outcome.
    pub outcome: Outcome,
    /// The finding, in words.
    pub finding: String,
    /// The configuration key that it turned on; empty where there is none.
    pub option: String,
}

/// Receives each rule that is checked, in order.
pub trait Trail {
    /// Receives a step. Implementations that need no steps do not call the function.
    fn step(&mut self, step: impl FnOnce() -> Step);
}

/// A trail for callers that need only the verdict: no step is made.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Trail for Silent {
    fn step(&mut self, _: impl FnOnce() -> Step) {}
}

impl Trail for Vec<Step> {
    fn step(&mut self, step: impl FnOnce() -> Step) {
        self.push(step());
    }
}

/// A change that would turn a denial into a permission; all its parts are needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Configuration keys, and what to set them to.
    pub set: Vec<(String, &'static str)>,
    /// What to do besides.
    pub act: Option<Act>,
}

/// An action that is not a change of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// The client brings a subscription token.
    BringSubscriptionToken,
    /// The client subscribes first.
    SubscribeFirst,
    /// The client brings a connection token.
    BringConnectionToken,
    /// The client's token names a user.
    NameUser,
    /// Another name for the channel; says which.
    Rename(&'static str),
    /// A namespace is added, of this name.
    AddNamespace(String),
    /// Other data; says which.
    SendOther(&'static str),
    /// A token that is made otherwise; says how.
    MakeToken(String),
    /// Another token.
    BringOtherToken,
    /// The keys that tokens are checked by can be had.
    ReachKeys,
}

impl Rule {
    /// The rule's name for machines; it stays.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ConnectionToken => "connection_token",
            Self::AnonymousToken => "anonymous_token",
            Self::ConnectProxy => "connect_proxy",
            Self::UserHeader => "user_header",
            Self::NameLogin => "name_login",
            Self::AnonymousConnect => "anonymous_connect",
            Self::MaxLength => "max_length",
            Self::Namespace => "namespace",
            Self::Name => "name",
            Self::Token => "subscription_token",
            Self::Expiry => "expiry",
            Self::Private => "private_channel",
            Self::UserLimited => "user_limited",
            Self::SubscribeProxy => "subscribe_proxy",
            Self::PublishProxy => "publish_proxy",
            Self::ForClient => "for_client",
            Self::ForAnonymous => "for_anonymous",
            Self::ForSubscriber => "for_subscriber",
            Self::DataFormat => "data_format",
            Self::Presence => "presence",
            Self::History => "history",
            Self::Positioning => "positioning",
            Self::Recovery => "recovery",
            Self::JoinLeave => "join_leave",
            Self::RefreshProxy => "refresh_proxy",
            Self::SubRefreshProxy => "sub_refresh_proxy",
            Self::RpcProxy => "rpc_proxy",
            Self::Insecure => "insecure",
        }
    }
}

impl Outcome {
    /// The outcome's name for machines; it stays.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Passes => "passes",
            Self::No => "no",
            Self::Allows => "allows",
            Self::Refuses => "refuses",
            Self::Asks => "asks",
        }
    }
}

impl Step {
    /// A step that turned on no option.
    pub fn new(rule: Rule, outcome: Outcome, finding: impl Into<String>) -> Self {
        Self {
            rule,
            outcome,
            finding: finding.into(),
            option: String::new(),
        }
    }

    /// The same step, turning on an option.
    #[must_use]
    pub fn by(self, option: impl Into<String>) -> Self {
        Self {
            option: option.into(),
            ..self
        }
    }

    /// What was found, and the option that it turned on.
    pub(crate) fn reason(&self) -> String {
        if self.option.is_empty() {
            self.finding.clone()
        } else {
            format!("{} ({})", self.finding, self.option)
        }
    }
}

impl Change {
    /// Keys to switch on, all of them.
    pub(crate) fn switch_on(keys: impl IntoIterator<Item = String>) -> Self {
        Self::set(keys.into_iter().map(|key| (key, "true")))
    }

    /// Keys to set, all of them.
    pub(crate) fn set(set: impl IntoIterator<Item = (String, &'static str)>) -> Self {
        Self {
            set: set.into_iter().collect(),
            act: None,
        }
    }

    /// Something to do.
    pub(crate) fn act(act: Act) -> Self {
        Self {
            set: Vec::new(),
            act: Some(act),
        }
    }

    /// The same, and something to do.
    pub(crate) fn and(self, act: Act) -> Self {
        Self {
            act: Some(act),
            ..self
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (key, value)) in self.set.iter().enumerate() {
            let before = if at == 0 { "set " } else { " and " };
            write!(f, "{before}{key} to {value}")?;
        }
        if let Some(act) = &self.act {
            if !self.set.is_empty() {
                f.write_str(", and ")?;
            }
            write!(f, "{act}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BringSubscriptionToken => {
                f.write_str("give the client a subscription token for the channel")
            }
            Self::SubscribeFirst => f.write_str("subscribe to the channel first"),
            Self::BringConnectionToken => f.write_str("give the client a connection token"),
            Self::NameUser => f.write_str("connect with a token that names a user (sub)"),
            Self::Rename(how) => write!(f, "use a name {how}"),
            Self::AddNamespace(name) => {
                write!(f, "add {{\"name\": {name:?}}} to channel.namespaces")
            }
            Self::SendOther(what) => write!(f, "send {what}"),
            Self::MakeToken(how) => write!(f, "make the token {how}"),
            Self::BringOtherToken => {
                f.write_str("make another token (veche gentoken and gensubtoken make samples)")
            }
            Self::ReachKeys => {
                f.write_str("make the keys reachable for the server, or try again later")
            }
        }
    }
}
