//! A sentence for each error code, for errors without a reason of their own.

use std::borrow::Cow;

use crate::error_code::CommandError;

/// A sentence that says what went wrong and what to change: the rule that decided, if it spoke.
#[must_use]
pub fn sentence(error: &CommandError) -> Cow<'_, str> {
    if let Some(why) = &error.why {
        return Cow::Borrowed(why);
    }
    let default = match error.code.0 {
        100 => "the server failed; trying again may help",
        101 => "log in first: send {\"action\":\"login\",\"token\":\"...\"}",
        102 => "there is no such channel: its namespace is not configured",
        103 => "not allowed: the channel's namespace or your token does not permit it",
        104 => "there is no such action or method",
        105 => "this connection is subscribed to the channel already",
        106 => "a limit is reached; the server's configuration says which",
        107 => "the action makes no sense as it is; check its fields",
        108 => "this feature is off for the channel, or on this server",
        109 => "the token's time ran out: get a new one and log in with it",
        110 => "the time of the connection or subscription ran out",
        111 => "too often; try again later",
        112 => "the position is not in the channel's history any more: load the state anew",
        _ if error.message.is_empty() => "the application refused",
        _ => return Cow::Borrowed(&error.message),
    };
    Cow::Borrowed(default)
}
