//! Many thousands of schedules of the protocol, each drawn from a seed.
//!
//! A world of nodes around a store: the real [`Member`](super::Member), [`Waiting`](super::Waiting),
//! [`Vigil`](super::Vigil) and [`Trusted`](super::Trusted), and small copies of what drives them
//! (`driver`, `verifying`, `changing`) and of the memory of a node (`memory`). Calls are delayed, lost,
//! repeated and overtaken; clocks are slewed by up to 8 %; nodes are suspended between any two steps,
//! killed, started, and leave; writes are open, aborted, or of unknown outcome; the store fails over to
//! an earlier state and drops old changes.
//!
//! `TOKENWARD_MODEL_SEED` replays one schedule and prints it; `TOKENWARD_MODEL_SCHEDULES` says how many
//! are run.

mod changing;
mod driver;
mod flaw;
mod memory;
mod random;
mod schedule;
mod store;
mod verifying;
mod world;

use std::time::Instant;

use flaw::Flaw;
use schedule::Schedule;

/// So many schedules are run of the sound protocol by each of the tests that share the work.
const SCHEDULES: u64 = 10_000;
/// And so many at most until a variant must have been caught.
const SCHEDULES_OF_A_VARIANT: u64 = 20_000;

fn set(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// Runs schedules from this seed on.
fn run(part: u64) {
    if let Some(seed) = set("TOKENWARD_MODEL_SEED") {
        let report = Schedule::run(seed, None, true);
        report.trace.iter().for_each(|line| println!("{line}"));
        assert!(report.violation.is_none(), "{:?}", report.violation);
        return;
    }
    let schedules = set("TOKENWARD_MODEL_SCHEDULES").unwrap_or(SCHEDULES);
    let (begun, first) = (Instant::now(), part << 32);
    let (mut steps, mut verifications, mut from_memory, mut changes) = (0, 0, 0, 0);
    for seed in first..first + schedules {
        let report = Schedule::run(seed, None, false);
        if report.violation.is_some() {
            panic_with_trace(seed, None);
        }
        steps += report.counted.steps;
        verifications += report.counted.verifications;
        from_memory += report.counted.from_memory;
        changes += report.counted.changes;
    }
    println!(
        "{schedules} schedules, {steps} steps, {verifications} verifications ({from_memory} of them from memory), {changes} changes that returned, in {:?}",
        begun.elapsed()
    );
}

fn panic_with_trace(seed: u64, flaw: Option<Flaw>) -> ! {
    let report = Schedule::run(seed, flaw, true);
    report.trace.iter().for_each(|line| println!("{line}"));
    panic!("seed {seed} (replay it with TOKENWARD_MODEL_SEED): {}", report.violation.unwrap_or_default());
}

/// Runs schedules of a variant until one goes wrong.
fn catch(flaw: Flaw) {
    let schedules = set("TOKENWARD_MODEL_SCHEDULES").unwrap_or(SCHEDULES_OF_A_VARIANT);
    for seed in 0..schedules {
        let report = Schedule::run(seed, Some(flaw), false);
        if let Some(violation) = report.violation {
            println!("{flaw:?}: schedule {seed}: {violation}");
            if set("TOKENWARD_MODEL_TRACE").is_some() {
                Schedule::run(seed, Some(flaw), true).trace.iter().for_each(|line| println!("{line}"));
            }
            return;
        }
    }
    panic!("{flaw:?} was not caught in {schedules} schedules");
}

macro_rules! sound {
    ($($name:ident: $part:literal),*) => { $(#[test] fn $name() { run($part); })* };
}

sound! {
    the_first_part_of_the_schedules_keeps_the_promise: 0,
    the_second_part_of_the_schedules_keeps_the_promise: 1
}

macro_rules! caught {
    ($($name:ident: $flaw:ident),* $(,)?) => { $(#[test] fn $name() { catch(Flaw::$flaw); })* };
}

caught! {
    numbers_out_of_the_order_of_commits_are_caught: NumbersOutOfOrder,
    acknowledging_past_a_hole_is_caught: HolesAreIgnored,
    trust_that_counts_from_after_the_renewal_is_caught: TrustFromAfter,
    a_margin_of_zero_is_caught: NoMargin,
    trust_as_a_flag_is_caught: TrustIsAFlag,
    a_fill_between_mark_and_commit_is_caught: FillsBetweenMarkAndCommit,
    joining_a_spoiled_flight_is_caught: SpoiledFlightsAreJoined,
    distrust_without_spoiling_is_caught: DistrustWithoutSpoiling,
    a_change_of_nothing_that_does_not_wait_is_caught: NoOpDoesNotWait,
    a_revoker_that_assumes_its_own_lease_is_caught: OwnLeaseIsAssumed,
    waiting_that_counts_from_before_the_commit_is_caught: WaitingFromBefore,
    a_row_that_is_written_after_the_first_pull_is_caught: RowAfterPull,
    distrust_only_before_the_row_is_there_is_caught: DistrustOnlyBeforeJoining,
    joining_that_acknowledges_again_is_caught: JoiningAcknowledges,
    a_strike_without_comparing_is_caught: StrikeWithoutComparing,
    counters_that_begin_alike_are_caught: CountersBeginAlike,
    a_gap_that_is_not_noticed_is_caught: MarksAreIgnored,
    an_acknowledgement_without_a_mark_is_caught: NumbersAreAcknowledged,
    trust_in_what_a_failover_may_take_back_is_caught: FillsAheadAreTrusted,
}
