//! All tokens within reach: how much they are used, by which token, for what.

use std::cmp::Reverse;
use std::collections::HashMap;

use askama::Template;
use chrono::{DateTime, Utc};

use super::token::card::{self, Card};
use super::token::endpoints::{self, EndpointRow};
use crate::admin::fault::Fault;
use crate::admin::overview::names;
use crate::admin::series::usual_step;
use crate::dashboard::chart::{calls::calls, figure, figure::Figure, latency::latency};
use crate::dashboard::frame::{Frame, Place};
use crate::dashboard::range::Range;
use crate::dashboard::show::{Time, milliseconds, number, percent, visible};
use crate::dashboard::visit::Visit;
use crate::usage::{Breakdown, Tally, TokenUse};
use crate::web::Reply;
use crate::{Error, Statistics, Subject, TimeSeries, TokenId};

#[derive(Template)]
#[template(path = "usage.html")]
struct UsagePage<'a> {
    frame: Frame<'a>,
    range: Range,
    is_usage_known: bool,
    is_unused: bool,
    as_of: Option<Time>,
    cards: Vec<Card>,
    charts: Vec<Figure>,
    lists: Vec<TokenList>,
    endpoints: Vec<EndpointRow>,
    strangers: Option<Strangers>,
}

/// Tokens, ranked by something.
struct TokenList {
    id: &'static str,
    title: &'static str,
    /// What is counted.
    head: &'static str,
    rows: Vec<TokenRow>,
}

struct TokenRow {
    id: String,
    /// None for a token that is gone.
    name: Option<String>,
    value: String,
    share: String,
    /// The same in hundredths, for a bar.
    bar: u64,
}

/// Requests of whoever did not prove a secret.
struct Strangers {
    malformed: String,
    unknown: String,
    wrong_secret: String,
    foreign_tenant: String,
}

/// So many tokens are shown by each measure.
const SHOWN: usize = 8;

pub(in crate::dashboard) async fn show(visit: &Visit<'_>) -> Result<Reply, Fault> {
    let context = &visit.context;
    let now = context.now();
    let range = Range::of(&visit.query()?, now);
    let read = match read(visit, &range).await {
        Ok(read) => Some(read),
        Err(error) => {
            tracing::warn!(%error, "the use of all tokens cannot be read");
            None
        }
    };
    let tally = read.as_ref().map(|(told, _)| &told.tally);
    let mut lists = Vec::new();
    if let Some((told, _)) = &read {
        lists = ranked(&told.detail.tokens);
        let ids: Vec<_> = lists.iter().flat_map(|(_, rows)| rows.iter().map(|(id, ..)| *id)).collect();
        let names = names(context, &ids).await?;
        return answer(visit, range, read.as_ref(), tally, named(&lists, &names), now);
    }
    answer(visit, range, None, tally, named(&lists, &HashMap::new()), now)
}

async fn read(visit: &Visit<'_>, range: &Range) -> Result<(Statistics, TimeSeries), Error> {
    let tokens = visit.context.tokens;
    let subject = visit.context.subject();
    let told = tokens.statistics(subject.clone(), range.period).await?;
    let series = tokens.time_series(subject, range.period, usual_step(range.period)).await?;
    Ok((told, series))
}

fn answer(
    visit: &Visit<'_>,
    range: Range,
    read: Option<&(Statistics, TimeSeries)>,
    tally: Option<&Tally>,
    lists: Vec<TokenList>,
    now: DateTime<Utc>,
) -> Result<Reply, Fault> {
    let charts = read.map(|(_, series)| {
        let frame = figure::Frame {
            series,
            is_trimmed: range.is_usual(),
            is_of_one_token: false,
            since: None,
            from: range.period.from(),
            now,
            words: &range.words,
        };
        vec![calls(frame, None, &[]), latency(frame, &[])]
    });
    let told = read.map(|(told, _)| told);
    let page = UsagePage {
        frame: visit.frame("Usage", Place::Usage),
        is_usage_known: read.is_some(),
        is_unused: tally.is_some_and(|tally| tally.calls() == 0 && tally.finished == 0),
        as_of: told.map(|told| Time::of(told.as_of, now)),
        cards: cards(tally),
        charts: charts.unwrap_or_default(),
        lists,
        endpoints: told.map(|told| endpoints::rows(&told.detail.endpoints)).unwrap_or_default(),
        strangers: told.filter(|told| told.subject == Subject::All).map(|told| Strangers::of(&told.tally)),
        range,
    };
    Ok(visit.page(200, &page))
}

fn cards(tally: Option<&Tally>) -> Vec<Card> {
    let card = |title, help, value: fn(&Tally) -> String| Card::new(title, help, tally.map(value), None);
    vec![
        card("Calls", card::CALLS, |tally| number(tally.calls())),
        card("Success", card::SUCCESS, |tally| percent(tally.success_rate())),
        card("Mean time", card::MEAN, |tally| milliseconds(tally.mean_ms())),
        card("p95", card::P95, |tally| milliseconds(tally.percentile_ms(0.95))),
        card("Limited", card::LIMITED, |tally| number(tally.limited)),
        card("Denied", card::DENIED, |tally| number(tally.denied())),
    ]
}

type Ranking = (&'static str, &'static str, &'static str, fn(&TokenUse) -> u64);
const RANKINGS: [Ranking; 3] = [
    ("by-calls", "Tokens by calls", "Calls", |used| used.calls),
    ("by-errors", "Tokens by errors", "Errors", |used| used.errors),
    ("by-limited", "Tokens at their limit", "Limited", |used| used.limited),
];

/// A ranking, and its rows: each with its value and its share.
type Ranked = (Ranking, Vec<(TokenId, u64, f64)>);

fn ranked(tokens: &Breakdown<TokenId, TokenUse>) -> Vec<Ranked> {
    let rank = |ranking: Ranking| {
        let value = ranking.3;
        let mut rows: Vec<_> = tokens.iter().map(|(id, used)| (*id, value(used))).collect();
        let all = rows.iter().fold(value(tokens.other()), |sum, (_, value)| sum.saturating_add(*value));
        rows.retain(|(_, value)| *value > 0);
        rows.sort_by_key(|(id, value)| (Reverse(*value), *id));
        rows.truncate(SHOWN);
        let shared = |(id, value)| (id, value, value as f64 / all.max(1) as f64);
        (ranking, rows.into_iter().map(shared).collect())
    };
    RANKINGS.into_iter().map(rank).collect()
}

fn named(ranked: &[Ranked], names: &HashMap<TokenId, String>) -> Vec<TokenList> {
    let row = |(id, value, share): &(TokenId, u64, f64)| TokenRow {
        id: id.to_string(),
        name: names.get(id).map(|name| visible(name).into_owned()),
        value: number(*value),
        share: percent(Some(*share)),
        bar: (share * 100.0).round() as u64,
    };
    ranked
        .iter()
        .map(|((id, title, head, _), rows)| TokenList {
            id,
            title,
            head,
            rows: rows.iter().map(row).collect(),
        })
        .collect()
}

impl Strangers {
    fn of(tally: &Tally) -> Strangers {
        let strangers = &tally.strangers;
        Strangers {
            malformed: number(strangers.malformed),
            unknown: number(strangers.unknown),
            wrong_secret: number(strangers.wrong_secret),
            foreign_tenant: number(strangers.foreign_tenant),
        }
    }
}
