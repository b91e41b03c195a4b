//! What is to be changed of a token.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::Expiry;
use crate::RateLimit;

/// What is to be changed of a token; everything else stays as it is. The secret stays valid.
///
/// ```
/// use tokenward::Update;
/// let update = Update::new().name("Mobile app 2").add_scope("customers:read").per_minute(240);
/// ```
#[derive(Clone, Default, Debug)]
pub struct Update {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) owner: Option<Option<String>>,
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) added_scopes: Vec<String>,
    pub(crate) removed_scopes: Vec<String>,
    pub(crate) rate: Option<RateChange>,
    pub(crate) addresses: Option<Vec<String>>,
    pub(crate) environment: Option<Option<String>>,
    pub(crate) metadata: BTreeMap<String, Option<String>>,
    pub(crate) metadata_replaced: bool,
    pub(crate) not_before: Option<Option<DateTime<Utc>>>,
    pub(crate) expiry: Option<Option<Expiry>>,
}

/// How a rate limit is to change.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum RateChange {
    /// To this one, whatever it was.
    To(RateLimit),
    /// In these windows (milliseconds, and the new limit or none); others stay.
    Windows(Vec<(u32, Option<u32>)>),
}

const MINUTE_MS: u32 = 60_000;
const HOUR_MS: u32 = 60 * MINUTE_MS;
const DAY_MS: u32 = 24 * HOUR_MS;

impl Update {
    /// Changes nothing yet.
    pub fn new() -> Update {
        Update::default()
    }

    /// The name.
    pub fn name(mut self, name: impl Into<String>) -> Update {
        self.name = Some(name.into());
        self
    }

    /// The description.
    pub fn description(mut self, text: impl Into<String>) -> Update {
        self.description = Some(text.into());
        self
    }

    /// Whose it is, or nobody's.
    pub fn owner(mut self, owner: Option<String>) -> Update {
        self.owner = Some(owner);
        self
    }

    /// What it may do, in place of what it might. Without any it is powerless, never open.
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Update {
        self.scopes = Some(scopes.into_iter().map(Into::into).collect());
        self
    }

    /// One thing more that it may do.
    pub fn add_scope(mut self, scope: impl Into<String>) -> Update {
        self.added_scopes.push(scope.into());
        self
    }

    /// One thing that it may no longer do.
    pub fn remove_scope(mut self, scope: impl Into<String>) -> Update {
        self.removed_scopes.push(scope.into());
        self
    }

    /// Requests per minute; an hourly or daily limit stays.
    pub fn per_minute(self, requests: u32) -> Update {
        self.window(MINUTE_MS, Some(requests))
    }

    /// Requests per hour, or none; the other windows stay.
    pub fn per_hour(self, requests: Option<u32>) -> Update {
        self.window(HOUR_MS, requests)
    }

    /// Requests per day, or none; the other windows stay.
    pub fn per_day(self, requests: Option<u32>) -> Update {
        self.window(DAY_MS, requests)
    }

    /// The whole limit, in place of what it was.
    pub fn rate_limit(mut self, limit: RateLimit) -> Update {
        self.rate = Some(RateChange::To(limit));
        self
    }

    /// Where it may be used from, in place of what was said; none means everywhere.
    pub fn addresses<S: Into<String>>(mut self, ranges: impl IntoIterator<Item = S>) -> Update {
        self.addresses = Some(ranges.into_iter().map(Into::into).collect());
        self
    }

    /// The environment that it is for, or none.
    pub fn environment(mut self, environment: Option<String>) -> Update {
        self.environment = Some(environment);
        self
    }

    /// Sets one attribute, or takes it away; others stay.
    pub fn metadata(mut self, key: impl Into<String>, value: Option<String>) -> Update {
        self.metadata.insert(key.into(), value);
        self
    }

    /// Takes every attribute away that is not set by this update.
    pub fn clear_metadata(mut self) -> Update {
        self.metadata_replaced = true;
        self
    }

    /// From when on it is valid, or from the beginning.
    pub fn not_before(mut self, time: Option<DateTime<Utc>>) -> Update {
        self.not_before = Some(time);
        self
    }

    /// How long it lives from now on. Revives a token that has expired.
    pub fn expires_in(mut self, time: TimeDelta) -> Update {
        self.expiry = Some(Some(Expiry::In(time)));
        self
    }

    /// The first moment at which it no longer works. A moment that is past means now.
    pub fn expires_at(mut self, time: DateTime<Utc>) -> Update {
        self.expiry = Some(Some(Expiry::At(time)));
        self
    }

    /// It no longer expires by itself.
    pub fn without_expiry(mut self) -> Update {
        self.expiry = Some(None);
        self
    }

    fn window(mut self, window_ms: u32, requests: Option<u32>) -> Update {
        match &mut self.rate {
            Some(RateChange::Windows(windows)) => windows.push((window_ms, requests)),
            _ => self.rate = Some(RateChange::Windows(vec![(window_ms, requests)])),
        }
        self
    }
}
