//! The secrets of a token: the current one, and the one before while anything is known of it.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::Fault;
use super::changes::{bound, make};
use super::conditions::{etag, if_match};
use super::context::{Context, Media};
use super::create::both_expiries;
use super::figures::ClientBody;
use super::shape::{Moment, moment};
use crate::usage::{CallQuery, Client, RecordedCall, SecretUse};
use crate::web::Reply;
use crate::{Period, Subject, TokenRecord};

#[derive(Serialize)]
struct Secrets<'a> {
    /// The current one first.
    data: Vec<SecretBody<'a>>,
    as_of: Moment,
}

/// A secret of a token, without the secret itself.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Secret))]
pub(super) struct SecretBody<'a> {
    id: String,
    version: u32,
    current: bool,
    /// Whether it still opens the token, as far as the token itself works.
    works: bool,
    start: &'a str,
    last4: &'a str,
    created_at: Moment,
    /// From when on it opens nothing; null for the current one, which ends with the token.
    expires_at: Option<Moment>,
    /// Where it was asked for.
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schema(ignore))]
    used: Option<UsedBody<'a>>,
}

/// How a secret is used.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SecretActivity))]
pub(super) struct UsedBody<'a> {
    /// The last call that has shown it in the last 30 days, whatever became of it.
    last_used_at: Option<Moment>,
    /// Calls of the last 60 minutes, told by the hour: the hour in which they begin is told whole.
    calls_1h: u64,
    /// Who has shown it in the last 60 minutes, as far as recent calls tell, and who did last.
    clients: Vec<ClientBody<'a>>,
}

/// How far back the last use is looked for.
const DAYS: i64 = 30;
/// So many clients are named.
const CLIENTS: usize = 10;

pub(super) async fn of_token(context: &Context<'_>) -> Result<Reply, Fault> {
    context.no_parameters()?;
    let record = context.record().await?;
    let now = context.now();
    let subject = Subject::Token(record.id);
    let month = Period::new(now - TimeDelta::days(DAYS), now + TimeDelta::milliseconds(1));
    let told = context.statistics(subject.clone(), month).await?;
    let hour = context.statistics(subject.clone(), Period::last_minutes(now, 60)).await?;
    let mut query = CallQuery::new(subject);
    query.from = Some(now - TimeDelta::hours(1));
    query.limit = RecordedCall::KEPT_UNTIL_FORGOTTEN;
    let calls = context.tokens.recent_calls(&query).await.map_err(Fault::usage_unavailable)?.calls;
    let tells_addresses = context.permissions.view_addresses;
    let used = |version: u32| {
        let whole = told.detail.secrets.get(&version);
        UsedBody {
            last_used_at: moment(whole.and_then(|used| used.last_seen_at)),
            calls_1h: hour.detail.secrets.get(&version).map_or(0, |used| used.calls),
            clients: clients(version, whole, &calls, tells_addresses),
        }
    };
    let mut data = bodies(&record, now);
    for body in &mut data {
        body.used = Some(used(body.version));
    }
    Ok(Reply::json(200, &Secrets { data, as_of: Moment(told.as_of) }).header("etag", etag(record.version)))
}

fn bodies(record: &TokenRecord, now: DateTime<Utc>) -> Vec<SecretBody<'_>> {
    let body = |version, last4, created_at, ends_at: Option<DateTime<Utc>>| SecretBody {
        id: format!("sec_{version}"),
        version,
        current: ends_at.is_none(),
        works: ends_at.is_none_or(|end| now < end),
        start: &record.secret.start,
        last4,
        created_at: Moment(created_at),
        expires_at: moment(ends_at),
        used: None,
    };
    let secret = &record.secret;
    let mut bodies = vec![body(secret.version, &*secret.last4, secret.created_at, None)];
    if let Some(old) = &record.previous_secret {
        bodies.push(body(old.version, &old.last4, old.created_at, Some(old.ends_at)));
    }
    bodies
}

/// Those who have shown a secret, the latest first.
fn clients<'a>(
    version: u32,
    used: Option<&'a SecretUse>,
    calls: &'a [RecordedCall],
    tells_addresses: bool,
) -> Vec<ClientBody<'a>> {
    let recent = calls.iter().filter(|call| call.secret_version == version);
    let recent = recent.filter_map(|call| Some((call.client.as_ref()?, Some(call.at))));
    let last = used.and_then(|used| Some((used.last_client.as_ref()?, used.last_seen_at)));
    // Whoever calls itself the same is one, where its address is not to be seen.
    let key = |client: &'a Client| (tells_addresses.then_some(&*client.address), &*client.agent);
    let mut clients: BTreeMap<_, (Option<DateTime<Utc>>, &Client)> = BTreeMap::new();
    for (client, at) in last.into_iter().chain(recent) {
        let seen = clients.entry(key(client)).or_insert((at, client));
        seen.0 = seen.0.max(at);
    }
    let mut clients: Vec<_> = clients.into_values().collect();
    clients.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let bodies = clients.into_iter().take(CLIENTS);
    bodies.map(|(_, client)| ClientBody::told(client, tells_addresses)).collect()
}

/// Sets the end of a grace period.
pub(super) async fn set_end(context: &Context<'_>) -> Result<Reply, Fault> {
    context.no_parameters()?;
    let mut fields = context.fields(Media::MergePatch)?;
    let relative = fields.has("expires_in");
    both_expiries(&mut fields);
    let at = fields.time("expires_at").flatten();
    let lasting = fields.seconds("expires_in").flatten();
    let looked_at = old_secret(context).await?;
    let change = || {
        let mut change = bound(context.tokens.extend_grace(&looked_at.id), Some(looked_at.version));
        if let Some(time) = at {
            change = change.until(time);
        }
        if let Some(time) = lasting {
            change = change.lasting(time);
        }
        change
    };
    let renamed: &[_] = if relative { &[("/expires_at", "/expires_in")] } else { &[] };
    let record = make(context, fields, change, renamed).await?;
    let body = bodies(&record, context.now()).pop().ok_or_else(Fault::no_such_secret)?;
    Ok(Reply::json(200, &body).header("etag", etag(record.version)))
}

/// Ends a grace period now.
pub(super) async fn end(context: &Context<'_>) -> Result<Reply, Fault> {
    context.no_parameters()?;
    let fields = context.optional_fields()?;
    let looked_at = old_secret(context).await?;
    let change = || bound(context.tokens.end_grace(&looked_at.id), Some(looked_at.version));
    let record = make(context, fields, change, &[]).await?;
    Ok(Reply::empty(204).header("etag", etag(record.version)))
}

/// The token of the path, if the secret of the path is the one before its current one. A change is
/// bound to the version that was looked at: after another rotation that secret is another one.
async fn old_secret(context: &Context<'_>) -> Result<TokenRecord, Fault> {
    let record = context.record().await?;
    if let Some(expected) = if_match(context).await?
        && expected != record.version
    {
        return Err(Fault::stale(&etag(record.version)));
    }
    let version = context.secret_version().ok_or_else(Fault::no_such_secret)?;
    if version == record.secret.version {
        return Err(Fault::last_secret());
    }
    match &record.previous_secret {
        Some(old) if old.version == version => Ok(record),
        _ => Err(Fault::no_such_secret()),
    }
}
