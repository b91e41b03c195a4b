//! What a flushed batch shows that may deserve attention, until somebody looks into it.
//!
//! Nothing here is done per request: a few look-ups per token and flush. Everything is bounded,
//! whatever tokens and addresses come.

use std::collections::hash_map::RandomState;
use std::collections::{HashSet, VecDeque};
use std::hash::BuildHasher;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use super::recent::Recent;
use crate::TokenId;
use crate::usage::period::minute_of;
use crate::usage::{Level, Slice, Subject, UsageBatch};

/// A sign that something about a token may deserve attention.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Sign {
    /// It was called although it had expired.
    Expired,
    /// The limit refused calls on this day, which begins at this minute.
    Limited(i64),
    /// It was called from an address that is not known here.
    Clients,
    /// Calls have failed.
    Errors,
}

/// A token with a sign.
pub(super) type Noticing = (TokenId, Sign);

/// What is to become of a sign that was looked into.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Rest {
    /// If it shows again, it is not looked into before this minute.
    Waits(i64),
    /// If it shows again in a minute before this one, it says nothing new.
    IsSettled(i64),
}

/// At most so many signs wait.
const WAITING: usize = 20_000;

/// At most so many signs are looked into at once, and so many of those that read the clients of a
/// token's last weeks.
const AT_ONCE: usize = 50;
const CLIENTS_AT_ONCE: usize = 10;

pub(super) struct Noticed {
    waiting: VecDeque<Noticing>,
    is_waiting: HashSet<Noticing>,
    waits: Recent<Noticing, i64>,
    settled: Recent<Noticing, i64>,
    /// Tokens with addresses that they are known to be called from, hashed under a key that
    /// nobody can foresee.
    known_clients: Recent<u64>,
    hasher: RandomState,
    left_out: u64,
}

impl Noticed {
    pub(super) fn new() -> Noticed {
        Noticed {
            waiting: VecDeque::new(),
            is_waiting: HashSet::new(),
            waits: Recent::new(WAITING),
            settled: Recent::new(WAITING),
            known_clients: Recent::new(50_000),
            hasher: RandomState::new(),
            left_out: 0,
        }
    }

    pub(super) fn notice(&mut self, batch: &UsageBatch) {
        for slice in &batch.slices {
            if let Subject::Token(token) = slice.subject {
                self.notice_slice(token, slice);
            }
        }
    }

    fn notice_slice(&mut self, token: TokenId, slice: &Slice) {
        let (tally, minute) = (&slice.tally, slice.minute);
        if tally.refusals.expired > 0 {
            self.add((token, Sign::Expired), minute);
        }
        if tally.limited > 0 {
            self.add((token, Sign::Limited(Level::Day.start_of(minute))), minute);
        }
        if tally.finished > tally.succeeded() || tally.denied() > 0 {
            self.add((token, Sign::Errors), minute);
        }
        let is_unknown = |address: &str| !address.is_empty() && !self.knows(token, address);
        if slice.clients.iter().any(|(client, _)| is_unknown(&client.address)) {
            self.add((token, Sign::Clients), minute);
        }
    }

    fn add(&mut self, noticing: Noticing, minute: i64) {
        if self.settled.value(&noticing).is_some_and(|until| minute < *until) {
            return;
        }
        if self.waiting.len() < WAITING {
            if self.is_waiting.insert(noticing) {
                self.waiting.push_back(noticing);
            }
        } else if !self.is_waiting.contains(&noticing) {
            self.left_out = self.left_out.saturating_add(1);
        }
    }

    fn knows(&self, token: TokenId, address: &str) -> bool {
        self.known_clients.contains(&self.hasher.hash_one((token, address)))
    }

    /// From now on the token is known to be called from there.
    pub(super) fn learn(&mut self, token: TokenId, address: &str) {
        self.known_clients.insert(self.hasher.hash_one((token, address)), ());
    }

    /// Takes out what is looked into next, those that have waited longest first.
    fn take(&mut self, minute: i64) -> Vec<Noticing> {
        let (mut taken, mut clients) = (Vec::new(), 0);
        for _ in 0..self.waiting.len() {
            let Some(noticing) = self.waiting.pop_front() else { break };
            let is_client = noticing.1 == Sign::Clients;
            let must_wait = taken.len() == AT_ONCE
                || (is_client && clients == CLIENTS_AT_ONCE)
                || self.waits.value(&noticing).is_some_and(|until| minute < *until);
            if must_wait {
                self.waiting.push_back(noticing);
                continue;
            }
            self.is_waiting.remove(&noticing);
            clients += usize::from(is_client);
            taken.push(noticing);
        }
        if self.left_out > 0 {
            tracing::warn!(signs = self.left_out, "too much deserves attention at once; some was left out");
            self.left_out = 0;
        }
        taken
    }
}

/// What is being looked into. It waits again if that comes to no end.
pub(super) struct Taken<'a> {
    noticed: &'a Mutex<Noticed>,
    noticings: Vec<Noticing>,
}

impl<'a> Taken<'a> {
    pub(super) fn from(noticed: &'a Mutex<Noticed>, now: DateTime<Utc>) -> Taken<'a> {
        let noticings = lock(noticed).take(minute_of(now));
        Taken { noticed, noticings }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.noticings.is_empty()
    }

    /// All that was taken.
    pub(super) fn all(&self) -> &[Noticing] {
        &self.noticings
    }

    /// The tokens with this sign.
    pub(super) fn tokens(&self, sign: Sign) -> Vec<TokenId> {
        self.noticings.iter().filter(|noticing| noticing.1 == sign).map(|(token, _)| *token).collect()
    }

    /// It was looked into, and this is to become of each.
    pub(super) fn finish(mut self, rests: &[(Noticing, Rest)]) -> MutexGuard<'a, Noticed> {
        self.noticings.clear();
        let mut noticed = lock(self.noticed);
        for (noticing, rest) in rests {
            match rest {
                Rest::Waits(until) => noticed.waits.insert(*noticing, *until),
                Rest::IsSettled(until) => noticed.settled.insert(*noticing, *until),
            }
        }
        noticed
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if self.noticings.is_empty() {
            return;
        }
        let mut noticed = lock(self.noticed);
        for noticing in self.noticings.drain(..) {
            noticed.add(noticing, i64::MAX);
        }
    }
}

pub(super) fn lock(noticed: &Mutex<Noticed>) -> MutexGuard<'_, Noticed> {
    noticed.lock().unwrap_or_else(PoisonError::into_inner)
}
