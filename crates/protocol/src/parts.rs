//! A command while it is read: every verb that was seen, until one is chosen.

use crate::command::{
    Command, Connect, History, Presence, Publish, Refresh, Rpc, Send, SubRefresh, Subscribe,
    Unsubscribe, Verb,
};

/// Every verb of a command. A verb that is there twice is read into the same fields.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub(crate) id: u32,
    pub(crate) connect: Option<Box<Connect>>,
    pub(crate) ping: Option<Box<Nothing>>,
    pub(crate) subscribe: Option<Box<Subscribe>>,
    pub(crate) unsubscribe: Option<Box<Unsubscribe>>,
    pub(crate) publish: Option<Box<Publish>>,
    pub(crate) presence: Option<Box<Presence>>,
    pub(crate) presence_stats: Option<Box<Presence>>,
    pub(crate) history: Option<Box<History>>,
    pub(crate) rpc: Option<Box<Rpc>>,
    pub(crate) send: Option<Box<Send>>,
    pub(crate) refresh: Option<Box<Refresh>>,
    pub(crate) sub_refresh: Option<Box<SubRefresh>>,
}

/// The fields of a verb that has none.
#[derive(Debug, Default)]
pub(crate) struct Nothing;

impl Parts {
    /// The command: of several verbs the first counts. A `ping` counts only beside another, and alone is nothing.
    ///
    /// Source: client protocol, `Command`; the order is that of the reference server.
    pub(crate) fn into_command(self) -> Command {
        if let Some(connect) = self.connect {
            let verb = Verb::Connect(connect);
            return Command { id: self.id, verb };
        }
        let verb = (self.subscribe.map(Verb::Subscribe))
            .or_else(|| self.unsubscribe.map(|verb| Verb::Unsubscribe(*verb)))
            .or_else(|| self.publish.map(Verb::Publish))
            .or_else(|| self.presence.map(|verb| Verb::Presence(*verb)))
            .or_else(|| self.presence_stats.map(|verb| Verb::PresenceStats(*verb)))
            .or_else(|| self.history.map(|verb| Verb::History(*verb)))
            .or_else(|| self.rpc.map(|verb| Verb::Rpc(*verb)))
            .or_else(|| self.send.map(|verb| Verb::Send(*verb)))
            .or_else(|| self.refresh.map(|verb| Verb::Refresh(*verb)))
            .or_else(|| self.sub_refresh.map(Verb::SubRefresh));
        let verb = match verb {
            Some(_) if self.ping.is_some() => Verb::Ping,
            verb => verb.unwrap_or(Verb::Empty),
        };
        Command { id: self.id, verb }
    }
}
