//! Logging in and out, and the token for the WebSocket.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::caller::{self, Caller, Json};
use super::refusal::Refusal;
use super::{Service, now_ms};
use crate::limits;
use crate::store::sessions::{self, Login};
use crate::token;
use crate::words::User;

#[derive(Debug, Deserialize)]
pub(crate) struct LoginForm {
    name: String,
}

/// `POST /chat/api/login`, `{"name": …}`: a session for whoever says this name.
pub(crate) async fn log_in(
    State(service): State<Arc<Service>>,
    Json(form): Json<LoginForm>,
) -> Result<Answer<Value>, Refusal> {
    let user = User::parse(&form.name).map_err(Refusal::bad_request)?;
    // Two random UUIDs: 244 bits that nobody guesses.
    let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let (stored, entering, now) = (token.clone(), user.clone(), now_ms());
    match service
        .store
        .run(move |db| sessions::log_in(db, &entering, &stored, now))
        .await?
    {
        Login::Done => {}
        Login::TooManyUsers => {
            let limit = limits::USERS;
            return Err(Refusal::no_place(format!(
                "the chat has its {limit} users; log in under a name that exists"
            )));
        }
    }
    let mut answer = about(&service, &user);
    if let Some(fields) = answer.as_object_mut() {
        fields.insert("token".to_owned(), token.into());
    }
    Ok(Answer(answer))
}

/// `POST /chat/api/logout`: the session ends.
pub(crate) async fn log_out(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
) -> Result<Answer<Value>, Refusal> {
    if let Some(token) = caller::bearer(&headers) {
        let token = token.to_owned();
        service
            .store
            .run(move |db| sessions::log_out(db, &token))
            .await?;
    }
    Ok(Answer(json!({})))
}

/// `GET /chat/api/me`: whose session it is, and where the WebSocket is.
pub(crate) async fn me(State(service): State<Arc<Service>>, Caller(user): Caller) -> Answer<Value> {
    Answer(about(&service, &user))
}

/// `POST /chat/api/connection-token`: a token for the server, good for ten minutes.
pub(crate) async fn connection_token(
    State(service): State<Arc<Service>>,
    Caller(user): Caller,
) -> Answer<Value> {
    let token = token::connection_token(&service.token_secret, &user, now_ms());
    Answer(json!({ "token": token }))
}

fn about(service: &Service, user: &User) -> Value {
    json!({
        "user": { "id": user.id, "name": user.name },
        "socket": service.socket,
        "limits": { "name_chars": limits::NAME_CHARS, "title_chars": limits::TITLE_CHARS, "text_bytes": limits::TEXT_BYTES },
    })
}
