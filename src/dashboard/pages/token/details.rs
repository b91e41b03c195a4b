//! Everything else that is known of a token.

use super::facts::Facts;
use crate::dashboard::show::{Time, span, visible};
use crate::dashboard::visit::Visit;
use crate::usage::Retention;

/// Everything else that is known of a token.
pub(super) struct Details {
    pub(super) description: Option<String>,
    pub(super) owner: Option<String>,
    pub(super) environment: Option<String>,
    pub(super) tenant: Option<String>,
    pub(super) parent: Option<String>,
    pub(super) attributes: Vec<(String, String)>,
    /// Where it may be used from; everywhere where there are none.
    pub(super) addresses: Vec<String>,
    pub(super) not_before: Option<Time>,
    pub(super) expires: Option<Time>,
    pub(super) created: Time,
    pub(super) secret_version: u32,
    pub(super) secret_made: Time,
    pub(super) version: u64,
    pub(super) retention: String,
}

pub(super) fn of(facts: &Facts, visit: &Visit<'_>) -> Details {
    let record = &facts.record;
    let time = |time| Time::of(time, facts.now);
    let shown = |text: &str| (!text.is_empty()).then(|| visible(text).into_owned());
    Details {
        description: shown(&record.description),
        owner: record.owner.as_deref().and_then(shown),
        environment: record.environment.as_deref().and_then(shown),
        tenant: record.tenant.as_deref().and_then(shown),
        parent: record.parent.map(|parent| parent.to_string()),
        attributes: record
            .metadata
            .iter()
            .map(|(name, value)| (visible(name).into_owned(), visible(value).into_owned()))
            .collect(),
        addresses: record.addresses.iter().map(|range| range.to_string()).collect(),
        not_before: record.not_before.map(time),
        expires: record.expires_at.map(time),
        created: time(record.created_at),
        secret_version: record.secret.version,
        secret_made: time(record.secret.created_at),
        version: record.version,
        retention: retention(visit.context.tokens.retention()),
    }
}

/// For how long use is kept, in a sentence.
fn retention(kept: &Retention) -> String {
    let span = |time: chrono::TimeDelta| span(time.num_seconds().max(0) as u64);
    let Retention { minutes, hours, days, clients, calls, calls_per_token, .. } = kept;
    format!(
        "Single calls are kept for {}, at most {calls_per_token} of each token; figures by the minute for {}, by the hour for {}, by the day for {}; clients for {}.",
        span((*calls).min(*clients)),
        span(*minutes),
        span(*hours),
        span(*days),
        span(*clients),
    )
}
