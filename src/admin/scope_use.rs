//! Scopes: which a token really uses, which it never does, and which it lacked.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::Fault;
use super::context::Context;
use super::range::range;
use super::shape::{Moment, moment};
use crate::usage::{Level, ScopeUse};
use crate::web::Reply;
use crate::{Scope, Statistics, Subject, TokenRecord};

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ScopeUseList))]
pub(super) struct Told {
    data: Vec<Row>,
    created_at: Moment,
    /// Whether the token is younger than the range: that a scope was never used says less then.
    token_is_younger: bool,
    /// How many calls scopes that are not told apart have authorised or lacked.
    other_calls: u64,
    other_denied: u64,
    from: Moment,
    to: Moment,
    as_of: Moment,
}

/// The use of one scope by one token.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ScopeUse))]
pub(crate) struct Row {
    pub(crate) scope: String,
    /// Whether the token may use it: it holds it by name, or what it holds implies it.
    pub(crate) granted: bool,
    /// Whether it is held by another scope alone, that implies it.
    pub(crate) implied: bool,
    /// Calls that it has authorised.
    pub(crate) calls: u64,
    /// Calls that were authorised by scopes that the token holds through this one alone.
    pub(crate) implied_calls: u64,
    pub(crate) last_used_at: Option<Moment>,
    /// Calls that were refused because it was missing.
    pub(crate) denied: u64,
    pub(crate) last_denied_at: Option<Moment>,
    /// For how many whole days it was not used: since its last use, or where there was none in the
    /// range, since the range or the token began. None for a scope that is not granted.
    pub(crate) unused_days: Option<i64>,
    /// Whether it was granted and not used in the range.
    pub(crate) unused: bool,
}

/// How far back unused scopes are looked for.
const USUAL: TimeDelta = TimeDelta::days(30);

pub(super) async fn of_token(context: &Context<'_>) -> Result<Reply, Fault> {
    let mut parameters = context.parameters()?;
    let period = range(&mut parameters, context.now(), USUAL)?;
    parameters.finish()?;
    let record = context.record().await?;
    let told = context.statistics(Subject::Token(record.id), period).await?;
    let range = told.period.widened_to(Level::Hour);
    let other = told.detail.scopes.other();
    let body = Told {
        data: rows(context, &record, &told),
        created_at: Moment(record.created_at),
        token_is_younger: record.created_at > range.from(),
        other_calls: other.used,
        other_denied: other.missing,
        from: Moment(range.from()),
        to: Moment(range.until()),
        as_of: Moment(told.as_of),
    };
    Ok(Reply::json(200, &body))
}

/// First what is held, then what is held by implication and was used, then what was missing.
pub(crate) fn rows(context: &Context<'_>, record: &TokenRecord, told: &Statistics) -> Vec<Row> {
    let scopes = &told.detail.scopes;
    let used = |name: &str| scopes.get(&name.to_owned()).cloned().unwrap_or_default();
    let effective: BTreeSet<_> = context.tokens.effective_scopes(&record.scopes).into_iter().collect();
    let since = told.period.widened_to(Level::Hour).from().max(record.created_at);
    let until = context.now().min(told.period.until());

    let mut rows = Vec::new();
    for scope in &record.scopes {
        // What is used through this one alone keeps it from being unused.
        let through = context.tokens.engine().used_through(record, scope, scopes);
        let own = used(scope.as_str());
        let last = own.last_used_at.max(through.last_used_at);
        let mut row = Row::of(scope.as_str(), &own);
        row.granted = effective.contains(scope) || own.used > 0;
        row.implied_calls = through.used;
        row.unused = last.is_none();
        row.unused_days = Some(whole_days(last.unwrap_or(since), until));
        rows.push(row);
    }
    let held = |name: &str| record.scopes.iter().any(|scope| scope.as_str() == name);
    for (name, used) in scopes.iter().filter(|(name, _)| !held(name)) {
        let granted = effective.iter().any(|scope: &Scope| scope.as_str() == name);
        rows.push(Row { granted, implied: granted, ..Row::of(name, used) });
    }
    rows.sort_by_key(|row| (!row.granted, row.implied));
    rows
}

impl Row {
    fn of(scope: &str, used: &ScopeUse) -> Row {
        Row {
            scope: scope.to_owned(),
            granted: false,
            implied: false,
            calls: used.used,
            implied_calls: 0,
            last_used_at: moment(used.last_used_at),
            denied: used.missing,
            last_denied_at: moment(used.last_missing_at),
            unused_days: None,
            unused: false,
        }
    }
}

fn whole_days(since: DateTime<Utc>, until: DateTime<Utc>) -> i64 {
    (until - since).num_days().max(0)
}
