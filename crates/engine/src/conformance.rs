//! One suite for all engines: what any broker, any presence manager and any controller must do.
//!
//! An engine's tests call [`conformance_suite!`](crate::conformance_suite) with a function that makes a [`Bench`] and
//! one that runs a future to its end. Each check becomes a test of its own. Times in the checks are whole seconds, so
//! that engines without finer clocks pass too. An engine that outlives the process passes
//! [`durable_conformance_suite!`](crate::durable_conformance_suite) as well, and a controller
//! [`controller_conformance_suite!`](crate::controller_conformance_suite).

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use veche_protocol::channel::Channel;
use veche_protocol::history::{Page, Query};
use veche_protocol::identity::{ClientId, ClientInfo};
use veche_protocol::payload::Payload;
use veche_protocol::position::{Epoch, StreamPosition};
use veche_protocol::publication::{Publication, PublishOptions, Retention};

use crate::broker::{Broker, Published};
use crate::error::EngineError;
use crate::presence::PresenceManager;

pub mod checks;
pub mod controllers;
pub mod late;
pub mod recorder;

use recorder::Recorder;

/// A fresh engine, and what the checks need around it.
pub struct Bench {
    /// The engine's broker. It delivers to `sink`.
    pub broker: Arc<dyn Broker>,
    /// The engine's presence manager.
    pub presence: Arc<dyn PresenceManager>,
    /// What the engine was given to deliver to.
    pub sink: Arc<Recorder>,
    /// Lets time pass for the engine.
    pub pass: Pass,
    /// From where the engine delivers.
    pub delivers: Delivers,
    /// How the engine is closed and opened again, if it outlives the process.
    pub reopen: Option<Reopen>,
}

/// From where an engine calls its sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivers {
    /// Inside the call that publishes.
    InPublish,
    /// From a reader of its own, which waits for room.
    FromReader,
}

/// Lets time pass for an engine: moves its clock, or really waits.
pub type Pass = Box<dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()>>>>;

/// Closes an engine, lets time pass, and opens it on the same store.
pub type Reopen = Box<dyn FnOnce(Duration) -> Pin<Box<dyn Future<Output = Bench>>>>;

impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bench")
            .field("broker", &self.broker)
            .field("presence", &self.presence)
            .finish_non_exhaustive()
    }
}

impl Bench {
    /// Starts the engine.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(&self) {
        self.broker.start().wait().await.expect("the broker starts");
        let presence = self.presence.start().wait().await;
        presence.expect("the presence manager starts");
    }

    async fn pass_secs(&self, seconds: u64) {
        (self.pass)(Duration::from_secs(seconds)).await;
    }

    async fn publish(&self, channel: &Channel, data: &str, options: &PublishOptions) -> Published {
        self.broker
            .publish(channel, publication(data), options)
            .wait()
            .await
            .expect("the engine is up")
    }

    async fn read(&self, channel: &Channel, query: &Query) -> Result<Page, EngineError> {
        self.broker.history(channel, query).wait().await
    }

    async fn read_all(&self, channel: &Channel) -> Page {
        let read = self.read(channel, &query()).await;
        read.expect("without a position nothing is unrecoverable")
    }

    async fn epoch(&self, channel: &Channel) -> Epoch {
        self.read_all(channel).await.position.epoch
    }
}

fn publication(data: &str) -> Publication {
    let data = Bytes::copy_from_slice(data.as_bytes());
    Publication::new(Payload::detect(data))
}

/// A query for everything, that keeps the position for an hour.
fn query() -> Query {
    Query {
        meta_ttl: HOUR,
        ..Query::default()
    }
}

fn since(offset: u64, epoch: &str) -> Query {
    Query {
        since: Some(StreamPosition::new(offset, Epoch::new(epoch))),
        ..query()
    }
}

/// Keeps so many publications for so many seconds, and the position for an hour.
fn kept(size: usize, ttl_secs: u64) -> PublishOptions {
    PublishOptions {
        retention: Some(Retention {
            size,
            ttl: Duration::from_secs(ttl_secs),
            meta_ttl: HOUR,
        }),
        ..PublishOptions::default()
    }
}

