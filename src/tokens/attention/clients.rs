//! Which addresses a token is newly called from.
//!
//! An address is new for 24 hours from the moment at which the store has seen it first, if the
//! token was called from another one before that. So a token's first client is no news, and what
//! was added a moment ago needs not be told apart from what was there before: a process that died
//! before it could tell is made up for when the address is seen next, by whichever process.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::usage::period::minute_of;
use crate::usage::{Client, Level, Span, StoredSlice};

/// An address is news for so long.
const NEW_FOR: TimeDelta = TimeDelta::hours(24);

/// The clients of so many days at most are read.
const DAYS: TimeDelta = TimeDelta::days(35);

/// The first new address of a day, which begins at this minute.
pub(in crate::tokens) struct Sighting<'a> {
    pub(super) day: i64,
    pub(in crate::tokens) client: &'a Client,
}

/// The days whose clients are read.
pub(in crate::tokens) fn span(kept: TimeDelta, now: DateTime<Utc>) -> Span {
    let first = now.checked_sub_signed(kept.clamp(TimeDelta::zero(), DAYS)).unwrap_or(now);
    Span {
        level: Level::Day,
        from: Level::Day.start_of(minute_of(first)),
        until: Level::Day.end_of(minute_of(now) + 1),
    }
}

/// Whether the token has more clients than a store tells apart: then nobody knows which of them is
/// new, and it would be no news.
pub(in crate::tokens) fn is_crowd(slices: &[StoredSlice]) -> bool {
    slices.iter().any(|slice| slice.clients.error() > 0)
}

/// The addresses that the token is known to be called from.
pub(super) fn addresses(slices: &[StoredSlice]) -> impl Iterator<Item = &str> {
    slices.iter().flat_map(|slice| slice.clients.iter()).map(|(client, _)| client.address.as_str())
}

/// The first new address of each day that has one.
pub(in crate::tokens) fn new_addresses(slices: &[StoredSlice], now: DateTime<Utc>) -> Vec<Sighting<'_>> {
    let mut first_seen: BTreeMap<&str, (DateTime<Utc>, &Client)> = BTreeMap::new();
    for (client, share) in slices.iter().flat_map(|slice| slice.clients.iter()) {
        let Some(seen_at) = share.first_seen_at.filter(|_| !client.address.is_empty()) else { continue };
        let first = first_seen.entry(&client.address).or_insert((seen_at, client));
        if seen_at < first.0 {
            *first = (seen_at, client);
        }
    }
    let Some(earliest) = first_seen.values().map(|(seen_at, _)| *seen_at).min() else { return Vec::new() };
    let mut of_days: BTreeMap<i64, (DateTime<Utc>, &Client)> = BTreeMap::new();
    for (seen_at, client) in first_seen.into_values() {
        if seen_at > earliest && now.signed_duration_since(seen_at) < NEW_FOR {
            let day = Level::Day.start_of(minute_of(seen_at));
            let first = of_days.entry(day).or_insert((seen_at, client));
            if seen_at < first.0 {
                *first = (seen_at, client);
            }
        }
    }
    of_days.into_iter().map(|(day, (_, client))| Sighting { day, client }).collect()
}
