//! Ids that the store did not know a moment ago.

use std::sync::{Mutex, PoisonError};

use crate::TokenId;

/// Ids that the store did not know a moment ago, so that a token that is gone, or a guess that is
/// repeated, costs one query and not one a request.
///
/// Of fixed size, made at the start: a flood of unknown ids overwrites places here, and nothing
/// else.
pub(super) struct UnknownIds {
    places: Box<[Mutex<Option<Seen>>]>,
}

struct Seen {
    id: TokenId,
    until_ms: u64,
}

const PLACES: usize = 4_096;
/// For how long an id is taken for unknown without asking again.
const KEPT_MS: u64 = 2_000;

impl UnknownIds {
    pub(super) fn new() -> UnknownIds {
        UnknownIds { places: (0..PLACES).map(|_| Mutex::new(None)).collect() }
    }

    /// For as long as such answers are kept, and no longer than an answer may be stale.
    pub(super) fn remember(&self, id: TokenId, hash: u64, now_ms: u64, stale_ms: u64) {
        *self.place(hash) = Some(Seen { id, until_ms: now_ms + KEPT_MS.min(stale_ms) });
    }

    pub(super) fn has(&self, id: &TokenId, hash: u64, now_ms: u64) -> bool {
        self.place(hash).as_ref().is_some_and(|seen| seen.id == *id && now_ms < seen.until_ms)
    }

    pub(super) fn forget(&self, id: &TokenId, hash: u64) {
        let mut place = self.place(hash);
        if place.as_ref().is_some_and(|seen| seen.id == *id) {
            *place = None;
        }
    }

    /// Forgets all of them.
    pub(super) fn clear(&self) {
        for place in &self.places {
            *place.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    fn place(&self, hash: u64) -> std::sync::MutexGuard<'_, Option<Seen>> {
        self.places[hash as usize % PLACES].lock().unwrap_or_else(PoisonError::into_inner)
    }
}
