//! Tallies add up in any order, stop at their end, and tell no rate of nothing.

use proptest::prelude::*;

use super::*;
use crate::usage::arbitrary::tallies;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn order_of_merging_does_not_matter(one in tallies(), other in tallies(), third in tallies()) {
        let merged = |one: &Tally, other: &Tally| {
            let mut sum = one.clone();
            sum.merge(other);
            sum
        };
        prop_assert_eq!(merged(&one, &other), merged(&other, &one));
        prop_assert_eq!(merged(&merged(&one, &other), &third), merged(&one, &merged(&other, &third)));
        prop_assert_eq!(merged(&one, &Tally::default()), one);
    }
}

#[test]
fn counters_stop_at_their_end() {
    let mut tally = Tally { granted: u64::MAX, finished: u64::MAX, ..Tally::default() };
    tally.statuses = StatusClasses::from_counters([u64::MAX; 5]);
    tally.refusals = Refusals::from_counters([u64::MAX; 7]);
    tally.merge(&tally.clone());
    tally.refuse(Outcome::Granted, 2);
    tally.statuses.count(200);
    assert_eq!((tally.granted, tally.calls(), tally.denied()), (u64::MAX, u64::MAX, u64::MAX));
    assert_eq!(tally.success_rate(), Some(1.0));
}

#[test]
fn what_had_no_calls_has_no_rate_and_no_times() {
    // What the limit refuses is no failure of the service, and a stranger is nobody's call.
    let tally = Tally { limited: 7, wrong_secret: 3, ..Tally::default() };
    assert_eq!((tally.success_rate(), tally.mean_ms(), tally.percentile_ms(0.5)), (None, None, None));
    assert_eq!(tally.calls(), 7);
}

#[test]
fn the_earlier_of_equally_busy_minutes_is_the_peak() {
    let peaks = [Peak::new(7, 3), Peak::new(5, 3), Peak::new(6, 2)].map(Some);
    assert_eq!(peaks.into_iter().fold(None, Peak::busier), Some(Peak::new(5, 3)));
    assert_eq!(Peak::busier(None, None), None);
}

#[test]
fn an_outcome_counts_in_one_place() {
    let mut tally = Tally::default();
    Outcome::ALL.into_iter().for_each(|outcome| tally.refuse(outcome, 1));
    assert_eq!((tally.granted, tally.limited, tally.missing_scope), (1, 1, 1));
    assert_eq!(tally.refusals.counters(), [1; 7]);
    assert_eq!((tally.calls(), tally.denied()), (10, 8));
}
