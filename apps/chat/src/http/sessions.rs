//! The devices on which somebody is logged in, and the end of their sessions.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::caller::Caller;
use super::ending::tell;
use super::refusal::Refusal;
use super::{Service, now_ms};
use crate::store::sessions;

/// `GET /chat/api/sessions`: where the caller is logged in.
pub(crate) async fn list(
    State(service): State<Arc<Service>>,
    Caller { user, session }: Caller,
) -> Result<Answer<Value>, Refusal> {
    let session = session.ok_or_else(Refusal::unauthorized)?;
    let devices = service
        .store
        .run(move |db| sessions::list(db, &user.id, now_ms()));
    Ok(Answer(
        json!({ "sessions": devices.await?, "current": session }),
    ))
}

/// `DELETE /chat/api/sessions/{session}`: ends one session of the caller.
pub(crate) async fn end(
    State(service): State<Arc<Service>>,
    Caller { user, session }: Caller,
    Path(ending): Path<String>,
) -> Result<Answer<Value>, Refusal> {
    session.ok_or_else(Refusal::unauthorized)?;
    let id = user.id.clone();
    let ended = service
        .store
        .run(move |db| sessions::end(db, &id, Some(&ending), None))
        .await?;
    if ended.is_empty() {
        return Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "no_such_session",
            "you have no such session; it may have ended already",
        ));
    }
    tell(&service, &user.id, &ended);
    Ok(Answer(json!({})))
}

/// `DELETE /chat/api/sessions`: ends all sessions of the caller but this one.
pub(crate) async fn end_others(
    State(service): State<Arc<Service>>,
    Caller { user, session }: Caller,
) -> Result<Answer<Value>, Refusal> {
    let kept = session.ok_or_else(Refusal::unauthorized)?;
    let id = user.id.clone();
    let ended = service
        .store
        .run(move |db| sessions::end(db, &id, None, Some(&kept)))
        .await?;
    tell(&service, &user.id, &ended);
    Ok(Answer(json!({ "ended": ended.len() })))
}
