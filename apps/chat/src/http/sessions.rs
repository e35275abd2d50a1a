//! The devices on which somebody is logged in, and the end of their sessions.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Value, json};
use tracing::debug;

use super::caller::Caller;
use super::refusal::Refusal;
use super::session::announce_ends;
use super::{Service, now_ms};
use crate::api_client::ApiClient;
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

/// Tells the windows of sessions that these have ended, and has the server end the user's connections: who has a session
/// left connects again, who had one of these does not.
pub(super) fn tell(service: &Service, user: &str, ended: &[String]) {
    if ended.is_empty() {
        return;
    }
    announce_ends(service, user, ended);
    tokio::spawn(disconnect(Arc::clone(&service.client), user.to_owned()));
}

async fn disconnect(client: Arc<ApiClient>, user: String) {
    let outcome = match client.connect().await {
        Ok(mut connection) => connection.disconnect(&user).await,
        Err(error) => Err(error),
    };
    // Without it the connections end when their tokens do.
    if let Err(error) = outcome {
        debug!(%error, "connections of ended sessions were not closed at once");
    }
}
