//! How far a user has read.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Service;
use super::caller::{Caller, Json};
use super::refusal::Refusal;
use crate::channels;
use crate::store::reads::{self, Read};
use crate::words::RoomId;

#[derive(Debug, Deserialize)]
pub(crate) struct ReadForm {
    seq: i64,
}

/// `POST /chat/api/rooms/{room}/read`, `{"seq": …}`: everything up to this message was seen.
///
/// The answer says where the user stands now; the user's other devices are told.
pub(crate) async fn mark(
    State(service): State<Arc<Service>>,
    Caller { user, .. }: Caller,
    Path(room): Path<String>,
    Json(form): Json<ReadForm>,
) -> Result<Answer<Read>, Refusal> {
    let id = RoomId::parse(&room).ok_or_else(|| Refusal::no_such_room(&room))?;
    let user_id = user.id.clone();
    let marked = service
        .store
        .run(move |db| reads::mark(db, &user_id, &id, form.seq));
    let (read, moved) = marked.await?.ok_or_else(|| Refusal::no_such_room(&room))?;
    if moved {
        let channel = channels::personal(&user.id);
        let news = news(&read);
        service
            .announcer
            .announce(channel, format!("read:{room}"), news);
    }
    Ok(Answer(read))
}

fn news(read: &Read) -> Value {
    json!({ "type": "read", "room": read.room, "seq": read.seq, "unread": read.unread, "mentions": read.mentions, "top": read.top })
}
