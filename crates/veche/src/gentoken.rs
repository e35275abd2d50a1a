//! `veche gentoken`: a connection token for trying things out.

use std::time::{SystemTime, UNIX_EPOCH};

use veche_server::issue::{self, Sample};

use crate::cli::{ConfigArgs, TokenOptions};
use crate::failure::Failure;
use crate::output;
use crate::sources::{self, Purpose};

/// Prints a connection token.
///
/// # Errors
/// A configuration that is wrong or has no HMAC key.
pub(crate) fn run(config_args: &ConfigArgs, options: &TokenOptions) -> Result<(), Failure> {
    issue(config_args, options, None)
}

/// Prints a token, for `channel` if there is one.
///
/// # Errors
/// As [`run`].
pub(crate) fn issue(
    config_args: &ConfigArgs,
    options: &TokenOptions,
    channel: Option<&str>,
) -> Result<(), Failure> {
    let loaded = sources::load(config_args, Purpose::Serve)?;
    let now = unix_now();
    let expires = expiry(now, options.ttl)?;
    let sample = Sample {
        user: &options.user,
        channel,
        now,
        expires,
    };
    let token = issue::issue(&loaded.config.client, &sample).map_err(Failure::new)?;
    if options.quiet {
        return output::line(&token);
    }
    let channel = channel.map_or_else(String::new, |channel| format!(", channel \"{channel}\""));
    let life = match expires {
        Some(_) => format!("expires in {}", span(options.ttl)),
        None => "never expires".to_owned(),
    };
    output::line(&format!(
        "HS256 token for {}{channel}, {life}:\n{token}",
        person(&options.user)
    ))
}

/// Seconds of Unix time.
pub(crate) fn unix_now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// A user in words.
pub(crate) fn person(user: &str) -> String {
    if user.is_empty() {
        "an anonymous user".to_owned()
    } else {
        format!("user \"{user}\"")
    }
}

/// Seconds in words, in at most two units: `6d 23h`.
pub(crate) fn span(seconds: i64) -> String {
    let units = [(86_400, "d"), (3600, "h"), (60, "m"), (1, "s")];
    let mut rest = seconds.max(0);
    let mut parts = Vec::new();
    for (size, unit) in units {
        let count = rest / size;
        rest %= size;
        if count > 0 && parts.len() < 2 {
            parts.push(format!("{count}{unit}"));
        }
    }
    if parts.is_empty() {
        "0s".to_owned()
    } else {
        parts.join(" ")
    }
}

fn expiry(now: i64, ttl: i64) -> Result<Option<i64>, Failure> {
    match ttl {
        -1 => Ok(None),
        1.. => Ok(Some(now.saturating_add(ttl))),
        _ => Err(Failure::new(format!(
            "--ttl: {ttl} is not a lifetime; write seconds from 1 up, or -1 for a token that never expires"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::{expiry, span};

    #[test]
    fn a_lifetime_is_seconds_or_minus_one() {
        assert_eq!(expiry(1000, 60).unwrap(), Some(1060));
        assert_eq!(expiry(1000, -1).unwrap(), None);
        assert!(expiry(1000, 0).is_err());
        assert!(expiry(1000, -2).is_err());
    }

    #[test]
    fn a_span_is_told_in_two_units() {
        for (seconds, words) in [
            (0, "0s"),
            (59, "59s"),
            (3600, "1h"),
            (604_799, "6d 23h"),
            (86_405, "1d 5s"),
        ] {
            assert_eq!(span(seconds), words);
        }
    }
}
