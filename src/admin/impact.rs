//! What a change would break, told from recorded use.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::Fault;
use super::context::Context;
use super::figures::PeakBody;
use super::parameters::Parameters;
use super::shape::{Moment, moment};
use crate::limit::Quota;
use crate::usage::{Client, ClientUse, EndpointUse};
use crate::web::Reply;
use crate::{Impact, Intent, RateLimit, ScopeImpact, TokenRecord};

/// What would break if something were done to a token.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Impact))]
pub(crate) struct ImpactBody {
    action: &'static str,
    /// The same in plain sentences, the weightiest first.
    text: String,
    calls_24h: u64,
    /// Of those, the ones that were let in.
    granted_24h: u64,
    calls_7d: u64,
    last_used_at: Option<Moment>,
    /// How many of the calls that were let in would have been refused.
    would_fail_24h: u64,
    would_fail_per_hour: f64,
    /// Of the last 1,440 minutes; null for anything but a limit.
    minutes_over: Option<u64>,
    peak_minute: Option<PeakBody>,
    /// The busiest ten.
    clients: Vec<ClientRow>,
    clients_total: usize,
    /// Whether there were more than could be told apart.
    more_clients: bool,
    /// The busiest ten.
    endpoints: Vec<EndpointRow>,
    endpoints_total: usize,
    /// Whether there were more than could be told apart.
    more_endpoints: bool,
    /// The scopes that would go, with what only they imply.
    scopes: Vec<ScopeRow>,
    /// The longest that a change takes to be heeded by every node; 0 where it is heeded when it is made.
    heeded_within_ms: u64,
    as_of: Moment,
}

/// Who calls with the token, as far as it may be seen.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ImpactClient))]
struct ClientRow {
    ip: Option<String>,
    agent: Option<String>,
    calls: u64,
    first_seen_at: Option<Moment>,
    last_seen_at: Option<Moment>,
}

/// What the token calls.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ImpactEndpoint))]
struct EndpointRow {
    /// The method and the template of the route.
    endpoint: String,
    calls: u64,
    errors: u64,
    limited: u64,
}

/// A scope that would go, and its use in the last 30 days.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ImpactScope))]
struct ScopeRow {
    scope: String,
    calls_30d: u64,
    /// By how many calls that may lie below the truth.
    error: u64,
    last_used_at: Option<Moment>,
    /// As far as recent calls tell.
    endpoints: Vec<String>,
}

impl ImpactBody {
    /// As far as whoever looks may see it.
    pub(crate) fn of(context: &Context<'_>, mut impact: Impact, intent: &Intent) -> ImpactBody {
        let permissions = context.permissions;
        if !permissions.view_addresses {
            impact = impact.without_addresses();
        }
        if !permissions.view_calls {
            impact.last_call = None;
        }
        let text = impact.sentences(intent, context.now()).join(" ");
        ImpactBody {
            action: intent.as_str(),
            text,
            calls_24h: impact.calls_24h,
            granted_24h: impact.granted_24h,
            calls_7d: impact.calls_7d,
            last_used_at: moment(impact.last_used_at),
            would_fail_24h: impact.would_fail_24h,
            would_fail_per_hour: impact.would_fail_per_hour(),
            minutes_over: impact.minutes_over,
            peak_minute: impact.peak_24h.map(PeakBody::of),
            clients: impact.clients.into_iter().map(ClientRow::of).collect(),
            clients_total: impact.clients_total,
            more_clients: impact.more_clients,
            endpoints: impact.endpoints.into_iter().map(EndpointRow::of).collect(),
            endpoints_total: impact.endpoints_total,
            more_endpoints: impact.more_endpoints,
            scopes: impact.scopes.into_iter().map(ScopeRow::of).collect(),
            heeded_within_ms: impact.heeded_within_ms,
            as_of: Moment(impact.as_of),
        }
    }
}

impl ClientRow {
    fn of((client, used): (Client, ClientUse)) -> ClientRow {
        let known = |text: String| Some(text).filter(|text| !text.is_empty());
        ClientRow {
            ip: known(client.address),
            agent: known(client.agent),
            calls: used.calls,
            first_seen_at: moment(used.first_seen_at),
            last_seen_at: moment(used.last_seen_at),
        }
    }
}

impl EndpointRow {
    fn of((endpoint, used): (String, EndpointUse)) -> EndpointRow {
        EndpointRow { endpoint, calls: used.calls, errors: used.errors, limited: used.limited }
    }
}

