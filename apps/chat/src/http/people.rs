//! People, found by the first letters of their names.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Service;
use super::caller::Caller;
use super::refusal::Refusal;
use crate::limits;
use crate::store::people;

#[derive(Debug, Deserialize)]
pub(crate) struct PeopleQuery {
    #[serde(default)]
    find: String,
}

/// `GET /chat/api/people?find=`: users whose names, or a word of them, begin so; ten at most.
pub(crate) async fn find(
    State(service): State<Arc<Service>>,
    _: Caller,
    query: Result<Query<PeopleQuery>, QueryRejection>,
) -> Result<Answer<Value>, Refusal> {
    let Query(query) = query.map_err(|rejection| Refusal::bad_request(rejection.body_text()))?;
    if query.find.chars().count() > limits::NAME_CHARS {
        return Ok(Answer(json!({ "people": [] })));
    }
    let found = service
        .store
        .run(move |db| people::find(db, query.find.trim()));
    Ok(Answer(json!({ "people": found.await? })))
}
