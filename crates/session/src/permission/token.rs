//! What a token says, and whether it is for this channel, user, connection and time.

use veche_protocol::claims::{
    ConnectionClaims, SubscriptionClaims, SubscriptionOptions, TokenError,
};
use veche_protocol::disconnect::Disconnect;
use veche_protocol::error_code::ErrorCode;

use super::{Asker, connect, person, refuse, subscribe};
use crate::authorities::Proof;
use crate::limits;
use crate::namespace::ResolvedChannel;
use crate::refusal::{Refusal, RefusalKind};
use crate::rule::{Act, Change, Decision, Outcome, Rule, Silent, Step, Trail};
use crate::rules::Rules;

/// Whether a client may connect with a token that was checked: what the token says, and the rule that allows it.
///
/// # Errors
/// 109 if it has expired or is not valid yet, 100 if it could not be checked, disconnect 3500 if it is invalid; else as
/// [`connect`].
pub fn connect_by_token(
    rules: &Rules,
    checked: Result<Box<ConnectionClaims>, TokenError>,
    trail: &mut impl Trail,
) -> Result<(ConnectionClaims, Rule), Refusal> {
    let claims = checked.map_err(|error| {
        refuse_token(
            Rule::ConnectionToken,
            error,
            Disconnect::INVALID_TOKEN.into(),
            trail,
        )
    })?;
    trail.step(|| {
        let finding = format!(
            "the connection token is valid, and for {}",
            person(&claims.user)
        );
        Step::new(Rule::ConnectionToken, Outcome::Passes, finding)
    });
    let rule = connect(rules, &claims.user, Proof::Token, trail)?;
    Ok((*claims, rule))
}

/// Whether a client may subscribe by a command, with the subscription token that was checked if the command had one; by
/// which rule, and what the token wishes; or whether the application decides. `now_secs` is Unix time.
///
/// # Errors
/// For the token 109, 100 and 103; else as [`subscribe`] and [`lasts`].
pub fn subscribe_by(
    resolved: &ResolvedChannel<'_>,
    asker: Asker<'_>,
    checked: Option<Result<Box<SubscriptionClaims>, TokenError>>,
    now_secs: i64,
    trail: &mut impl Trail,
) -> Result<(Decision, SubscriptionOptions), Refusal> {
    let claims = match checked {
        Some(checked) => {
            let claims = checked.map_err(|error| {
                refuse_token(
                    Rule::Token,
                    error,
                    ErrorCode::PERMISSION_DENIED.into(),
                    trail,
                )
            })?;
            trail.step(|| {
                Step::new(
                    Rule::Token,
                    Outcome::Passes,
                    "the subscription token is valid",
                )
            });
            Some(claims)
        }
        None => None,
    };
    let decision = subscribe(resolved, asker, claims.as_deref(), trail)?;
    let Some(claims) = claims else {
        return Ok((decision, SubscriptionOptions::default()));
    };
    let expire_at = claims.options.expire_at.or(claims.expire_at);
    lasts(expire_at, now_secs, trail)?;
    let wishes = SubscriptionOptions {
        expire_at,
        ..claims.options
    };
    Ok((decision, wishes))
}

/// The refusal for a token that is not accepted; `invalid` is for one that is not ours.
fn refuse_token(
    rule: Rule,
    error: TokenError,
    invalid: RefusalKind,
    trail: &mut impl Trail,
) -> Refusal {
    let (kind, finding, change) = match error {
        TokenError::Expired(why) => {
            let finding = format!("the token's time is not now, {why}: get a new one");
            (
                ErrorCode::TOKEN_EXPIRED.into(),
                finding,
                Act::BringOtherToken,
            )
        }
        TokenError::Invalid(why) => (invalid, why, Act::BringOtherToken),
        TokenError::Failed(why) => {
            let step = Step::new(rule, Outcome::Refuses, why);
            // Only the operator is told why: the reason may name an address of the internal network.
            return refuse(step, ErrorCode::INTERNAL, trail)
                .with_public("the token could not be checked; try again later")
                .unless(vec![Change::act(Act::ReachKeys)]);
        }
    };
    let step = Step::new(rule, Outcome::Refuses, finding);
    refuse(step, kind, trail).unless(vec![Change::act(change)])
}

