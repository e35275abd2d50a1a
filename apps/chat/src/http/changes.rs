//! Changes of messages: editing, deleting, and what has changed since a moment.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::{Caller, Json};
use super::refusal::Refusal;
use super::{Service, now_ms};
use crate::limits;
use crate::store::changes::{self, Changed};
use crate::words::{self, RoomId};

#[derive(Debug, Deserialize)]
pub(crate) struct EditForm {
    text: String,
}

/// `PATCH /chat/api/rooms/{room}/messages/{seq}`, `{"text": …}`: another text for one's own message.
pub(crate) async fn edit(
    State(service): State<Arc<Service>>,
    Caller { user, .. }: Caller,
    place: Result<Path<(String, i64)>, PathRejection>,
    Json(form): Json<EditForm>,
) -> Result<Answer<Value>, Refusal> {
    let (room, seq) = place_of(place)?;
    let text = words::parse_text(&form.text).map_err(Refusal::bad_request)?;
    change(&service, &user.id.clone(), room, move |db, room| {
        changes::edit(db, room, seq, &user, &text, now_ms())
    })
    .await
}

/// `DELETE /chat/api/rooms/{room}/messages/{seq}`: a message of one's own, or of anybody where one moderates, goes; its place says that it was there.
pub(crate) async fn delete(
    State(service): State<Arc<Service>>,
    Caller { user, .. }: Caller,
    place: Result<Path<(String, i64)>, PathRejection>,
) -> Result<Answer<Value>, Refusal> {
    let (room, seq) = place_of(place)?;
    change(&service, &user.id.clone(), room, move |db, room| {
        changes::delete(db, room, seq, &user, now_ms())
    })
    .await
}

#[derive(Debug, Deserialize)]
pub(crate) struct ChangesQuery {
    /// The room's `rev` up to which the caller knows it.
    since: i64,
    /// The messages that the caller has: those behind this `seq`, up to and with `to`.
    after: i64,
    to: i64,
}

/// `GET /chat/api/rooms/{room}/changes?since=&after=&to=`: of these messages the ones that have changed, in the order
/// of their `seq`; when there are `limit` of them, ask again behind the last one.
pub(crate) async fn since(
    State(service): State<Arc<Service>>,
    Caller { user, .. }: Caller,
    Path(room): Path<String>,
    query: Result<Query<ChangesQuery>, QueryRejection>,
) -> Result<Answer<Value>, Refusal> {
    let Query(query) = query.map_err(|rejection| Refusal::bad_request(rejection.body_text()))?;
    let id = RoomId::parse(&room).ok_or_else(|| Refusal::no_such_room(&room))?;
    let found = service
        .store
        .run(move |db| changes::since(db, &user.id, &id, query.since, query.after, query.to));
    let (messages, rev) = found.await?.ok_or_else(|| Refusal::no_such_room(&room))?;
    Ok(Answer(
        json!({ "messages": messages, "rev": rev, "limit": limits::CHANGES_MAX }),
    ))
}

/// The room and the `seq` in a request's path.
fn place_of(place: Result<Path<(String, i64)>, PathRejection>) -> Result<(String, i64), Refusal> {
    let Path(place) = place.map_err(|_| Refusal::no_such_message())?;
    Ok(place)
}

/// Changes a message, and answers with it as it is then.
pub(super) async fn change<F>(
    service: &Service,
    user: &str,
    room: String,
    act: F,
) -> Result<Answer<Value>, Refusal>
where
    F: FnOnce(&mut rusqlite::Connection, &RoomId) -> rusqlite::Result<Changed> + Send + 'static,
{
    let id = RoomId::parse(&room).ok_or_else(|| Refusal::no_such_room(&room))?;
    let changed = service.change_room(user.to_owned(), move |db| {
        let changed = act(db, &id)?;
        let room = match &changed {
            Changed::Done(message) => Some(message.room.clone()),
            _ => None,
        };
        Ok((changed, room))
    });
    match changed.await? {
        Changed::Done(message) | Changed::Same(message) => {
            Ok(Answer(json!({ "message": message })))
        }
        Changed::NoRoom => Err(Refusal::no_such_room(&room)),
        Changed::Archived => Err(Refusal::archived()),
        Changed::NoMessage | Changed::Deleted => Err(Refusal::no_such_message()),
        Changed::NotYours => Err(Refusal::not_your_message()),
        Changed::TooManyMentions => Err(Refusal::too_many_mentions()),
        Changed::TooManyReactions => Err(Refusal::no_place(
            "the message has as many reactions as there can be",
        )),
        Changed::NoEntry(entry) => Err(Refusal::no_entry(entry)),
        Changed::Full => Err(Refusal::busy(
            "too many messages wait to be delivered; try again in a moment",
        )),
    }
}
