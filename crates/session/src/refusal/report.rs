//! What the operator is told of a refusal.

use std::borrow::Cow;
use std::fmt::Write as _;

use veche_protocol::identity::{ClientId, UserId};

use super::Refusal;
use crate::rule::Rule;

/// What the operator is told of a refusal.
#[derive(Clone, Debug, PartialEq)]
pub struct RefusalReport {
    /// The connection.
    pub client: ClientId,
    /// The user of the connection.
    pub user: UserId,
    /// The operation that was refused.
    pub operation: &'static str,
    /// The channel; empty where there is none.
    pub channel: String,
    /// The error's code, or the disconnect's.
    pub code: u32,
    /// The rule that decided, if one did.
    pub rule: Option<Rule>,
    /// The configuration key that decided; empty where there is none.
    pub option: String,
    /// Why, in a sentence.
    pub why: Cow<'static, str>,
    /// What would change it; empty where nothing is known.
    pub change: String,
}

/// The command that is refused, as far as replies and reports need it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About<'a> {
    /// The command's number.
    pub(crate) id: u32,
    pub(crate) operation: &'static str,
    pub(crate) channel: &'a str,
}

/// Bytes of a channel's name in a line of the log; a client may send a name as long as a message.
const MAX_CHANNEL_TOLD: usize = 512;

impl<'a> About<'a> {
    /// A command that is about a channel.
    pub(crate) fn channel(id: u32, operation: &'static str, channel: &'a str) -> Self {
        Self {
            id,
            operation,
            channel,
        }
    }

    /// A command that is about no channel.
    pub(crate) fn connection(id: u32, operation: &'static str) -> Self {
        Self::channel(id, operation, "")
    }
}

impl Refusal {
    /// What the operator is told, if there is more to say than the code says.
    pub(crate) fn report(
        &self,
        about: About<'_>,
        client: ClientId,
        user: &UserId,
    ) -> Option<RefusalReport> {
        let reason = self.reason.as_ref()?;
        let mut change = String::new();
        for (at, option) in reason.changes.iter().enumerate() {
            let before = if at == 0 { "" } else { "; or " };
            // A string takes all that is written to it.
            let _ = write!(change, "{before}{option}");
        }
        let end = about.channel.floor_char_boundary(MAX_CHANNEL_TOLD);
        Some(RefusalReport {
            client,
            user: user.clone(),
            operation: about.operation,
            channel: about.channel.get(..end).unwrap_or_default().to_owned(),
            code: self.kind.code(),
            rule: reason.rule,
            option: reason.option.clone(),
            why: reason.why.clone(),
            change,
        })
    }
}
