//! What is called, how often, how well.

use crate::admin::ranked::Ranked;
use crate::dashboard::show::{milliseconds, number, percent, visible};
use crate::usage::{Breakdown, EndpointUse};

/// An endpoint, or the other ones together.
pub(in crate::dashboard) struct EndpointRow {
    /// None for the other ones.
    pub(in crate::dashboard) name: Option<String>,
    pub(in crate::dashboard) calls: String,
    pub(in crate::dashboard) share: String,
    /// The same in hundredths, for a bar.
    pub(in crate::dashboard) bar: u64,
    pub(in crate::dashboard) errors: u64,
    pub(in crate::dashboard) p95: String,
}

/// So many are shown.
const SHOWN: u32 = 8;

/// The busiest endpoints, and the rest together.
pub(in crate::dashboard) fn rows(endpoints: &Breakdown<String, EndpointUse>) -> Vec<EndpointRow> {
    let ranked = Ranked::of(endpoints, SHOWN);
    let row = |name: Option<&String>, used: &EndpointUse| {
        let share = if ranked.calls == 0 { 0.0 } else { used.calls as f64 / ranked.calls as f64 };
        let name = name.map(|name| match name.is_empty() {
            true => "not known".to_owned(),
            false => visible(name).into_owned(),
        });
        EndpointRow {
            name,
            calls: number(used.calls),
            share: percent(Some(share)),
            bar: (share * 100.0).round() as u64,
            errors: used.errors,
            p95: milliseconds(used.latency.percentile_ms(0.95)),
        }
    };
    let mut rows: Vec<_> = ranked.shown.iter().map(|(name, used)| row(Some(name), used)).collect();
    if ranked.other.calls > 0 {
        rows.push(row(None, &ranked.other));
    }
    rows
}
