//! Permission to connect.

use veche_protocol::disconnect::Disconnect;
use veche_protocol::error_code::ErrorCode;
use veche_protocol::identity::UserId;

use super::{allow, refuse};
use crate::authorities::Proof;
use crate::refusal::Refusal;
use crate::rule::{Act, Change, Decision, Outcome, Rule, Step, Trail};
use crate::rules::Rules;

/// Whether a client may try to connect without a token; the application may still refuse it.
#[must_use]
pub fn may_try_without_token(rules: &Rules) -> bool {
    let client = &rules.client;
    client.insecure || client.allow_anonymous_connect_without_token || client.connect_proxy
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
        Proof::Application => Ok(allow(
            Rule::ConnectProxy,
            "the application says who it is",
            trail,
        )),
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
    if !rules.client.disallow_anonymous_connection_tokens {
        trail.step(|| {
            let finding = "the connection token names no user, and such are taken";
            Step::new(Rule::AnonymousToken, Outcome::Allows, finding).by(option)
        });
        return Ok(Rule::AnonymousToken);
    }
    let finding = "the connection token names no user";
    let step = Step::new(Rule::AnonymousToken, Outcome::Refuses, finding).by(option);
    Err(
        refuse(step, Disconnect::PERMISSION_DENIED, trail).unless(vec![
            Change::act(Act::NameUser),
            Change::set([(option.to_owned(), "false")]),
        ]),
    )
}

fn by_name(trail: &mut impl Trail) -> Refusal {
    let finding = "log in with a token: names alone are not taken here";
    let step = Step::new(Rule::NameLogin, Outcome::Refuses, finding).by(ALLOW_NAME_LOGIN);
    refuse(step, ErrorCode::UNAUTHORIZED, trail).unless(vec![
        Change::act(Act::BringConnectionToken),
        Change::switch_on([ALLOW_NAME_LOGIN.to_owned()]),
    ])
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
    if rules.client.allow_anonymous_connect_without_token {
        trail.step(|| {
            let finding = "clients without a token come in as anonymous users";
            Step::new(Rule::AnonymousConnect, Outcome::Allows, finding).by(option)
        });
        return Ok(Rule::AnonymousConnect);
    }
    let finding = "a client without a token is not let in";
    let step = Step::new(Rule::AnonymousConnect, Outcome::Refuses, finding).by(option);
    Err(refuse(step, Disconnect::BAD_REQUEST, trail).unless(vec![
        Change::act(Act::BringConnectionToken),
        Change::switch_on([option.to_owned()]),
    ]))
}

/// The step at which the application is asked who a client without a token is.
pub(crate) fn asks_who_connects(trail: &mut impl Trail) -> Decision {
    trail.step(|| {
        let finding = "the application is asked who a client without a token is";
        Step::new(Rule::ConnectProxy, Outcome::Asks, finding).by("client.proxy.connect.enabled")
    });
    Decision::Asked(Rule::ConnectProxy)
}

const ALLOW_NAME_LOGIN: &str = "plain.allow_name_login";
