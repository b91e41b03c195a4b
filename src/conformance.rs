//! Public test suites for stores: each sentence of the contracts of [`TokenStore`], of
//! [`UsageStore`] and of the [`Outbox`](crate::Outbox) that it is as well, of [`ChangeFeed`] and of
//! [`Limiter`], as a function that panics where it is broken, and says which.
//!
//! All at once, for a start:
//!
//! ```
//! # use tokenward::{MemoryStore, conformance};
//! # tokenward::block_on(async {
//! conformance::token_store(|| async { MemoryStore::new() }).await;
//! conformance::usage_store(|| async { MemoryStore::new() }).await;
//! # });
//! ```
//!
//! Or each promise as a test with a name of its own, so that one failure hides no other:
//!
//! ```
//! # use tokenward::MemoryStore;
//! tokenward::token_store_tests!(memory, || async { MemoryStore::new() });
//! tokenward::usage_store_tests!(memory_usage, || async { MemoryStore::new() });
//! ```
//!
//! The closure gives a store that is empty and shares nothing with those before. For the changes that
//! nodes tell each other it gives two handles on the same data, which may be the same one twice:
//!
//! ```
//! # use std::sync::Arc;
//! # use tokenward::MemoryStore;
//! tokenward::change_feed_tests!(memory_feed, || async {
//!     let store = Arc::new(MemoryStore::shared());
//!     [store.clone(), store]
//! });
//! ```
//!
//! A [`TokenStore`] is opened by the suite; a [`UsageStore`], which has no `open`, is given ready. The
//! functions run on whatever polls them and start no runtime; the tests that the macros write run under
//! [`block_on`](crate::block_on). A store whose futures need a runtime calls the functions, or
//! [`token_store`], from tests of that runtime. The promises that end in `_threads` poll on threads of
//! their own and are therefore called by name only.

mod calls;
mod changing;
mod feed;
mod fixture;
mod forgetting;
mod histories;
mod inserting;
mod limiter;
mod listing;
mod outbox;
mod population;
mod reading;
mod revoking;
mod side_by_side;
mod spans;
mod together;
mod usage_fixture;
mod used;

pub use calls::*;
pub use changing::*;
pub use feed::*;
pub use fixture::{sample_draft, sample_id, sample_token};
pub use forgetting::*;
pub use histories::*;
pub use inserting::*;
pub use limiter::*;
pub use listing::*;
pub use outbox::*;
pub use reading::*;
pub use revoking::*;
pub use spans::*;
pub use together::*;
pub use used::*;

use std::sync::Arc;

use crate::{ChangeFeed, Limiter, TokenStore, UsageStore};

/// Checks every promise of a [`TokenStore`], one after the other.
///
/// # Panics
/// Where one is broken.
pub async fn token_store<S: TokenStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    crate::__token_store_promises!(__run_promises, fresh);
}

/// Checks every promise of a [`UsageStore`], one after the other.
///
/// # Panics
/// Where one is broken.
pub async fn usage_store<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    crate::__usage_store_promises!(__run_promises, fresh);
}

/// Checks every promise of a [`Limiter`], one after the other. The closure gives handles of one
/// limiter: what one of them has counted, all know.
///
/// # Panics
/// Where one is broken.
pub async fn limiter<L: Limiter, F: Future<Output = L>>(fresh: impl Fn() -> F) {
    crate::__limiter_promises!(__run_promises, fresh);
}

/// Checks every promise of a [`ChangeFeed`], one after the other, over two handles on the same data.
///
/// # Panics
/// Where one is broken.
pub async fn change_feed<S: TokenStore + ChangeFeed, F: Future<Output = [Arc<S>; 2]>>(fresh: impl Fn() -> F) {
    crate::__change_feed_promises!(__run_promises, fresh);
}

/// A module of this name with a test for each promise of a [`TokenStore`]. Where what the store needs
/// may be missing, `token_store_tests!(name, fresh, if is_there())` leaves the tests out then.
#[macro_export]
macro_rules! token_store_tests {
    ($name:ident, $fresh:expr $(, if $there:expr)?) => {
        $crate::__token_store_promises!(__test_promises, $name, $fresh $(, if $there)?);
    };
}

/// A module of this name with a test for each promise of a [`UsageStore`], those of the outbox among
/// them. `if` as in [`token_store_tests!`](crate::token_store_tests).
#[macro_export]
macro_rules! usage_store_tests {
    ($name:ident, $fresh:expr $(, if $there:expr)?) => {
        $crate::__usage_store_promises!(__test_promises, $name, $fresh $(, if $there)?);
    };
}

/// A module of this name with a test for each promise of a [`ChangeFeed`], over two handles on the same
/// data.
#[macro_export]
macro_rules! change_feed_tests {
    ($name:ident, $fresh:expr $(, if $there:expr)?) => {
        $crate::__change_feed_promises!(__test_promises, $name, $fresh $(, if $there)?);
    };
}

