//! How tokens are used, over any span of time.

use std::collections::HashMap;
use std::ops::Deref;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::Tokens;
use crate::usage::period::Kept;
use crate::usage::{
    CallQuery, Clients, Counts, Detail, Level, Peak, Period, RecordedCall, SliceQuery, Span, StoredSlice,
    Subject, Tally, start_of,
};
use crate::{Error, TokenId};

/// The use of one token, as of a moment: its totals, and its last 24 hours.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[non_exhaustive]
pub struct Usage {
    /// What was counted in all.
    #[serde(flatten)]
    pub counts: Counts,
    /// What was counted in the running minute and the 1,439 before it.
    pub last_24_hours: Tally,
    /// The busiest minute of the last 60.
    pub peak_of_last_hour: Option<Peak>,
    /// Requests that the limit refused in the running minute and the four before it.
    pub limited_5m: u64,
    /// The calls of each hour that the last 24 hours touch, the oldest first: 25 of them, of which
    /// the first and the last are counted as far as they go, or 24 at a full hour.
    pub trend: Vec<u64>,
    /// The moment as of which it is true: the last flush. What came later may be in it or not.
    pub as_of: DateTime<Utc>,
}

impl Deref for Usage {
    type Target = Counts;

    fn deref(&self) -> &Counts {
        &self.counts
    }
}

/// How a token, a tenant's tokens or all of them were used in a span of time.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[non_exhaustive]
pub struct Statistics {
    /// Whose use it is.
    pub subject: Subject,
    /// The span that was asked about.
    pub period: Period,
    /// The figures.
    #[serde(flatten)]
    pub tally: Tally,
    /// Endpoints, scopes, secrets, tokens: of every hour that the span touches.
    pub detail: Detail,
    /// Clients: of every hour that the span touches.
    pub clients: Clients,
    /// The moment as of which it is true: the last flush.
    pub as_of: DateTime<Utc>,
}

impl Deref for Statistics {
    type Target = Tally;

    fn deref(&self) -> &Tally {
        &self.tally
    }
}

/// Figures by equal steps of time.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[non_exhaustive]
pub struct TimeSeries {
    /// Whose use it is.
    pub subject: Subject,
    /// How long a step is, in minutes.
    pub step_minutes: i64,
    /// The steps in their order, with those in which nothing was counted.
    pub steps: Vec<Step>,
    /// The moment as of which it is true: the last flush.
    pub as_of: DateTime<Utc>,
}

/// One step of a [`TimeSeries`].
#[derive(Clone, PartialEq, Debug, Serialize)]
#[non_exhaustive]
pub struct Step {
    /// Its beginning.
    pub start: DateTime<Utc>,
    /// What was counted.
    pub tally: Tally,
}

/// The most recent calls, one by one.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[non_exhaustive]
pub struct RecentCalls {
    /// The calls, in the order that was asked for.
    pub calls: Vec<RecordedCall>,
    /// The moment as of which it is true: the last flush.
    pub as_of: DateTime<Utc>,
}

impl Tokens {
    /// How a token is used, as of the last flush. A token that was never used has counted nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is no such token; [`Error::Store`].
    pub async fn usage(&self, id: &TokenId) -> Result<Usage, Error> {
        let usage = self.usage_of(&[*id]).await?.remove(id).ok_or(Error::NotFound)?;
        if usage.counts == Counts::default() {
            self.find(id).await?.ok_or(Error::NotFound)?;
        }
        Ok(usage)
    }

