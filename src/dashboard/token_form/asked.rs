//! What a form asks for: a new token, or a change of one.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::TokenForm;
use super::ending::{self, Ends};
use crate::actor::Reach;
use crate::admin::limits;
use crate::limit::Quota;
use crate::{Actor, AddressRange, FieldError, NewToken, RateLimit, TokenRecord, Update};

const MINUTE_MS: u32 = 60_000;
const HOUR_MS: u32 = 3_600_000;
const DAY_MS: u32 = 86_400_000;

/// What could not be read, with the pointers that the core uses.
#[derive(Default)]
struct Unread(Vec<FieldError>);

impl Unread {
    fn add(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.0.push(FieldError { pointer: pointer.into(), code: "format", detail: detail.into() });
    }
}

impl TokenForm {
    /// The new token that it asks for, in the actor's own tenant, and what could not be read.
    pub(in crate::dashboard) fn new_token(&self, actor: &Actor) -> (NewToken, Vec<FieldError>) {
        let mut unread = Unread::default();
        let mut asked = NewToken::named(&self.name)
            .description(&self.description)
            .scopes(&self.scopes)
            .addresses(self.ranges())
            .owner(&self.owner)
            .environment(&self.environment);
        if let Reach::Only(Some(tenant)) = &actor.reach {
            asked = asked.tenant(tenant);
        }
        if let Some(limit) = self.whole_limit(&mut unread) {
            asked = asked.rate_limit(limit);
        }
        for (key, value) in self.attributes(&mut unread) {
            asked = asked.metadata(key, value);
        }
        match self.ends {
            Ends::Kept => unread.add("/expires_at", "choose until when it is to work"),
            Ends::Days(_) | Ends::Never => {}
            Ends::On => asked = self.date(&mut unread).map_or(asked.clone(), |end| asked.expires_at(end)),
        }
        if let Some(time) = self.ends.lifetime() {
            asked = asked.expires_in(time);
        }
        self.ask_for_reason(false, &mut unread);
        (asked, unread.0)
    }

    /// The change that it asks for, of a token as it is now, and what could not be read.
    pub(in crate::dashboard) fn update(&self, record: &TokenRecord) -> (Update, Vec<FieldError>) {
        let mut unread = Unread::default();
        let said = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let mut update = Update::new()
            .name(&self.name)
            .description(&self.description)
            .owner(said(&self.owner))
            .environment(said(&self.environment))
            .addresses(self.ranges())
            .clear_metadata();
        for (key, value) in self.attributes(&mut unread) {
            update = update.metadata(key, Some(value));
        }
        // By difference: a name that the catalogue no longer has is kept where it is still ticked.
        for scope in self.scopes.iter().filter(|scope| !record.scopes.contains(scope.as_str())) {
            update = update.add_scope(scope);
        }
        for scope in record.scopes.iter().filter(|scope| !self.scopes.contains(scope.as_str())) {
            update = update.remove_scope(scope.as_str());
        }
        update = self.limit_change(record, update, &mut unread);
        match self.ends {
            Ends::Kept => {}
            Ends::Days(_) => {
                if let Some(time) = self.ends.lifetime() {
                    update = update.expires_in(time);
                }
            }
            Ends::On => {
                if let Some(end) = self.date(&mut unread) {
                    update = update.expires_at(end);
                }
            }
            Ends::Never => update = update.without_expiry(),
        }
        self.ask_for_reason(record.expires_at.is_none(), &mut unread);
        (update, unread.0)
    }

    /// The limit that it asks for, as far as it reads.
    pub(in crate::dashboard) fn limit(&self) -> Option<RateLimit> {
        let mut unread = Unread::default();
        self.whole_limit(&mut unread).filter(|_| unread.0.is_empty())
    }

    /// The end that it asks for, as far as it reads: none where it is not known, and `Some(None)`
    /// for no end. `kept` is what stays where nothing is chosen.
    pub(in crate::dashboard) fn end(
        &self,
        kept: Option<Option<DateTime<Utc>>>,
        now: DateTime<Utc>,
    ) -> Option<Option<DateTime<Utc>>> {
        match self.ends {
            Ends::Kept => kept,
            Ends::Days(_) => self.ends.lifetime().and_then(|time| now.checked_add_signed(time)).map(Some),
            Ends::On => ending::moment(&self.ends_at).map(Some),
            Ends::Never => Some(None),
        }
    }

