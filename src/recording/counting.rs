//! Counting one request in the figures of its minute.

use chrono::DateTime;

use super::keeping::{BUCKET, NAME};
use super::names::NONE;
use super::noted::{Noted, What};
use super::part::Part;
use crate::usage::{Breakdown, Outcome, Share, Subject};

/// Counts figures; gives the bytes that were claimed.
pub(super) fn count_figures(part: &mut Part, noted: &Noted) -> usize {
    let tally = &mut part.tally;
    match noted.what {
        What::Grants(number) => tally.granted = tally.granted.saturating_add(number.into()),
        What::WrongSecret(number) => tally.wrong_secret = tally.wrong_secret.saturating_add(number.into()),
        What::Ended(Outcome::Granted) => {
            tally.finished = tally.finished.saturating_add(1);
            tally.statuses.count(noted.status);
            tally.duration_us = tally.duration_us.saturating_add(noted.duration_us);
            tally.bytes = tally.bytes.saturating_add(noted.bytes.unwrap_or(0));
            let before = tally.latency.width();
            tally.latency.record(noted.duration_us);
            return BUCKET * (tally.latency.width() - before);
        }
        What::Ended(outcome) => tally.refuse(outcome, 1),
    }
    0
}

/// Counts a call for its endpoint, its client, its scopes and its secret; gives the bytes that were
/// claimed, or given back.
pub(super) fn count_names(
    part: &mut Part,
    noted: &Noted,
    route: Option<u32>,
    client: Option<u32>,
    has_room: bool,
) -> isize {
    let What::Ended(outcome) = noted.what else { return 0 };
    let at = DateTime::from_timestamp_millis(noted.at_ms);
    let before = part.endpoints.len() + part.clients.len() + part.scopes.len() + part.secrets.len();
    let mut buckets = 0;

    let is_failure = outcome != Outcome::Limited && (outcome != Outcome::Granted || noted.status >= 400);
    let is_named = count(&mut part.endpoints, route, has_room, |share| {
        share.calls += 1;
        share.limited += u64::from(outcome == Outcome::Limited);
        share.errors += u64::from(is_failure);
        if outcome == Outcome::Granted {
            let before = share.latency.width();
            share.duration_us = share.duration_us.saturating_add(noted.duration_us);
            share.latency.record(noted.duration_us);
            buckets = share.latency.width() - before;
        }
    });
    // What goes to "other" has its buckets already, but for a few.
    let buckets = if is_named { buckets } else { 0 };
    if client != Some(NONE) {
        count(&mut part.clients, client, has_room, |share| {
            share.calls += 1;
            share.first_seen_at = share.first_seen_at.into_iter().chain(at).min();
            share.last_seen_at = share.last_seen_at.max(at);
        });
    }
    if matches!(outcome, Outcome::Granted | Outcome::MissingScope) {
        for number in noted.scopes.numbers() {
            let share = part.scopes.count(&(number as u32), 1);
            if outcome == Outcome::Granted {
                share.used += 1;
                share.last_used_at = share.last_used_at.max(at);
            } else {
                share.missing += 1;
                share.last_missing_at = share.last_missing_at.max(at);
            }
        }
    }
    if noted.secret_version > 0 {
        let share = part.secrets.count(&noted.secret_version, 1);
        share.calls += 1;
        share.last = share.last.max(Some((noted.at_ms, client.unwrap_or(NONE))));
    }

    let after = part.endpoints.len() + part.clients.len() + part.scopes.len() + part.secrets.len();
    let most = 2 * Subject::Token(noted.token).names();
    let mut claimed = (BUCKET * buckets + NAME * after.saturating_sub(before)) as isize;
    if part.endpoints.len() > most || part.clients.len() > most || part.secrets.len() > most {
        let before = part.bytes_of_names(NAME, BUCKET);
        part.shrink(most / 2);
        claimed -= before.saturating_sub(part.bytes_of_names(NAME, BUCKET)) as isize;
    }
    claimed
}

/// Counts one call for a name; where it has none, or there is no room for it, under "other". Says
/// whether it has one.
fn count<V: Share>(
    breakdown: &mut Breakdown<u32, V>,
    name: Option<u32>,
    has_room: bool,
    add: impl FnOnce(&mut V),
) -> bool {
    match name.filter(|name| has_room || breakdown.get(name).is_some()) {
        Some(name) => {
            add(breakdown.count(&name, 1));
            true
        }
        None => {
            let mut share = V::default();
            add(&mut share);
            breakdown.add_other(&share);
            false
        }
    }
}
