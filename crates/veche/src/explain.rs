//! `veche explain`: who may do what, by which rule and which key, and what would change it.

use tokio::runtime::Builder;
use veche_config::Loaded;
use veche_config::origin::KeyValue;
use veche_server::explain::{self, Operation, Question, Step};

mod json;
mod text;

use crate::cli::{ConfigArgs, ExplainOptions};
use crate::failure::Failure;
use crate::gentoken::unix_now;
use crate::output::{self, Paint};
use crate::sources::{self, Purpose};

/// Prints each step to the verdict.
///
/// # Errors
/// [`Failure::NO`] where it is denied, [`Failure::Misused`] where it cannot be said.
pub(crate) fn run(config_args: &ConfigArgs, options: &ExplainOptions) -> Result<(), Failure> {
    let loaded = sources::load(config_args, Purpose::Serve).map_err(Failure::misused)?;
    let question = question(options)?;
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::from(error).misused())?;
    let explanation = runtime.block_on(explain::explain(&loaded, &question, unix_now()));
    let text = if options.json {
        format!("{:#}", json::of(&explanation, &loaded))
    } else {
        output::warnings(&loaded.warnings);
        text::of(&explanation, &loaded, Paint::for_standard_output())
    };
    output::line(&text).map_err(Failure::misused)?;
    if explanation.is_allowed() {
        return Ok(());
    }
    if explanation.is_asked() {
        let what = "the application decides: what it answers is not known here";
        return Err(Failure::new(what).misused());
    }
    Err(Failure::NO)
}

fn question(options: &ExplainOptions) -> Result<Question, Failure> {
    if options.channel.is_empty() && options.operation != Operation::Connect {
        let what = format!(
            "--channel is missing: {} is about a channel",
            options.operation.name()
        );
        return Err(Failure::new(what).misused());
    }
    Ok(Question {
        operation: options.operation,
        channel: options.channel.clone(),
        user: options.user.clone(),
        token: options
            .token
            .as_deref()
            .map(|token| token.trim().to_owned()),
        subscription_token: options
            .subscription_token
            .as_deref()
            .map(|token| token.trim().to_owned()),
        is_subscribed: options.subscribed,
        data: options.data.clone(),
    })
}

/// The key that a step turned on, with its value and where that comes from.
fn held(step: &Step, loaded: &Loaded) -> Option<KeyValue> {
    let key = Some(step.option.as_str()).filter(|key| !key.is_empty());
    key.map(|key| loaded.origins.lookup(&loaded.config, key))
}
