//! `veche gensubtoken`: a subscription token for trying things out.

use crate::cli::{ConfigArgs, SubscriptionTokenOptions};
use crate::failure::Failure;
use crate::gentoken;

/// Prints a subscription token.
///
/// # Errors
/// A configuration that is wrong or has no HMAC key; an empty channel.
pub(crate) fn run(
    config_args: &ConfigArgs,
    options: &SubscriptionTokenOptions,
) -> Result<(), Failure> {
    if options.channel.is_empty() {
        return Err(Failure::new(
            "--channel: is empty; write the channel's name",
        ));
    }
    gentoken::issue(config_args, &options.token, Some(&options.channel))
}