    /// How several tokens are used, as of the last flush, in two queries whatever their number:
    /// for a page of them. Every id is in the answer.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn usage_of(&self, ids: &[TokenId]) -> Result<HashMap<TokenId, Usage>, Error> {
        let (now, as_of) = self.open_statistics().await?;
        let mut usage: HashMap<_, _> = ids.iter().map(|id| (*id, Usage::none(now, as_of))).collect();
        for (id, counts) in self.engine().usage.read(ids).await? {
            if let Some(usage) = usage.get_mut(&id) {
                usage.counts = counts;
            }
        }
        let later = self.add_page(&mut usage, ids, &PageOfUsage::at(now)).await?;
        if !later.is_empty() {
            for id in &later {
                let counts = usage.remove(id).map(|usage| usage.counts).unwrap_or_default();
                usage.insert(*id, Usage { counts, ..Usage::none(now, as_of) });
            }
            self.add_page(&mut usage, &later, &PageOfUsage::by_the_minute(now)).await?;
        }
        Ok(usage)
    }

    /// Adds what makes up the last 24 hours of these tokens; gives those of which something was
    /// counted later than now.
    async fn add_page(
        &self,
        usage: &mut HashMap<TokenId, Usage>,
        ids: &[TokenId],
        page: &PageOfUsage,
    ) -> Result<Vec<TokenId>, Error> {
        let subjects = ids.iter().copied().map(Subject::Token).collect();
        let mut later = Vec::new();
        for slice in self.engine().usage.slices(&SliceQuery::new(subjects, page.spans())).await? {
            let Subject::Token(id) = slice.subject else { continue };
            if page.later_minutes.contains(&slice) {
                later.push(id);
            }
            if let Some(usage) = usage.get_mut(&id) {
                usage.add(&slice, page);
            }
        }
        later.dedup();
        Ok(later)
    }

    /// How a token, a tenant's tokens or all of them were used in a span of time. Where minutes or
    /// hours of it are no longer kept, it is widened to the hours or days that are:
    /// [`Statistics::period`] says what was told.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn statistics(&self, subject: Subject, period: Period) -> Result<Statistics, Error> {
        let (now, as_of) = self.open_statistics().await?;
        let engine = self.engine();
        let period = period.widened(engine.recorder.settings().retention.kept(now));
        let figures = SliceQuery::new(vec![subject.clone()], period.spans());
        let mut tally = Tally::default();
        engine.usage.slices(&figures).await?.iter().for_each(|slice| tally.merge(&slice.tally));
        let behind =
            SliceQuery::new(vec![subject.clone()], period.widened_to(Level::Hour).spans()).detailed();
        let (mut detail, mut clients) = (Detail::default(), Clients::default());
        for slice in engine.usage.slices(&behind).await? {
            detail.merge(&slice.detail);
            clients.merge(&slice.clients);
        }
        Ok(Statistics { subject, period, tally, detail, clients, as_of })
    }

    /// The figures of several subjects in a span of time, in one query. Those without use are in
    /// the answer as well.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn figures(
        &self,
        subjects: &[Subject],
        period: Period,
    ) -> Result<Vec<(Subject, Tally)>, Error> {
        let (now, _) = self.open_statistics().await?;
        let engine = self.engine();
        let spans = period.widened(engine.recorder.settings().retention.kept(now)).spans();
        let mut figures: HashMap<Subject, Tally> = HashMap::new();
        for slice in engine.usage.slices(&SliceQuery::new(subjects.to_vec(), spans)).await? {
            figures.entry(slice.subject).or_default().merge(&slice.tally);
        }
        let told = |subject: &Subject| figures.get(subject).cloned().unwrap_or_default();
        Ok(subjects.iter().map(|subject| (subject.clone(), told(subject))).collect())
    }

    /// Figures by equal steps of time, of whole minutes, hours or days. The period is widened to
    /// whole steps, and a step that is finer than what is kept becomes an hour or a day; at most
    /// 2,000 steps are told, the newest.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn time_series(
        &self,
        subject: Subject,
        period: Period,
        step_minutes: u32,
    ) -> Result<TimeSeries, Error> {
        let (now, as_of) = self.open_statistics().await?;
        let engine = self.engine();
        let kept = engine.recorder.settings().retention.kept(now);
        let (step, from, until) = steps(period, i64::from(step_minutes.max(1)), kept);
        let from = from.max(until - MOST_STEPS * step);
        let level =
            Level::ALL.into_iter().rev().find(|level| step % level.minutes() == 0).unwrap_or(Level::Minute);
        let mut steps: Vec<_> = (from..until)
            .step_by(step as usize)
            .map(|start| Step { start: start_of(start), tally: Tally::default() })
            .collect();
        let query = SliceQuery::new(vec![subject.clone()], vec![Span { level, from, until }]);
        for slice in engine.usage.slices(&query).await? {
            if let Some(step) = steps.get_mut(((slice.start - from) / step) as usize) {
                step.tally.merge(&slice.tally);
            }
        }
        Ok(TimeSeries { subject, step_minutes: step, steps, as_of })
    }

    /// The most recent calls that fit. Of a token that is called very often not every call is kept
    /// one by one: [`RecordedCall::left_out`] says how many were counted beside them.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn recent_calls(&self, query: &CallQuery) -> Result<RecentCalls, Error> {
        let (_, as_of) = self.open_statistics().await?;
        Ok(RecentCalls { calls: self.engine().usage.calls(query).await?, as_of })
    }

    /// Forgets the clients of a token: the addresses and agents that were recorded for it until
    /// now. What waits to be written is written first, or it would bring them back. What its tenant
    /// and all tokens have in common stays: the clients in that are nobody's, and go after
    /// [`Retention::clients`](crate::usage::Retention::clients).
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn forget_clients(&self, id: &TokenId) -> Result<(), Error> {
        self.open_statistics().await?;
        self.engine().flush().await?;
        Ok(self.engine().usage.erase_clients(&[*id]).await?)
    }

    /// Now, and the moment as of which the store's figures are true: looked at before they are
    /// read, since what is written meanwhile makes them newer, never older.
    async fn open_statistics(&self) -> Result<(DateTime<Utc>, DateTime<Utc>), Error> {
        let engine = self.engine();
        engine.open().await?;
        Ok((engine.clock.now().wall(), engine.flush.written_until()))
    }
}

