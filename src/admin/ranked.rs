//! The names with the most calls, and the rest of them together.

use serde::Serialize;

use super::Fault;
use super::shape::Moment;
use crate::Statistics;
use crate::usage::{Breakdown, Share};
use crate::web::Reply;

/// The names with the most calls, and the rest together.
pub(crate) struct Ranked<'a, K, V> {
    pub(crate) shown: Vec<(&'a K, &'a V)>,
    /// What was counted for names that are not shown, or not told apart.
    pub(crate) other: V,
    /// All calls: those of the shown and the other ones.
    pub(crate) calls: u64,
    /// By how many calls a name may lie below the truth.
    pub(crate) error: u64,
}

impl<'a, K: Ord + Clone, V: Share> Ranked<'a, K, V> {
    pub(crate) fn of(breakdown: &'a Breakdown<K, V>, limit: u32) -> Ranked<'a, K, V> {
        let mut shown = breakdown.top(usize::MAX);
        let mut other = breakdown.other().clone();
        let calls = shown.iter().fold(other.calls(), |sum, (_, share)| sum.saturating_add(share.calls()));
        for (_, share) in shown.drain(shown.len().min(limit as usize)..) {
            other.merge(share);
        }
        Ranked { shown, other, calls, error: breakdown.error() }
    }
}

/// A listing of names.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(crate) struct Listing<Row, Other> {
    pub(crate) data: Vec<Row>,
    pub(crate) other: Other,
    /// By how many calls a row may lie below the truth: those are then in `other`.
    pub(crate) error: u64,
    pub(crate) calls: u64,
    pub(crate) from: Moment,
    pub(crate) to: Moment,
    pub(crate) as_of: Moment,
}

/// The answer. Names are told by the hour: the range is widened to whole hours.
pub(crate) fn listing<K, V, Row: Serialize, Other: Serialize>(
    told: &Statistics,
    ranked: &Ranked<'_, K, V>,
    data: Vec<Row>,
    other: Other,
) -> Result<Reply, Fault> {
    let range = told.period.widened_to(crate::usage::Level::Hour);
    let body = Listing {
        data,
        other,
        error: ranked.error,
        calls: ranked.calls,
        from: Moment(range.from()),
        to: Moment(range.until()),
        as_of: Moment(told.as_of),
    };
    Ok(Reply::json(200, &body))
}
