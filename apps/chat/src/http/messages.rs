//! A room's messages: history by pages, and new ones.

use std::sync::Arc;
use std::time::Instant;

use axum::Json as Answer;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::caller::{Caller, Json};
use super::refusal::Refusal;
use super::{Service, now_ms};
use crate::limits;
use crate::store::messages::{self, Draft, Page, Posted};
use crate::words::{self, RoomId};

#[derive(Debug, Deserialize)]
pub(crate) struct HistoryQuery {
    before: Option<i64>,
    after: Option<i64>,
    around: Option<i64>,
    #[serde(default)]
    unread: bool,
    limit: Option<u32>,
}

/// `GET /chat/api/rooms/{room}/messages?before=|after=|around=&limit=`: one page, oldest first.
///
/// `before`, `after` and `around` are server ids (`seq`); without any the page is the latest one, or with
/// `unread=true` the one around the first unread message, and the answer says where the caller stands.
/// `top` is the `seq` of the room's latest message.
pub(crate) async fn history(
    State(service): State<Arc<Service>>,
    Caller { user, .. }: Caller,
    Path(room): Path<String>,
    query: Result<Query<HistoryQuery>, QueryRejection>,
) -> Result<Answer<Value>, Refusal> {
    let Query(query) = query.map_err(|rejection| Refusal::bad_request(rejection.body_text()))?;
    let page = match (query.before, query.after, query.around) {
        (None, None, None) if query.unread => Page::Unread,
        (None, None, None) => Page::Latest,
        (Some(seq), None, None) => Page::Before(seq),
        (None, Some(seq), None) => Page::After(seq),
        (None, None, Some(seq)) => Page::Around(seq),
        _ => {
            return Err(Refusal::bad_request(
                "ask for messages before, after or around one seq",
            ));
        }
    };
    let limit = query
        .limit
        .unwrap_or(limits::PAGE_DEFAULT)
        .clamp(1, limits::PAGE_MAX);
    let id = RoomId::parse(&room).ok_or_else(|| Refusal::no_such_room(&room))?;
    let found = service
        .store
        .run(move |db| messages::page(db, &user.id, &id, page, limit))
        .await?;
    let found = found.ok_or_else(|| Refusal::no_such_room(&room))?;
    let mut answer = json!({ "messages": found.messages, "top": found.top, "rev": found.rev });
    if let (Some((read, unread)), Some(fields)) = (found.stands, answer.as_object_mut()) {
        fields.insert("read".to_owned(), read.into());
        fields.insert("unread".to_owned(), unread.into());
    }
    Ok(Answer(answer))
}

#[derive(Debug, Deserialize)]
pub(crate) struct MessageForm {
    /// The message id, a UUID; without it the chat makes one, and a resend is a second message.
    id: Option<String>,
    text: String,
    /// The `seq` of the message that this one answers.
    reply: Option<i64>,
}

/// `POST /chat/api/rooms/{room}/messages`, `{"id": …, "text": …, "reply": …}`: stores and publishes a message.
///
/// 201 for a new message, 200 for one that was stored before under this id.
pub(crate) async fn post(
    State(service): State<Arc<Service>>,
    Caller { user: author, .. }: Caller,
    Path(room): Path<String>,
    Json(form): Json<MessageForm>,
) -> Result<(StatusCode, Answer<Value>), Refusal> {
    let text = words::parse_text(&form.text).map_err(Refusal::bad_request)?;
    let id = match form.id {
        Some(id) => words::parse_message_id(&id).map_err(Refusal::bad_request)?,
        None => Uuid::new_v4().to_string(),
    };
    let room_id = RoomId::parse(&room).ok_or_else(|| Refusal::no_such_room(&room))?;
    service
        .message_rate
        .take(&author.id, Instant::now())
        .map_err(Refusal::slow_down)?;
    let draft = Draft {
        id,
        room: room_id,
        author,
        text,
        reply: form.reply,
    };
    let (publisher, now) = (Arc::clone(&service.publisher), now_ms());
    let posted = service.store.run(move |db| {
        let posted = messages::post(db, &draft, now)?;
        // On the database thread: the caller may be gone by the time this is committed.
        if let Posted::New(message) = &posted {
            publisher.wake(&message.room);
        }
        Ok(posted)
    });
    match posted.await? {
        Posted::New(message) => {
            if let Some(bot) = &service.bot {
                bot.hear(&message);
            }
            Ok((StatusCode::CREATED, Answer(json!({ "message": message }))))
        }
        Posted::Known(message) => Ok((StatusCode::OK, Answer(json!({ "message": message })))),
        Posted::IdTaken => Err(Refusal::id_taken()),
        Posted::NoRoom => Err(Refusal::no_such_room(&room)),
        Posted::Archived => Err(Refusal::archived()),
        Posted::NoSuchReply => Err(Refusal::no_such_message()),
        Posted::TooManyMentions => Err(Refusal::too_many_mentions()),
        Posted::NoEntry(entry) => Err(Refusal::no_entry(entry)),
        Posted::Full => Err(Refusal::busy(
            "too many messages wait to be delivered; try again in a moment",
        )),
    }
}
