//! What the statistics say of the log.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokenward::usage::{EndpointUse, Share, StatusClasses, Tally, start_of};
use tokenward::{Error, GivenUp, Period, Statistics, Subject, Tokens, block_on};

use crate::cost::Cost;
use crate::read::{Reading, Shown};
use crate::users::for_each_page;

/// What the statistics say of the log, and what it has cost.
#[derive(Serialize)]
pub struct Report {
    pub log: Log,
    pub calls: Calls,
    pub busiest_minute: Option<Minute>,
    pub endpoints: Endpoints,
    /// All of them as JSON, else those with the most calls.
    pub tokens: Vec<TokenFigures>,
    pub clients: Clients,
    /// The minutes with calls, of the 1,440 up to the log's end.
    pub minutes: Vec<Minute>,
    /// What recording has given up in this run.
    pub given_up: GivenUp,
    pub cost: Cost,
}

#[derive(Serialize)]
pub struct Log {
    pub lines: u64,
    pub calls: u64,
    pub left_out: u64,
    pub unreadable: u64,
    pub unreadable_shown: Vec<Shown>,
    pub first: Option<DateTime<Utc>>,
    pub last: Option<DateTime<Utc>>,
    /// Refusals by their codes, of this run.
    pub refused: BTreeMap<&'static str, u64>,
}

#[derive(Serialize)]
pub struct Calls {
    pub total: u64,
    pub tokens: u64,
    pub granted: u64,
    pub limited: u64,
    pub finished: u64,
    pub success_rate: Option<f64>,
    /// None where the log does not say how long calls took.
    pub times: Option<Times>,
    pub statuses: StatusClasses,
    pub bytes: u64,
}

#[derive(Serialize)]
pub struct Times {
    pub mean_ms: Option<f64>,
    pub p50_ms: Option<f64>,
    pub p95_ms: Option<f64>,
    pub p99_ms: Option<f64>,
}

#[derive(Serialize)]
pub struct Minute {
    pub start: DateTime<Utc>,
    pub calls: u64,
}

#[derive(Serialize)]
pub struct Endpoints {
    /// Those that are told apart, the ones with the most calls first.
    pub told: Vec<Endpoint>,
    /// The calls of all others.
    pub other: u64,
    /// By how many calls each of those that are told may be told too low.
    pub error: u64,
}

#[derive(Serialize)]
pub struct Endpoint {
    pub route: String,
    pub calls: u64,
    pub errors: u64,
    pub p95_ms: Option<f64>,
}

#[derive(Serialize)]
pub struct TokenFigures {
    pub name: String,
    /// Of all time, from the token's totals.
    pub total: u64,
    pub statuses: StatusClasses,
    pub bytes: u64,
}

#[derive(Serialize)]
pub struct Clients {
    /// How many are told apart.
    pub told: u64,
    /// The calls of all others.
    pub other: u64,
    pub top: Vec<ClientFigures>,
}

#[derive(Serialize)]
pub struct ClientFigures {
    pub address: String,
    pub agent: String,
    pub calls: u64,
}

/// What is shown to people of a long list.
pub const TOP: usize = 10;
/// How many tokens are asked about at once.
const AT_ONCE: usize = 500;

impl Report {
    /// Asks for everything: of these times, in milliseconds since 1970.
    pub fn of(
        tokens: &Tokens,
        reading: Reading,
        refused: BTreeMap<&'static str, u64>,
        between: (i64, i64),
        every_token: bool,
        cost: Cost,
    ) -> Result<Report, Error> {
        let time = |ms: i64| DateTime::from_timestamp_millis(ms).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let period = Period::new(time(between.0), time(between.1.saturating_add(1)));
        let statistics = block_on(tokens.statistics(Subject::All, period))?;
        let day = Period::last_24_hours(time(between.1));
        let minutes = block_on(tokens.time_series(Subject::All, day, 1))?.steps;
        let minutes = minutes.into_iter().map(|step| Minute { start: step.start, calls: step.tally.calls() });
        let figures = match every_token {
            true => of_every_token(tokens, period)?,
            false => of_busiest_tokens(tokens, period, &statistics)?,
        };
        let times = (reading.timed > 0).then(|| Times::of(&statistics));
        Ok(Report {
            calls: Calls::of(&statistics, count_tokens(tokens)?, times),
            busiest_minute: statistics
                .peak
                .map(|peak| Minute { start: start_of(peak.minute), calls: peak.granted }),
            endpoints: Endpoints::of(&statistics),
            tokens: figures,
            clients: Clients::of(&statistics),
            minutes: minutes.filter(|minute| minute.calls > 0).collect(),
            log: Log::of(reading, refused),
            given_up: tokens.recording_health().given_up,
            cost,
        })
    }
}

