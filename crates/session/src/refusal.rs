//! Why something a client asked for is not done: what the client hears, and what the operator hears.

use std::borrow::Cow;
use std::fmt::Write as _;

use veche_protocol::disconnect::Disconnect;
use veche_protocol::error_code::{CommandError, ErrorCode};
use veche_protocol::identity::{ClientId, UserId};

use crate::rule::{Change, Rule};

/// Why a command is not carried out.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// Answered in the reply; the connection lives on.
    Reply(Box<CommandError>),
    /// The connection ends with this code.
    Disconnect(Disconnect),
    /// One of the two, decided by a rule.
    Denied(Box<Denial>),
}

/// A verdict against the client, and all there is to know about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Denial {
    /// What the client is answered.
    pub answer: Answer,
    /// The rule that decided.
    pub rule: Option<Rule>,
    /// Why, in a sentence that names the option.
    pub why: String,
    /// What a client hears instead of `why`, where that holds what only the operator may know: a value of the
    /// configuration, an address, an error of the system. `None` where it holds nothing of the kind.
    pub public: Option<String>,
    /// The configuration key that decided; empty where there is none.
    pub option: String,
    /// What would change the verdict: one of these.
    pub changes: Vec<Change>,
}

/// How a client is refused.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// By an error in the reply.
    Error(ErrorCode),
    /// By the end of the connection.
    Disconnect(Disconnect),
}

/// What the operator is told of a refusal.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// The connection.
    pub client: ClientId,
    /// Whom it belongs to.
    pub user: UserId,
    /// What was asked for.
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

/// What was asked for, as far as a refusal must say it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About<'a> {
    /// The command's number.
    pub(crate) id: u32,
    pub(crate) operation: &'static str,
    pub(crate) channel: &'a str,
}

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

/// Why a command without a channel ends the connection.
pub(crate) const NO_CHANNEL: &str = "the command names no channel";
/// Bytes of a reason in a close frame (RFC 6455, section 5.5: 125 with the code).
const MAX_REASON: usize = 123;
/// Bytes of a channel's name in a line of the log; a client may send a name as long as a message.
const MAX_CHANNEL_TOLD: usize = 512;

impl Refusal {
    /// An error that says why.
    #[must_use]
    pub fn because(code: ErrorCode, why: impl Into<Cow<'static, str>>) -> Self {
        Self::Reply(Box::new(CommandError::because(code, why)))
    }

    /// The end of the connection, and why.
    pub(crate) fn ends(disconnect: Disconnect, why: impl Into<String>) -> Self {
        Self::from(Denial {
            answer: Answer::Disconnect(disconnect),
            rule: None,
            why: why.into(),
            public: None,
            option: String::new(),
            changes: Vec::new(),
        })
    }

    /// A token that can't be checked now. Why is the operator's affair: it may name an address of the inner network.
    pub(crate) fn unchecked(why: String) -> Self {
        Self::from(Denial {
            answer: Answer::Error(ErrorCode::INTERNAL),
            rule: None,
            why,
            public: Some("the token could not be checked; try again later".to_owned()),
            option: String::new(),
            changes: Vec::new(),
        })
    }

    /// The same, for a client that can't be answered: errors become disconnects.
    pub(crate) fn without_reply(self, disconnect: impl FnOnce(ErrorCode) -> Disconnect) -> Self {
        match self {
            Self::Reply(error) => match error.why {
                Some(why) => Self::ends(disconnect(error.code), why),
                None => disconnect(error.code).into(),
            },
            Self::Denied(mut denial) => {
                if let Answer::Error(code) = denial.answer {
                    denial.answer = Answer::Disconnect(disconnect(code));
                }
                Self::Denied(denial)
            }
            Self::Disconnect(_) => self,
        }
    }

    /// What a client is told by error or disconnect. Without `explains` it hears public text only; with it, why, in all
    /// words.
    pub(crate) fn tell(self, explains: bool) -> Result<Box<CommandError>, Disconnect> {
        let mut error = match self {
            Self::Reply(error) => error,
            Self::Disconnect(disconnect) => return Err(disconnect),
            Self::Denied(denial) => match denial.answer {
                Answer::Error(code) => {
                    let public = denial.public.filter(|_| !explains);
                    let why = public.unwrap_or(denial.why);
                    Box::new(CommandError::because(code, why))
                }
                Answer::Disconnect(disconnect) if explains => {
                    return Err(explained(&disconnect, &denial.why));
                }
                Answer::Disconnect(disconnect) => return Err(disconnect),
            },
        };
        if explains && let Some(why) = &error.why {
            error.message = Cow::Owned(format!("{}: {why}", error.message));
        }
        Ok(error)
    }

    /// What the operator is told, if there is more to say than the code says.
    pub(crate) fn report(
        &self,
        about: About<'_>,
        client: ClientId,
        user: &UserId,
    ) -> Option<Refused> {
        let mut refused = Refused {
            client,
            user: user.clone(),
            operation: about.operation,
            channel: beginning(about.channel).to_owned(),
            code: 0,
            rule: None,
            option: String::new(),
            why: Cow::Borrowed(""),
            change: String::new(),
        };
        match self {
            Self::Reply(error) => {
                refused.code = error.code.0;
                refused.why = error.why.clone()?;
            }
            Self::Disconnect(_) => return None,
            Self::Denied(denial) => {
                refused.code = match &denial.answer {
                    Answer::Error(code) => code.0,
                    Answer::Disconnect(disconnect) => u32::from(disconnect.code),
                };
                refused.why = Cow::Owned(denial.why.clone());
                refused.rule = denial.rule;
                refused.option.clone_from(&denial.option);
                for (at, change) in denial.changes.iter().enumerate() {
                    let before = if at == 0 { "" } else { "; or " };
                    // A string takes all that is written to it.
                    let _ = write!(refused.change, "{before}{change}");
                }
            }
        }
        Some(refused)
    }
}

/// As much of a channel's name as is worth a place in the log.
fn beginning(channel: &str) -> &str {
    let end = channel.floor_char_boundary(MAX_CHANNEL_TOLD);
    channel.get(..end).unwrap_or_default()
}

/// The same disconnect with its reason explained, as far as a close frame can hold it.
fn explained(disconnect: &Disconnect, why: &str) -> Disconnect {
    let mut reason = format!("{}: {why}", disconnect.reason);
    let end = (0..=MAX_REASON.min(reason.len()))
        .rev()
        .find(|end| reason.is_char_boundary(*end));
    reason.truncate(end.unwrap_or(0));
    Disconnect::new(disconnect.code, reason)
}

impl From<Denial> for Refusal {
    fn from(denial: Denial) -> Self {
        Self::Denied(Box::new(denial))
    }
}

impl From<CommandError> for Refusal {
    fn from(error: CommandError) -> Self {
        Self::Reply(Box::new(error))
    }
}

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Self {
        Self::from(CommandError::from(code))
    }
}

impl From<Disconnect> for Refusal {
    fn from(disconnect: Disconnect) -> Self {
        Self::Disconnect(disconnect)
    }
}
