//! The rules of a client of Veche's plain dialect, as a machine without I/O.

mod data;
mod position;
mod publication;
mod state;
mod wire;

pub mod machine;

pub use data::Data;
pub use machine::{
    Recovery, SubscribeError, SubscriptionEvent, TokenError, TokenReason, TokenRequest,
    WhenUncertain,
};
pub use position::{InvalidPosition, Position};
pub use publication::{ClientInfo, Publication};
pub use state::{Cause, End, PublishError, RequestError, State, SubscriptionEnd};
pub use wire::Refusal;