/// The refusal for a token that should prolong a connection or subscription; `expired` ends the connection if
/// the token has expired.
pub(crate) fn refuse_late_token(rule: Rule, error: TokenError, expired: Disconnect) -> Refusal {
    match error {
        TokenError::Expired(why) => {
            let finding = format!("the token's time is not now, {why}");
            let step = Step::new(rule, Outcome::Refuses, finding);
            Refusal::by(step, expired).unless(vec![Change::act(Act::BringOtherToken)])
        }
        error => {
            let invalid = Disconnect::INVALID_TOKEN.into();
            refuse_token(rule, error, invalid, &mut Silent)
        }
    }
}

/// Whether a subscription token is for this channel, user and connection.
///
/// # Errors
/// As [`subscribe`].
pub fn token_is_for(
    resolved: &ResolvedChannel<'_>,
    asker: Asker<'_>,
    claims: &SubscriptionClaims,
    trail: &mut impl Trail,
) -> Result<(), Refusal> {
    if resolved.rules.resolve(&claims.channel).is_none() {
        let finding = format!(
            "the token is for channel {:?}, whose namespace does not exist",
            claims.channel
        );
        let step = Step::new(Rule::Token, Outcome::Refuses, finding);
        let refusal = refuse(step, ErrorCode::UNKNOWN_CHANNEL, trail);
        return Err(refusal.unless(vec![for_channel(resolved)]));
    }
    let client = asker.client.to_string();
    let is_for_client = claims.client.is_empty() || claims.client == client;
    let (wrong, change) = if claims.channel != resolved.channel {
        let wrong = format!("channel {:?}, not {:?}", claims.channel, resolved.channel);
        (wrong, for_channel(resolved))
    } else if claims.user != *asker.user {
        let wrong = format!("{}, not {}", person(&claims.user), person(asker.user));
        let how = format!("for {}, in the claim sub", person(asker.user));
        (wrong, Change::act(Act::MakeToken(how)))
    } else if !is_for_client {
        let wrong = format!("connection {:?}, not {client:?}", claims.client);
        let how = "without the claim client, or anew for each connection".to_owned();
        (wrong, Change::act(Act::MakeToken(how)))
    } else {
        trail.step(|| {
            let finding = "the token is for this channel, user and connection";
            Step::new(Rule::Token, Outcome::Passes, finding)
        });
        return Ok(());
    };
    let finding = format!("the subscription token is for {wrong}");
    let step = Step::new(Rule::Token, Outcome::Refuses, finding);
    Err(refuse(step, Disconnect::INVALID_TOKEN, trail).unless(vec![change]))
}

/// Whether a subscription that ends at `expire_at` may begin at `now_secs`, both in seconds of Unix time.
///
/// # Errors
/// 110.
pub fn lasts(expire_at: Option<i64>, now_secs: i64, trail: &mut impl Trail) -> Result<(), Refusal> {
    let Some(at) = expire_at else {
        return Ok(());
    };
    if limits::expiry(expire_at, now_secs).is_some() {
        trail.step(|| {
            let left = at.saturating_sub(now_secs);
            let finding = format!("its time runs out in {left} seconds");
            Step::new(Rule::Expiry, Outcome::Passes, finding)
        });
        return Ok(());
    }
    let finding = "the subscription's time (expire_at) has run out";
    let how = "with a later expire_at, or with none".to_owned();
    let step = Step::new(Rule::Expiry, Outcome::Refuses, finding);
    Err(refuse(step, ErrorCode::EXPIRED, trail).unless(vec![Change::act(Act::MakeToken(how))]))
}

fn for_channel(resolved: &ResolvedChannel<'_>) -> Change {
    Change::act(Act::MakeToken(format!(
        "for channel {:?}, in the claim channel",
        resolved.channel
    )))
}
