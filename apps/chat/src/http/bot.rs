//! The bot of a demonstration.

use std::sync::Arc;
use std::time::Instant;

use axum::Json as Answer;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Service;
use super::caller::{Caller, Json};
use super::refusal::{self, Refusal};
use crate::bot::Language;

#[derive(Debug, Deserialize)]
pub(crate) struct TalkForm {
    language: Language,
}

/// `POST /chat/api/bot/talk`, `{"language": "en"}` (or `"ru"`): has the bot write some lines, for whoever wants to be
/// away meanwhile.
pub(crate) async fn talk(
    State(service): State<Arc<Service>>,
    Caller { user, .. }: Caller,
    Json(form): Json<TalkForm>,
) -> Result<Answer<Value>, Refusal> {
    let Some(bot) = &service.bot else {
        return Err(refusal::no_such_address().await);
    };
    service
        .change_rate
        .take(&user.id, Instant::now())
        .map_err(Refusal::slow_down)?;
    bot.talk(form.language);
    Ok(Answer(json!({})))
}
