//! Why something that a client asked for is not done: the error or the disconnect, and the reason.

use std::borrow::Cow;

use veche_protocol::disconnect::Disconnect;
use veche_protocol::error_code::{CommandError, ErrorCode};

use crate::rule::{Change, Rule, Step};

mod report;

pub(crate) use report::About;
pub use report::RefusalReport;

/// Why a command is not carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// What the client gets.
    pub kind: RefusalKind,
    /// What there is to know beside the code.
    pub reason: Option<Box<Reason>>,
}

/// How a client is refused.
#[derive(Clone, Debug, PartialEq)]
pub enum RefusalKind {
    /// By an error in the reply; the connection lives on. The reason is not in it.
    Error(Box<CommandError>),
    /// By the end of the connection.
    Disconnect(Disconnect),
}

/// The reason for a refusal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reason {
    /// The rule that decided.
    pub rule: Option<Rule>,
    /// Why, in a sentence that names the option.
    pub why: Cow<'static, str>,
    /// What a client hears instead of `why`, where that holds what only the operator may know: a value of the
    /// configuration, an address, an error of the system. `None` where it holds nothing of the kind.
    pub public: Option<String>,
    /// The configuration key that decided; empty where there is none.
    pub option: String,
    /// What would change the verdict: one of these.
    pub changes: Vec<Change>,
}

/// Why a command without a channel ends the connection.
pub(crate) const NO_CHANNEL: &str = "the command names no channel";
/// Bytes of a reason in a close frame (RFC 6455, section 5.5: 125 with the code).
const MAX_REASON: usize = 123;

impl Refusal {
    /// An error that says why.
    #[must_use]
    pub fn because(code: ErrorCode, why: impl Into<Cow<'static, str>>) -> Self {
        Self::from(code).with_why(why)
    }

    /// The end of the connection, and why.
    pub(crate) fn ends(disconnect: Disconnect, why: impl Into<Cow<'static, str>>) -> Self {
        Self::from(disconnect).with_why(why)
    }

    /// The refusal that a step of the rules comes to: its rule, its option, and as reason what it found.
    pub(crate) fn by(step: Step, kind: impl Into<RefusalKind>) -> Self {
        let why = step.reason();
        Self {
            kind: kind.into(),
            reason: Some(Box::new(Reason {
                rule: Some(step.rule),
                why: Cow::Owned(why),
                option: step.option,
                ..Reason::default()
            })),
        }
    }

    /// The same refusal, for this reason in words.
    pub(crate) fn with_why(mut self, why: impl Into<Cow<'static, str>>) -> Self {
        self.reason_mut().why = why.into();
        self
    }

    /// The same refusal; a client hears this instead of the reason.
    pub(crate) fn with_public(mut self, public: impl Into<String>) -> Self {
        self.reason_mut().public = Some(public.into());
        self
    }

    /// The same refusal, which each of these changes would turn.
    pub(crate) fn unless(mut self, changes: Vec<Change>) -> Self {
        self.reason_mut().changes = changes;
        self
    }

    fn reason_mut(&mut self) -> &mut Reason {
        self.reason.get_or_insert_default()
    }

    /// The same, for a client that cannot be answered: errors become disconnects.
    pub(crate) fn without_reply(self, disconnect: impl FnOnce(ErrorCode) -> Disconnect) -> Self {
        let kind = match self.kind {
            RefusalKind::Error(error) => RefusalKind::Disconnect(disconnect(error.code)),
            RefusalKind::Disconnect(_) => self.kind,
        };
        Self { kind, ..self }
    }

    /// What a client is told by error or disconnect. Without `explains` it hears public text only; with it, why, in all
    /// words.
    pub(crate) fn tell(self, explains: bool) -> Result<Box<CommandError>, Disconnect> {
        let reason = self.reason.map(|reason| *reason);
        match self.kind {
            RefusalKind::Error(mut error) => {
                error.why = reason.map(|reason| match reason.public {
                    Some(public) if !explains => Cow::Owned(public),
                    _ => reason.why,
                });
                if explains && let Some(why) = &error.why {
                    error.message = Cow::Owned(format!("{}: {why}", error.message));
                }
                Ok(error)
            }
            RefusalKind::Disconnect(disconnect) => Err(match reason {
                Some(reason) if explains => explained(&disconnect, &reason.why),
                _ => disconnect,
            }),
        }
    }

    /// The refusal as an error with its whole reason, for a caller that has no connection to lose.
    #[must_use]
    pub fn into_error(self) -> CommandError {
        let why = self.reason.map(|reason| reason.why);
        match self.kind {
            RefusalKind::Error(error) => CommandError { why, ..*error },
            RefusalKind::Disconnect(disconnect) => {
                CommandError::because(ErrorCode::BAD_REQUEST, why.unwrap_or(disconnect.reason))
            }
        }
    }
}

impl RefusalKind {
    /// The code of the error or of the disconnect.
    #[must_use]
    pub fn code(&self) -> u32 {
        match self {
            Self::Error(error) => error.code.0,
            Self::Disconnect(disconnect) => u32::from(disconnect.code),
        }
    }
}

/// The same disconnect with its reason explained, as far as a close frame can hold it.
fn explained(disconnect: &Disconnect, why: &str) -> Disconnect {
    let mut reason = format!("{}: {why}", disconnect.reason);
    reason.truncate(reason.floor_char_boundary(MAX_REASON));
    Disconnect::new(disconnect.code, reason)
}

impl From<ErrorCode> for RefusalKind {
    fn from(code: ErrorCode) -> Self {
        Self::Error(Box::new(code.into()))
    }
}

impl From<Disconnect> for RefusalKind {
    fn from(disconnect: Disconnect) -> Self {
        Self::Disconnect(disconnect)
    }
}

impl From<RefusalKind> for Refusal {
    fn from(kind: RefusalKind) -> Self {
        Self { kind, reason: None }
    }
}

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Self {
        RefusalKind::from(code).into()
    }
}

impl From<Disconnect> for Refusal {
    fn from(disconnect: Disconnect) -> Self {
        RefusalKind::from(disconnect).into()
    }
}

impl From<CommandError> for Refusal {
    fn from(mut error: CommandError) -> Self {
        let why = error.why.take();
        let refusal = Self::from(RefusalKind::Error(Box::new(error)));
        match why {
            Some(why) => refusal.with_why(why),
            None => refusal,
        }
    }
}
