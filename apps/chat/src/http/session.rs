//! Logging in and out, and the token for the WebSocket.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::USER_AGENT;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::caller::{self, Caller, Json};
use super::refusal::Refusal;
use super::{Service, now_ms};
use crate::limits;
use crate::store::people;
use crate::store::sessions::{self, Begin, Login, Proof};
use crate::token;
use crate::words::{self, User};

#[derive(Debug, Deserialize)]
pub(crate) struct LoginForm {
    name: String,
    /// What the browser made for itself, and keeps: the name belongs to it from the first login on.
    key: Option<String>,
    /// For a name that has one.
    password: Option<String>,
}

/// `POST /chat/api/login`, `{"name": …, "key": …}`: a session for whoever says this name first, and then for that browser
/// only; or with `"password"`, for a name that has one, in any browser.
pub(crate) async fn log_in(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    Json(form): Json<LoginForm>,
) -> Result<Answer<Value>, Refusal> {
    let user = User::parse(&form.name).map_err(Refusal::bad_request)?;
    let key = parse_key(form.key)?;
    let proof = match form.password {
        Some(password) => {
            let hash = check_password(&service, &user, password).await?;
            OwnedProof::Password(hash.ok_or_else(Refusal::wrong_password)?)
        }
        None => OwnedProof::Key(key),
    };
    begin(&service, user, proof, &headers).await
}

#[derive(Debug, Deserialize)]
pub(crate) struct RegisterForm {
    name: String,
    password: String,
    key: Option<String>,
}

/// `POST /chat/api/register`, `{"name": …, "password": …, "key": …}`: a name with a password, and a session. The name is
/// free, or belongs to the browser with this key.
pub(crate) async fn register(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    Json(form): Json<RegisterForm>,
) -> Result<Answer<Value>, Refusal> {
    let user = User::parse(&form.name).map_err(Refusal::bad_request)?;
    let key = parse_key(form.key)?;
    words::check_password(&form.password, &user).map_err(Refusal::bad_request)?;
    let hash = service.passwords.hash(form.password).await?;
    begin(
        &service,
        user,
        OwnedProof::Registration { hash, key },
        &headers,
    )
    .await
}

#[derive(Debug, Deserialize)]
pub(crate) struct PasswordForm {
    /// The one until now, if there is one.
    current: Option<String>,
    password: String,
}

/// `POST /chat/api/password`, `{"current": …, "password": …}`: a first password, or another one. All other sessions end.
pub(crate) async fn change_password(
    State(service): State<Arc<Service>>,
    Caller { user, session }: Caller,
    Json(form): Json<PasswordForm>,
) -> Result<Answer<Value>, Refusal> {
    let session = session.ok_or_else(Refusal::unauthorized)?;
    words::check_password(&form.password, &user).map_err(Refusal::bad_request)?;
    let id = user.id.clone();
    let has_one = service.store.run(move |db| people::password_of(db, &id));
    let before = match has_one.await? {
        None => None,
        Some(_) => {
            let current = form.current.ok_or_else(Refusal::wrong_password)?;
            let hash = check_password(&service, &user, current).await?;
            Some(hash.ok_or_else(Refusal::wrong_password)?)
        }
    };
    let hash = service.passwords.hash(form.password).await?;
    let (id, kept) = (user.id.clone(), session);
    let ended = service
        .store
        .run(move |db| sessions::change_password(db, &id, before.as_deref(), &hash, &kept));
    let ended = ended.await?.ok_or_else(Refusal::wrong_password)?;
    super::ending::tell(&service, &user.id, &ended);
    Ok(Answer(json!({ "ended": ended.len() })))
}

/// The hash of the user's password if this is it. A name without one takes as long.
async fn check_password(
    service: &Service,
    user: &User,
    password: String,
) -> Result<Option<String>, Refusal> {
    let id = user.id.clone();
    let hash = service.store.run(move |db| people::password_of(db, &id));
    service
        .passwords
        .verify(&user.id, password, hash.await?)
        .await
}

