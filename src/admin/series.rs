//! Figures by equal steps of time, as columns: what charts are drawn from.

use serde::Serialize;

use super::Fault;
use super::context::Context;
use super::parameters::Parameters;
use super::range::{DAY, range};
use super::shape::Moment;
use crate::usage::{StatusClasses, Tally};
use crate::web::Reply;
use crate::{Period, RateLimit, Step, Subject};

/// A column for each thing that is told, with one value for each step. What was not asked for is
/// left out.
#[derive(Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct Columns {
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schema(value_type = CallColumns))]
    calls: Option<CallColumns>,
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schema(value_type = LatencyColumns))]
    latency: Option<LatencyColumns>,
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schema(value_type = LimitedColumns))]
    limited: Option<LimitedColumns>,
}

#[derive(Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct CallColumns {
    calls: Vec<u64>,
    c1xx: Vec<u64>,
    c2xx: Vec<u64>,
    c3xx: Vec<u64>,
    c4xx: Vec<u64>,
    c5xx: Vec<u64>,
    denied: Vec<u64>,
    peak_minute: Vec<u64>,
}

#[derive(Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct LatencyColumns {
    mean_ms: Vec<Option<f64>>,
    p50_ms: Vec<Option<f64>>,
    p95_ms: Vec<Option<f64>>,
    p99_ms: Vec<Option<f64>>,
}

#[derive(Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct LimitedColumns {
    limited: Vec<u64>,
    minutes_limited: Vec<u64>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TimeSeries))]
pub(super) struct Series {
    /// How long a step is, in seconds.
    step: i64,
    t: Vec<Moment>,
    #[serde(flatten)]
    columns: Columns,
    /// The token's limit per minute, as it is now; null where there is none, and where it is about
    /// several tokens.
    limit: Option<Vec<u32>>,
    /// Whether the last step is not over, or not all of it is written.
    partial_last: bool,
    as_of: Moment,
}

/// Steps are never more than this.
const MOST_STEPS: i64 = 2_000;
/// Where nobody says how long a step is, there are at most so many.
const USUAL_STEPS: i64 = 120;
const MINUTES_OF_DAY: i64 = 1_440;
/// What a step is where nobody says, in minutes.
const USUAL: [i64; 9] = [1, 5, 15, 60, 120, 360, MINUTES_OF_DAY, 7 * MINUTES_OF_DAY, 30 * MINUTES_OF_DAY];

pub(crate) async fn of_token(context: &Context<'_>) -> Result<Reply, Fault> {
    let asked = Asked::read(context)?;
    let record = context.record().await?;
    told(context, Subject::Token(record.id), asked, per_minute(&record.rate_limit)).await
}

pub(crate) async fn of_all(context: &Context<'_>) -> Result<Reply, Fault> {
    let asked = Asked::read(context)?;
    told(context, context.subject(), asked, None).await
}

struct Asked {
    period: Period,
    step_minutes: u32,
    columns: Columns,
}

impl Asked {
    fn read(context: &Context<'_>) -> Result<Asked, Fault> {
        let mut parameters = context.parameters()?;
        let period = range(&mut parameters, context.now(), DAY)?;
        let step_minutes = step(&mut parameters, period)?;
        let columns = columns(&parameters.all("metric"))?;
        parameters.finish()?;
        Ok(Asked { period, step_minutes, columns })
    }
}

async fn told(
    context: &Context<'_>,
    subject: Subject,
    asked: Asked,
    limit: Option<u32>,
) -> Result<Reply, Fault> {
    let Asked { period, step_minutes, mut columns } = asked;
    let series = context.tokens.time_series(subject, period, step_minutes).await;
    let series = series.map_err(Fault::usage_unavailable)?;
    series.steps.iter().for_each(|step| columns.push(&step.tally));
    let end = |step: &Step| step.start + chrono::TimeDelta::minutes(series.step_minutes);
    let body = Series {
        step: series.step_minutes * 60,
        t: series.steps.iter().map(|step| Moment(step.start)).collect(),
        columns,
        limit: limit.map(|limit| vec![limit; series.steps.len()]),
        partial_last: series.steps.last().is_some_and(|step| end(step) > series.as_of),
        as_of: Moment(series.as_of),
    };
    Ok(Reply::json(200, &body))
}

/// How long a step is where nobody says, in minutes: so that a period has at most 120 of them.
pub(crate) fn usual_step(period: Period) -> u32 {
    let minutes = period.minutes();
    let usual = USUAL.into_iter().find(|step| minutes <= step * USUAL_STEPS);
    let days = || (minutes / (USUAL_STEPS * MINUTES_OF_DAY) + 1) * MINUTES_OF_DAY;
    usual.unwrap_or_else(days) as u32
}

/// How long a step is, in minutes.
fn step(parameters: &mut Parameters, period: Period) -> Result<u32, Fault> {
    let minutes = period.minutes();
    let Some(text) = parameters.one("step")? else { return Ok(usual_step(period)) };
    let seconds: Option<u32> = text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    let whole = seconds.filter(|seconds| (60..=2_592_000).contains(seconds) && seconds % 60 == 0);
    let Some(step) = whole.map(|seconds| seconds / 60) else {
        let detail = "step is a number of seconds, whole minutes of them, from 60 to 2592000.";
        return Err(Fault::parameter("step", detail));
    };
    if minutes > i64::from(step) * MOST_STEPS {
        let least = (minutes + MOST_STEPS - 1) / MOST_STEPS * 60;
        let detail =
            format!("There are at most {MOST_STEPS} steps: for this range, step is at least {least}.");
        return Err(Fault::parameter("step", detail));
    }
    Ok(step)
}

/// The columns of these metrics; of none of them all.
fn columns(metrics: &[String]) -> Result<Columns, Fault> {
    let wrong = |metric: &String| !matches!(metric.as_str(), "calls" | "latency" | "limited");
    if metrics.iter().any(wrong) {
        return Err(Fault::parameter("metric", "metric is calls, latency or limited, and may be repeated."));
    }
    let wanted = |name: &str| metrics.is_empty() || metrics.iter().any(|metric| metric == name);
    Ok(Columns {
        calls: wanted("calls").then(CallColumns::default),
        latency: wanted("latency").then(LatencyColumns::default),
        limited: wanted("limited").then(LimitedColumns::default),
    })
}

impl Columns {
    fn push(&mut self, tally: &Tally) {
        if let Some(columns) = &mut self.calls {
            let StatusClasses { informational, success, redirection, client_error, server_error } =
                tally.statuses;
            columns.calls.push(tally.calls());
            columns.c1xx.push(informational);
            columns.c2xx.push(success);
            columns.c3xx.push(redirection);
            columns.c4xx.push(client_error);
            columns.c5xx.push(server_error);
            columns.denied.push(tally.denied());
            columns.peak_minute.push(tally.peak.map_or(0, |peak| peak.granted));
        }
        if let Some(columns) = &mut self.latency {
            columns.mean_ms.push(tally.mean_ms());
            columns.p50_ms.push(tally.percentile_ms(0.5));
            columns.p95_ms.push(tally.percentile_ms(0.95));
            columns.p99_ms.push(tally.percentile_ms(0.99));
        }
        if let Some(columns) = &mut self.limited {
            columns.limited.push(tally.limited);
            columns.minutes_limited.push(tally.minutes_limited);
        }
    }
}

/// The limit per minute, if there is one.
pub(crate) fn per_minute(limit: &RateLimit) -> Option<u32> {
    limit.quotas().find(|quota| quota.window_ms() == 60_000).map(|quota| quota.limit())
}
