//! Arbitrary values of what is counted, for property tests.

use chrono::{DateTime, Utc};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::{
    Breakdown, Client, ClientUse, Clients, Detail, EndpointUse, Histogram, Peak, Refusals, ScopeUse,
    SecretUse, Share, StatusClasses, Strangers, Tally, TokenUse,
};
use crate::TokenId;

/// Counters of all magnitudes.
pub(crate) fn counters() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0..=64_u32).prop_map(|(number, bits)| number.checked_shr(bits).unwrap_or(0))
}

fn sparse<const COUNT: usize>() -> impl Strategy<Value = [u64; COUNT]> {
    vec(prop_oneof![Just(0), counters()], COUNT).prop_map(|counters| counters.try_into().unwrap())
}

pub(crate) fn times() -> impl Strategy<Value = Option<DateTime<Utc>>> {
    let least = DateTime::<Utc>::MIN_UTC.timestamp_millis();
    let greatest = DateTime::<Utc>::MAX_UTC.timestamp_millis();
    let near = (0..4_000_000_000_000_i64).prop_map(DateTime::from_timestamp_millis);
    prop_oneof![Just(None), near, (least..=greatest).prop_map(DateTime::from_timestamp_millis)]
}

pub(crate) fn histograms() -> impl Strategy<Value = Histogram> {
    vec(counters(), 0..20).prop_map(|times| {
        let mut histogram = Histogram::default();
        times.into_iter().for_each(|time| histogram.record(time));
        // A count of more than one byte.
        let once = histogram.clone();
        (0..9).for_each(|_| histogram.merge(&histogram.clone()));
        histogram.merge(&once);
        histogram
    })
}

pub(crate) fn tallies() -> impl Strategy<Value = Tally> {
    let peak =
        option::of((any::<i64>(), counters()).prop_map(|(minute, granted)| Peak::new(minute, granted)));
    let (figures, refusals, strangers, statuses) = (sparse::<8>(), sparse(), sparse(), sparse());
    (figures, refusals, strangers, statuses, histograms(), peak).prop_map(
        |(figures, refusals, strangers, statuses, latency, peak)| {
            let [
                granted,
                limited,
                missing_scope,
                wrong_secret,
                finished,
                duration_us,
                bytes,
                minutes_limited,
            ] = figures;
            Tally {
                granted,
                limited,
                missing_scope,
                refusals: Refusals::from_counters(refusals),
                wrong_secret,
                strangers: Strangers::from_counters(strangers),
                finished,
                statuses: StatusClasses::from_counters(statuses),
                duration_us,
                bytes,
                latency,
                peak,
                minutes_limited,
            }
        },
    )
}

/// Names and shares, and down to how many of them they are dropped at last, if they are.
fn breakdowns<K: Ord + Clone + std::fmt::Debug, V: Share + std::fmt::Debug>(
    names: impl Strategy<Value = K>,
    shares: impl Strategy<Value = V>,
) -> impl Strategy<Value = Breakdown<K, V>> {
    (vec((names, shares), 0..8), option::of(0..6_usize)).prop_map(|(added, names)| {
        let mut breakdown = Breakdown::default();
        added.iter().for_each(|(name, share)| breakdown.add(name, share));
        names.into_iter().for_each(|names| breakdown.shrink(names));
        breakdown
    })
}

pub(crate) fn details() -> impl Strategy<Value = Detail> {
    let endpoints = (counters(), counters(), counters(), counters(), histograms()).prop_map(
        |(calls, limited, errors, duration_us, latency)| EndpointUse {
            calls,
            limited,
            errors,
            duration_us,
            latency,
        },
    );
    let scopes = (counters(), counters(), times(), times()).prop_map(
        |(used, missing, last_used_at, last_missing_at)| ScopeUse {
            used,
            missing,
            last_used_at,
            last_missing_at,
        },
    );
    let secrets = (counters(), times(), option::of(a_client()))
        .prop_map(|(calls, last_seen_at, last_client)| SecretUse { calls, last_seen_at, last_client });
    let tokens = (counters(), counters(), counters()).prop_map(|(calls, limited, errors)| TokenUse {
        calls,
        limited,
        errors,
    });
    let ids = "[A-Za-z0-9_]{16}".prop_map(|id| TokenId::from_characters(id.as_bytes()).unwrap());
    (
        breakdowns(".{0,20}", endpoints),
        breakdowns("[a-z]{1,4}:[a-z]{1,4}", scopes),
        breakdowns(any::<u32>(), secrets),
        breakdowns(ids, tokens),
    )
        .prop_map(|(endpoints, scopes, secrets, tokens)| Detail { endpoints, scopes, secrets, tokens })
}

pub(crate) fn a_client() -> impl Strategy<Value = Client> {
    ("[0-9.:/a-f]{0,20}", ".{0,200}").prop_map(|(address, agent)| Client { address, agent })
}

pub(crate) fn clients() -> impl Strategy<Value = Clients> {
    let uses = (counters(), times(), times()).prop_map(|(calls, first_seen_at, last_seen_at)| ClientUse {
        calls,
        first_seen_at,
        last_seen_at,
    });
    breakdowns(a_client(), uses)
}
