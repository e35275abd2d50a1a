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
use crate::channels;
use crate::limits;
use crate::store::sessions::{self, Login};
use crate::token;
use crate::words::User;

#[derive(Debug, Deserialize)]
pub(crate) struct LoginForm {
    name: String,
    /// What the browser made for itself, and keeps: the name belongs to it from the first login on.
    key: Option<String>,
}

/// `POST /chat/api/login`, `{"name": …, "key": …}`: a session for whoever says this name first, and then for that browser only.
pub(crate) async fn log_in(
    State(service): State<Arc<Service>>,
    Json(form): Json<LoginForm>,
) -> Result<Answer<Value>, Refusal> {
    let user = User::parse(&form.name).map_err(Refusal::bad_request)?;
    let key = form.key;
    if key
        .as_ref()
        .is_some_and(|key| !limits::KEY_CHARS.contains(&key.len()))
    {
        return Err(Refusal::bad_request(
            "the key of the browser is too short or too long",
        ));
    }
    // Two random UUIDs: 244 bits that nobody guesses.
    let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let (stored, entering, now) = (token.clone(), user.clone(), now_ms());
    match service
        .store
        .run(move |db| sessions::log_in(db, &entering, key.as_deref(), &stored, now))
        .await?
    {
        Login::Done(ended) => {
            for session in ended {
                announce_end(&service, &user.id, &session);
            }
        }
        Login::Refused(entry) => return Err(Refusal::no_entry(entry)),
    }
    let mut answer = about(&service, &user, Some(&sessions::id(&token)));
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
        let (token, session) = (token.to_owned(), sessions::id(token));
        let ended = service
            .store
            .run(move |db| sessions::log_out(db, &token))
            .await?;
        if let Some(user) = ended {
            announce_end(&service, &user, &session);
        }
    }
    Ok(Answer(json!({})))
}

/// Tells the windows of a session that it has ended.
fn announce_end(service: &Service, user: &str, session: &str) {
    let news = json!({ "type": "session-ended", "session": session });
    service
        .announcer
        .announce(channels::personal(user), format!("session:{session}"), news);
}

/// `GET /chat/api/me`: whose session it is, and where the WebSocket is.
pub(crate) async fn me(
    State(service): State<Arc<Service>>,
    Caller { user, session }: Caller,
) -> Answer<Value> {
    Answer(about(&service, &user, session.as_deref()))
}

/// `POST /chat/api/connection-token`: a token for the server, good for ten minutes.
pub(crate) async fn connection_token(
    State(service): State<Arc<Service>>,
    Caller { user, .. }: Caller,
) -> Answer<Value> {
    let token = token::connection_token(&service.token_secret, &user, now_ms());
    Answer(json!({ "token": token }))
}

fn about(service: &Service, user: &User, session: Option<&str>) -> Value {
    json!({
        "user": { "id": user.id, "name": user.name },
        "session": session,
        "house": service.house,
        "socket": service.socket,
        "limits": { "name_chars": limits::NAME_CHARS, "title_chars": limits::TITLE_CHARS, "text_chars": limits::TEXT_CHARS },
    })
}
