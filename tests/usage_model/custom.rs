//! A store of use as somebody else would write it: over the public API alone, as plain as can be.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};

use chrono::{DateTime, Utc};
use tokenward::usage::{
    CallQuery, Level, Outdated, RecordedCall, SliceQuery, StoredSlice, Tally, UsageStore, start_of,
};
use tokenward::{Counts, Event, EventKind, Outbox, StoreError, Subject, TokenId, UsageBatch, async_trait};

tokenward::usage_store_tests!(promises, || async { super::BareStore::default() });

/// Lists that are looked through from end to end.
#[derive(Default)]
pub struct BareStore {
    rows: Mutex<Rows>,
    while_adding: OnceLock<Box<dyn Fn() + Send + Sync>>,
    fails_once: AtomicBool,
    told_to_forget: AtomicUsize,
}

#[derive(Default)]
struct Rows {
    batches: Vec<(u64, u64)>,
    counts: Vec<(TokenId, Counts)>,
    slices: Vec<StoredSlice>,
    calls: Vec<RecordedCall>,
    last_call: u64,
    events: Vec<Waiting>,
}

struct Waiting {
    event: Event,
    taken_until: DateTime<Utc>,
    delivered_at: Option<DateTime<Utc>>,
}

impl BareStore {
    /// Does this in the middle of each batch.
    pub fn while_adding(&self, hook: impl Fn() + Send + Sync + 'static) {
        _ = self.while_adding.set(Box::new(hook));
    }

    pub fn fail_once(&self) {
        self.fails_once.store(true, Ordering::SeqCst);
    }

    /// How many batches it was given, and has taken.
    pub fn batches(&self) -> usize {
        self.rows().batches.len()
    }

    pub fn told_to_forget(&self) -> usize {
        self.told_to_forget.load(Ordering::SeqCst)
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap()
    }
}

impl Rows {
    fn slice(&mut self, subject: &Subject, level: Level, minute: i64) -> &mut StoredSlice {
        let start = level.start_of(minute);
        let is_it = |row: &StoredSlice| row.subject == *subject && row.level == level && row.start == start;
        let place = self.slices.iter().position(is_it).unwrap_or_else(|| {
            self.slices.push(StoredSlice::new(subject.clone(), level, start));
            self.slices.len() - 1
        });
        &mut self.slices[place]
    }

    fn keep_newest_calls(&mut self, token: TokenId, most: usize) {
        let of_token = self.calls.iter().filter(|call| call.token == token).count();
        let mut surplus = of_token.saturating_sub(most);
        self.calls.retain(|call| {
            let goes = call.token == token && surplus > 0;
            surplus -= usize::from(goes);
            !goes
        });
    }
}

#[async_trait]
impl UsageStore for BareStore {
    async fn add(&self, batch: &UsageBatch) -> Result<(), StoreError> {
        self.while_adding.get().into_iter().for_each(|hook| hook());
        if self.fails_once.swap(false, Ordering::SeqCst) {
            return Err(StoreError::unavailable("the disk is full"));
        }
        let rows = &mut *self.rows();
        if rows.batches.iter().any(|(node, number)| *node == batch.node && *number >= batch.number) {
            return Ok(());
        }
        rows.batches.push((batch.node, batch.number));
        for (token, more) in batch.counts.iter().filter(|(_, more)| *more != Counts::default()) {
            match rows.counts.iter_mut().find(|(id, _)| id == token) {
                Some((_, counts)) => counts.add(more),
                None => rows.counts.push((*token, more.clone())),
            }
        }
        for slice in batch.slices.iter().filter(|slice| !slice.is_empty()) {
            let names = slice.subject.names();
            let mut tally: Tally = slice.tally.without_minutes();
            if !slice.coarse {
                let minute = rows.slice(&slice.subject, Level::Minute, slice.minute);
                tally = minute.tally.add_to_minute(slice.minute, tally);
            }
            for level in [Level::Hour, Level::Day] {
                let row = rows.slice(&slice.subject, level, slice.minute);
                row.tally.merge(&tally);
                row.detail.merge(&slice.detail);
                row.detail.shrink(names);
                row.clients.merge(&slice.clients);
                row.clients.shrink(names);
            }
        }
        for call in &batch.calls {
            rows.last_call += 1;
            let mut call = call.clone();
            call.id = rows.last_call;
            rows.calls.push(call);
        }
        for call in &batch.calls {
            rows.keep_newest_calls(call.token, RecordedCall::KEPT_UNTIL_FORGOTTEN as usize);
        }
        Ok(())
    }

    async fn read(&self, tokens: &[TokenId]) -> Result<Vec<(TokenId, Counts)>, StoreError> {
        let rows = self.rows();
        Ok(rows.counts.iter().filter(|(token, _)| tokens.contains(token)).cloned().collect())
    }

