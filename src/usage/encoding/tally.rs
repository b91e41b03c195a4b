//! The form of a tally and of the times in it.

use super::part::Part;
use crate::usage::{Histogram, Peak, Refusals, StatusClasses, Strangers, Tally};

/// A mask says which parts follow: a bit for the latencies, one for the peak, and one for each
/// counter that is not zero. What nearly every minute has comes first, so that its mask is a byte.
impl Part for Tally {
    fn write(&self, to: &mut Vec<u8>) {
        let counters = counters_of(self);
        let has_latency = self.latency != Histogram::default();
        let mut mask = u64::from(has_latency) | u64::from(self.peak.is_some()) << 1;
        for (place, counter) in counters.iter().enumerate() {
            mask |= u64::from(*counter > 0) << (place + 2);
        }
        mask.write(to);
        counters.iter().filter(|counter| **counter > 0).for_each(|counter| counter.write(to));
        if has_latency {
            self.latency.write(to);
        }
        if let Some(peak) = &self.peak {
            peak.minute.write(to);
            peak.granted.write(to);
        }
    }

    fn read(from: &mut &[u8]) -> Option<Tally> {
        let mask = u64::read(from)?;
        if mask >> (COUNTERS + 2) != 0 {
            return None;
        }
        let mut counters = [0; COUNTERS];
        for (place, counter) in counters.iter_mut().enumerate() {
            if mask >> (place + 2) & 1 == 1 {
                *counter = u64::read(from).filter(|counter| *counter > 0)?;
            }
        }
        let mut tally = tally_of(counters);
        if mask & 1 == 1 {
            tally.latency = Histogram::read(from).filter(|latency| *latency != Histogram::default())?;
        }
        if mask >> 1 & 1 == 1 {
            tally.peak = Some(Peak::new(i64::read(from)?, u64::read(from)?));
        }
        Some(tally)
    }
}

const COUNTERS: usize = 24;

/// The counters in the order of their bits.
fn counters_of(tally: &Tally) -> [u64; COUNTERS] {
    let [informational, success, redirection, client_error, server_error] = tally.statuses.counters();
    let [revoked, expired, not_yet_valid, paused, rotated, address, not_for_tokens] =
        tally.refusals.counters();
    let [malformed, unknown, stranger_wrong_secret, foreign_tenant] = tally.strangers.counters();
    [
        tally.granted,
        tally.finished,
        success,
        tally.duration_us,
        tally.bytes,
        tally.limited,
        tally.minutes_limited,
        client_error,
        server_error,
        redirection,
        tally.missing_scope,
        tally.wrong_secret,
        informational,
        revoked,
        expired,
        not_yet_valid,
        paused,
        rotated,
        address,
        not_for_tokens,
        malformed,
        unknown,
        stranger_wrong_secret,
        foreign_tenant,
    ]
}

fn tally_of(counters: [u64; COUNTERS]) -> Tally {
    let [
        granted,
        finished,
        success,
        duration_us,
        bytes,
        limited,
        minutes_limited,
        client_error,
        server_error,
        redirection,
        missing_scope,
        wrong_secret,
        informational,
        rest @ ..,
    ] = counters;
    let [revoked, expired, not_yet_valid, paused, rotated, address, not_for_tokens, strangers @ ..] = rest;
    Tally {
        granted,
        limited,
        missing_scope,
        refusals: Refusals { revoked, expired, not_yet_valid, paused, rotated, address, not_for_tokens },
        wrong_secret,
        strangers: Strangers::from_counters(strangers),
        finished,
        statuses: StatusClasses { informational, success, redirection, client_error, server_error },
        duration_us,
        bytes,
        latency: Histogram::default(),
        peak: None,
        minutes_limited,
    }
}

/// How many buckets; each as its distance from the one before, and how many it holds.
impl Part for Histogram {
    fn write(&self, to: &mut Vec<u8>) {
        let cells = self.cells();
        (cells.len() as u64).write(to);
        let mut next = 0;
        for (bucket, count) in cells {
            u64::from(bucket - next).write(to);
            count.write(to);
            next = bucket + 1;
        }
    }

    fn read(from: &mut &[u8]) -> Option<Histogram> {
        let number = u64::read(from)?;
        // Each takes two bytes at least.
        let most = from.len() as u64 / 2;
        let mut cells = Vec::with_capacity(number.min(most) as usize);
        let mut next = 0_u16;
        for _ in 0..number {
            let bucket = next.checked_add(u64::read(from)?.try_into().ok()?)?;
            cells.push((bucket, u64::read(from)?));
            next = bucket.checked_add(1)?;
        }
        Histogram::from_cells(cells)
    }
}
