//! What would break if something were done to a token, told from what was recorded of it.

mod limit;
mod scopes;
mod sentences;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::Tokens;
use crate::usage::{
    CallQuery, Client, ClientUse, EndpointUse, Outcome, Peak, Period, RecordedCall, Share, Subject, Tally,
};
use crate::{Error, RateLimit, TokenRecord};

/// Something that somebody is about to do to a token.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum Intent {
    /// To revoke it.
    Revoke,
    /// To pause it.
    Pause,
    /// To give it a new secret, the old one being dead at once.
    Rotate,
    /// To take these scopes away from it.
    RemoveScopes(Vec<String>),
    /// To give it this limit.
    RateLimit(RateLimit),
    /// To let it expire then.
    ExpireAt(DateTime<Utc>),
}

impl Intent {
    /// What an update of a token comes to that may break something: scopes that go, a limit that is
    /// not as wide as before, an end that comes earlier. Nothing for what only widens.
    ///
    /// ```
    /// # tokenward::block_on(async {
    /// # use tokenward::{Catalog, Intent, NewToken, Tokens, Update};
    /// let tokens = Tokens::in_memory(Catalog::new().scope("orders:read", "Look at orders"))?;
    /// let issued = tokens.issue(NewToken::named("Export").scopes(["orders:read"])).by("maria").await?;
    /// let change = tokens.update(&issued.record.id, Update::new().remove_scope("orders:read"));
    /// let after = change.preview("maria").await?;
    /// assert_eq!(Intent::of_update(&issued.record, &after), [Intent::RemoveScopes(vec!["orders:read".into()])]);
    /// # Ok::<(), tokenward::Error>(()) }).unwrap();
    /// ```
    pub fn of_update(before: &TokenRecord, after: &TokenRecord) -> Vec<Intent> {
        let mut intents = Vec::new();
        let removed = before.scopes.difference(&after.scopes).map(|scope| scope.as_str().to_owned());
        let removed: Vec<_> = removed.collect();
        if !removed.is_empty() {
            intents.push(Intent::RemoveScopes(removed));
        }
        if before.rate_limit != after.rate_limit && !before.rate_limit.is_within(&after.rate_limit) {
            intents.push(Intent::RateLimit(after.rate_limit));
        }
        if let Some(end) = after.expires_at
            && before.expires_at.is_none_or(|before| end < before)
        {
            intents.push(Intent::ExpireAt(end));
        }
        intents
    }

    /// The word for it in the admin API: `remove_scopes`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Intent::Revoke => "revoke",
            Intent::Pause => "pause",
            Intent::Rotate => "rotate",
            Intent::RemoveScopes(_) => "remove_scopes",
            Intent::RateLimit(_) => "rate_limit",
            Intent::ExpireAt(_) => "expiry",
        }
    }
}

/// What would break if something were done to a token: told from the use of its last 24 hours, and
/// for scopes of its last 30 days, as of the last flush. Nothing in it is a guess of what is to come.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[non_exhaustive]
pub struct Impact {
    /// Calls in the last 24 hours, refused ones among them.
    pub calls_24h: u64,
    /// Of those, the ones that were let in.
    pub granted_24h: u64,
    /// Calls in the last 7 days, refused ones among them.
    pub calls_7d: u64,
    /// When it last let a request in.
    pub last_used_at: Option<DateTime<Utc>>,
    /// The last call that was let in and is kept one by one, if any is.
    pub last_call: Option<RecordedCall>,
    /// Whoever called in the last 24 hours, the busiest first, at most ten. Told by the hour: the hour
    /// in which the 24 begin is told whole.
    pub clients: Vec<(Client, ClientUse)>,
    /// How many there were in all; at least so many where more were not told apart.
    pub clients_total: usize,
    /// Whether more were not told apart.
    pub more_clients: bool,
    /// What was called in the last 24 hours, the busiest first, at most ten. Told by the hour.
    pub endpoints: Vec<(String, EndpointUse)>,
    /// How many there were in all; at least so many where more were not told apart.
    pub endpoints_total: usize,
    /// Whether more were not told apart.
    pub more_endpoints: bool,
    /// The busiest of the last 1,440 minutes.
    pub peak_24h: Option<Peak>,
    /// How many calls of the last 24 hours, of those that were let in, would have been refused. For a
    /// limit: counted by the minute, so that the limit itself may refuse a few more where a burst
    /// crosses a minute. For several scopes: at most so many, since a call may have needed two of them.
    pub would_fail_24h: u64,
    /// In how many of the last 1,440 minutes the limit would have refused something: for a limit.
    pub minutes_over: Option<u64>,
    /// The scopes that would go, with their use in the last 30 days, the most used first: those that
    /// were named, and what only they imply. What the token goes on holding in another way is not
    /// among them.
    pub scopes: Vec<ScopeImpact>,
    /// Since when the token is there: what was not used since says less for a young one.
    pub created_at: DateTime<Utc>,
    /// The longest that a change may take to be heeded by every node, in milliseconds; 0 where there is
    /// one process, which heeds it when it is made.
    pub heeded_within_ms: u64,
    /// The moment as of which it is true.
    pub as_of: DateTime<Utc>,
}

