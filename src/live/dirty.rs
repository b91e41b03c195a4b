//! Which entries have counted anything since the last flush.

use std::sync::{Mutex, PoisonError};

use crate::TokenId;

/// Which entries have counted anything since the last flush: the flush follows this list and
/// never scans the table. In stripes, so that two threads seldom meet.
pub(super) struct Dirty {
    stripes: Box<[Mutex<Vec<TokenId>>]>,
}

const STRIPES: usize = 32;

impl Dirty {
    pub(super) fn new() -> Dirty {
        Dirty { stripes: (0..STRIPES).map(|_| Mutex::default()).collect() }
    }

    pub(super) fn push(&self, id: TokenId) {
        let stripe = usize::from(id.as_bytes()[0]) % STRIPES;
        self.stripes[stripe].lock().unwrap_or_else(PoisonError::into_inner).push(id);
    }

    pub(super) fn take(&self) -> Vec<TokenId> {
        let mut ids = Vec::new();
        for stripe in &self.stripes {
            ids.append(&mut stripe.lock().unwrap_or_else(PoisonError::into_inner));
        }
        ids
    }
}
