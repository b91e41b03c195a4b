//! Scopes: used, unused, and lacked.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::facts::Facts;
use crate::admin::scope_use::{Row, rows};
use crate::dashboard::show::{Time, count, visible};
use crate::dashboard::visit::Visit;

/// A scope that the token holds, or one that it has used through another.
pub(super) struct ScopeRow {
    pub(super) name: String,
    /// In plain words; nothing where the catalogue does not know it.
    pub(super) sentence: Option<String>,
    pub(super) sensitive: bool,
    /// Held by another scope alone, that implies it.
    pub(super) implied: bool,
    /// `812 calls`, or that there were none; nothing where use cannot be read.
    pub(super) used: Option<String>,
    pub(super) last: Option<Time>,
    pub(super) unused: bool,
    /// The settings with the scope taken away, for whoever may.
    pub(super) remove: Option<String>,
}

/// A scope that calls were refused for.
pub(super) struct LackedRow {
    pub(super) name: String,
    pub(super) calls: String,
    pub(super) last: Option<Time>,
    /// The settings with the scope added, for whoever may grant it.
    pub(super) add: Option<String>,
}

/// What a token may do, and what it tried.
pub(super) struct ScopeList {
    pub(super) held: Vec<ScopeRow>,
    pub(super) lacked: Vec<LackedRow>,
    /// Whether the token is younger than 30 days, so that `unused` says less.
    pub(super) is_young: bool,
}

pub(super) fn list(visit: &Visit<'_>, facts: &Facts) -> ScopeList {
    let context = &visit.context;
    let record = &facts.record;
    let is_young = (facts.now - record.created_at).num_days() < 30;
    let may_edit = context.permissions.edit && facts.status != crate::Status::Revoked;
    let settings = |what: &str, scope: &str| {
        format!("t/{}/settings?{what}={}", record.id, utf8_percent_encode(scope, NON_ALPHANUMERIC))
    };
    let declared = |name: &str| context.tokens.catalog().declarations().find(|known| known.scope == name);
    let bare = |name: String| {
        let known = declared(&name);
        ScopeRow {
            sentence: known.map(|known| known.sentence.clone()),
            sensitive: known.is_some_and(|known| known.sensitive),
            name,
            implied: false,
            used: None,
            last: None,
            unused: false,
            remove: None,
        }
    };
    let Some(used) = &facts.used else {
        let held = record.scopes.iter().map(|scope| bare(scope.as_str().to_owned())).collect();
        return ScopeList { held, lacked: Vec::new(), is_young };
    };
    let rows = rows(context, record, used.month());
    let held = |row: &Row| {
        let calls = row.calls.saturating_add(row.implied_calls);
        ScopeRow {
            implied: row.implied,
            used: Some(match (row.unused, row.unused_days) {
                (true, Some(days)) if days >= 1 => format!("not used for {}", count(days as u64, "day")),
                (true, _) => "not used yet".to_owned(),
                _ => count(calls, "call"),
            }),
            last: row.last_used_at.as_ref().map(|last| Time::of(last.0, facts.now)),
            unused: row.unused,
            remove: (row.unused && may_edit).then(|| settings("remove", &row.scope)),
            ..bare(row.scope.clone())
        }
    };
    let lacked = |row: &Row| LackedRow {
        name: visible(&row.scope).into_owned(),
        calls: count(row.denied, "call"),
        last: row.last_denied_at.as_ref().map(|last| Time::of(last.0, facts.now)),
        add: (may_edit
            && !row.granted
            && declared(&row.scope).is_some()
            && context.tokens.may_grant(&context.actor, &row.scope))
        .then(|| settings("add", &row.scope)),
    };
    ScopeList {
        held: rows.iter().filter(|row| row.granted).map(held).collect(),
        lacked: rows.iter().filter(|row| row.denied > 0).map(lacked).collect(),
        is_young,
    }
}