    /// How many ranges of addresses it names that read as such.
    pub(in crate::dashboard) fn readable_ranges(&self) -> Vec<AddressRange> {
        self.ranges().iter().filter_map(|range| range.parse().ok()).collect()
    }

    fn whole_limit(&self, unread: &mut Unread) -> Option<RateLimit> {
        if self.unlimited {
            return Some(RateLimit::unlimited());
        }
        let minute = number(&self.per_minute, "/rate_limit/per_minute", unread);
        let hour = number(&self.per_hour, "/rate_limit/per_hour", unread);
        let day = number(&self.per_day, "/rate_limit/per_day", unread);
        let minute = minute.unwrap_or(Quota::DEFAULT.limit());
        let (limit, misfits) = limits::joined(minute, hour, day);
        for (window, error) in misfits {
            unread.add(format!("/rate_limit/{window}"), error.to_string());
        }
        Some(limit)
    }

    /// Only the windows that differ: one that has no field of its own stays.
    fn limit_change(&self, record: &TokenRecord, update: Update, unread: &mut Unread) -> Update {
        if self.unlimited {
            return update.rate_limit(RateLimit::unlimited());
        }
        let now = |window_ms: u32| {
            let mut quotas = record.rate_limit.quotas();
            quotas.find(|quota| quota.window_ms() == window_ms).map(Quota::limit)
        };
        let mut update = update;
        let minute = number(&self.per_minute, "/rate_limit/per_minute", unread);
        match minute {
            Some(requests) if now(MINUTE_MS) != minute => update = update.per_minute(requests),
            None if self.per_minute.is_empty() && now(MINUTE_MS).is_some() => {
                unread.add("/rate_limit/per_minute", "say how many calls a minute it may make");
            }
            None if self.per_minute.is_empty() && record.rate_limit.is_unlimited() => {
                unread.add("/rate_limit/per_minute", "say how many calls a minute it may make");
            }
            _ => {}
        }
        let hour = number(&self.per_hour, "/rate_limit/per_hour", unread);
        if now(HOUR_MS) != hour {
            update = update.per_hour(hour);
        }
        let day = number(&self.per_day, "/rate_limit/per_day", unread);
        if now(DAY_MS) != day {
            update = update.per_day(day);
        }
        update
    }

    fn date(&self, unread: &mut Unread) -> Option<DateTime<Utc>> {
        let moment = ending::moment(&self.ends_at);
        if moment.is_none() {
            unread.add("/expires_at", "give a date and a time in UTC, such as 2027-02-01 00:00");
        }
        moment
    }

    /// Whoever lets a token live for ever says why. `had_no_end`: it was so before.
    fn ask_for_reason(&self, had_no_end: bool, unread: &mut Unread) {
        if self.ends == Ends::Never && !had_no_end && self.reason.is_empty() {
            unread.add("/reason", "say why it shall never end; history keeps it");
        }
    }

    fn ranges(&self) -> Vec<&str> {
        let between = |sign: char| sign.is_whitespace() || sign == ',' || sign == ';';
        self.addresses.split(between).filter(|range| !range.is_empty()).collect()
    }

    fn attributes(&self, unread: &mut Unread) -> BTreeMap<String, String> {
        let mut attributes = BTreeMap::new();
        for line in self.metadata.lines().map(str::trim).filter(|line| !line.is_empty()) {
            match line.split_once('=') {
                Some((key, value)) => {
                    if attributes.insert(key.trim().to_owned(), value.trim().to_owned()).is_some() {
                        unread.add("/metadata", "each key stands once");
                    }
                }
                None => unread.add("/metadata", "each line reads key = value"),
            }
        }
        attributes
    }
}

/// A number of requests; none where nothing was typed, or nothing that reads.
fn number(typed: &str, pointer: &str, unread: &mut Unread) -> Option<u32> {
    if typed.is_empty() {
        return None;
    }
    let requests = typed.parse().ok().filter(|requests| *requests > 0);
    if requests.is_none() {
        unread.add(pointer, "a whole number of calls is needed here, at least 1");
    }
    requests
}
