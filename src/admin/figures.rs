//! Figures of a span of time, as JSON shows them.

use serde::Serialize;

use super::shape::Moment;
use crate::usage::{Client, Clients, Peak, Refusals, StatusClasses, Strangers, Tally, start_of};

/// The figures of a span.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Figures))]
pub(crate) struct FiguresBody {
    calls: u64,
    success_rate: Option<f64>,
    #[serde(flatten)]
    times: TimesBody,
    by_status: StatusesBody,
    limited: u64,
    denied: u64,
    refusals: RefusalsBody,
    wrong_secret: u64,
    bytes: u64,
    peak_minute: Option<PeakBody>,
    minutes_limited: u64,
}

impl FiguresBody {
    pub(crate) fn of(tally: &Tally) -> FiguresBody {
        FiguresBody {
            calls: tally.calls(),
            success_rate: tally.success_rate(),
            times: TimesBody::of(tally),
            by_status: StatusesBody::of(&tally.statuses),
            limited: tally.limited,
            denied: tally.denied(),
            refusals: RefusalsBody::of(tally),
            wrong_secret: tally.wrong_secret,
            bytes: tally.bytes,
            peak_minute: tally.peak.map(PeakBody::of),
            minutes_limited: tally.minutes_limited,
        }
    }
}

/// How long responses took; null where none is known.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Durations))]
pub(crate) struct TimesBody {
    mean_ms: Option<f64>,
    p50_ms: Option<f64>,
    p95_ms: Option<f64>,
    p99_ms: Option<f64>,
}

impl TimesBody {
    pub(crate) fn of(tally: &Tally) -> TimesBody {
        TimesBody {
            mean_ms: tally.mean_ms(),
            p50_ms: tally.percentile_ms(0.5),
            p95_ms: tally.percentile_ms(0.95),
            p99_ms: tally.percentile_ms(0.99),
        }
    }
}

/// Finished responses by the class of their status.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = StatusCounts))]
pub(crate) struct StatusesBody {
    #[serde(rename = "1xx")]
    informational: u64,
    #[serde(rename = "2xx")]
    success: u64,
    #[serde(rename = "3xx")]
    redirection: u64,
    #[serde(rename = "4xx")]
    client_error: u64,
    #[serde(rename = "5xx")]
    server_error: u64,
}

impl StatusesBody {
    pub(crate) fn of(statuses: &StatusClasses) -> StatusesBody {
        let StatusClasses { informational, success, redirection, client_error, server_error } = *statuses;
        StatusesBody { informational, success, redirection, client_error, server_error }
    }
}

/// Refusals for other reasons than the limit.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Refusals))]
pub(crate) struct RefusalsBody {
    missing_scope: u64,
    revoked: u64,
    expired: u64,
    not_yet_valid: u64,
    paused: u64,
    rotated: u64,
    address: u64,
    not_for_tokens: u64,
}

impl RefusalsBody {
    pub(crate) fn of(tally: &Tally) -> RefusalsBody {
        let Refusals { revoked, expired, not_yet_valid, paused, rotated, address, not_for_tokens } =
            tally.refusals;
        let missing_scope = tally.missing_scope;
        RefusalsBody {
            missing_scope,
            revoked,
            expired,
            not_yet_valid,
            paused,
            rotated,
            address,
            not_for_tokens,
        }
    }
}

/// Requests of whoever did not prove a secret.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Strangers))]
pub(crate) struct StrangersBody {
    malformed: u64,
    unknown: u64,
    wrong_secret: u64,
    foreign_tenant: u64,
}

impl StrangersBody {
    pub(crate) fn of(strangers: &Strangers) -> StrangersBody {
        let Strangers { malformed, unknown, wrong_secret, foreign_tenant } = *strangers;
        StrangersBody { malformed, unknown, wrong_secret, foreign_tenant }
    }
}

/// The busiest minute: its beginning, and the requests that were let in during it.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = PeakMinute))]
pub(crate) struct PeakBody {
    at: Moment,
    calls: u64,
}

impl PeakBody {
    pub(crate) fn of(peak: Peak) -> PeakBody {
        PeakBody { at: Moment(start_of(peak.minute)), calls: peak.granted }
    }
}

/// A client, as far as it is recorded.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Client))]
pub(crate) struct ClientBody<'a> {
    ip: Option<&'a str>,
    agent: Option<&'a str>,
}

impl<'a> ClientBody<'a> {
    pub(crate) fn of(client: &'a Client) -> ClientBody<'a> {
        let known = |text: &'a String| (!text.is_empty()).then_some(text.as_str());
        ClientBody { ip: known(&client.address), agent: known(&client.agent) }
    }

    /// The same without the address, for whoever may not see it.
    pub(crate) fn told(client: &'a Client, tells_address: bool) -> ClientBody<'a> {
        let body = ClientBody::of(client);
        ClientBody { ip: body.ip.filter(|_| tells_address), ..body }
    }
}

/// The same clients without their addresses, for whoever may not see them: those that call themselves
/// the same are one.
pub(crate) fn agents(clients: Clients) -> Clients {
    clients.renamed(|client| Client::new("", client.agent), |used| used)
}

/// The share of a part, between 0 and 1; none of nothing.
pub(crate) fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
