//! The engine in memory: one node, no dependencies, and a restart forgets.
//!
//! Everything is sharded by channel; a shard is one lock over plain tables. Time comes from a
//! [`clock::Clock`], so that tests pass hours without waiting. What expired is never seen again, and its memory
//! comes back when the node calls `sweep`, once a second.
//!
//! # Memory
//! - A channel whose publications carry neither retention nor idempotency key costs nothing, however busy it is.
//! - A channel with history holds at most [`Retention::size`](veche_protocol::publication::Retention) publications
//!   until `ttl` after the last one, and some 150 bytes for epoch and offset until `meta_ttl` after the last use.
//!   Asking for the history of an unknown channel is a use: its epoch must stay the same for the next who asks.
//! - An idempotency key is held for five minutes, however long it is in some 100 bytes: its hash and the answer. Of
//!   clients, the last 256 keys of each user in each channel are held, and about a million altogether; the oldest go
//!   first.
//! - A present client costs some 200 bytes in each channel, until it leaves or is not refreshed within its time.
//!
//! So the bounds are the namespace's own (who may publish, who may read history, how long things are kept).

pub mod broker;
pub mod clock;
pub mod fleet;
pub mod idempotency;
pub mod presence;
pub mod shards;

mod deadlines;
mod stream;
