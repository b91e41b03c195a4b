//! Refusals that no token is to be counted for.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Tokens;
use crate::usage::Strangers;

#[derive(Default)]
pub(super) struct StrangerCounters {
    pub(super) malformed: AtomicU64,
    pub(super) unknown: AtomicU64,
    pub(super) wrong_secret: AtomicU64,
    pub(super) foreign_tenant: AtomicU64,
}

impl StrangerCounters {
    pub(super) fn now(&self) -> Strangers {
        Strangers::from_counters(
            [&self.malformed, &self.unknown, &self.wrong_secret, &self.foreign_tenant]
                .map(|counter| counter.load(Ordering::Relaxed)),
        )
    }
}

pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Tokens {
    /// Refusals of whoever did not prove a secret. All of them read the same answer; here they
    /// are told apart.
    pub fn strangers(&self) -> Strangers {
        self.engine().strangers.now()
    }
}
