//! One entry of history, as a page shows it.

use chrono::{DateTime, Utc};

use crate::HistoryEntry;
use crate::Via;
use crate::dashboard::pages::token::history::field;
use crate::dashboard::show::{self, Time, visible};
use crate::history::{Action, FieldChange};

pub(super) struct Entry {
    pub(super) number: String,
    pub(super) at: Time,
    /// `Revoked`
    pub(super) action: &'static str,
    pub(super) token: String,
    pub(super) token_name: String,
    /// Whether the token still has a page.
    pub(super) is_there: bool,
    /// None where that was erased.
    pub(super) who: Option<String>,
    /// The token that acted, if one did.
    pub(super) by_token: Option<String>,
    pub(super) via: &'static str,
    pub(super) address: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) differences: Vec<Difference>,
    /// Whether the differences are what a token began with: many, and seldom looked for.
    pub(super) is_folded: bool,
}

/// What became of one field.
pub(super) struct Difference {
    pub(super) field: String,
    /// Whether the field holds several things, of which some were taken away and some were added.
    pub(super) is_list: bool,
    pub(super) removed: Vec<Value>,
    pub(super) added: Vec<Value>,
}

pub(super) struct Value {
    pub(super) text: String,
    pub(super) time: Option<Time>,
}

impl Entry {
    pub(super) fn of(
        entry: &HistoryEntry,
        is_there: bool,
        with_addresses: bool,
        now: DateTime<Utc>,
    ) -> Entry {
        let draft = &entry.draft;
        let shown = |text: &str| visible(text).into_owned();
        let personal = draft.personal.as_ref();
        Entry {
            number: show::number(entry.number),
            at: Time::of(draft.at, now),
            action: done(draft.action),
            token: draft.token.to_string(),
            token_name: shown(&draft.token_name),
            is_there,
            who: draft.actor().map(shown),
            by_token: draft.actor_token.map(|token| token.to_string()),
            via: match draft.via {
                Via::Code => "the service's own code",
                Via::Api => "the API",
                Via::Dashboard => "the dashboard",
            },
            address: personal.filter(|_| with_addresses).and_then(|personal| personal.address.clone()),
            request_id: draft.request_id.as_deref().map(shown),
            reason: draft.reason.as_deref().map(shown),
            differences: draft.changes.iter().map(|change| Difference::of(change, now)).collect(),
            is_folded: draft.action == Action::Issued,
        }
    }
}

impl Difference {
    fn of(change: &FieldChange, now: DateTime<Utc>) -> Difference {
        let is_list = matches!(&*change.field, "scopes" | "ip_allow");
        let values = |text: &Option<String>| match text {
            None => Vec::new(),
            Some(text) if is_list => text.split(' ').map(|text| Value::of(text, now)).collect(),
            Some(text) => vec![Value::of(text, now)],
        };
        let (mut removed, mut added) = (values(&change.from), values(&change.to));
        if is_list {
            let kept: Vec<_> = removed.iter().map(|value| value.text.clone()).collect();
            removed.retain(|value| !added.iter().any(|other| other.text == value.text));
            added.retain(|value| !kept.contains(&value.text));
        }
        let name = visible(field(&change.field)).into_owned();
        let mut letters = name.chars();
        let field = letters.next().map(|first| first.to_uppercase().chain(letters).collect());
        Difference { field: field.unwrap_or_default(), is_list, removed, added }
    }
}

impl Value {
    /// History keeps moments as RFC 3339 writes them.
    fn of(text: &str, now: DateTime<Utc>) -> Value {
        let time = DateTime::parse_from_rfc3339(text).ok();
        Value { text: visible(text).into_owned(), time: time.map(|time| Time::of(time.to_utc(), now)) }
    }
}

/// What was done, in a word or two.
pub(super) const fn done(action: Action) -> &'static str {
    match action {
        Action::Issued => "Created",
        Action::Updated => "Changed",
        Action::Rotated => "Rotated",
        Action::Paused => "Paused",
        Action::Resumed => "Resumed",
        Action::Revoked => "Revoked",
        Action::Purged => "Deleted",
    }
}
