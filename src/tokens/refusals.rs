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

pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Tokens {
    /// Refusals of whoever did not prove a secret. All of them read the same answer; here they
    /// are told apart.
    pub fn strangers(&self) -> Strangers {
        let counters = &self.engine().strangers;
        Strangers {
            malformed: counters.malformed.load(Ordering::Relaxed),
            unknown: counters.unknown.load(Ordering::Relaxed),
            wrong_secret: counters.wrong_secret.load(Ordering::Relaxed),
            foreign_tenant: counters.foreign_tenant.load(Ordering::Relaxed),
        }
    }
}
