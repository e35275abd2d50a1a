//! Conversations as text: what goes in, and exactly what comes out.

mod approving;
mod calling;
mod compressing;
mod connecting;
mod denying;
mod explaining;
mod harness;
mod identifying;
mod leaving;
mod model;
mod orders;
mod permitting;
mod personal;
mod pinging;
mod publishing;
mod reading;
mod recovering;
mod refreshing;
mod renewing;
mod sizes;
mod subscribing;

use harness::{check, check_as_anna, check_known, check_with, options, rules};
