//! What a client hears when a request is not carried out: `{"error": …, "code": …}`.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONNECTION, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tracing::error;

use crate::error::StoreError;
use crate::limits;

/// A refusal: a status, a word for programs, a sentence for people.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: &'static str,
    error: String,
}

impl Refusal {
    /// 400: the request is not as it should be.
    pub(crate) fn bad_request(error: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: "bad_request",
            error: error.into(),
        }
    }

    /// 401: nobody is logged in.
    pub(crate) fn unauthorized() -> Self {
        let error = "log in first: send the token of /chat/api/login as \"Authorization: Bearer …\", \
                     or a name as curl does with -u name:";
        Self {
            status: StatusCode::UNAUTHORIZED,
            code: "unauthorized",
            error: error.to_owned(),
        }
    }

    /// 403: the request comes from another site.
    pub(crate) fn other_origin() -> Self {
        let error =
            "the request comes from another site; the chat answers its own page only".to_owned();
        Self {
            status: StatusCode::FORBIDDEN,
            code: "other_origin",
            error,
        }
    }

    /// 421: the request is meant for another host.
    pub(crate) fn other_host() -> Self {
        Self {
            status: StatusCode::MISDIRECTED_REQUEST,
            code: "other_host",
            error: "the chat does not answer to the host that the request names".to_owned(),
        }
    }

    /// 408: the body did not arrive in time. The connection ends with the answer.
    pub(crate) fn too_slow() -> Self {
        let limit = limits::BODY_TIMEOUT;
        Self {
            status: StatusCode::REQUEST_TIMEOUT,
            code: "too_slow",
            error: format!("the body did not arrive within {limit:?}"),
        }
    }

    /// 404: there is no such room.
    pub(crate) fn no_such_room(id: &str) -> Self {
        let shown: String = id.chars().take(64).collect();
        let error = format!("there is no room \"{shown}\"; GET /chat/api/rooms lists them");
        Self {
            status: StatusCode::NOT_FOUND,
            code: "no_such_room",
            error,
        }
    }

    /// 409: the message id belongs to another message.
    pub(crate) fn id_taken() -> Self {
        let error =
            "this message id belongs to another message; every message needs an id of its own"
                .to_owned();
        Self {
            status: StatusCode::CONFLICT,
            code: "id_taken",
            error,
        }
    }

    /// 507: a bound that does not go away by waiting.
    pub(crate) fn no_place(error: impl Into<String>) -> Self {
        Self {
            status: StatusCode::INSUFFICIENT_STORAGE,
            code: "no_place",
            error: error.into(),
        }
    }

    /// 503: try again; `Retry-After` says when.
    pub(crate) fn busy(error: impl Into<String>) -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            code: "busy",
            error: error.into(),
        }
    }

    /// Any other status with a sentence.
    pub(crate) fn new(status: StatusCode, code: &'static str, error: impl Into<String>) -> Self {
        Self {
            status,
            code,
            error: error.into(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = Json(json!({ "error": self.error, "code": self.code }));
        let mut response = (self.status, [(CACHE_CONTROL, "no-store")], body).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response
                .headers_mut()
                .insert(RETRY_AFTER, http::HeaderValue::from_static("1"));
        }
        if self.status == StatusCode::REQUEST_TIMEOUT {
            // What is left of the body must not be read as the next request (RFC 9110, section 15.5.9).
            response
                .headers_mut()
                .insert(CONNECTION, http::HeaderValue::from_static("close"));
        }
        response
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        error!(%error, "the database of the chat does not answer");
        Self::busy("the chat cannot reach its database; try again in a moment")
    }
}

/// An address below `/chat/api/` that does not exist.
pub(crate) async fn no_such_address() -> Refusal {
    Refusal::new(
        StatusCode::NOT_FOUND,
        "no_such_address",
        "the chat has no such address",
    )
}

/// An address that exists, asked in a way that it does not know.
pub(crate) async fn wrong_method() -> Refusal {
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "wrong_method",
        "this address does not answer this method",
    )
}
