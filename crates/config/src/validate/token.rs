//! Checks the options of tokens: names of claims, times, and expected values. The server checks the keys.

use crate::schema::client::{Client, Token};
use crate::validate::regex_complaint;

/// All that is wrong, one line each.
pub(super) fn check(client: &Client, problems: &mut Vec<String>) {
    for (at, token) in [
        ("client.token", &client.token),
        (
            "client.subscription_token",
            &client.subscription_token.token,
        ),
    ] {
        user_id_claim(at, token, problems);
        previous_key(at, token, problems);
        claims(at, token, problems);
    }
}

fn user_id_claim(at: &str, token: &Token, problems: &mut Vec<String>) {
    let claim = &token.user_id_claim;
    if !claim.chars().all(|c| c.is_ascii_alphabetic() || c == '_') {
        problems.push(format!(
            "{at}.user_id_claim: \"{claim}\" is not the name of a claim; write letters and _ only"
        ));
    }
}

fn previous_key(at: &str, token: &Token, problems: &mut Vec<String>) {
    let until = token.hmac_previous_secret_key_valid_until;
    if until < 0 {
        problems.push(format!(
            "{at}.hmac_previous_secret_key_valid_until: {until} is not a time; write seconds of Unix time, or 0 for \
             without end"
        ));
    }
}

fn claims(at: &str, token: &Token, problems: &mut Vec<String>) {
    for (name, exact, pattern) in [
        ("audience", &token.audience, &token.audience_regex),
        ("issuer", &token.issuer, &token.issuer_regex),
    ] {
        if !exact.is_empty() && !pattern.is_empty() {
            problems.push(format!(
                "{at}.{name}: cannot be used together with {at}.{name}_regex; keep one of them"
            ));
        }
        if let Err(error) = regex::Regex::new(pattern) {
            problems.push(format!(
                "{at}.{name}_regex: {}",
                regex_complaint(pattern, &error)
            ));
        }
    }
}
