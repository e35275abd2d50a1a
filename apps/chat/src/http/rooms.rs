//! The list of rooms, and new ones.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Service;
use super::caller::{Caller, Json};
use super::refusal::Refusal;
use crate::limits;
use crate::store::rooms::{self, Created};
use crate::words;

/// `GET /chat/api/rooms`: all rooms, the most recently used first.
pub(crate) async fn list(
    State(service): State<Arc<Service>>,
    _: Caller,
) -> Result<Answer<Value>, Refusal> {
    let rooms = service.store.run(rooms::list).await?;
    Ok(Answer(json!({ "rooms": rooms })))
}

#[derive(Debug, Deserialize)]
pub(crate) struct RoomForm {
    title: String,
}

/// `POST /chat/api/rooms`, `{"title": …}`: makes a room, or gives the one of this title.
pub(crate) async fn create(
    State(service): State<Arc<Service>>,
    _: Caller,
    Json(form): Json<RoomForm>,
) -> Result<Answer<Value>, Refusal> {
    let title = words::parse_title(&form.title).map_err(Refusal::bad_request)?;
    let publisher = Arc::clone(&service.publisher);
    let made = service.store.run(move |db| {
        let made = rooms::create(db, &title)?;
        // On the database thread: the caller may be gone by the time this is committed.
        if let Created::New(room) = &made {
            publisher.wake(&room.id);
        }
        Ok(made)
    });
    match made.await? {
        Created::New(room) => Ok(Answer(json!({ "room": room, "created": true }))),
        Created::Known(room) => Ok(Answer(json!({ "room": room, "created": false }))),
        Created::TooMany => {
            let limit = limits::ROOMS;
            Err(Refusal::no_place(format!(
                "there are {limit} rooms already, and no place for another"
            )))
        }
    }
}