/// A [`TimeSeries`] has at most so many steps.
const MOST_STEPS: i64 = 2_000;

/// Steps of so many minutes, or of so many more that the first of them is kept: how long a step is,
/// where the first begins, and where the last ends.
fn steps(period: Period, minutes: i64, kept: Kept) -> (i64, i64, i64) {
    let (from, until) = period.bounds();
    let of_level = |level: Level| {
        let step = level.end_of(minutes);
        (step, from - from.rem_euclid(step), until + (-until).rem_euclid(step))
    };
    [(Level::Minute, kept.minutes), (Level::Hour, kept.hours)]
        .into_iter()
        .map(|(level, since)| (of_level(level), since))
        .find(|((_, from, _), since)| from >= since)
        .map_or_else(|| of_level(Level::Day), |(steps, _)| steps)
}

impl Usage {
    /// That of a token that was never used.
    pub(crate) fn none(now: DateTime<Utc>, as_of: DateTime<Utc>) -> Usage {
        let hours = Period::last_24_hours(now).widened_to(Level::Hour).minutes() / Level::Hour.minutes();
        Usage {
            counts: Counts::default(),
            last_24_hours: Tally::default(),
            peak_of_last_hour: None,
            limited_5m: 0,
            trend: vec![0; hours as usize],
            as_of,
        }
    }

    /// Adds a slice to whatever it is part of.
    fn add(&mut self, slice: &StoredSlice, page: &PageOfUsage) {
        let PageOfUsage { first_minutes, hours, last_minutes, running_minutes, .. } = page;
        // The first hour began before the period.
        let is_whole = hours.contains(slice) && slice.start >= first_minutes.until;
        let is_running = running_minutes.contains(slice);
        if is_whole || is_running || first_minutes.contains(slice) {
            self.last_24_hours.merge(&slice.tally);
        }
        if hours.contains(slice) || is_running {
            let hour = (slice.start - hours.from) / Level::Hour.minutes();
            if let Some(calls) = self.trend.get_mut(hour as usize) {
                *calls = calls.saturating_add(slice.tally.calls());
            }
        }
        let is_of_running_hour = slice.level == Level::Hour && slice.start == page.running;
        if is_of_running_hour || is_running && slice.start >= page.last_hour || last_minutes.contains(slice) {
            self.peak_of_last_hour = Peak::busier(self.peak_of_last_hour, slice.tally.peak);
        }
        if page.last_5_minutes.contains(slice) {
            self.limited_5m = self.limited_5m.saturating_add(slice.tally.limited);
        }
    }
}

/// What makes up the use of a token on a page: as few rows as will do.
struct PageOfUsage {
    /// From the beginning of the last 24 hours to the first whole hour in them.
    first_minutes: Span,
    /// From the hour that the last 24 hours begin in to the one that runs.
    hours: Span,
    /// From the beginning of the last 60 minutes to that of the hour that runs.
    last_minutes: Span,
    /// The running minute and the four before it.
    last_5_minutes: Span,
    /// Those of the hour that runs, where its row is not to be read.
    running_minutes: Span,
    /// What is left of the hour that runs. Hardly ever is anything there: a clock that was set back
    /// since, or another machine's, has stamped it. Then the row of the hour holds too much.
    later_minutes: Span,
    /// The beginning of the last 60 minutes.
    last_hour: i64,
    /// The beginning of the hour that runs.
    running: i64,
}

impl PageOfUsage {
    fn at(now: DateTime<Utc>) -> PageOfUsage {
        let (from, until) = Period::last_24_hours(now).bounds();
        let running = Level::Hour.start_of(until - 1);
        let (last_hour, _) = Period::last_minutes(now, 60).bounds();
        let minutes = |from, until| Span { level: Level::Minute, from, until };
        let (first_hour, next_hour) = (Level::Hour.start_of(from), Level::Hour.end_of(until));
        PageOfUsage {
            first_minutes: minutes(from, Level::Hour.end_of(from)),
            hours: Span { level: Level::Hour, from: first_hour, until: next_hour },
            last_minutes: minutes(last_hour, running),
            last_5_minutes: minutes(until - 5, until),
            running_minutes: minutes(until, until),
            later_minutes: minutes(until, next_hour),
            last_hour,
            running,
        }
    }

    /// The hour that runs by its minutes, up to now.
    fn by_the_minute(now: DateTime<Utc>) -> PageOfUsage {
        let page = PageOfUsage::at(now);
        let until = page.later_minutes.from;
        PageOfUsage {
            hours: Span { until: page.running, ..page.hours },
            running_minutes: Span { from: page.running, until, ..page.running_minutes },
            later_minutes: Span { until, ..page.later_minutes },
            ..page
        }
    }

    fn spans(&self) -> Vec<Span> {
        vec![
            self.first_minutes,
            self.hours,
            self.last_minutes,
            self.last_5_minutes,
            self.running_minutes,
            self.later_minutes,
        ]
    }
}
