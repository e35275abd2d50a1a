//! One client's conversation as a pure state machine.
//!
//! Commands, answers, deliveries, orders and time go in; effects come out. There is no clock, no runtime, no socket
//! and no encoding here, so a test is a list of inputs and a list of effects.

pub mod effect;
pub mod order;
pub mod profile;
pub mod question;
pub mod rules;
pub mod turn;
