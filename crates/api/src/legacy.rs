//! Commands that name their method, several in one body: how the API was called before each method had an address.

use std::sync::Arc;

use veche_protocol::error_code::{CommandError, ErrorCode};
use veche_protocol::json::raw::{RawJson, RawObjects};

use crate::backend::Backend;
use crate::json::{self, JsonResult, ObjectWriter};
use crate::method::{METHODS, Method};
use crate::request::{Malformed, Object};

/// Carries out commands one after the other, and answers with one JSON line each.
///
/// # Errors
/// When a command is malformed; those before it were carried out.
pub(crate) async fn run_all(text: &str, backend: &Arc<dyn Backend>) -> Result<Vec<u8>, Malformed> {
    if text.is_empty() {
        return Err(Malformed("there is no command".into()));
    }
    let mut replies = Vec::new();
    for command in RawObjects::new(text) {
        let command = command.map_err(|error| Malformed(error.to_string()))?;
        let command = Object::from(command);
        let id: u32 = command.number("id")?;
        let outcome = match selected(&command)? {
            Some(method) => run(method, command.raw("params"), backend).await,
            None => Err(ErrorCode::METHOD_NOT_FOUND.into()),
        };
        if !replies.is_empty() {
            replies.push(b'\n');
        }
        replies.extend(reply(id, &outcome));
    }
    Ok(replies)
}

async fn run(
    method: &Method,
    params: Option<RawJson<'_>>,
    backend: &Arc<dyn Backend>,
) -> JsonResult {
    let params = match params {
        _ if method.name == "info" => Ok(Object::default()), // It has none, whatever stands there.
        Some(params) => Object::parse(params.as_str()),
        None => Err(Malformed("`params` is missing".into())),
    };
    match params.and_then(|params| method.call(&params)) {
        Ok(call) => call.run(backend).await,
        Err(Malformed(why)) => Err(CommandError::because(ErrorCode::BAD_REQUEST, why)),
    }
}

/// The method of a command, by name in any case or by number; `publish` if it names none, `None` if there is none
/// with that number.
fn selected(command: &Object<'_>) -> Result<Option<&'static Method>, Malformed> {
    let Some(method) = command.raw("method") else {
        return Ok(METHODS.iter().find(|method| method.name == "publish"));
    };
    let method = method.as_str();
    if let Ok(number) = method.parse::<i64>() {
        return Ok(METHODS.iter().find(|method| method.number == number));
    }
    let name = method.trim_matches('"').to_ascii_lowercase();
    let found = METHODS.iter().find(|method| method.name == name);
    if found.is_none() && !UNSERVED.contains(&name.as_str()) {
        return Err(Malformed("`method` is not a method".into()));
    }
    Ok(found)
}

fn reply(id: u32, outcome: &JsonResult) -> Vec<u8> {
    let writer = ObjectWriter::new().some_number("id", id);
    match outcome {
        Ok(result) => writer.raw("result", result),
        Err(cause) => writer.raw("error", &json::error(cause)),
    }
    .end()
}

/// Methods that Centrifugo knows and this server does not: error 104, not a malformed call.
const UNSERVED: [&str; 25] = [
    "update_user_status",
    "get_user_status",
    "delete_user_status",
    "block_user",
    "unblock_user",
    "revoke_token",
    "invalidate_user_tokens",
    "device_register",
    "device_update",
    "device_remove",
    "device_list",
    "device_topic_list",
    "device_topic_update",
    "user_topic_list",
    "user_topic_update",
    "send_push_notification",
    "update_push_status",
    "cancel_push",
    "map_publish",
    "map_remove",
    "map_read_state",
    "map_read_stream",
    "map_stats",
    "map_clear",
    "shared_poll_publish",
];