impl Log {
    fn of(reading: Reading, refused: BTreeMap<&'static str, u64>) -> Log {
        let (first, last) = reading.times.unzip();
        Log {
            lines: reading.lines,
            calls: reading.calls,
            left_out: reading.left_out,
            unreadable: reading.unreadable,
            unreadable_shown: reading.shown,
            first: first.and_then(DateTime::from_timestamp_millis),
            last: last.and_then(DateTime::from_timestamp_millis),
            refused,
        }
    }
}

impl Calls {
    fn of(tally: &Tally, tokens: u64, times: Option<Times>) -> Calls {
        Calls {
            total: tally.calls(),
            tokens,
            granted: tally.granted,
            limited: tally.limited,
            finished: tally.finished,
            success_rate: tally.success_rate(),
            times,
            statuses: tally.statuses,
            bytes: tally.bytes,
        }
    }
}

impl Times {
    fn of(tally: &Tally) -> Times {
        Times {
            mean_ms: tally.mean_ms(),
            p50_ms: tally.percentile_ms(0.5),
            p95_ms: tally.percentile_ms(0.95),
            p99_ms: tally.percentile_ms(0.99),
        }
    }
}

impl Endpoints {
    fn of(statistics: &Statistics) -> Endpoints {
        let endpoints = &statistics.detail.endpoints;
        let endpoint = |(route, share): (&String, &EndpointUse)| Endpoint {
            route: route.clone(),
            calls: share.calls,
            errors: share.errors,
            p95_ms: share.latency.percentile(0.95).map(|time| time.as_secs_f64() * 1_000.0),
        };
        Endpoints {
            told: endpoints.top(endpoints.len()).into_iter().map(endpoint).collect(),
            other: endpoints.other().calls(),
            error: endpoints.error(),
        }
    }
}

impl Clients {
    fn of(statistics: &Statistics) -> Clients {
        let top = statistics.clients.top(TOP).into_iter().map(|(client, share)| ClientFigures {
            address: client.address.clone(),
            agent: client.agent.clone(),
            calls: share.calls,
        });
        Clients {
            told: statistics.clients.len() as u64,
            other: statistics.clients.other().calls(),
            top: top.collect(),
        }
    }
}

impl TokenFigures {
    fn new(name: String, total: u64, tally: &Tally) -> TokenFigures {
        TokenFigures { name, total, statuses: tally.statuses, bytes: tally.bytes }
    }
}

fn count_tokens(tokens: &Tokens) -> Result<u64, Error> {
    let mut number = 0;
    for_each_page(tokens, |records| {
        number += records.len() as u64;
        Ok(())
    })?;
    Ok(number)
}

fn of_every_token(tokens: &Tokens, period: Period) -> Result<Vec<TokenFigures>, Error> {
    let mut all = Vec::new();
    for_each_page(tokens, |records| {
        for records in records.chunks(AT_ONCE) {
            let ids: Vec<_> = records.iter().map(|record| record.id).collect();
            let subjects: Vec<_> = ids.iter().copied().map(Subject::Token).collect();
            let usage = block_on(tokens.usage_of(&ids))?;
            let figures = block_on(tokens.figures(&subjects, period))?;
            for (record, (_, tally)) in records.iter().zip(figures) {
                let total = usage.get(&record.id).map_or(0, |usage| usage.total());
                all.push(TokenFigures::new(record.name.clone(), total, &tally));
            }
        }
        Ok(())
    })?;
    all.sort_by_key(|figures| std::cmp::Reverse(figures.total));
    Ok(all)
}

fn of_busiest_tokens(
    tokens: &Tokens,
    period: Period,
    statistics: &Statistics,
) -> Result<Vec<TokenFigures>, Error> {
    let mut busiest = Vec::new();
    for (id, _) in statistics.detail.tokens.top(TOP) {
        let name = block_on(tokens.find(id))?.map_or_else(|| id.to_string(), |record| record.name);
        let total = block_on(tokens.usage(id))?.total();
        for (_, tally) in block_on(tokens.figures(&[Subject::Token(*id)], period))? {
            busiest.push(TokenFigures::new(name.clone(), total, &tally));
        }
    }
    Ok(busiest)
}
