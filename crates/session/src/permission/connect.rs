//! Whether a client may come in at all.

use veche_protocol::disconnect::Disconnect;
use veche_protocol::error_code::ErrorCode;
use veche_protocol::identity::UserId;

use super::allow;
use crate::refusal::{Answer, Denial, Refusal};
use crate::rule::{Act, Change, Outcome, Rule, Step, Trail};
use crate::rules::Rules;

/// How it is known who a client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A connection token that was found good.
    Token,
    /// A header that a proxy before the server has set.
    Header,
    /// A bare name.
    Name,
    /// It is not known.
    Nothing,
}

/// Whether a client may connect without a token.
#[must_use]
pub fn may_connect_without_token(rules: &Rules) -> bool {
    rules.client.insecure || rules.client.allow_anonymous_connect_without_token
}

/// Whether a client may connect, as this user.
///
/// # Errors
/// 101 for a bare name; disconnect 3507 for a token without a user, 3501 for nothing.
pub fn connect(
    rules: &Rules,
    user: &UserId,
    proof: Proof,
    trail: &mut impl Trail,
) -> Result<Rule, Refusal> {
    match proof {
        Proof::Token => with_token(rules, user, trail),
        Proof::Header => Ok(allow(
            Rule::UserHeader,
            "a proxy before the server says who it is",
            trail,
        )),
        Proof::Name if rules.client.allow_name_login && !user.is_anonymous() => {
            trail.step(|| {
                Step::new(Rule::NameLogin, Outcome::Allows, "bare names are believed")
                    .by(ALLOW_NAME_LOGIN)
            });
            Ok(Rule::NameLogin)
        }
        Proof::Name => Err(by_name(trail)),
        Proof::Nothing => without_credentials(rules, trail),
    }
}

fn with_token(rules: &Rules, user: &UserId, trail: &mut impl Trail) -> Result<Rule, Refusal> {
    if !user.is_anonymous() {
        return Ok(allow(
            Rule::ConnectionToken,
            "the connection token names the user",
            trail,
        ));
    }
    let option = "client.disallow_anonymous_connection_tokens";
    let is_refused = rules.client.disallow_anonymous_connection_tokens;
    trail.step(|| {
        let (outcome, finding) = if is_refused {
            (
                Outcome::Refuses,
                "the connection token names no user, and such are refused",
            )
        } else {
            (
                Outcome::Allows,
                "the connection token names no user, and such are taken",
            )
        };
        Step::new(Rule::AnonymousToken, outcome, finding).by(option)
    });
    if !is_refused {
        return Ok(Rule::AnonymousToken);
    }
    Err(Denial {
        answer: Answer::Disconnect(Disconnect::PERMISSION_DENIED),
        rule: Some(Rule::AnonymousToken),
        why: format!("the connection token names no user ({option})"),
        public: None,
        option: option.to_owned(),
        changes: vec![
            Change::act(Act::NameUser),
            Change::set([(option.to_owned(), "false")]),
        ],
    }
    .into())
}

fn by_name(trail: &mut impl Trail) -> Refusal {
    trail.step(|| {
        Step::new(
            Rule::NameLogin,
            Outcome::Refuses,
            "bare names are not believed",
        )
        .by(ALLOW_NAME_LOGIN)
    });
    Denial {
        answer: Answer::Error(ErrorCode::UNAUTHORIZED),
        rule: Some(Rule::NameLogin),
        why: "log in with a token: names alone are not taken here (plain.allow_name_login)"
            .to_owned(),
        public: None,
        option: ALLOW_NAME_LOGIN.to_owned(),
        changes: vec![
            Change::act(Act::BringConnectionToken),
            Change::switch_on([ALLOW_NAME_LOGIN.to_owned()]),
        ],
    }
    .into()
}

fn without_credentials(rules: &Rules, trail: &mut impl Trail) -> Result<Rule, Refusal> {
    let option = "client.allow_anonymous_connect_without_token";
    if rules.client.insecure {
        trail.step(|| {
            Step::new(Rule::Insecure, Outcome::Allows, "everything is allowed")
                .by("client.insecure")
        });
        return Ok(Rule::Insecure);
    }
    let is_allowed = rules.client.allow_anonymous_connect_without_token;
    trail.step(|| {
        let (outcome, finding) = if is_allowed {
            (
                Outcome::Allows,
                "clients without a token come in as anonymous users",
            )
        } else {
            (Outcome::Refuses, "clients without a token are not let in")
        };
        Step::new(Rule::AnonymousConnect, outcome, finding).by(option)
    });
    if is_allowed {
        return Ok(Rule::AnonymousConnect);
    }
    Err(Denial {
        answer: Answer::Disconnect(Disconnect::BAD_REQUEST),
        rule: Some(Rule::AnonymousConnect),
        why: format!("a client without a token is not let in ({option})"),
        public: None,
        option: option.to_owned(),
        changes: vec![
            Change::act(Act::BringConnectionToken),
            Change::switch_on([option.to_owned()]),
        ],
    }
    .into())
}

const ALLOW_NAME_LOGIN: &str = "plain.allow_name_login";