/// What a scope that would go was used for in the last 30 days.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[non_exhaustive]
pub struct ScopeImpact {
    /// The scope.
    pub scope: String,
    /// Calls that it authorised.
    pub calls_30d: u64,
    /// By how many that may lie below the truth: 0 unless the token uses more scopes than are told
    /// apart.
    pub error: u64,
    /// The last of them.
    pub last_used_at: Option<DateTime<Utc>>,
    /// What they called, as far as recent calls tell; at most five.
    pub endpoints: Vec<String>,
}

/// So many clients and endpoints are named.
const NAMED: usize = 10;
/// Of so many recent calls the last one that was let in is looked for.
const LATEST: u32 = 50;

impl Impact {
    /// How many calls an hour would fail, at the pace of the last 24 hours.
    pub fn would_fail_per_hour(&self) -> f64 {
        self.would_fail_24h as f64 / 24.0
    }

    /// Whether anything called with the token in so many days before `now`.
    pub fn is_used_within(&self, days: i64, now: DateTime<Utc>) -> bool {
        self.last_used_at.is_some_and(|last| (now - last).num_days() < days)
    }

    /// The same in plain sentences, the weightiest first. Each says which span of time it tells of.
    /// They name clients as far as this does: see [`Impact::without_addresses`].
    pub fn sentences(&self, intent: &Intent, now: DateTime<Utc>) -> Vec<String> {
        sentences::of(self, intent, now)
    }

    /// The same for somebody who is not to see the addresses of clients. What they call themselves
    /// stays, and those that call themselves the same are one.
    pub fn without_addresses(mut self) -> Impact {
        if let Some(client) = self.last_call.as_mut().and_then(|call| call.client.as_mut()) {
            client.address.clear();
        }
        let mut agents: BTreeMap<String, ClientUse> = BTreeMap::new();
        for (client, used) in self.clients {
            agents.entry(client.agent).or_default().merge(&used);
        }
        self.clients = agents.into_iter().map(|(agent, used)| (Client::new("", agent), used)).collect();
        self.clients.sort_by_key(|(_, used)| std::cmp::Reverse(used.calls));
        self
    }
}

impl Tokens {
    /// What would break if this were done to a token, told from what was recorded. Nothing is changed.
    /// Costs up to ten questions to the store of use, whatever the number of calls.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn impact(&self, record: &TokenRecord, intent: &Intent) -> Result<Impact, Error> {
        let subject = Subject::Token(record.id);
        let now = self.clock().now().wall();
        let day = Period::last_24_hours(now);
        let usage = self.usage_of(&[record.id]).await?.remove(&record.id);
        let told = self.statistics(subject.clone(), day).await?;
        let week = self.figures(std::slice::from_ref(&subject), Period::last_minutes(now, 7 * 1_440)).await?;
        let mut latest = CallQuery::new(subject.clone());
        latest.limit = if matches!(intent, Intent::RemoveScopes(_)) {
            RecordedCall::KEPT_UNTIL_FORGOTTEN
        } else {
            LATEST
        };
        let calls = self.recent_calls(&latest).await?.calls;
        let (clients, endpoints) = (&told.clients, &told.detail.endpoints);
        let mut impact = Impact {
            calls_24h: told.tally.calls(),
            granted_24h: told.tally.granted,
            calls_7d: week.first().map_or(0, |(_, tally)| tally.calls()),
            last_used_at: usage.and_then(|usage| usage.counts.last_used_at),
            last_call: calls.iter().find(|call| call.outcome == Outcome::Granted).cloned(),
            clients: owned(clients.top(NAMED)),
            clients_total: clients.len(),
            more_clients: clients.other().calls() > 0,
            endpoints: owned(endpoints.top(NAMED)),
            endpoints_total: endpoints.len(),
            more_endpoints: endpoints.other().calls() > 0,
            peak_24h: told.tally.peak,
            would_fail_24h: told.tally.granted,
            minutes_over: None,
            scopes: Vec::new(),
            created_at: record.created_at,
            heeded_within_ms: self.engine().heeded_within_ms(),
            as_of: told.as_of,
        };
        match intent {
            Intent::Revoke | Intent::Pause | Intent::Rotate => {}
            Intent::ExpireAt(time) => {
                if record.expires_at.is_some_and(|end| *time >= end) {
                    impact.would_fail_24h = 0;
                }
            }
            Intent::RateLimit(limit) => {
                let minutes: Vec<Tally> = self
                    .time_series(subject, day, 1)
                    .await?
                    .steps
                    .into_iter()
                    .map(|step| step.tally)
                    .collect();
                let cut = limit::cut(limit, minutes.iter().map(|minute| minute.granted));
                (impact.would_fail_24h, impact.minutes_over) = (cut.calls, Some(cut.minutes));
            }
            Intent::RemoveScopes(names) => {
                let lost = scopes::lost(&self.engine().catalog, record, names);
                let month = Period::new(now - TimeDelta::days(30), now + TimeDelta::milliseconds(1));
                let used = self.statistics(subject, month).await?.detail.scopes;
                impact.scopes = scopes::used(&lost, &used, &calls);
                let of_day = |scope: &String| told.detail.scopes.get(scope).map_or(0, |used| used.used);
                let sum = lost.iter().map(of_day).fold(0, u64::saturating_add);
                impact.would_fail_24h = sum.min(impact.granted_24h);
            }
        }
        Ok(impact)
    }
}

fn owned<K: Clone, V: Clone>(shares: Vec<(&K, &V)>) -> Vec<(K, V)> {
    shares.into_iter().map(|(name, share)| (name.clone(), share.clone())).collect()
}