/// [`Proof`], as the database thread gets it.
#[derive(Debug)]
enum OwnedProof {
    Key(Option<String>),
    Password(String),
    Registration { hash: String, key: Option<String> },
}

async fn begin(
    service: &Service,
    user: User,
    proof: OwnedProof,
    headers: &HeaderMap,
) -> Result<Answer<Value>, Refusal> {
    let agent = headers
        .get(USER_AGENT)
        .and_then(|agent| agent.to_str().ok())
        .unwrap_or_default();
    let agent: String = agent.chars().take(limits::AGENT_CHARS).collect();
    // Two random UUIDs: 244 bits that nobody guesses. A client cannot choose the token.
    let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let (stored, entering, now) = (token.clone(), user.clone(), now_ms());
    let outcome = service.store.run(move |db| {
        let begin = Begin {
            user: &entering,
            token: &stored,
            agent: &agent,
        };
        let proof = match &proof {
            OwnedProof::Key(key) => Proof::Key(key.as_deref()),
            OwnedProof::Password(hash) => Proof::Password(hash),
            OwnedProof::Registration { hash, key } => Proof::Registration {
                hash,
                key: key.as_deref(),
            },
        };
        sessions::log_in(db, &begin, proof, now)
    });
    match outcome.await? {
        Login::Done(ended) => super::ending::announce_ends(service, &user.id, &ended),
        Login::Refused(entry) => return Err(Refusal::no_entry(entry)),
    }
    let mut answer = about(service, &user, Some(&sessions::id(&token))).await?;
    if let Some(fields) = answer.as_object_mut() {
        fields.insert("token".to_owned(), token.into());
    }
    Ok(Answer(answer))
}

fn parse_key(key: Option<String>) -> Result<Option<String>, Refusal> {
    match &key {
        Some(key) if !limits::KEY_CHARS.contains(&key.len()) => Err(Refusal::bad_request(
            "the key of the browser is too short or too long",
        )),
        _ => Ok(key),
    }
}

/// `POST /chat/api/logout`: the session ends.
pub(crate) async fn log_out(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
) -> Result<Answer<Value>, Refusal> {
    if let Some(token) = caller::bearer(&headers) {
        let (token, session) = (token.to_owned(), sessions::id(token));
        let ended = service
            .store
            .run(move |db| sessions::log_out(db, &token))
            .await?;
        if let Some(user) = ended {
            super::ending::announce_ends(&service, &user, &[session]);
        }
    }
    Ok(Answer(json!({})))
}

/// `GET /chat/api/me`: whose session it is, and where the WebSocket is.
pub(crate) async fn me(
    State(service): State<Arc<Service>>,
    Caller { user, session }: Caller,
) -> Result<Answer<Value>, Refusal> {
    Ok(Answer(about(&service, &user, session.as_deref()).await?))
}

/// `POST /chat/api/connection-token`: a token for the server, good for ten minutes.
pub(crate) async fn connection_token(
    State(service): State<Arc<Service>>,
    Caller { user, .. }: Caller,
) -> Answer<Value> {
    let token = token::connection_token(&service.token_secret, &user, now_ms());
    Answer(json!({ "token": token }))
}

async fn about(service: &Service, user: &User, session: Option<&str>) -> Result<Value, Refusal> {
    let id = user.id.clone();
    let password = service.store.run(move |db| people::password_of(db, &id));
    Ok(json!({
        "user": { "id": user.id, "name": user.name },
        "registered": password.await?.is_some(),
        "session": session,
        "house": service.house,
        "socket": service.socket,
        "demo": service.is_demo,
        "bot": service.bot.is_some(),
        "limits": { "name_chars": limits::NAME_CHARS, "title_chars": limits::TITLE_CHARS, "text_chars": limits::TEXT_CHARS },
    }))
}
