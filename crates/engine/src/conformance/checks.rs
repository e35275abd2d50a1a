//! The checks. Each takes a fresh engine and panics when the engine is wrong; its name is what it checks.
#![expect(missing_docs, reason = "the names are sentences already")]
#![expect(clippy::indexing_slicing, reason = "a panic is the verdict of a check")]

mod living;
mod ordering;
mod publishing;
mod reading;
mod repeating;
mod surviving;
mod telling;

pub use living::{
    a_part_is_started_and_closed_once_for_each_role_it_plays,
    a_reader_waits_for_room_and_loses_nothing, what_was_called_before_the_end_is_done_at_the_end,
};
pub use ordering::{
    a_call_takes_effect_though_nobody_waits_for_its_answer,
    additions_and_removals_take_effect_in_their_order,
    calls_for_a_channel_take_effect_in_their_order, joins_and_leaves_are_told_in_their_order,
    what_a_dropped_call_did_is_undone_by_the_opposite_call,
};
pub use publishing::{
    a_channel_without_history_has_no_offsets, a_publication_is_delivered_with_its_position,
    a_publication_that_skips_history_has_no_offset, a_shorter_time_of_the_last_one_counts,
    everything_of_a_publication_survives_the_stream, offsets_count_from_one_within_one_epoch,
    only_the_last_publications_are_kept, publications_go_their_time_after_the_last_one,
    the_epoch_is_in_the_first_publication_alone, the_position_goes_its_time_after_the_last_use,
    the_publishing_time_is_set_unless_known,
};
pub use reading::{
    a_limit_cuts_the_reading, a_limit_of_zero_reads_the_position_alone,
    a_position_beyond_the_top_has_nothing_after_it,
    another_epoch_is_unrecoverable_and_an_empty_one_is_not_checked,
    reading_an_unknown_channel_fixes_its_epoch, reading_in_reverse_begins_before_the_position,
    reading_since_a_position_begins_after_it, removing_history_keeps_epoch_and_offset,
    what_fell_out_of_the_stream_is_left_out,
};
pub use repeating::{
    a_publication_without_version_ends_the_comparison, an_empty_version_epoch_is_compared_with_any,
    an_old_version_is_not_delivered, idempotency_keys_are_per_channel,
    idempotency_keys_are_per_owner, idempotency_needs_no_history,
    removing_history_keeps_idempotency_keys_and_versions, the_same_idempotency_key_publishes_once,
    versions_of_another_epoch_are_not_compared, versions_without_history_are_sent_and_not_compared,
};
pub use surviving::{
    idempotency_keys_and_versions_survive_a_restart, offsets_and_epoch_go_on_after_a_restart,
    time_counts_while_the_engine_is_down,
};
pub use telling::{
    a_delta_comes_with_the_publication_before_it, channels_do_not_touch_each_other,
    joins_and_leaves_are_told_and_not_kept, presence_counts_clients_and_users,
    presence_ends_when_it_is_not_refreshed, whoever_was_added_is_present_until_removed,
};