impl ScopeRow {
    fn of(impact: ScopeImpact) -> ScopeRow {
        let ScopeImpact { scope, calls_30d, error, last_used_at, endpoints } = impact;
        ScopeRow { scope, calls_30d, error, last_used_at: moment(last_used_at), endpoints }
    }
}

pub(super) async fn of_token(context: &Context<'_>) -> Result<Reply, Fault> {
    let mut parameters = context.parameters()?;
    let record = context.record().await?;
    let intent = intent(&mut parameters, context, &record)?;
    parameters.finish()?;
    let impact = context.tokens.impact(&record, &intent).await.map_err(Fault::usage_unavailable)?;
    Ok(Reply::json(200, &ImpactBody::of(context, impact, &intent)))
}

/// What an update that is not made yet would break; none where use cannot be read.
pub(super) async fn of_update(
    context: &Context<'_>,
    after: &TokenRecord,
) -> Result<Option<Vec<ImpactBody>>, Fault> {
    let before = context.record().await?;
    let mut impacts = Vec::new();
    for intent in Intent::of_update(&before, after) {
        match context.tokens.impact(&before, &intent).await {
            Ok(impact) => impacts.push(ImpactBody::of(context, impact, &intent)),
            Err(error) => {
                tracing::warn!(%error, "the use of a token cannot be read");
                return Ok(None);
            }
        }
    }
    Ok(Some(impacts))
}

fn intent(parameters: &mut Parameters, context: &Context<'_>, record: &TokenRecord) -> Result<Intent, Fault> {
    let action = parameters.one("action")?;
    match action.as_deref() {
        Some("revoke") => Ok(Intent::Revoke),
        Some("pause") => Ok(Intent::Pause),
        Some("rotate") => Ok(Intent::Rotate),
        Some("remove_scopes") => match parameters.all("scope") {
            scopes if scopes.is_empty() => {
                Err(Fault::parameter("scope", "Name the scopes that would go: scope=orders:write, repeated."))
            }
            scopes => Ok(Intent::RemoveScopes(scopes)),
        },
        Some("rate_limit") => limit(parameters, &record.rate_limit).map(Intent::RateLimit),
        Some("expiry") => expiry(parameters, context.now()).map(Intent::ExpireAt),
        _ => Err(Fault::parameter(
            "action",
            "action is revoke, pause, rotate, remove_scopes, rate_limit or expiry.",
        )),
    }
}

/// The windows that are named, in the place of those that the token has; the others stay.
fn limit(parameters: &mut Parameters, current: &RateLimit) -> Result<RateLimit, Fault> {
    let mut quotas: Vec<Quota> = current.quotas().collect();
    let mut is_said = false;
    for (name, seconds) in [("per_minute", 60), ("per_hour", 3_600), ("per_day", 86_400)] {
        let Some(text) = parameters.one(name)? else { continue };
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        let requests = text.parse().ok().filter(|_| is_number);
        let quota = requests.and_then(|requests| Quota::new(requests, Duration::from_secs(seconds)).ok());
        let quota = quota.ok_or_else(|| {
            Fault::parameter(name, format!("{name} is a whole number of requests, at least 1."))
        })?;
        quotas.retain(|other| other.window_ms() != quota.window_ms());
        quotas.push(quota);
        is_said = true;
    }
    if !is_said {
        return Err(Fault::parameter("per_minute", "Say the limit: per_minute, per_hour or per_day."));
    }
    let together = quotas.into_iter().try_fold(RateLimit::unlimited(), RateLimit::and);
    together.map_err(|error| Fault::parameter("per_minute", format!("This is no limit: {error}.")))
}

fn expiry(parameters: &mut Parameters, now: DateTime<Utc>) -> Result<DateTime<Utc>, Fault> {
    let at = parameters.time("expires_at")?;
    let within = parameters.one("expires_in")?;
    let wrong = || Fault::parameter("expires_in", "expires_in is a whole number of seconds.");
    match (at, within) {
        (Some(at), None) => Ok(at),
        (None, Some(text)) => {
            let seconds = text.parse().ok().and_then(TimeDelta::try_seconds).ok_or_else(wrong)?;
            now.checked_add_signed(seconds).ok_or_else(wrong)
        }
        (None, None) => Err(Fault::parameter("expires_at", "Say the expiry: expires_at or expires_in.")),
        (Some(_), Some(_)) => Err(Fault::parameter("expires_in", "Send expires_at or expires_in, not both.")),
    }
}
