//! Percentiles against the true ones and against HdrHistogram, buckets, merging, saturation.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{GREATEST_US, Histogram, bounds_of, bucket_of};
use crate::usage::arbitrary::histograms;

const SHARES: [f64; 7] = [0.0, 0.01, 0.5, 0.95, 0.99, 0.999, 1.0];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_percentile_is_near_the_true_one(mut times in distributions()) {
        let histogram = of(&times);
        times.sort_unstable();
        for share in SHARES {
            let rank = ((share * times.len() as f64).ceil() as usize).max(1);
            let truth = times[rank - 1].min(GREATEST_US) as f64;
            let told = micros(histogram.percentile(share));
            prop_assert!((told - truth).abs() <= truth * Histogram::RELATIVE_ERROR, "{share}: {told} {truth}");
        }
    }

    #[test]
    fn a_percentile_is_near_that_of_hdrhistogram(times in distributions()) {
        let mut theirs = hdrhistogram::Histogram::<u64>::new_with_bounds(1, 1 << 36, 3).unwrap();
        times.iter().for_each(|time| theirs.record((*time).min(GREATEST_US)).unwrap());
        let ours = of(&times);
        for share in SHARES {
            let (told, reference) = (micros(ours.percentile(share)), theirs.value_at_quantile(share) as f64);
            // Theirs has three digits.
            let error = reference * (Histogram::RELATIVE_ERROR + 0.001);
            prop_assert!((told - reference).abs() <= error, "{share}: {told} {reference}");
        }
        prop_assert_eq!(ours.count(), theirs.len());
    }

    #[test]
    fn merging_is_recording_all(one in distributions(), other in distributions()) {
        let mut merged = of(&one);
        merged.merge(&of(&other));
        prop_assert_eq!(merged, of(&[one, other].concat()));
    }

    #[test]
    fn order_of_merging_does_not_matter(one in histograms(), other in histograms(), third in histograms()) {
        let merged = |parts: [&Histogram; 3]| {
            let mut sum = parts[0].clone();
            parts[1..].iter().for_each(|part| sum.merge(part));
            sum
        };
        prop_assert_eq!(merged([&one, &other, &third]), merged([&third, &other, &one]));
        let mut right = other.clone();
        right.merge(&third);
        let mut both = one.clone();
        both.merge(&right);
        prop_assert_eq!(merged([&one, &other, &third]), both);
    }

    #[test]
    fn every_time_lies_in_its_bucket(time in prop_oneof![any::<u64>(), 0..=GREATEST_US, 0..5_000_u64]) {
        let (lowest, highest) = bounds_of(bucket_of(time));
        prop_assert!((lowest..=highest).contains(&time.min(GREATEST_US)));
    }

    #[test]
    fn a_histogram_survives_json(histogram in histograms()) {
        let text = serde_json::to_string(&histogram).unwrap();
        prop_assert_eq!(serde_json::from_str::<Histogram>(&text).unwrap(), histogram);
    }
}

#[test]
fn buckets_follow_each_other_without_a_gap() {
    assert_eq!(bounds_of(0), (0, 0));
    assert_eq!(bucket_of(u64::MAX), 527);
    assert_eq!(bounds_of(527).1, GREATEST_US);
    for bucket in 1..528 {
        assert_eq!(bounds_of(bucket).0, bounds_of(bucket - 1).1 + 1);
        assert_eq!(bucket_of(bounds_of(bucket).0), bucket);
        assert_eq!(bucket_of(bounds_of(bucket).1), bucket);
    }
}

#[test]
fn the_rank_of_a_whole_percentage_is_exact() {
    for count in (1..=2_000_u64).step_by(7) {
        for percent in 1..=100 {
            // The one of this rank took another time than those before and after it.
            let rank = (count * percent).div_ceil(100);
            let below = Histogram { buckets: [(0, rank - 1), (1, 1), (2, count - rank)].to_vec() };
            let told = below.percentile(percent as f64 / 100.0);
            assert_eq!(told, Some(Duration::from_micros(1)), "{percent} % of {count}");
        }
    }
}

#[test]
fn nothing_recorded_has_no_percentile() {
    assert_eq!(Histogram::new().percentile(0.5), None);
    assert_eq!(Histogram::new().count(), 0);
}

#[test]
fn shares_out_of_range_are_those_at_its_ends() {
    let histogram = of(&[1, 2, 3]);
    assert_eq!(micros(histogram.percentile(-1.0)), 1.0);
    assert_eq!(micros(histogram.percentile(f64::NAN)), 1.0);
    assert_eq!(micros(histogram.percentile(7.0)), 3.0);
}

#[test]
fn counts_stop_at_their_end() {
    let mut histogram = of(&[5]);
    for _ in 0..70 {
        histogram.merge(&histogram.clone());
        assert!(SHARES.iter().all(|share| histogram.percentile(*share).is_some()));
    }
    histogram.record(5);
    histogram.record(9);
    assert_eq!(histogram.buckets().collect::<Vec<_>>(), [(5, 5, u64::MAX), (9, 9, 1)]);
    assert_eq!(histogram.count(), u64::MAX);
    assert_eq!(micros(histogram.percentile(0.5)), 5.0);
}

#[test]
fn what_has_no_such_buckets_does_not_read() {
    for text in [
        r#"{"buckets":[[528,1]]}"#,
        r#"{"buckets":[[65535,1]]}"#,
        r#"{"buckets":[[2,1],[1,1]]}"#,
        r#"{"buckets":[[1,1],[1,1]]}"#,
        r#"{"buckets":[[1,0]]}"#,
    ] {
        assert!(serde_json::from_str::<Histogram>(text).is_err(), "{text}");
    }
}

fn of(times: &[u64]) -> Histogram {
    let mut histogram = Histogram::new();
    times.iter().for_each(|time| histogram.record(*time));
    histogram
}

fn micros(time: Option<Duration>) -> f64 {
    time.unwrap().as_nanos() as f64 / 1_000.0
}

/// Times that are even, of all magnitudes, few and often the same, of two kinds, out of range.
fn distributions() -> impl Strategy<Value = Vec<u64>> {
    let any_magnitude = (0..=GREATEST_US, 0..36_u32).prop_map(|(time, bits)| time >> bits);
    let two_kinds = prop_oneof![9 => 800..1_200_u64, 1 => 1_000_000..5_000_000_u64];
    prop_oneof![
        vec(0..100_000_u64, 1..500),
        vec(any_magnitude, 1..500),
        vec(0..20_u64, 1..500),
        vec(two_kinds, 1..500),
        vec(any::<u64>(), 1..20),
    ]
}
