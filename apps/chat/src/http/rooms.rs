//! The list of rooms, new ones, and their end.

use std::sync::Arc;
use std::time::Instant;

use axum::Json as Answer;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Service;
use super::caller::{Caller, Json};
use super::refusal::Refusal;
use crate::limits;
use crate::store::rooms::{self, Created, Deleted};
use crate::words::{self, RoomId};

/// `GET /chat/api/rooms`: all rooms, the most recently used first, and what the caller has not read in them.
pub(crate) async fn list(
    State(service): State<Arc<Service>>,
    Caller { user, .. }: Caller,
) -> Result<Answer<Value>, Refusal> {
    let rooms = service.store.run(move |db| rooms::list(db, &user.id));
    Ok(Answer(
        json!({ "rooms": rooms.await?, "house": service.house }),
    ))
}

#[derive(Debug, Deserialize)]
pub(crate) struct RoomForm {
    title: String,
}

/// `POST /chat/api/rooms`, `{"title": …}`: makes a room, or gives the one of this title.
pub(crate) async fn create(
    State(service): State<Arc<Service>>,
    Caller { user, .. }: Caller,
    Json(form): Json<RoomForm>,
) -> Result<Answer<Value>, Refusal> {
    let title = words::parse_title(&form.title).map_err(Refusal::bad_request)?;
    service
        .room_rate
        .take(&user.id, Instant::now())
        .map_err(Refusal::slow_down)?;
    let publisher = Arc::clone(&service.publisher);
    let made = service.store.run(move |db| {
        let made = rooms::create(db, &title, &user)?;
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
        Created::TooManyOfOne => {
            let limit = limits::ROOMS_PER_USER;
            Err(Refusal::no_place(format!(
                "you have made {limit} rooms; delete one before you make another"
            )))
        }
    }
}

/// `DELETE /chat/api/rooms/{room}`: the room and its messages are gone.
pub(crate) async fn delete(
    State(service): State<Arc<Service>>,
    Caller { user, .. }: Caller,
    Path(room): Path<String>,
) -> Result<Answer<Value>, Refusal> {
    let id = RoomId::parse(&room).ok_or_else(|| Refusal::no_such_room(&room))?;
    let publisher = Arc::clone(&service.publisher);
    let deleted = service.store.run(move |db| {
        let deleted = rooms::delete(db, &id, &user)?;
        if deleted == Deleted::Done {
            publisher.wake(id.as_str());
        }
        Ok(deleted)
    });
    match deleted.await? {
        Deleted::Done => Ok(Answer(json!({}))),
        Deleted::NoRoom => Err(Refusal::no_such_room(&room)),
        Deleted::NotAllowed => Err(Refusal::not_your_room()),
    }
}
