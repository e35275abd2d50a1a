//! Errors of commands: in the answer, or as the status of the call.

use prost::Message;
use tonic::{Code, Status};

use veche_protocol::error_code::{CommandError, ErrorCode};

use super::schema::Error;
use crate::error::{is_temporary, message};

/// An error in the answer.
pub(super) fn error(error: &CommandError) -> Error {
    Error {
        code: error.code.0,
        message: message(error).to_owned(),
        temporary: is_temporary(error),
    }
}

/// An error as the status of the call, with its own code in the details.
pub(super) fn status(cause: &CommandError) -> Status {
    let error = error(cause);
    let code = code(cause.code);
    let details = RichStatus {
        code: code.into(),
        message: error.message.clone(),
        details: vec![Any {
            type_url: "type.googleapis.com/centrifugal.centrifugo.api.Error".to_owned(),
            value: error.encode_to_vec(),
        }],
    };
    Status::with_details(code, error.message, details.encode_to_vec().into())
}

fn code(code: ErrorCode) -> Code {
    match code {
        ErrorCode::UNKNOWN_CHANNEL | ErrorCode::METHOD_NOT_FOUND => Code::NotFound,
        ErrorCode::BAD_REQUEST | ErrorCode::NOT_AVAILABLE => Code::InvalidArgument,
        ErrorCode::TOO_MANY_REQUESTS => Code::ResourceExhausted,
        ErrorCode::UNRECOVERABLE_POSITION => Code::OutOfRange,
        ErrorCode::CONCURRENT_PAGINATION => Code::AlreadyExists,
        _ => Code::Internal,
    }
}

/// `google.rpc.Status`, which clients look for in `grpc-status-details-bin`.
#[derive(Clone, PartialEq, Message)]
struct RichStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}
