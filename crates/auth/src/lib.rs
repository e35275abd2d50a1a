//! JSON web tokens and what they claim.
//!
//! A token comes from the application and is signed with a key that both know. It becomes claims, or one sentence
//! that says which check failed; neither key nor token ever stands in that sentence. Nothing here knows a clock: the
//! caller says what time it is.

pub mod expected;
pub mod token;

mod claims;
mod jws;
mod object;

// What a token is made of, for applications that import this crate alone.
pub use veche_protocol::claims::ConnectionClaims;
pub use veche_protocol::payload::Payload;
