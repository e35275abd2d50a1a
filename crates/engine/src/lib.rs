//! Channel traffic, presence and control between nodes: the cluster's side of the server.
//!
//! An engine never sees a session. It has three parts, which may come from different engines: a
//! [`broker::Broker`], a [`presence::PresenceManager`] and, where there are several nodes, a
//! [`control::Controller`]. What it delivers goes to the [`sink::Sink`] that the node gives it.
//!
//! # The contract
//!
//! Every implementation keeps these rules, and the node relies on nothing else. `conformance` (with the feature of this
//! name) checks them.
//!
//! **Order.** A call is made when the method returns: by then the engine has put it into its queue. The future in
//! [`pending::Pending::Later`] only waits for the answer. Nobody has to poll it, and dropping it takes nothing back.
//! Calls to one part for one channel take effect in the order in which they were made; their answers may come in any
//! order. Calls for different channels may take effect in any order. So an engine that spreads its calls over several
//! connections chooses the connection by the channel.
//!
//! **Cancellation.** An engine never undoes anything by itself. Whoever made a call and does not want its effect any
//! more makes the opposite call, without waiting for the first answer: remove after add, unsubscribe after subscribe,
//! leave after join. The order of calls makes sure that the opposite is what stays. An answer that nobody waits for is
//! dropped. The node makes these calls: for a client that goes away while it is added to presence, the worker of that
//! client; for a channel that nobody wants when the engine begins to deliver it, the node's table of channels. What a
//! call that *failed* leaves behind ends by time: a presence by its TTL.
//!
//! **Answers.** Every call is answered once, whatever happens to the engine's connection: an engine has a deadline for
//! each call and answers [`error::EngineError::Uncertain`] when it has passed. The variants of [`error::EngineError`]
//! say what the caller can do.
//!
//! **Delivery.** The sink may be called from any thread, with or without a lock of the engine, inside the call that
//! published or long after it. For one channel it is never called twice at once, and publications come in the order of
//! their offsets. A publication is delivered when it can't be taken back any more: after the commit, where there is one.
//! It may be delivered before or after the publisher has its answer, and before or after `history` shows it. The same
//! publication may be delivered more than once, as long as no older one follows a newer one; the node drops the
//! repetition of one with an offset.
//!
//! **Congestion.** Publishers wait while the node's inboxes are full. An engine that delivers from a reader of its own
//! (a socket, a log) waits as well: before it takes more input it waits for [`sink::Sink::room`]. Between two of these
//! waits it delivers no more than one read's worth, [`sink::MAX_BETWEEN_WAITS`]. What is delivered beyond that may be
//! dropped, and is then a gap. Room comes back without any answer of the engine, so answers and deliveries may share
//! one reader.
//!
//! **Gaps.** Where publications may have been lost on the way, the engine says so: [`sink::Sink::gap`] for one channel,
//! [`sink::Sink::resumed`] for all of them after it has subscribed again. Both raise a doubt and tell no client
//! anything by themselves: the node compares the positions of its subscribers with the streams, channel by channel, and
//! tells those who have lost something.
//!
//! **Life.** [`life::Lifecycle`] says when parts start and end. At its end a node first makes its last calls (leaves,
//! removals, unsubscribes), waits for their answers, and then closes the parts.
//!
//! **Time.** All durations in calls count from the call. An engine that outlives the process keeps its deadlines in
//! wall time, counts them while it is down, and never gives an offset or an epoch to two different publications or
//! streams. `Now::unix_ms` of its clock is for that; the monotonic time is for engines that end with the process.

pub mod error;
pub mod life;
pub mod pending;

pub mod broker;
pub mod presence;
pub mod sink;

pub mod control;

pub mod memory;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
