//! The most recent calls of a token, until the next flush.

use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, Utc};

use super::noted::Noted;
use super::part::Naming;
use crate::TokenId;
use crate::scope::Scopes;
use crate::usage::{Outcome, RecordedCall};

/// The most recent calls of a token, the newest last.
#[derive(Default)]
pub(super) struct Recent {
    calls: VecDeque<Kept>,
    /// How many were left out since the newest of them, or since the last that was handed over.
    left_out: u64,
}

/// A call, with its names as numbers.
struct Kept {
    at_ms: i64,
    outcome: Outcome,
    status: u16,
    secret_version: u32,
    route: u32,
    client: u32,
    duration_us: u64,
    bytes: Option<u64>,
    scopes: Scopes,
    left_out: u64,
}

/// Of a token at most so many calls are kept one by one between two flushes.
const MOST_OF_TOKEN: usize = 100;
/// Of so many tokens it is remembered how many calls were left out since their last one.
const MOST_CARRIED: usize = 10_000;

impl Recent {
    /// Keeps a call; says whether it takes memory that was not claimed before.
    pub(super) fn keep(&mut self, noted: &Noted, outcome: Outcome, route: u32, client: u32) -> bool {
        let is_full = self.calls.len() == MOST_OF_TOKEN;
        if is_full {
            self.leave_out_oldest();
        }
        self.calls.push_back(Kept {
            at_ms: noted.at_ms,
            outcome,
            status: noted.status,
            secret_version: noted.secret_version,
            route,
            client,
            duration_us: noted.duration_us,
            bytes: noted.bytes,
            scopes: noted.scopes.clone(),
            left_out: std::mem::take(&mut self.left_out),
        });
        !is_full
    }

    /// Counts a call that is not kept.
    pub(super) fn leave_out(&mut self, calls: u64) {
        self.left_out = self.left_out.saturating_add(calls);
    }

    pub(super) fn len(&self) -> usize {
        self.calls.len()
    }

    /// Leaves the oldest ones out, until there are at most so many.
    pub(super) fn cut(&mut self, most: usize) {
        while self.calls.len() > most {
            self.leave_out_oldest();
        }
    }

    /// Hands the calls over, with their names as texts. What was left out after the last of them is
    /// carried to the next one of the token.
    pub(super) fn hand_over(
        self,
        token: TokenId,
        tenant: Option<&str>,
        naming: &Naming<'_>,
        carried: &mut HashMap<TokenId, u64>,
        calls: &mut Vec<RecordedCall>,
    ) {
        let mut before = carried.remove(&token).unwrap_or(0);
        for kept in self.calls {
            calls.push(RecordedCall {
                id: 0,
                token,
                tenant: tenant.map(str::to_owned),
                secret_version: kept.secret_version,
                at: DateTime::from_timestamp_millis(kept.at_ms).unwrap_or(DateTime::<Utc>::MAX_UTC),
                route: naming.route(kept.route),
                outcome: kept.outcome,
                status: kept.status,
                duration_us: kept.duration_us,
                bytes: kept.bytes,
                scopes: naming.scopes(&kept.scopes),
                client: naming.clients.client(kept.client).cloned(),
                left_out: kept.left_out.saturating_add(std::mem::take(&mut before)),
            });
        }
        let left = before.saturating_add(self.left_out);
        if left > 0 && carried.len() < MOST_CARRIED {
            carried.insert(token, left);
        }
    }

    fn leave_out_oldest(&mut self) {
        if let Some(oldest) = self.calls.pop_front() {
            let left_out = match self.calls.front_mut() {
                Some(next) => &mut next.left_out,
                None => &mut self.left_out,
            };
            *left_out = left_out.saturating_add(oldest.left_out).saturating_add(1);
        }
    }
}

/// How many calls of each token are handed over, if there are `lengths` of them and at most so many
/// may be in all: quiet tokens keep all of theirs, and the busy ones share what is left.
pub(super) fn shares(lengths: &[usize], most: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|place| lengths[*place]);
    let (mut left, mut shares) = (most, vec![0; lengths.len()]);
    for (done, place) in order.into_iter().enumerate() {
        let share = (left / (lengths.len() - done)).max(1).min(left);
        shares[place] = lengths[place].min(share);
        left -= shares[place];
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_tokens_keep_their_calls() {
        assert_eq!(shares(&[3, 20, 1], 100), [3, 20, 1]);
        assert_eq!(shares(&[3, 20, 1, 20], 14), [3, 5, 1, 5]);
        assert_eq!(shares(&[1, 1, 1], 2), [1, 1, 0]);
        assert_eq!(shares(&[], 2), [0; 0]);
        assert_eq!(shares(&[20; 10], 1_000), [20; 10]);
    }
}
