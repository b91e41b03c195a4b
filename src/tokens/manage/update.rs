//! Changing a token in place.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::super::Engine;
use super::super::issue::{expiry_at, whole_ms};
use crate::limit::{InvalidLimit, Quota, RateLimit};
use crate::record::{RateChange, Validation};
use crate::{Actor, Error, Scope, TokenRecord, Update};

impl Engine {
    /// Changes `record` as asked, if it comes out right and the actor may.
    pub(super) fn apply(
        &self,
        update: &Update,
        record: &mut TokenRecord,
        actor: &Actor,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let before = record.clone();
        let mut check = Validation::new(&self.catalog);
        if let Some(name) = &update.name {
            record.name = check.name(name);
        }
        if let Some(description) = &update.description {
            record.description = check.description(description);
        }
        if let Some(owner) = &update.owner {
            record.owner = check.label("/owner", owner.as_deref(), 200);
        }
        if let Some(environment) = &update.environment {
            record.environment = check.label("/env", environment.as_deref(), 40);
        }
        record.scopes = scopes(update, &record.scopes, &mut check);
        if let Some(change) = &update.rate {
            match limit(change, &record.rate_limit) {
                Ok(limit) => record.rate_limit = limit,
                Err(error) => check.errors.add("/rate_limit", "range", error.to_string()),
            }
        }
        if let Some(ranges) = &update.addresses {
            record.addresses = check.addresses(ranges);
        }
        if update.metadata_replaced {
            record.metadata.clear();
        }
        for (key, value) in &update.metadata {
            match value {
                Some(value) => _ = record.metadata.insert(key.clone(), value.clone()),
                None => _ = record.metadata.remove(key),
            }
        }
        check.metadata(&record.metadata);
        if let Some(start) = update.not_before {
            record.not_before = start.map(whole_ms);
        }
        if let Some(expiry) = update.expiry {
            record.expires_at = match expiry {
                None => None,
                // A moment that is past means now: nothing is told to have expired before.
                Some(expiry) => expiry_at(expiry, now, &mut check.errors).map(|end| end.max(now)),
            };
        }
        let limits_changed = (before.rate_limit, before.expires_at, before.not_before)
            != (record.rate_limit, record.expires_at, record.not_before);
        // A policy that became stricter does not stand in the way of a new name.
        if limits_changed {
            self.check_policy(record, now, &mut check.errors);
        }
        check.errors.finish()?;
        // Whoever may manage may narrow every token; to widen one it must hold what comes of it.
        if !is_narrowing(&before, record) {
            actor.may_hold(record, &self.catalog)?;
        }
        Ok(())
    }
}

fn scopes(update: &Update, held: &BTreeSet<Scope>, check: &mut Validation<'_>) -> BTreeSet<Scope> {
    let mut scopes = match &update.scopes {
        Some(names) => check.scopes(names),
        None => held.clone(),
    };
    scopes.extend(check.scopes(&update.added_scopes));
    // A name that the catalogue no longer has can still be taken away.
    scopes.retain(|scope| !update.removed_scopes.iter().any(|name| name == scope.as_str()));
    scopes
}

fn limit(change: &RateChange, current: &RateLimit) -> Result<RateLimit, InvalidLimit> {
    let windows = match change {
        RateChange::To(limit) => return Ok(*limit),
        RateChange::Windows(windows) => windows,
    };
    let mut quotas: Vec<Quota> = current.quotas().collect();
    for (window_ms, requests) in windows {
        quotas.retain(|quota| quota.window_ms() != *window_ms);
        if let Some(requests) = requests {
            quotas.push(Quota::new(*requests, std::time::Duration::from_millis((*window_ms).into()))?);
        }
    }
    quotas.into_iter().try_fold(RateLimit::unlimited(), RateLimit::and)
}

/// Whether the token may do nothing afterwards that it might not do before.
fn is_narrowing(before: &TokenRecord, after: &TokenRecord) -> bool {
    let end = |record: &TokenRecord| record.expires_at.unwrap_or(DateTime::<Utc>::MAX_UTC);
    let start = |record: &TokenRecord| record.not_before.unwrap_or(DateTime::<Utc>::MIN_UTC);
    let addresses_narrow = before.addresses == after.addresses
        || before.addresses.is_empty()
        || (!after.addresses.is_empty()
            && after.addresses.iter().all(|range| before.addresses.iter().any(|was| range.is_within(was))));
    after.scopes.is_subset(&before.scopes)
        && (after.rate_limit == before.rate_limit || after.rate_limit.is_within(&before.rate_limit))
        && end(after) <= end(before)
        && start(after) >= start(before)
        && addresses_narrow
}
