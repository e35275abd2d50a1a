//! Links of invitation into private rooms.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{Path, State};
use serde_json::{Value, json};
use uuid::Uuid;

use super::caller::Caller;
use super::members::refusal;
use super::refusal::Refusal;
use super::{Service, now_ms};
use crate::store::invites;
use crate::store::members::Outcome;
use crate::words::RoomId;

/// `GET /chat/api/rooms/{room}/invite`: the link of the room, for its owners and moderators.
pub(crate) async fn find(
    State(service): State<Arc<Service>>,
    Caller { user, .. }: Caller,
    Path(room): Path<String>,
) -> Result<Answer<Value>, Refusal> {
    let id = RoomId::parse(&room).ok_or_else(|| Refusal::no_such_room(&room))?;
    let found = service
        .store
        .run(move |db| invites::find(db, &id, &user, now_ms()));
    let invite = found.await?.map_err(|refused| refusal(refused, &room))?;
    Ok(Answer(json!({ "invite": invite })))
}

/// `POST /chat/api/rooms/{room}/invite`: a new link; the one before leads nowhere.
pub(crate) async fn renew(
    State(service): State<Arc<Service>>,
    Caller { user, .. }: Caller,
    Path(room): Path<String>,
) -> Result<Answer<Value>, Refusal> {
    let id = RoomId::parse(&room).ok_or_else(|| Refusal::no_such_room(&room))?;
    // 122 random bits: nobody guesses it.
    let token = Uuid::new_v4().simple().to_string();
    let made = service.change(user.id.clone(), move |db| {
        invites::renew(db, &id, &user, token, now_ms())
    });
    let invite = made.await?.map_err(|refused| refusal(refused, &room))?;
    Ok(Answer(json!({ "invite": invite })))
}

/// `DELETE /chat/api/rooms/{room}/invite`: the link leads nowhere any more.
pub(crate) async fn revoke(
    State(service): State<Arc<Service>>,
    Caller { user, .. }: Caller,
    Path(room): Path<String>,
) -> Result<Answer<Value>, Refusal> {
    let id = RoomId::parse(&room).ok_or_else(|| Refusal::no_such_room(&room))?;
    let outcome = service.store.run(move |db| invites::revoke(db, &id, &user));
    match outcome.await? {
        Outcome::Done => Ok(Answer(json!({}))),
        refused => Err(refusal(refused, &room)),
    }
}

/// `GET /chat/api/invites/{token}`: where the link leads.
pub(crate) async fn look(
    State(service): State<Arc<Service>>,
    _: Caller,
    Path(token): Path<String>,
) -> Result<Answer<Value>, Refusal> {
    let found = service
        .store
        .run(move |db| invites::look(db, &token, now_ms()));
    let invite = found.await?.ok_or_else(Refusal::no_such_invite)?;
    Ok(Answer(json!({ "invite": invite })))
}

/// `POST /chat/api/invites/{token}`: follows the link; the caller is a member then.
pub(crate) async fn follow(
    State(service): State<Arc<Service>>,
    Caller { user, .. }: Caller,
    Path(token): Path<String>,
) -> Result<Answer<Value>, Refusal> {
    let followed = service.change_room(user.id.clone(), move |db| {
        let followed = invites::follow(db, &token, &user, now_ms())?;
        let room = followed.as_ref().ok().cloned();
        Ok((followed, room))
    });
    match followed.await? {
        Ok(room) => Ok(Answer(json!({ "room": room }))),
        Err(Outcome::NoSuchPerson) => Err(Refusal::unowned()),
        Err(Outcome::Full) => Err(refusal(Outcome::Full, "")),
        Err(_) => Err(Refusal::no_such_invite()),
    }
}
