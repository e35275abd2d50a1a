//! Conversations of two.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::{Caller, Json};
use super::refusal::Refusal;
use super::{Service, now_ms};
use crate::store::direct::{self, Opened};
use crate::words::User;

#[derive(Debug, Deserialize)]
pub(crate) struct DirectForm {
    /// The name of the other one.
    user: String,
}

/// `POST /chat/api/direct`, `{"user": …}`: the conversation with somebody, which is begun if there is none.
pub(crate) async fn open(
    State(service): State<Arc<Service>>,
    Caller { user, .. }: Caller,
    Json(form): Json<DirectForm>,
) -> Result<Answer<Value>, Refusal> {
    let other = User::parse(&form.user).map_err(Refusal::bad_request)?.id;
    let opened = service.change(user.id.clone(), move |db| {
        direct::open(db, &user, &other, now_ms())
    });
    match opened.await? {
        Opened::Done(room) => Ok(Answer(json!({ "room": room }))),
        Opened::Oneself => Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "oneself",
            "a conversation needs somebody else",
        )),
        Opened::NoSuchPerson => Err(Refusal::no_such_person()),
        Opened::Unowned => Err(Refusal::unowned()),
        Opened::TooMany => Err(Refusal::no_place(
            "you have begun as many conversations as one can",
        )),
    }
}
