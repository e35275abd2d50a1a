//! What a client hears when a request is not carried out: `{"error": …, "code": …}`.

use std::time::Duration;

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONNECTION, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tracing::error;

use crate::error::StoreError;
use crate::limits;
use crate::store::people::Entry;

/// A refusal: a status, a word for programs, a sentence for people.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: &'static str,
    error: String,
    /// When the same request may succeed.
    retry_after: Option<Duration>,
}

impl Refusal {
    /// 400: the request is not as it should be.
    pub(crate) fn bad_request(error: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: "bad_request",
            error: error.into(),
            retry_after: None,
        }
    }

    /// 403: the caller's role in the room does not allow it.
    pub(crate) fn not_allowed() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "not_allowed",
            "your role in this room does not allow that",
        )
    }

    /// 403: what is private is for names that belong to somebody.
    pub(crate) fn unowned() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "unowned",
            "the name belongs to nobody yet, so anybody could read along: log in with it in a browser first",
        )
    }

    /// 403: the room is archived.
    pub(crate) fn archived() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "archived",
            "the room is archived: it can be read, and nothing in it changes",
        )
    }

    /// 404: nobody whom one could write to has this name.
    pub(crate) fn no_such_person() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "no_such_person",
            "nobody has this name, or it belongs to nobody yet",
        )
    }

    /// 400: a conversation of two has its two people, and no other.
    pub(crate) fn only_two() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "only_two",
            "a conversation of two has its two people, no more and no less",
        )
    }

    /// 404: the link leads nowhere.
    pub(crate) fn no_such_invite() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "no_such_invite",
            "the invitation leads nowhere: it was renewed, taken back, or its time is over",
        )
    }

    /// 404: the room has no such channel (any more).
    pub(crate) fn no_such_channel() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "no_such_channel",
            "the room has no such channel; GET /chat/api/rooms names those that it has now",
        )
    }

    /// 409: another room has this title.
    pub(crate) fn title_taken() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "title_taken",
            "another room has this title",
        )
    }

    /// 403: the room is not the caller's to delete or to change.
    pub(crate) fn not_your_room() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "not_your_room",
            "only an owner or a moderator may change a room, and only an owner, or anybody while it is empty, delete it",
        )
    }

    /// 409 or 507: nobody can come in under this name.
    pub(crate) fn no_entry(entry: Entry) -> Self {
        match entry {
            Entry::LooksLike(other) => Self::new(
                StatusCode::CONFLICT,
                "looks_like",
                format!(
                    "the name can be taken for \"{other}\", who is here already; choose another"
                ),
            ),
            Entry::NoPlace => {
                let limit = limits::USERS;
                Self::no_place(format!(
                    "the chat has its {limit} users; log in under a name that exists"
                ))
            }
            Entry::Registered => Self::new(
                StatusCode::UNAUTHORIZED,
                "password_needed",
                "the name has a password: log in with it",
            ),
            Entry::Done | Entry::Taken => Self::new(
                StatusCode::CONFLICT,
                "name_taken",
                "the name belongs to somebody who chose it in another browser; choose another",
            ),
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
            retry_after: None,
        }
    }

    /// 401: the password is not the right one, or there is no such name.
    pub(crate) fn wrong_password() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "wrong_password",
            "the name and the password do not belong together",
        )
    }

    /// 403: the request comes from another site.
    pub(crate) fn other_origin() -> Self {
        let error =
            "the request comes from another site; the chat answers its own page only".to_owned();
        Self {
            status: StatusCode::FORBIDDEN,
            code: "other_origin",
            error,
            retry_after: None,
        }
    }

    /// 421: the request is meant for another host.
    pub(crate) fn other_host() -> Self {
        Self {
            status: StatusCode::MISDIRECTED_REQUEST,
            code: "other_host",
            error: "the chat does not answer to the host that the request names".to_owned(),
            retry_after: None,
        }
    }

    /// 408: the body did not arrive in time. The connection ends with the answer.
    pub(crate) fn too_slow() -> Self {
        let limit = limits::BODY_TIMEOUT;
        Self {
            status: StatusCode::REQUEST_TIMEOUT,
            code: "too_slow",
            error: format!("the body did not arrive within {limit:?}"),
            retry_after: None,
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
            retry_after: None,
        }
    }

    /// 404: the room has no such message, or it was deleted.
    pub(crate) fn no_such_message() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "no_such_message",
            "the room has no such message; it may have been deleted",
        )
    }

    /// 403: the message is another's.
    pub(crate) fn not_your_message() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "not_your_message",
            "only who wrote a message may change it",
        )
    }

    /// 400: a text mentions too many people.
    pub(crate) fn too_many_mentions() -> Self {
        let limit = limits::MENTIONS;
        Self::new(
            StatusCode::BAD_REQUEST,
            "too_many_mentions",
            format!("a message can mention {limit} people, not more"),
        )
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
            retry_after: None,
        }
    }

    /// 429: the user does something too often; `Retry-After` says when the next is welcome.
    pub(crate) fn slow_down(wait: Duration) -> Self {
        let seconds = wait.as_secs_f64().ceil();
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            code: "slow_down",
            error: format!("that is faster than the chat allows; try again in {seconds} s"),
            retry_after: Some(wait),
        }
    }

    /// 507: a bound that does not go away by waiting.
    pub(crate) fn no_place(error: impl Into<String>) -> Self {
        Self {
            status: StatusCode::INSUFFICIENT_STORAGE,
            code: "no_place",
            error: error.into(),
            retry_after: None,
        }
    }

    /// 503: try again; `Retry-After` says when.
    pub(crate) fn busy(error: impl Into<String>) -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            code: "busy",
            error: error.into(),
            retry_after: Some(Duration::from_secs(1)),
        }
    }

    /// Any other status with a sentence.
    pub(crate) fn new(status: StatusCode, code: &'static str, error: impl Into<String>) -> Self {
        Self {
            status,
            code,
            error: error.into(),
            retry_after: None,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = Json(json!({ "error": self.error, "code": self.code }));
        let mut response = (self.status, [(CACHE_CONTROL, "no-store")], body).into_response();
        if let Some(wait) = self.retry_after {
            // Whole seconds, rounded up (RFC 9110, section 10.2.3).
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response
                .headers_mut()
                .insert(RETRY_AFTER, http::HeaderValue::from(seconds));
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
