//! The list of rooms, new ones, what they are called, and their end.

use std::sync::Arc;
use std::time::Instant;

use axum::Json as Answer;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::{Caller, Json};
use super::refusal::Refusal;
use super::{Service, now_ms};
use crate::limits;
use crate::store::access::Kind;
use crate::store::rooms::{self, Change, Created, Outcome};
use crate::words::{self, RoomId};

/// `GET /chat/api/rooms`: the rooms of the caller, the most recently used first, and what the caller has not read in them.
pub(crate) async fn list(
    State(service): State<Arc<Service>>,
    Caller { user, .. }: Caller,
) -> Result<Answer<Value>, Refusal> {
    let rooms = service.store.run(move |db| rooms::list(db, &user.id));
    Ok(Answer(
        json!({ "rooms": rooms.await?, "house": service.house }),
    ))
}

/// `GET /chat/api/public-rooms`: all rooms that anybody may come into, also those that the caller has left.
pub(crate) async fn discover(
    State(service): State<Arc<Service>>,
    Caller { user, .. }: Caller,
) -> Result<Answer<Value>, Refusal> {
    let rooms = service.store.run(move |db| rooms::discover(db, &user.id));
    Ok(Answer(json!({ "rooms": rooms.await? })))
}

#[derive(Debug, Deserialize)]
pub(crate) struct RoomForm {
    title: String,
    /// For members only.
    #[serde(default)]
    private: bool,
}

/// `POST /chat/api/rooms`, `{"title": …, "private": …}`: makes a room, or gives the public one of this title.
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
    let kind = if form.private {
        Kind::Private
    } else {
        Kind::Public
    };
    let publisher = Arc::clone(&service.publisher);
    let made = service.store.run(move |db| {
        let made = rooms::create(db, &title, kind, &user, now_ms())?;
        // On the database thread: the caller may be gone by the time this is committed.
        if let Created::New(room) = &made {
            publisher.wake(&room.id);
        }
        Ok(made)
    });
    match made.await? {
        Created::New(room) => Ok(Answer(json!({ "room": room, "created": true }))),
        Created::Known(room) => Ok(Answer(json!({ "room": room, "created": false }))),
        Created::TooMany => Err(Refusal::no_place(
            "there are as many rooms as there can be, and no place for another",
        )),
        Created::TooManyOfOne => {
            let limit = limits::ROOMS_PER_USER;
            Err(Refusal::no_place(format!(
                "you have made {limit} rooms; delete one before you make another"
            )))
        }
        Created::Unowned => Err(Refusal::unowned()),
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct ChangeForm {
    title: Option<String>,
    topic: Option<String>,
    archived: Option<bool>,
}

/// `PATCH /chat/api/rooms/{room}`, `{"title": …, "topic": …, "archived": …}`: what is named is changed.
pub(crate) async fn change(
    State(service): State<Arc<Service>>,
    Caller { user, .. }: Caller,
    Path(room): Path<String>,
    Json(form): Json<ChangeForm>,
) -> Result<Answer<Value>, Refusal> {
    let id = RoomId::parse(&room).ok_or_else(|| Refusal::no_such_room(&room))?;
    let title = form.title.as_deref().map(words::parse_title).transpose();
    let topic = form.topic.as_deref().map(words::parse_topic).transpose();
    let change = Change {
        title: title.map_err(Refusal::bad_request)?,
        topic: topic.map_err(Refusal::bad_request)?,
        archived: form.archived,
    };
    let outcome = service.change_room(user.id.clone(), move |db| {
        let outcome = rooms::change(db, &id, &user, &change, now_ms())?;
        let room = (outcome == Outcome::Done).then(|| id.as_str().to_owned());
        Ok((outcome, room))
    });
    answer(outcome.await?, &room)
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
        if deleted == Outcome::Done {
            publisher.wake(id.as_str());
        }
        Ok(deleted)
    });
    answer(deleted.await?, &room)
}

fn answer(outcome: Outcome, room: &str) -> Result<Answer<Value>, Refusal> {
    match outcome {
        Outcome::Done => Ok(Answer(json!({}))),
        Outcome::NoRoom => Err(Refusal::no_such_room(room)),
        Outcome::NotAllowed => Err(Refusal::not_your_room()),
        Outcome::TitleTaken => Err(Refusal::title_taken()),
    }
}