    async fn slices(&self, query: &SliceQuery) -> Result<Vec<StoredSlice>, StoreError> {
        let place = |subject: &Subject| query.subjects.iter().position(|asked| asked == subject);
        let is_asked = |row: &&StoredSlice| {
            let in_span = |span: &tokenward::usage::Span| {
                span.level == row.level && span.from <= row.start && row.start < span.until
            };
            place(&row.subject).is_some() && query.spans.iter().any(in_span)
        };
        let mut found: Vec<_> = self.rows().slices.iter().filter(is_asked).cloned().collect();
        found.sort_by_key(|row| (place(&row.subject), row.level, row.start));
        if !query.detailed {
            for row in &mut found {
                (row.detail, row.clients) = Default::default();
            }
        }
        Ok(found)
    }

    async fn calls(&self, query: &CallQuery) -> Result<Vec<RecordedCall>, StoreError> {
        let rows = self.rows();
        let mut found: Vec<_> = rows.calls.iter().filter(|call| query.fits(call)).cloned().collect();
        if !query.oldest_first {
            found.reverse();
        }
        found.truncate(query.limit as usize);
        Ok(found)
    }

    async fn forget(&self, outdated: &Outdated) -> Result<bool, StoreError> {
        self.told_to_forget.fetch_add(1, Ordering::SeqCst);
        let rows = &mut *self.rows();
        rows.slices.retain(|row| {
            let first = match row.level {
                Level::Minute => outdated.minutes,
                Level::Hour => outdated.hours,
                Level::Day => outdated.days,
            };
            row.start >= first
        });
        let clients_from = start_of(outdated.clients);
        for (_, counts) in &mut rows.counts {
            if counts.last_used_at.is_some_and(|used| used < clients_from) {
                counts.last_client = None;
            }
        }
        for row in rows.slices.iter_mut().filter(|row| row.start < outdated.clients) {
            row.clients = Default::default();
            row.detail.forget_clients();
        }
        rows.calls.retain(|call| call.at >= outdated.calls);
        let tokens: Vec<_> = rows.calls.iter().map(|call| call.token).collect();
        for token in tokens {
            rows.keep_newest_calls(token, outdated.calls_per_token as usize);
        }
        rows.events.retain(|waiting| waiting.delivered_at.is_none_or(|at| at >= outdated.events));
        Ok(false)
    }

    async fn erase(&self, tokens: &[TokenId]) -> Result<(), StoreError> {
        let rows = &mut *self.rows();
        rows.counts.retain(|(token, _)| !tokens.contains(token));
        rows.slices.retain(|row| !matches!(&row.subject, Subject::Token(token) if tokens.contains(token)));
        rows.calls.retain(|call| !tokens.contains(&call.token));
        rows.events
            .retain(|waiting| waiting.delivered_at.is_some() || !tokens.contains(&waiting.event.token));
        Ok(())
    }

    async fn erase_clients(&self, tokens: &[TokenId]) -> Result<(), StoreError> {
        let rows = &mut *self.rows();
        for (token, counts) in &mut rows.counts {
            if tokens.contains(token) {
                counts.last_client = None;
            }
        }
        for row in &mut rows.slices {
            if matches!(&row.subject, Subject::Token(token) if tokens.contains(token)) {
                row.clients = Default::default();
                row.detail.forget_clients();
            }
        }
        rows.calls.iter_mut().filter(|call| tokens.contains(&call.token)).for_each(|call| call.client = None);
        for waiting in rows.events.iter_mut().filter(|waiting| tokens.contains(&waiting.event.token)) {
            if let EventKind::NewAddress { client } = &mut waiting.event.kind {
                *client = Default::default();
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Outbox for BareStore {
    async fn announce(&self, events: &[Event]) -> Result<(), StoreError> {
        let rows = &mut *self.rows();
        for event in events {
            if !rows.events.iter().any(|waiting| waiting.event.id == event.id) {
                let (taken_until, delivered_at) = (DateTime::<Utc>::MIN_UTC, None);
                rows.events.push(Waiting { event: event.clone(), taken_until, delivered_at });
            }
        }
        Ok(())
    }

    async fn due(
        &self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        let (mut due, mut seen) = (Vec::new(), Vec::new());
        for waiting in self.rows().events.iter_mut().filter(|waiting| waiting.delivered_at.is_none()) {
            let is_first = !seen.contains(&waiting.event.token);
            seen.push(waiting.event.token);
            if is_first && waiting.taken_until <= now && due.len() < limit as usize {
                waiting.taken_until = until;
                due.push(waiting.event.clone());
            }
        }
        Ok(due)
    }

    async fn postpone(&self, id: &str, until: DateTime<Utc>) -> Result<(), StoreError> {
        let is_it = |waiting: &&mut Waiting| waiting.event.id == id && waiting.delivered_at.is_none();
        self.rows().events.iter_mut().find(is_it).into_iter().for_each(|waiting| waiting.taken_until = until);
        Ok(())
    }

    async fn delivered(&self, id: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        let is_it = |waiting: &&mut Waiting| waiting.event.id == id && waiting.delivered_at.is_none();
        self.rows().events.iter_mut().find(is_it).into_iter().for_each(|it| it.delivered_at = Some(now));
        Ok(())
    }
}
