//! JSON web tokens and what they claim.
//!
//! A token comes from the application, signed with a key that both know or with a private key of the application's. It
//! becomes claims, or one sentence that says which check failed; neither key nor token ever stands in that sentence.
//! Nothing here knows a clock or a socket: the caller says what time it is, and brings the keys of an endpoint.

pub mod algorithm;
pub mod endpoint;
pub mod expected;
pub mod key;
pub mod key_set;
pub mod pem;
pub mod token;

mod claims;
mod der;
mod jws;
mod moment;
mod object;

// What a token is made of, for applications that import this crate alone.
pub use veche_protocol::claims::{ConnectionClaims, SubscriptionClaims};
pub use veche_protocol::payload::Payload;
