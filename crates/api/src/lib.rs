//! What the application's backends ask of the server, over HTTP and gRPC.
//!
//! `POST /api/publish` and its sisters take a JSON object and answer with `{"result":{...}}` or
//! `{"error":{"code":...,"message":"..."}}`, byte for byte as Centrifugo does, so its client libraries work. Requests
//! are read generously, as there: keys in any case, the last of duplicates counts, `null` is nothing, unknown keys are
//! ignored, half of a surrogate pair in a string becomes U+FFFD; values of a wrong type, text behind the object, and
//! what is not Unicode (UTF-8 that is none, half of a surrogate pair in a name) are answered with 400 before anything
//! is done.
//!
//! Otherwise than there, bytes in history and presence are answered in base64 as `b64data`, `b64conn_info` and
//! `b64chan_info`; a code that no close frame may have, and a pattern that is none, are error 107.
//!
//! A method is written once, in `method/`; its two doors, [`http::router`] and [`grpc::Grpc`], translate. What it needs
//! of the server is the [`backend::Backend`]'s affair.

pub mod backend;
pub mod grpc;
pub mod http;
pub mod listing;
pub mod openapi;
pub mod pattern;

mod concurrently;
mod error;
mod json;
mod key;
mod legacy;
mod method;
mod pieces;
mod request;

#[cfg(test)]
mod fake;

pub use key::ApiKey;
