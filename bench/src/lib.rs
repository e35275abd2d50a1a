//! The load generator: what a delivery and a connection cost a server, and whether anything is lost.
//!
//! It speaks to any server of the Centrifuge client protocol, and to ours in the plain dialect. One
//! thread has one event loop and clients that are as small as clients can be: whatever a delivery
//! costs here is not measured there. `veche bench` is its command line.
//!
//! Publications carry a [`stamp`]; the [`tally`] of each subscriber finds what is missing, double or
//! out of order. The figure that survives a noisy machine is the processor time of the server per
//! delivery ([`process`]).

pub mod options;

pub mod target;

pub mod dialect;

mod plan;

pub mod stamp;

pub mod tally;

pub mod histogram;

pub mod clock;

mod script;

mod ear;

mod client;

mod socket;

mod pacer;

mod generator;

pub mod process;

mod limits;

mod snapshot;

pub mod report;

mod words;

mod chart;

pub mod run;
