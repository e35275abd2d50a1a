//! Who is calling: the session of a request, its body, and its origin.

use std::sync::Arc;

use axum::BoxError;
use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::refusal::Refusal;
use super::{Service, now_ms};
use crate::limits;
use crate::store::people::{self, Entry};
use crate::store::sessions;
use crate::words::User;

/// The user of a request.
///
/// `Authorization: Bearer <token>` names a session. `Basic` with a name and no password is a login
/// by name for this one request, as `curl -u name:` sends it. It gives nothing that `/chat/api/login`
/// without a key would not give: names that belong to a browser are refused.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) user: User,
    /// The id of the session; none for a login by name for one request.
    pub(crate) session: Option<String>,
}

impl FromRequestParts<Arc<Service>> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &Arc<Service>,
    ) -> Result<Self, Refusal> {
        if let Some(name) = basic_name(&parts.headers) {
            let user = User::parse(&name).map_err(Refusal::bad_request)?;
            let id = user.id.clone();
            if service
                .store
                .run(move |db| people::is_owned(db, &id))
                .await?
            {
                return Err(Refusal::no_entry(Entry::Taken));
            }
            return Ok(Self {
                user,
                session: None,
            });
        }
        let token = bearer(&parts.headers)
            .ok_or_else(Refusal::unauthorized)?
            .to_owned();
        let (session, now) = (sessions::id(&token), now_ms());
        let user = service
            .store
            .run(move |db| sessions::find(db, &token, now))
            .await?;
        Ok(Self {
            user: user.ok_or_else(Refusal::unauthorized)?,
            session: Some(session),
        })
    }
}

/// The token of an `Authorization: Bearer` header.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn basic_name(headers: &HeaderMap) -> Option<String> {
    let (scheme, credentials) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = BASE64_STANDARD.decode(credentials.trim()).ok()?;
    let (name, _) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some(name.to_owned())
}

/// A JSON body of at most [`limits::BODY_BYTES`], which must arrive within [`limits::BODY_TIMEOUT`].
///
/// The content type must say JSON: that is what keeps other sites' forms out.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Arc<Service>> for Json<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &Arc<Service>) -> Result<Self, Refusal> {
        let said = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let essence = said.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            let sentence = "send the body as JSON, with \"Content-Type: application/json\"";
            return Err(Refusal::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "not_json",
                sentence,
            ));
        }
        let reading = joined(Limited::new(request.into_body(), limits::BODY_BYTES));
        let body = timeout(limits::BODY_TIMEOUT, reading)
            .await
            .map_err(|_| Refusal::too_slow())?
            .map_err(|error| {
                if error.is::<LengthLimitError>() {
                    let sentence = format!("the body is longer than {} bytes", limits::BODY_BYTES);
                    return Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", sentence);
                }
                Refusal::bad_request("the body did not arrive whole")
            })?;
        let value = serde_json::from_slice(&body);
        value
            .map(Self)
            .map_err(|error| Refusal::bad_request(format!("the body is not as expected: {error}")))
    }
}

/// The data of a body in one piece. A list of its pieces would take many times their size where they are short.
async fn joined(mut body: Limited<Body>) -> Result<Vec<u8>, BoxError> {
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            whole.extend_from_slice(&data);
        }
    }
    Ok(whole)
}

/// Refuses what a page of another site sends: a browser then names that site in `Origin`.
pub(crate) async fn refuse_other_origins(request: Request, next: Next) -> Response {
    let headers = request.headers();
    if let Some(origin) = headers.get(ORIGIN) {
        let origin = origin.to_str().unwrap_or_default();
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        if authority.is_none() || authority != host {
            return Refusal::other_origin().into_response();
        }
    }
    next.run(request).await
}
