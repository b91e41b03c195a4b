//! How one token is used: its totals, its last 24 hours, and any range.

use serde::Serialize;

use super::Fault;
use super::context::Context;
use super::figures::{ClientBody, FiguresBody, PeakBody, RefusalsBody, StatusesBody, TimesBody};
use super::range::{DAY, range};
use super::shape::{Moment, moment};
use crate::web::Reply;
use crate::{Statistics, Subject, Usage};

/// The use of a token. What is not said to be of all time is of the last 24 hours.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Usage))]
pub(crate) struct UsageBody<'a> {
    calls_total: u64,
    calls_24h: u64,
    success_rate: Option<f64>,
    #[serde(flatten)]
    times: TimesBody,
    by_status: StatusesBody,
    limited_24h: u64,
    denied_24h: u64,
    refusals: RefusalsBody,
    wrong_secret_24h: u64,
    bytes_24h: u64,
    peak_minute: Option<PeakBody>,
    peak_of_last_hour: Option<PeakBody>,
    minutes_limited: u64,
    /// The calls of each hour that the last 24 hours touch, the oldest first.
    trend: &'a [u64],
    success_rate_total: Option<f64>,
    mean_ms_total: Option<f64>,
    limited_total: u64,
    missing_scope_total: u64,
    refused_total: u64,
    wrong_secret_total: u64,
    last_used_at: Option<Moment>,
    last_seen_at: Option<Moment>,
    last_client: Option<ClientBody<'a>>,
    as_of: Moment,
}

impl<'a> UsageBody<'a> {
    /// `tells_addresses` says whether whoever looks may see the addresses of clients.
    pub(crate) fn of(usage: &'a Usage, tells_addresses: bool) -> UsageBody<'a> {
        let day = &usage.last_24_hours;
        UsageBody {
            calls_total: usage.total(),
            calls_24h: day.calls(),
            success_rate: day.success_rate(),
            times: TimesBody::of(day),
            by_status: StatusesBody::of(&day.statuses),
            limited_24h: day.limited,
            denied_24h: day.denied(),
            refusals: RefusalsBody::of(day),
            wrong_secret_24h: day.wrong_secret,
            bytes_24h: day.bytes,
            peak_minute: day.peak.map(PeakBody::of),
            peak_of_last_hour: usage.peak_of_last_hour.map(PeakBody::of),
            minutes_limited: day.minutes_limited,
            trend: &usage.trend,
            success_rate_total: usage.counts.success_rate(),
            mean_ms_total: usage.counts.mean_ms(),
            limited_total: usage.limited,
            missing_scope_total: usage.missing_scope,
            refused_total: usage.refused,
            wrong_secret_total: usage.wrong_secret,
            last_used_at: moment(usage.last_used_at),
            last_seen_at: moment(usage.last_seen_at),
            last_client: usage.last_client.as_ref().map(|client| ClientBody::told(client, tells_addresses)),
            as_of: Moment(usage.as_of),
        }
    }
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = UsageAndRange))]
pub(super) struct Told<'a> {
    #[serde(flatten)]
    usage: UsageBody<'a>,
    range: RangeBody<'a>,
}

/// What was asked about. It is widened where minutes or hours of it are no longer kept.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = UsageOfRange))]
struct RangeBody<'a> {
    from: Moment,
    to: Moment,
    #[serde(flatten)]
    figures: FiguresBody,
    /// By version of the secret: who still uses the old one during a grace period.
    secrets: Vec<SecretBody<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SecretUse))]
struct SecretBody<'a> {
    version: u32,
    calls: u64,
    last_seen_at: Option<Moment>,
    last_client: Option<ClientBody<'a>>,
}

pub(crate) async fn of_token(context: &Context<'_>) -> Result<Reply, Fault> {
    let mut parameters = context.parameters()?;
    let period = range(&mut parameters, context.now(), DAY)?;
    parameters.finish()?;
    let id = context.record().await?.id;
    let usage = context.tokens.usage_of(&[id]).await.map_err(Fault::usage_unavailable)?;
    let usage = usage.get(&id).ok_or_else(Fault::no_such_token)?;
    let told = context.statistics(Subject::Token(id), period).await?;
    let tells_addresses = context.permissions.view_addresses;
    let usage = UsageBody::of(usage, tells_addresses);
    Ok(Reply::json(200, &Told { usage, range: range_body(&told, tells_addresses) }))
}

fn range_body(told: &Statistics, tells_addresses: bool) -> RangeBody<'_> {
    let secrets = told.detail.secrets.iter().map(|(version, used)| SecretBody {
        version: *version,
        calls: used.calls,
        last_seen_at: moment(used.last_seen_at),
        last_client: used.last_client.as_ref().map(|client| ClientBody::told(client, tells_addresses)),
    });
    RangeBody {
        from: Moment(told.period.from()),
        to: Moment(told.period.until()),
        figures: FiguresBody::of(&told.tally),
        secrets: secrets.collect(),
    }
}