/// A module of this name with a test for each promise of a [`Limiter`].
#[macro_export]
macro_rules! limiter_tests {
    ($name:ident, $fresh:expr) => {
        $crate::__limiter_promises!(__test_promises, $name, $fresh);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __limiter_promises {
    ($run:ident, $($given:tt)*) => {
        $crate::$run! { [$($given)*]
            a_limit_is_used_up
            a_place_is_free_after_one_window
            refused_requests_do_not_count
            a_shared_limit_is_taken_with_the_own_one
            a_changed_limit_counts_at_once
            two_handles_count_together
            many_at_once_get_the_limit
            a_large_limit_is_never_exceeded
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __token_store_promises {
    ($run:ident, $($given:tt)*) => {
        $crate::$run! { [$($given)*]
            opening_twice_is_harmless
            the_service_key_stays_the_same
            every_field_comes_back
            awkward_text_survives
            a_digest_that_cannot_be_read_matches_nothing
            unknown_ids_are_left_out
            the_settled_state_is_read
            insert_refuses_a_taken_id
            a_cap_counts_living_tokens_of_the_tenant
            a_cap_holds_against_many_at_once
            update_replaces_what_has_the_version
            update_refuses_another_version
            update_does_all_or_nothing
            one_of_many_updates_wins
            numbers_follow_the_commits
            purge_needs_the_version_and_keeps_history
            revoke_all_takes_what_is_chosen
            revoke_all_writes_history_for_each
            the_chain_of_each_tenant_holds
            history_is_filtered
            history_comes_in_pages
            a_listing_keeps_to_its_filter
            a_listing_knows_each_status_at_each_moment
            a_listing_comes_in_pages
            a_listing_counts_no_further_than_asked
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __usage_store_promises {
    ($run:ident, $($given:tt)*) => {
        $crate::$run! { [$($given)*]
            use_adds_up
            a_repeated_batch_counts_once
            nodes_add_up
            counters_stop_at_their_end
            a_large_batch_is_added_whole
            use_is_read_for_many
            every_part_of_a_batch_counts_once
            use_is_erased
            a_slice_is_added_to_every_level
            slices_add_up
            peaks_are_those_of_whole_minutes
            a_coarse_slice_has_no_minute
            names_beyond_the_room_are_added_up
            spans_come_in_order
            spans_are_read_for_many
            empty_slices_are_left_out
            figures_stop_at_their_end
            awkward_names_of_use_survive
            calls_come_back_with_numbers
            awkward_calls_survive
            calls_come_in_pages
            calls_are_filtered
            calls_of_a_busy_token_are_bounded
            a_batch_counts_once_among_its_repetitions
            nodes_add_up_side_by_side
            calls_become_visible_in_order
            spans_are_forgotten_by_level
            clients_are_forgotten_before_the_rest
            the_last_client_is_forgotten_in_time
            calls_are_forgotten
            much_is_forgotten_step_by_step
            everything_of_a_token_is_erased
            clients_of_a_token_are_erased
            events_wait_in_order
            an_event_is_kept_once
            an_event_is_given_to_one
            events_come_in_portions
            an_event_is_given_once_among_many
            events_of_a_token_come_one_after_the_other
            a_postponed_event_waits
            delivered_events_are_forgotten
            waiting_events_of_a_token_are_erased
            clients_in_waiting_events_are_erased
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __change_feed_promises {
    ($run:ident, $($given:tt)*) => {
        $crate::$run! { [$($given)*]
            every_write_is_told
            what_is_refused_is_not_told
            marks_differ
            many_are_followed_without_holes
            nothing_is_missed_from_the_first_change_on
            a_pull_raises_the_counter
            a_pull_keeps_to_its_limit
            a_pull_without_a_row_is_a_gap
            a_pull_from_an_unknown_change_is_a_gap
            joining_writes_the_row
            joining_again_makes_the_row_new
            a_row_made_anew_has_another_counter
            an_acknowledgement_only_grows
            who_leaves_is_gone
            striking_needs_the_counter
            a_row_is_struck_or_renewed
            the_roll_is_called_in_one_moment
            changes_are_hinted
            an_unwanted_hint_is_dropped
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __run_promises {
    ([$fresh:ident] $($promise:ident)*) => { $( $crate::conformance::$promise(&$fresh).await; )* };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __test_promises {
    ([$name:ident, $fresh:expr] $($promise:ident)*) => {
        $crate::__test_promises! { [$name, $fresh, if true] $($promise)* }
    };
    ([$name:ident, $fresh:expr, if $there:expr] $($promise:ident)*) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            $(
                #[test]
                fn $promise() {
                    if $there {
                        $crate::block_on($crate::conformance::$promise($fresh));
                    }
                }
            )*
        }
    };
}
