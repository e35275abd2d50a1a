//! The members of a room: who they are, bringing in, removing, leaving, coming back.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::{Caller, Json};
use super::refusal::Refusal;
use super::{Service, now_ms};
use crate::store::access::Role;
use crate::store::members::{self, Outcome};
use crate::words::{RoomId, User};

/// `GET /chat/api/rooms/{room}/members`: who is in it; of a public room those with a role.
pub(crate) async fn list(
    State(service): State<Arc<Service>>,
    Caller { user, .. }: Caller,
    Path(room): Path<String>,
) -> Result<Answer<Value>, Refusal> {
    let id = RoomId::parse(&room).ok_or_else(|| Refusal::no_such_room(&room))?;
    let members = service
        .store
        .run(move |db| members::list(db, &user.id, &id));
    let members = members.await?.ok_or_else(|| Refusal::no_such_room(&room))?;
    Ok(Answer(json!({ "members": members })))
}

#[derive(Debug, Deserialize)]
pub(crate) struct MemberForm {
    role: Option<Role>,
}

/// `PUT /chat/api/rooms/{room}/members/{user}`, `{"role": …}`: brings somebody in by name, or gives a role.
pub(crate) async fn set(
    State(service): State<Arc<Service>>,
    Caller { user, .. }: Caller,
    Path((room, name)): Path<(String, String)>,
    Json(form): Json<MemberForm>,
) -> Result<Answer<Value>, Refusal> {
    let member = User::parse(&name).map_err(Refusal::bad_request)?.id;
    change(&service, &user.id.clone(), room, move |db, room| {
        members::set(db, room, &user, &member, form.role, now_ms())
    })
    .await
}

/// `DELETE /chat/api/rooms/{room}/members/{user}`: removes somebody, or leaves.
pub(crate) async fn remove(
    State(service): State<Arc<Service>>,
    Caller { user, .. }: Caller,
    Path((room, name)): Path<(String, String)>,
) -> Result<Answer<Value>, Refusal> {
    let member = User::parse(&name).map_err(Refusal::bad_request)?.id;
    change(&service, &user.id.clone(), room, move |db, room| {
        members::remove(db, room, &user, &member, now_ms())
    })
    .await
}

/// `POST /chat/api/rooms/{room}/join`: comes back into a public room.
pub(crate) async fn join(
    State(service): State<Arc<Service>>,
    Caller { user, .. }: Caller,
    Path(room): Path<String>,
) -> Result<Answer<Value>, Refusal> {
    change(&service, &user.id.clone(), room, move |db, room| {
        members::join(db, room, &user)
    })
    .await
}

async fn change<F>(
    service: &Service,
    user: &str,
    room: String,
    act: F,
) -> Result<Answer<Value>, Refusal>
where
    F: FnOnce(&mut rusqlite::Connection, &RoomId) -> rusqlite::Result<Outcome> + Send + 'static,
{
    let id = RoomId::parse(&room).ok_or_else(|| Refusal::no_such_room(&room))?;
    let outcome = service.change_room(user.to_owned(), move |db| {
        let outcome = act(db, &id)?;
        let room = (outcome == Outcome::Done).then(|| id.as_str().to_owned());
        Ok((outcome, room))
    });
    match outcome.await? {
        Outcome::Done => Ok(Answer(json!({}))),
        refused => Err(refusal(refused, &room)),
    }
}

/// Why the members of a room stay as they are.
pub(super) fn refusal(outcome: Outcome, room: &str) -> Refusal {
    match outcome {
        Outcome::Done | Outcome::NoRoom => Refusal::no_such_room(room),
        Outcome::NotAllowed => Refusal::not_allowed(),
        Outcome::NoSuchPerson => Refusal::no_such_person(),
        Outcome::Full => Refusal::no_place("the room has as many members as it can have"),
        Outcome::OnlyTwo => Refusal::only_two(),
    }
}
