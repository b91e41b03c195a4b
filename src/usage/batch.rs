//! What a process hands to the store at once.

use serde::{Deserialize, Serialize};

use super::{Counts, RecordedCall, Slice, Strangers, Subject};
use crate::TokenId;

/// What was counted since the batch before, for all tokens that were used.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UsageBatch {
    /// The process that counted: random, one per start.
    pub node: u64,
    /// Counts the batches of the process, from 1.
    pub number: u64,
    /// What is added to the tokens' totals, in the order of the ids.
    pub counts: Vec<(TokenId, Counts)>,
    /// What is added to minutes, hours and days, in the order of subjects and minutes.
    pub slices: Vec<Slice>,
    /// The most recent calls, in the order in which they are to be numbered.
    pub calls: Vec<RecordedCall>,
}

impl UsageBatch {
    /// An empty one.
    pub fn new(node: u64, number: u64) -> UsageBatch {
        UsageBatch { node, number, counts: Vec::new(), slices: Vec::new(), calls: Vec::new() }
    }

    /// Adds requests of whoever did not prove a secret.
    pub(crate) fn add_strangers(&mut self, minute: i64, strangers: Strangers) {
        if strangers == Strangers::default() {
            return;
        }
        let is_it = |slice: &Slice| slice.subject == Subject::All && slice.minute == minute && !slice.coarse;
        let place = self.slices.iter().position(is_it).unwrap_or_else(|| {
            // All tokens together come first; their minutes are in order.
            let place = self.slices.partition_point(|slice| {
                slice.subject == Subject::All && (slice.minute, slice.coarse) < (minute, false)
            });
            self.slices.insert(place, Slice::new(Subject::All, minute));
            place
        });
        self.slices[place].tally.strangers = strangers;
    }

    /// Leaves a token out. The others' parts keep their places: a store that has taken some of them
    /// goes on behind those. Calls stand last and are not counted: at worst a few of them are lost.
    pub(crate) fn forget(&mut self, token: &TokenId) {
        for (counted, counts) in &mut self.counts {
            if counted == token {
                *counts = Counts::default();
            }
        }
        for slice in &mut self.slices {
            if slice.subject == Subject::Token(*token) {
                *slice = Slice::new(slice.subject.clone(), slice.minute);
            }
        }
        self.calls.retain(|call| call.token != *token);
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty() && self.slices.is_empty() && self.calls.is_empty()
    }
}
