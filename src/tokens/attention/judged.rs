//! Looking into what was noticed: is it so, and is it worth telling?

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::clients::{self, Sighting};
use super::noticed::{Rest, Sign, Taken};
use super::{Rounds, Watch};
use crate::record::Status;
use crate::tokens::Engine;
use crate::usage::period::minute_of;
use crate::usage::{Level, Period, SliceQuery, StoredSlice, Subject, Tally, start_of};
use crate::{Event, EventKind, StoreError, TokenId, TokenRecord};

/// An expired token that was told of is looked at again after so many minutes: it may have been
/// extended meanwhile, and expired again.
const EXPIRED_WAITS: i64 = 60;

impl Engine {
    /// Looks into what was noticed, a bounded number at once, in four questions to the stores at
    /// most.
    pub(super) async fn look_into(
        &self,
        watch: &Watch,
        rounds: &mut Rounds,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let taken = Taken::from(&watch.noticed, now);
        if taken.is_empty() {
            return Ok(());
        }
        let records = self.records_of(&taken).await?;
        let figures = self.last_hours(&taken.tokens(Sign::Errors), now).await?;
        let clients = self.clients_of(watch, &taken.tokens(Sign::Clients), now).await?;
        let (mut events, mut rests) = (Vec::new(), Vec::new());
        for noticing in taken.all() {
            let (token, sign) = noticing;
            let looking = Looking { watch, record: records.get(token), now };
            let rest = match sign {
                Sign::Expired => looking.expired(&mut events),
                Sign::Limited(day) => looking.limited(*day, &mut events),
                Sign::Errors => looking.errors(figures.get(token), &mut events),
                Sign::Clients => looking.clients(clients.get(token), &mut events),
            };
            rests.push((*noticing, rest));
        }
        self.announce(rounds, events).await?;
        let mut noticed = taken.finish(&rests);
        for (token, slices) in &clients {
            clients::addresses(slices).for_each(|address| noticed.learn(*token, address));
        }
        Ok(())
    }

    async fn records_of(&self, taken: &Taken<'_>) -> Result<HashMap<TokenId, TokenRecord>, StoreError> {
        let mut ids: Vec<_> = taken.all().iter().map(|(token, _)| *token).collect();
        ids.sort_unstable();
        ids.dedup();
        let tokens = self.store.load(&ids).await?;
        Ok(tokens.into_iter().map(|token| (token.record.id, token.record)).collect())
    }

    async fn last_hours(
        &self,
        tokens: &[TokenId],
        now: DateTime<Utc>,
    ) -> Result<HashMap<TokenId, Tally>, StoreError> {
        let spans = Period::last_minutes(now, 60).spans();
        let mut figures: HashMap<_, Tally> = HashMap::new();
        for (token, slice) in self.slices_of(tokens, |subjects| SliceQuery::new(subjects, spans)).await? {
            figures.entry(token).or_default().merge(&slice.tally);
        }
        Ok(figures)
    }

    async fn clients_of(
        &self,
        watch: &Watch,
        tokens: &[TokenId],
        now: DateTime<Utc>,
    ) -> Result<HashMap<TokenId, Vec<StoredSlice>>, StoreError> {
        let span = clients::span(watch.clients_kept, now);
        let mut clients: HashMap<_, Vec<_>> = HashMap::new();
        let query = |subjects| SliceQuery::new(subjects, vec![span]).detailed();
        for (token, slice) in self.slices_of(tokens, query).await? {
            clients.entry(token).or_default().push(slice);
        }
        Ok(clients)
    }

    async fn slices_of(
        &self,
        tokens: &[TokenId],
        query: impl FnOnce(Vec<Subject>) -> SliceQuery,
    ) -> Result<Vec<(TokenId, StoredSlice)>, StoreError> {
        if tokens.is_empty() {
            return Ok(Vec::new());
        }
        let subjects = tokens.iter().copied().map(Subject::Token).collect();
        let slices = self.usage.slices(&query(subjects)).await?;
        Ok(slices
            .into_iter()
            .filter_map(|slice| match slice.subject {
                Subject::Token(token) => Some((token, slice)),
                _ => None,
            })
            .collect())
    }
}

/// One token that is looked at; without a record where it was purged.
struct Looking<'a> {
    watch: &'a Watch,
    record: Option<&'a TokenRecord>,
    now: DateTime<Utc>,
}

impl Looking<'_> {
    fn minute(&self) -> i64 {
        minute_of(self.now)
    }

    /// The first minute of today, and of tomorrow.
    fn today(&self) -> (i64, i64) {
        let today = Level::Day.start_of(self.minute());
        (today, today + Level::Day.minutes())
    }

    fn tell(&self, kind: EventKind, since: DateTime<Utc>, events: &mut Vec<Event>) {
        events.extend(self.record.and_then(|record| self.watch.event(kind, record, since, self.now)));
    }

    fn has_status(&self, status: Status) -> bool {
        self.record.is_some_and(|record| record.status(self.now) == status)
    }

    fn expired(&self, events: &mut Vec<Event>) -> Rest {
        match self.record.and_then(|record| record.expires_at) {
            Some(expires_at) if self.has_status(Status::Expired) => {
                self.tell(EventKind::ExpiredInUse { expires_at }, expires_at, events);
                Rest::Waits(self.minute() + EXPIRED_WAITS)
            }
            _ => Rest::Waits(self.minute() + 1),
        }
    }

    fn limited(&self, day: i64, events: &mut Vec<Event>) -> Rest {
        self.tell(EventKind::Limited, start_of(day), events);
        Rest::IsSettled(day + Level::Day.minutes())
    }

    fn errors(&self, last_hour: Option<&Tally>, events: &mut Vec<Event>) -> Rest {
        match last_hour.and_then(|tally| self.watch.settings.failing(tally)) {
            // That calls of a paused or expired token fail is no wonder.
            Some((success_rate, calls)) if self.has_status(Status::Active) => {
                let (today, tomorrow) = self.today();
                self.tell(EventKind::Failing { success_rate, calls }, start_of(today), events);
                Rest::IsSettled(tomorrow)
            }
            _ => Rest::Waits(self.minute() + 1),
        }
    }

    fn clients(&self, slices: Option<&Vec<StoredSlice>>, events: &mut Vec<Event>) -> Rest {
        let slices = slices.map_or(&[][..], Vec::as_slice);
        if clients::is_crowd(slices) {
            return Rest::IsSettled(self.today().1);
        }
        for Sighting { day, client } in clients::new_addresses(slices, self.now) {
            let client = client.clone();
            self.tell(EventKind::NewAddress { client }, start_of(day), events);
        }
        Rest::Waits(self.minute() + 1)
    }
}
