//! `GET /analytics/revenue`: what was earned per day, week or month.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use chrono::{Datelike, Days, NaiveDate, Utc};
use rusqlite::params;
use serde::{Deserialize, Serialize};

use crate::database::Database;
use crate::input::Search;
use crate::problem::Problem;
use crate::settings::currency;
use crate::shop::Shop;
use crate::text_enum::text_enum;

const MOST_DAYS: i64 = 731;

pub fn routes() -> Router<Database> {
    Router::new().route("/analytics/revenue", get(revenue))
}

text_enum!(
    Step { Day = "day", Week = "week", Month = "month" }
);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Span {
    by: Option<Step>,
    from: Option<String>,
    to: Option<String>,
}

#[derive(Serialize)]
struct Revenue {
    currency: String,
    by: Step,
    from: NaiveDate,
    to: NaiveDate,
    revenue_minor: i64,
    orders: i64,
    periods: Vec<Period>,
}

/// A period cut to the days that were asked for, so that the periods add up to the total.
#[derive(Serialize)]
struct Period {
    name: String,
    from: NaiveDate,
    to: NaiveDate,
    revenue_minor: i64,
    orders: i64,
}

async fn revenue(
    State(database): State<Database>,
    Shop(shop): Shop,
    Search(span): Search<Span>,
) -> Result<Json<Revenue>, Problem> {
    let by = span.by.unwrap_or(Step::Day);
    let to = span.to.as_deref().map(|text| date("to", text)).transpose()?.unwrap_or(Utc::now().date_naive());
    let from = match span.from.as_deref() {
        Some(text) => date("from", text)?,
        None => to.checked_sub_days(Days::new(29)).unwrap_or(to),
    };
    if from > to {
        return Err(Problem::bad_request(format!(
            "from must not be later than to; {from} is later than {to}."
        )));
    }
    if (to - from).num_days() >= MOST_DAYS {
        return Err(Problem::bad_request(format!(
            "from and to must lie at most {MOST_DAYS} days apart; {from} to {to} is longer."
        )));
    }
    database
        .read(move |connection| {
            let currency = currency(connection, &shop)?;
            let mut periods = empty_periods(by, from, to);
            let mut statement = connection.prepare_cached(
                "SELECT substr(placed_at, 1, 10) AS day, sum(total_minor), count(*) FROM shop_orders
                 WHERE shop = ?1 AND status IN ('paid', 'fulfilled')
                   AND placed_at >= ?2 AND placed_at < ?3
                 GROUP BY day ORDER BY day",
            )?;
            // A time starts with its date, and `~` sorts after everything that can follow one.
            let mut rows = statement.query(params![shop, from.to_string(), format!("{to}~")])?;
            let (mut revenue_minor, mut orders, mut position) = (0, 0, 0);
            while let Some(row) = rows.next()? {
                let day: String = row.get(0)?;
                let (earned, count): (i64, i64) = (row.get(1)?, row.get(2)?);
                while periods.get(position).is_some_and(|period| period.to.to_string() < day) {
                    position += 1;
                }
                if let Some(period) = periods.get_mut(position) {
                    period.revenue_minor += earned;
                    period.orders += count;
                }
                revenue_minor += earned;
                orders += count;
            }
            Ok(Json(Revenue { currency, by, from, to, revenue_minor, orders, periods }))
        })
        .await
}

/// Periods without an order are listed as well: a chart needs its zeros.
fn empty_periods(by: Step, from: NaiveDate, to: NaiveDate) -> Vec<Period> {
    let mut periods: Vec<Period> = Vec::new();
    for day in from.iter_days().take_while(|day| *day <= to) {
        let name = match by {
            Step::Day => day.to_string(),
            Step::Week => format!("{}-W{:02}", day.iso_week().year(), day.iso_week().week()),
            Step::Month => format!("{}-{:02}", day.year(), day.month()),
        };
        match periods.last_mut() {
            Some(last) if last.name == name => last.to = day,
            _ => periods.push(Period { name, from: day, to: day, revenue_minor: 0, orders: 0 }),
        }
    }
    periods
}

fn date(field: &str, text: &str) -> Result<NaiveDate, Problem> {
    // Four digits for the year keep dates comparable as text, as they are stored.
    let date = if text.len() == 10 { text.parse::<NaiveDate>().ok() } else { None };
    date.filter(|date| (2000..=9999).contains(&date.year())).ok_or_else(|| {
        Problem::bad_request(format!("{field} must be a date such as 2026-01-31; `{text}` is not one."))
    })
}
