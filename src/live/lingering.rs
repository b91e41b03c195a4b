//! Windows that are to give their memory back when they are idle.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::TokenId;

/// Which windows are to give their memory back, and when to look at each: a window has to be idle
/// for its whole length first. Each token stands here once at most.
#[derive(Default)]
pub(super) struct Lingering {
    queue: Mutex<VecDeque<(u64, Vec<TokenId>)>>,
}

/// A little more than the usual window of a minute. Longer windows are looked at again.
const LOOKED_AT_AFTER_MS: u64 = 61_000;

impl Lingering {
    pub(super) fn push(&self, ids: Vec<TokenId>, now_ms: u64) {
        if !ids.is_empty() {
            let due = now_ms + LOOKED_AT_AFTER_MS;
            self.queue.lock().unwrap_or_else(PoisonError::into_inner).push_back((due, ids));
        }
    }

    /// Those that are due.
    pub(super) fn due(&self, now_ms: u64) -> Vec<TokenId> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let mut ids = Vec::new();
        while queue.front().is_some_and(|(due, _)| *due <= now_ms) {
            ids.extend(queue.pop_front().into_iter().flat_map(|(_, due)| due));
        }
        ids
    }
}
