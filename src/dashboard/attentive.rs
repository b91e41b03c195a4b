//! How many tokens need attention, for the tab that says so on every list: looked up once a minute
//! and tenant at most, and anew after something was changed here.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::show::number;
use crate::admin::context::Context;
use crate::{Findings, TenantFilter};

/// So many tokens are told of at most.
pub(super) const MOST: usize = 200;
const KEPT_FOR: TimeDelta = TimeDelta::minutes(1);
/// Of more tenants than these nothing is kept: it is looked up again.
const MOST_TENANTS: usize = 1_000;

/// The counts that were looked up lately.
#[derive(Default)]
pub(super) struct Attentive(Mutex<HashMap<Option<String>, Kept>>);

struct Kept {
    at: DateTime<Utc>,
    count: String,
}

impl Attentive {
    /// How many tokens within the actor's reach need attention: `3`, `200+`. None where that cannot
    /// be told.
    pub(super) async fn count(&self, context: &Context<'_>) -> Option<String> {
        let (tenants, now) = (context.actor.tenants(), context.now());
        let key = key(&tenants)?;
        if let Some(kept) = self.lock().get(&key)
            && (TimeDelta::zero()..KEPT_FOR).contains(&(now - kept.at))
        {
            return Some(kept.count.clone());
        }
        match context.tokens.findings(&tenants, MOST).await {
            Ok(found) => Some(self.keep(key, &found, now)),
            Err(error) => {
                tracing::warn!(%error, "how many tokens need attention cannot be told");
                None
            }
        }
    }

    /// Keeps what was looked up in full.
    pub(super) fn counted(&self, context: &Context<'_>, found: &Findings) -> String {
        match key(&context.actor.tenants()) {
            Some(key) => self.keep(key, found, context.now()),
            None => count(found),
        }
    }

    /// Something may have changed.
    pub(super) fn forget(&self, tenants: &TenantFilter) {
        if let Some(key) = key(tenants) {
            self.lock().remove(&key);
        }
    }

    fn keep(&self, key: Option<String>, found: &Findings, at: DateTime<Utc>) -> String {
        let count = count(found);
        let mut kept = self.lock();
        if kept.len() >= MOST_TENANTS {
            kept.retain(|_, kept| at - kept.at < KEPT_FOR);
        }
        if kept.len() < MOST_TENANTS {
            kept.insert(key, Kept { at, count: count.clone() });
        }
        count
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Option<String>, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever reaches every tenant is told nothing beside each list: there it costs the most.
fn key(tenants: &TenantFilter) -> Option<Option<String>> {
    match tenants {
        TenantFilter::Only(tenant) => Some(tenant.clone()),
        TenantFilter::Any => None,
    }
}

fn count(found: &Findings) -> String {
    format!("{}{}", number(found.tokens.len() as u64), if found.more { "+" } else { "" })
}
