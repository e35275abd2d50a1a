//! Turns errors into responses.

use veche_protocol::error_code::{CommandError, ErrorCode};

/// The words beside the code; for two codes clients of the server API know others than clients do.
pub(crate) fn message(error: &CommandError) -> &str {
    match error.code {
        ErrorCode::METHOD_NOT_FOUND => "not found",
        ErrorCode::CONCURRENT_PAGINATION => "conflict",
        _ => error.message.as_ref(),
    }
}

/// Whether the same call may succeed later. A conflict is one with what the caller said, so it stays.
pub(crate) fn is_temporary(error: &CommandError) -> bool {
    error.temporary && error.code != ErrorCode::CONCURRENT_PAGINATION
}
