//! Reactions to messages.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde_json::Value;

use super::Service;
use super::caller::Caller;
use super::changes::change;
use super::refusal::Refusal;
use crate::store::reacting;
use crate::words;

type Place = Result<Path<(String, i64, String)>, PathRejection>;

/// `PUT /chat/api/rooms/{room}/messages/{seq}/reactions/{emoji}`: the caller reacts.
pub(crate) async fn give(
    State(service): State<Arc<Service>>,
    caller: Caller,
    place: Place,
) -> Result<Answer<Value>, Refusal> {
    set(&service, caller, place, true).await
}

/// `DELETE` of the same: the caller takes it back.
pub(crate) async fn take_back(
    State(service): State<Arc<Service>>,
    caller: Caller,
    place: Place,
) -> Result<Answer<Value>, Refusal> {
    set(&service, caller, place, false).await
}

async fn set(
    service: &Service,
    Caller { user, .. }: Caller,
    place: Place,
    given: bool,
) -> Result<Answer<Value>, Refusal> {
    let Path((room, seq, emoji)) = place.map_err(|_| Refusal::no_such_message())?;
    let emoji = words::parse_emoji(&emoji).map_err(Refusal::bad_request)?;
    change(service, &user.id.clone(), room, move |db, room| {
        reacting::set(db, room, seq, &user, &emoji, given)
    })
    .await
}
