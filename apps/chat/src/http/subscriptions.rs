//! Tokens with which the members of a private room may listen to it.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::{Caller, Json};
use super::refusal::Refusal;
use super::{Service, now_ms};
use crate::store::access;
use crate::token;
use crate::words::RoomId;

#[derive(Debug, Deserialize)]
pub(crate) struct SubscriptionForm {
    channel: String,
}

/// `POST /chat/api/rooms/{room}/subscription-token`, `{"channel": …}`: a token for one of the room's two channels, as the
/// list of rooms names them.
pub(crate) async fn token(
    State(service): State<Arc<Service>>,
    Caller { user, .. }: Caller,
    Path(room): Path<String>,
    Json(form): Json<SubscriptionForm>,
) -> Result<Answer<Value>, Refusal> {
    let id = RoomId::parse(&room).ok_or_else(|| Refusal::no_such_room(&room))?;
    let caller = user.id.clone();
    let found = service
        .store
        .run(move |db| access::of(db, id.as_str(), &caller));
    let access = found.await?.ok_or_else(|| Refusal::no_such_room(&room))?;
    if !access.channels(&room).contains(&form.channel) {
        return Err(Refusal::no_such_channel());
    }
    let token = token::subscription_token(&service.token_secret, &user, &form.channel, now_ms());
    Ok(Answer(json!({ "token": token })))
}
