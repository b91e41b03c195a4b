//! How long responses took, in buckets that merge.

#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::sorted;

/// How long responses took, in log-linear buckets: percentiles cannot be averaged, buckets can be
/// added.
///
/// Sixteen buckets to each doubling, as in HdrHistogram (Tene, 2012): a percentile is told as the
/// middle of its bucket, which is at most [`RELATIVE_ERROR`](Histogram::RELATIVE_ERROR) away from
/// the true one. Below 16 microseconds every microsecond has its own. Only buckets that hold
/// something take memory, at most 528 of them.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Histogram {
    /// The numbers of buckets in their order, each with how many it holds.
    #[serde(deserialize_with = "known_cells")]
    buckets: Vec<(u16, u64)>,
}

const SUB_BITS: u32 = 4;
const SUB_BUCKETS: u64 = 1 << SUB_BITS;
/// The greatest value that is told apart, about 19 hours. Longer counts as this.
const GREATEST_US: u64 = (1 << 36) - 1;

impl Histogram {
    /// How far a percentile may be from the true one, as a share of it: 3.125 %.
    pub const RELATIVE_ERROR: f64 = 1.0 / 32.0;

    /// An empty one.
    pub const fn new() -> Histogram {
        Histogram { buckets: Vec::new() }
    }

    /// Counts a response that took so many microseconds. More than 19 hours count as that.
    pub fn record(&mut self, microseconds: u64) {
        let bucket = bucket_of(microseconds);
        match self.buckets.binary_search_by_key(&bucket, |(bucket, _)| *bucket) {
            Ok(place) => self.buckets[place].1 = self.buckets[place].1.saturating_add(1),
            Err(place) => self.buckets.insert(place, (bucket, 1)),
        }
    }

    /// Adds what another holds.
    pub fn merge(&mut self, other: &Histogram) {
        let order = |(one, _): &(u16, u64), (other, _): &(u16, u64)| one.cmp(other);
        let add = |(_, ours): &mut (u16, u64), (_, theirs): &(u16, u64)| *ours = ours.saturating_add(*theirs);
        sorted::merge(&mut self.buckets, &other.buckets, order, add);
    }

    /// How many responses it holds.
    pub fn count(&self) -> u64 {
        self.buckets.iter().fold(0, |sum: u64, (_, count)| sum.saturating_add(*count))
    }

    /// The time within which this share of the responses was finished (0.95 for the 95th
    /// percentile), by the nearest rank; none where it holds nothing.
    pub fn percentile(&self, share: f64) -> Option<Duration> {
        // Rounding may lift a product that is a whole number just above it, which is not the next rank.
        let rank = share.clamp(0.0, 1.0) * self.count() as f64 * (1.0 - f64::EPSILON);
        let rank = rank.ceil().max(1.0) as u64;
        let mut seen = 0_u64;
        let bucket = self.buckets.iter().find(|(_, count)| {
            seen = seen.saturating_add(*count);
            seen >= rank
        });
        bucket.map(|(bucket, _)| {
            let (lowest, highest) = bounds_of(*bucket);
            Duration::from_micros(lowest + (highest - lowest) / 2)
        })
    }

    /// [`Histogram::percentile`] in milliseconds.
    pub fn percentile_ms(&self, share: f64) -> Option<f64> {
        self.percentile(share).map(|time| time.as_micros() as f64 / 1_000.0)
    }

    /// The buckets that hold something: the least and the greatest time of each in microseconds,
    /// and how many it holds.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64, u64)> + '_ {
        self.buckets.iter().map(|(bucket, count)| {
            let (lowest, highest) = bounds_of(*bucket);
            (lowest, highest, *count)
        })
    }

    /// How many buckets hold something.
    pub(crate) fn width(&self) -> usize {
        self.buckets.len()
    }

    /// The numbers of buckets in their order, each with how many it holds.
    #[cfg(any(test, feature = "sqlite", feature = "postgres"))]
    pub(super) fn cells(&self) -> &[(u16, u64)] {
        &self.buckets
    }

    /// One made of [`Histogram::cells`]; none if there are no such buckets, they are not in order,
    /// or hold nothing.
    pub(super) fn from_cells(cells: Vec<(u16, u64)>) -> Option<Histogram> {
        let in_order = cells.is_sorted_by(|(one, _), (next, _)| one < next);
        let known = cells.iter().all(|(bucket, count)| *bucket <= bucket_of(GREATEST_US) && *count > 0);
        (in_order && known).then_some(Histogram { buckets: cells })
    }
}

fn known_cells<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(u16, u64)>, D::Error> {
    let cells = Histogram::from_cells(Vec::deserialize(deserializer)?);
    let expected = "buckets are numbers below 528 in ascending order, each with a count above 0";
    cells.map(|histogram| histogram.buckets).ok_or_else(|| D::Error::custom(expected))
}

fn bucket_of(microseconds: u64) -> u16 {
    let value = microseconds.min(GREATEST_US);
    if value < SUB_BUCKETS {
        return value as u16;
    }
    let exponent = value.ilog2() - SUB_BITS;
    // The leading bit is told by the exponent; the next four say where between two powers.
    let within = (value >> exponent) - SUB_BUCKETS;
    (SUB_BUCKETS + u64::from(exponent) * SUB_BUCKETS + within) as u16
}

/// The least and the greatest value of a bucket.
fn bounds_of(bucket: u16) -> (u64, u64) {
    let bucket = u64::from(bucket);
    if bucket < SUB_BUCKETS {
        return (bucket, bucket);
    }
    let exponent = (bucket - SUB_BUCKETS) / SUB_BUCKETS;
    let lowest = (SUB_BUCKETS + (bucket - SUB_BUCKETS) % SUB_BUCKETS) << exponent;
    (lowest, lowest + (1 << exponent) - 1)
}