fn client(number: u8, user: &str) -> ClientInfo {
    ClientInfo {
        user: user.into(),
        client: ClientId::from_random([number; 16]),
        conn_info: None,
        chan_info: None,
    }
}

fn offsets(page: &Page) -> Vec<u64> {
    let offsets = page.publications.iter().map(|it| it.offset);
    offsets.collect()
}

const HOUR: Duration = Duration::from_hours(1);

/// Makes a test of each check: `conformance_suite!(make_bench, block_on)`.
///
/// `make_bench` is a `fn() -> Bench`, `block_on` runs a future to its end. Call it in a module of its own.
#[macro_export]
macro_rules! conformance_suite {
    ($make:path, $block_on:path) => {
        $crate::conformance_checks! { $make, $block_on;
            offsets_count_from_one_within_one_epoch
            a_publication_is_delivered_with_its_position
            the_epoch_is_in_the_first_publication_alone
            a_channel_without_history_has_no_offsets
            a_publication_that_skips_history_has_no_offset
            the_publishing_time_is_set_unless_known
            everything_of_a_publication_survives_the_stream
            only_the_last_publications_are_kept
            publications_go_their_time_after_the_last_one
            a_shorter_time_of_the_last_one_counts
            the_position_goes_its_time_after_the_last_use
            reading_an_unknown_channel_fixes_its_epoch
            a_limit_of_zero_reads_the_position_alone
            a_limit_cuts_the_reading
            reading_since_a_position_begins_after_it
            reading_in_reverse_begins_before_the_position
            what_fell_out_of_the_stream_is_left_out
            a_position_beyond_the_top_has_nothing_after_it
            another_epoch_is_unrecoverable_and_an_empty_one_is_not_checked
            removing_history_keeps_epoch_and_offset
            the_same_idempotency_key_publishes_once
            idempotency_keys_are_per_channel
            idempotency_keys_are_per_owner
            idempotency_needs_no_history
            removing_history_keeps_idempotency_keys_and_versions
            an_old_version_is_not_delivered
            versions_of_another_epoch_are_not_compared
            an_empty_version_epoch_is_compared_with_any
            a_publication_without_version_ends_the_comparison
            versions_without_history_are_sent_and_not_compared
            a_delta_comes_with_the_publication_before_it
            joins_and_leaves_are_told_and_not_kept
            channels_do_not_touch_each_other
            whoever_was_added_is_present_until_removed
            presence_ends_when_it_is_not_refreshed
            presence_counts_clients_and_users
            calls_for_a_channel_take_effect_in_their_order
            additions_and_removals_take_effect_in_their_order
            joins_and_leaves_are_told_in_their_order
            a_call_takes_effect_though_nobody_waits_for_its_answer
            what_a_dropped_call_did_is_undone_by_the_opposite_call
            a_reader_waits_for_room_and_loses_nothing
            what_was_called_before_the_end_is_done_at_the_end
            a_part_is_started_and_closed_once_for_each_role_it_plays
        }
    };
}

/// Makes a test of each check of an engine that outlives the process; as [`conformance_suite!`], which it comes on top
/// of. The bench's [`reopen`](Bench::reopen) must be there.
#[macro_export]
macro_rules! durable_conformance_suite {
    ($make:path, $block_on:path) => {
        $crate::conformance_checks! { $make, $block_on;
            offsets_and_epoch_go_on_after_a_restart
            time_counts_while_the_engine_is_down
            idempotency_keys_and_versions_survive_a_restart
        }
    };
}

/// Makes a test of each check that is named.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_checks {
    ($make:path, $block_on:path; $($check:ident)*) => {
        $(
            #[test]
            fn $check() {
                let bench = $make();
                $block_on(async move {
                    bench.start().await;
                    $crate::conformance::checks::$check(bench).await;
                });
            }
        )*
    };
}
