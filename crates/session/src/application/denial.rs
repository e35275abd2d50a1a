//! How the application refuses, as a client is told: the one place where its codes are checked.

use std::ops::RangeInclusive;

use veche_protocol::error_code::ErrorCode;

use super::Denial;
use crate::refusal::{Refusal, RefusalKind};
use crate::rule::{Outcome, Rule, Step};

/// Codes of errors that are the application's.
///
/// Source: Centrifugo's documentation of proxies, `error`.
const ERRORS: RangeInclusive<u32> = 400..=1999;
/// Codes of disconnects that are the application's.
///
/// Source: Centrifugo's documentation of proxies, `disconnect`.
const DISCONNECTS: RangeInclusive<u16> = 4000..=4999;

impl Denial {
    /// The refusal; `rule` names the question. A code that is not the application's becomes error 100.
    pub(crate) fn into_refusal(self, rule: Rule) -> Refusal {
        match self {
            Self::Failed => ErrorCode::INTERNAL.into(),
            Self::Error(error) if ERRORS.contains(&error.code.0) => (*error).into(),
            Self::Error(error) => {
                let (code, first, last) = (error.code.0, ERRORS.start(), ERRORS.end());
                let what = format!("the error code {code}: its errors are {first} to {last}");
                unusable(rule, &what)
            }
            Self::Disconnect(disconnect) if DISCONNECTS.contains(&disconnect.code) => {
                disconnect.into()
            }
            Self::Disconnect(disconnect) => {
                let (first, last) = (DISCONNECTS.start(), DISCONNECTS.end());
                let code = disconnect.code;
                let what =
                    format!("the disconnect code {code}: its disconnects are {first} to {last}");
                unusable(rule, &what)
            }
        }
    }
}

/// The refusal where the application's answer cannot be used. The client hears of error 100 only.
pub(crate) fn unusable(rule: Rule, what: &str) -> Refusal {
    let finding = format!("the application's answer has {what}");
    let step = Step::new(rule, Outcome::Refuses, finding);
    Refusal::by(step, RefusalKind::from(ErrorCode::INTERNAL))
        .with_public("the application's answer cannot be used; try again later")
}

#[cfg(test)]
mod tests {
    use veche_protocol::disconnect::Disconnect;
    use veche_protocol::error_code::CommandError;

    use super::*;

    fn error(code: u32) -> Denial {
        Denial::Error(Box::new(CommandError {
            code: ErrorCode(code),
            message: "no".into(),
            temporary: true,
            why: None,
        }))
    }

    fn code_of(denial: Denial) -> (u32, bool) {
        let refusal = denial.into_refusal(Rule::RpcProxy);
        (refusal.kind.code(), refusal.reason.is_some())
    }

    #[test]
    fn codes_of_the_application_are_sent_as_they_are() {
        for code in [400, 403, 1000, 1999] {
            assert_eq!(code_of(error(code)), (code, false));
        }
        for code in [4000, 4499, 4500, 4999] {
            let denial = Denial::Disconnect(Disconnect::new(code, "go"));
            assert_eq!(code_of(denial), (u32::from(code), false));
        }
        let refusal = error(403).into_refusal(Rule::RpcProxy);
        let RefusalKind::Error(told) = refusal.kind else {
            panic!("an error");
        };
        assert!(told.temporary && told.message == "no");
    }

    #[test]
    fn other_codes_are_error_100_and_the_operator_is_told() {
        for code in [0, 1, 100, 399, 2000, 3000, u32::MAX] {
            assert_eq!(code_of(error(code)), (100, true), "{code}");
        }
        for code in [0, 100, 1000, 3000, 3501, 3999, 5000, u16::MAX] {
            let denial = Denial::Disconnect(Disconnect::new(code, "go"));
            assert_eq!(code_of(denial), (100, true), "{code}");
        }
    }

    #[test]
    fn a_failure_is_error_100_and_was_told_before() {
        assert_eq!(code_of(Denial::Failed), (100, false));
    }
}
