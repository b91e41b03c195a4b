//! What scopes that would go were used for.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::ScopeImpact;
use crate::TokenRecord;
use crate::scope::CompiledCatalog;
use crate::usage::{Breakdown, Outcome, RecordedCall, ScopeUse};

/// So many endpoints of a scope are named.
const ENDPOINTS: usize = 5;

/// What a token may no longer do without these scopes: by name, and by what they imply. What it still
/// holds in another way is not among it.
pub(super) fn lost(catalog: &CompiledCatalog, record: &TokenRecord, removed: &[String]) -> Vec<String> {
    let held = || record.scopes.iter().map(|scope| scope.as_str());
    let kept = catalog.effective(held().filter(|scope| !removed.iter().any(|name| name == scope)));
    let kept = catalog.names(&kept);
    let before = catalog.names(&catalog.effective(held()));
    before.iter().filter(|scope| !kept.contains(scope)).map(|scope| scope.as_str().to_owned()).collect()
}

/// What they were used for, the most used first.
pub(super) fn used(
    lost: &[String],
    used: &Breakdown<String, ScopeUse>,
    recent: &[RecordedCall],
) -> Vec<ScopeImpact> {
    let impact = |scope: &String| {
        let share = used.get(scope);
        ScopeImpact {
            scope: scope.clone(),
            calls_30d: share.map_or(0, |share| share.used),
            error: used.error(),
            last_used_at: share.and_then(|share| share.last_used_at),
            endpoints: endpoints(scope, recent),
        }
    };
    let mut impacts: Vec<_> = lost.iter().map(impact).collect();
    impacts.sort_by_key(|impact| Reverse(impact.calls_30d));
    impacts
}

/// What the recent calls that a scope authorised have called, the most called first.
fn endpoints(scope: &str, recent: &[RecordedCall]) -> Vec<String> {
    let mut endpoints: BTreeMap<&str, u64> = BTreeMap::new();
    for call in recent {
        let is_authorised = || call.scopes.split(' ').any(|name| name == scope);
        if call.outcome == Outcome::Granted && !call.route.is_empty() && is_authorised() {
            *endpoints.entry(&call.route).or_default() += 1;
        }
    }
    let mut endpoints: Vec<_> = endpoints.into_iter().collect();
    endpoints.sort_by_key(|(_, calls)| Reverse(*calls));
    endpoints.into_iter().take(ENDPOINTS).map(|(route, _)| route.to_owned()).collect()
}
