//! The newest changes of a token, in a sentence each.

use chrono::{DateTime, Utc};

use crate::HistoryEntry;
use crate::dashboard::chart::figure::Mark;
use crate::dashboard::show::{Time, visible};
use crate::history::{Action, FieldChange};

/// One change.
pub(super) struct ChangeRow {
    pub(super) at: Time,
    pub(super) what: String,
    /// None where that was erased.
    pub(super) who: Option<String>,
    pub(super) reason: Option<String>,
}

/// So many are shown.
pub(super) const SHOWN: usize = 5;

pub(super) fn rows(entries: &[HistoryEntry], now: DateTime<Utc>) -> Vec<ChangeRow> {
    let row = |entry: &HistoryEntry| ChangeRow {
        at: Time::of(entry.draft.at, now),
        what: visible(&sentence(entry)).into_owned(),
        who: entry.draft.actor().map(|actor| visible(actor).into_owned()),
        reason: entry.draft.reason.as_deref().map(|reason| visible(reason).into_owned()),
    };
    entries.iter().take(SHOWN).map(row).collect()
}

/// What a chart marks: rotations, pauses and their ends, and changes of the limit.
pub(super) fn marks(entries: &[HistoryEntry], now: DateTime<Utc>) -> Vec<Mark> {
    let is_marked = |entry: &&HistoryEntry| match entry.draft.action {
        Action::Rotated | Action::Paused | Action::Resumed | Action::Revoked => true,
        Action::Updated => entry.draft.changes.iter().any(|change| change.field == "rate_limit"),
        _ => false,
    };
    let mark = |entry: &HistoryEntry| {
        let limit = entry.draft.changes.iter().find(|change| change.field == "rate_limit");
        Mark {
            at: Time::of(entry.draft.at, now),
            time: entry.draft.at,
            text: match limit {
                Some(change) => updated(std::slice::from_ref(change)),
                None => sentence(entry),
            },
        }
    };
    entries.iter().filter(is_marked).map(mark).collect()
}

/// What was done, in a few words.
pub(super) fn sentence(entry: &HistoryEntry) -> String {
    match entry.draft.action {
        Action::Issued => "Created".to_owned(),
        Action::Rotated => "Given a new secret".to_owned(),
        Action::Paused => "Paused".to_owned(),
        Action::Resumed => "Resumed".to_owned(),
        Action::Revoked => "Revoked".to_owned(),
        Action::Updated => updated(&entry.draft.changes),
        _ => entry.draft.action.as_str().to_owned(),
    }
}

/// `Limit: 60 requests per minute → 120 requests per minute`; of several fields their names.
fn updated(changes: &[FieldChange]) -> String {
    match changes {
        [] => "Changed".to_owned(),
        [change] => {
            let value = |value: &Option<String>| shortened(value.as_deref().unwrap_or("nothing"));
            let text = format!("{}: {} → {}", field(&change.field), value(&change.from), value(&change.to));
            capital(&text)
        }
        several => {
            let names: Vec<_> = several.iter().map(|change| field(&change.field)).collect();
            format!("Changed {}", names.join(", "))
        }
    }
}

/// A field as people call it.
pub(in crate::dashboard) fn field(name: &str) -> &str {
    match name {
        "rate_limit" => "limit",
        "ip_allow" => "addresses",
        "env" => "environment",
        "metadata" => "attributes",
        "not_before" => "valid from",
        "expires_at" => "expiry",
        "paused_until" => "pause",
        "previous_secret_expires_at" => "end of the old secret",
        "revoked_at" => "revocation",
        name => name,
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(80) {
        None => text.to_owned(),
        Some((place, _)) => format!("{}…", &text[..place]),
    }
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
