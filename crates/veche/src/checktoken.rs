//! `veche checktoken` and `veche checksubtoken`: says what the server would say to a token.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::runtime::Builder;
use veche_server::authority;

use crate::cli::{CheckOptions, ConfigArgs};
use crate::failure::Failure;
use crate::gentoken::{person, span, unix_now};
use crate::output;
use crate::sources::{self, Purpose};

/// The kind of token that is expected.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Connection,
    Subscription,
}

/// Prints what the token says.
///
/// # Errors
/// A configuration that is wrong, or why the token is refused.
pub(crate) fn run(
    config_args: &ConfigArgs,
    options: &CheckOptions,
    kind: Kind,
) -> Result<(), Failure> {
    let config = sources::load(config_args, Purpose::Serve)?.config;
    let now = unix_now();
    let token = options.token.trim();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let checked = runtime.block_on(async {
        match kind {
            Kind::Connection => {
                let claims = authority::connection_claims(&config, token, now).await;
                claims.map(|claims| (claims.user, None, claims.expire_at))
            }
            Kind::Subscription => {
                let claims = authority::subscription_claims(&config, token, now).await;
                claims.map(|claims| (claims.user, Some(claims.channel), claims.expire_at))
            }
        }
    });
    let (user, channel, expires) = checked.map_err(|error| refused(error.why(), token))?;
    let channel = channel.map_or_else(String::new, |channel| format!(", channel \"{channel}\""));
    let life = match expires {
        Some(end) => format!("expires in {}", span(end.saturating_sub(now))),
        None => "never expires".to_owned(),
    };
    output::line(&format!(
        "valid token for {}{channel}, {life}",
        person(user.as_str())
    ))?;
    claims(token).map_or(Ok(()), |claims| output::line(&format!("claims: {claims}")))
}

fn refused(why: &str, token: &str) -> Failure {
    Failure::Said {
        what: format!("the token is refused: {why}"),
        details: claims(token)
            .into_iter()
            .map(|claims| format!("claims: {claims}"))
            .collect(),
    }
}

/// The claims as they stand in the token, where they can be read.
fn claims(token: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    // A token is made by anybody: nothing in it may steer the terminal.
    (!text.chars().any(char::is_control)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::claims;

    #[test]
    fn claims_are_shown_only_where_they_are_harmless() {
        assert_eq!(claims("e30.eyJzdWIiOiJhIn0.x").unwrap(), r#"{"sub":"a"}"#);
        assert_eq!(claims("e30.G1swbQ.x"), None);
        assert_eq!(claims("nonsense"), None);
    }
}
