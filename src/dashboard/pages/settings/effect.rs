//! What saving would change, and what would break by it, told from recorded use.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::super::consequences::Consequences;
use crate::dashboard::show::{self, Time};
use crate::dashboard::token_form::{TokenForm, exact};
use crate::dashboard::visit::Visit;
use crate::tokens::{Intent, difference};
use crate::{AddressRange, TokenRecord};

/// What saving would do.
pub(super) struct Effect {
    pub(super) changes: Vec<ChangeRow>,
    /// For each thing that may break a program: what it is, and what would come of it.
    pub(super) breaks: Vec<Break>,
    /// Stands for all of these: whoever sends it back has seen them.
    pub(super) mark: String,
    /// As of when use was counted.
    pub(super) as_of: Option<Time>,
}

/// A field, as it is and as it would be.
pub(super) struct ChangeRow {
    pub(super) field: String,
    pub(super) from: String,
    pub(super) to: String,
}

/// Something that may break a program.
pub(super) struct Break {
    pub(super) what: String,
    pub(super) sentences: Vec<String>,
}

impl Effect {
    pub(super) fn none() -> Effect {
        Effect { changes: Vec::new(), breaks: Vec::new(), mark: String::new(), as_of: None }
    }

    pub(super) fn breaks(&self) -> bool {
        !self.breaks.is_empty()
    }

    pub(super) async fn of(
        visit: &Visit<'_>,
        old: &TokenRecord,
        new: &TokenRecord,
        typed: &TokenForm,
    ) -> Effect {
        let now = visit.context.now();
        let mut effect = Effect { changes: rows(old, new, now), ..Effect::none() };
        let mut mark = Sha256::new();
        for (what, intent) in intents(old, new, now) {
            mark.update(what.as_bytes());
            let told = Consequences::of(visit, old, &intent).await;
            let sentences = match told {
                Some(told) => {
                    effect.as_of = Some(told.as_of);
                    told.sentences
                }
                None => vec![UNKNOWN.to_owned()],
            };
            effect.breaks.push(Break { what, sentences });
        }
        if is_narrower(&old.addresses, &new.addresses) {
            mark.update(typed.addresses.as_bytes());
            effect.breaks.push(elsewhere(visit, old, &new.addresses).await);
        }
        if effect.breaks() {
            // A lifetime begins anew with each look, so that the moment is none of it.
            mark.update(typed.ends_word().as_bytes());
            mark.update(typed.ends_at.as_bytes());
            mark.update(new.rate_limit.to_string().as_bytes());
            effect.mark = mark.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        }
        effect
    }
}

const UNKNOWN: &str = "Use cannot be read at the moment, so nobody can say what would break.";

/// What might break a program, with the intent that tells what would.
fn intents(old: &TokenRecord, new: &TokenRecord, now: DateTime<Utc>) -> Vec<(String, Intent)> {
    let mut intents = Vec::new();
    let removed: Vec<_> = old.scopes.difference(&new.scopes).map(ToString::to_string).collect();
    if !removed.is_empty() {
        intents.push((format!("Without {}", removed.join(", ")), Intent::RemoveScopes(removed)));
    }
    if !old.rate_limit.is_within(&new.rate_limit) {
        intents.push((format!("With {}", new.rate_limit), Intent::RateLimit(new.rate_limit)));
    }
    let far = DateTime::<Utc>::MAX_UTC;
    if let Some(end) = new.expires_at
        && end < old.expires_at.unwrap_or(far)
        && old.expires_at.is_none_or(|was| was > now)
    {
        let what = if end <= now { "Ending now" } else { "Ending earlier" };
        intents.push((what.to_owned(), Intent::ExpireAt(end)));
    }
    intents
}

/// Whether somebody who was let in is not any more.
fn is_narrower(old: &[AddressRange], new: &[AddressRange]) -> bool {
    let is_covered = |range: &AddressRange| new.iter().any(|wider| range.is_within(wider));
    !new.is_empty() && (old.is_empty() || !old.iter().all(is_covered))
}

/// Whoever called from elsewhere in the last 24 hours.
async fn elsewhere(visit: &Visit<'_>, record: &TokenRecord, ranges: &[AddressRange]) -> Break {
    let what = "From fewer addresses".to_owned();
    let Ok(impact) = visit.context.tokens.impact(record, &Intent::Pause).await else {
        return Break { what, sentences: vec![UNKNOWN.to_owned()] };
    };
    let is_outside = |address: &str| match address.parse::<IpAddr>() {
        Ok(address) => !ranges.iter().any(|range| range.contains(address)),
        // A cut address may lie inside: it is told only where none of it does.
        Err(_) => {
            address.parse::<AddressRange>().is_ok_and(|cut| !ranges.iter().any(|range| cut.is_within(range)))
        }
    };
    let outside: Vec<_> = impact.clients.iter().filter(|(client, _)| is_outside(&client.address)).collect();
    let calls = outside.iter().map(|(_, used)| used.calls).sum();
    let mut sentences = match outside.len() {
        0 if impact.calls_24h == 0 => vec!["No call came in the last 24 hours.".to_owned()],
        0 => vec!["No client that is known called from elsewhere in the last 24 hours.".to_owned()],
        _ => vec![format!(
            "{} in the last 24 hours came from elsewhere. Such calls will be answered 403.",
            show::count(calls, "call")
        )],
    };
    if visit.context.permissions.view_addresses && !outside.is_empty() {
        let names: Vec<_> = outside.iter().take(5).map(|(client, _)| client.address.as_str()).collect();
        sentences.push(format!("They came from {}.", names.join(", ")));
    }
    Break { what, sentences }
}

/// Each field that differs, as people read it.
fn rows(old: &TokenRecord, new: &TokenRecord, now: DateTime<Utc>) -> Vec<ChangeRow> {
    let end = |record: &TokenRecord| record.expires_at.map(|end| exact(end, now).text);
    let rows = difference::between(old, new).into_iter().map(|change| {
        let (from, to) = match change.field.as_str() {
            "expires_at" => (end(old).unwrap_or("never".to_owned()), end(new).unwrap_or("never".to_owned())),
            _ => (change.from.unwrap_or("nothing".to_owned()), change.to.unwrap_or("nothing".to_owned())),
        };
        ChangeRow { field: label(&change.field).to_owned(), from, to }
    });
    rows.collect()
}

/// A field of a token, as the form calls it.
fn label(field: &str) -> &str {
    match field {
        "name" => "Name",
        "description" => "Description",
        "owner" => "Owner",
        "scopes" => "What it may do",
        "rate_limit" => "How much",
        "ip_allow" => "From where",
        "env" => "Environment",
        "metadata" => "Attributes",
        "expires_at" => "Until when",
        other => other,
    }
}
