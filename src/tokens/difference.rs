//! What a change changed, as history tells it.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::history::FieldChange;
use crate::limit::RateLimit;
use crate::{AddressRange, TokenRecord};

/// Each field in which two records of one token differ, as people read it.
pub(crate) fn between(old: &TokenRecord, new: &TokenRecord) -> Vec<FieldChange> {
    fields(old)
        .into_iter()
        .zip(fields(new))
        .filter(|((_, from), (_, to))| from != to)
        .map(|((field, from), (_, to))| FieldChange::new(field, from, to))
        .collect()
}

/// Each field that a new token has, as a change from nothing.
pub(super) fn of_new(new: &TokenRecord) -> Vec<FieldChange> {
    fields(new)
        .into_iter()
        .filter(|(_, value)| value.is_some())
        .map(|(field, value)| FieldChange::new(field, None, value))
        .collect()
}

fn fields(record: &TokenRecord) -> [(&'static str, Option<String>); 13] {
    [
        ("name", Some(record.name.clone())),
        ("description", text(&record.description)),
        ("owner", record.owner.clone()),
        ("scopes", text(&join(&record.scopes))),
        ("rate_limit", Some(limit(&record.rate_limit))),
        ("ip_allow", text(&addresses(&record.addresses))),
        ("env", record.environment.clone()),
        ("metadata", text(&metadata(&record.metadata))),
        ("not_before", time(record.not_before)),
        ("expires_at", time(record.expires_at)),
        ("paused_until", pause(record)),
        ("secret", Some(format!("version {} ending in {}", record.secret.version, record.secret.last4))),
        ("revoked_at", time(record.revoked_at)),
    ]
}

fn text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

pub(super) fn time(time: Option<DateTime<Utc>>) -> Option<String> {
    time.map(|time| time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

fn pause(record: &TokenRecord) -> Option<String> {
    record.paused_at?;
    Some(time(record.paused_until).unwrap_or_else(|| "until resumed".to_owned()))
}

fn limit(limit: &RateLimit) -> String {
    match limit.is_unlimited() {
        true => "unlimited".to_owned(),
        false => limit.to_string(),
    }
}

fn join<T: ToString>(values: impl IntoIterator<Item = T>) -> String {
    values.into_iter().map(|value| value.to_string()).collect::<Vec<_>>().join(" ")
}

fn addresses(ranges: &[AddressRange]) -> String {
    join(ranges)
}

fn metadata(metadata: &BTreeMap<String, String>) -> String {
    metadata.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
}
