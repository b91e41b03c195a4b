//! Refusals that no token is to be counted for.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Tokens;

/// Refusals of whoever did not prove a secret, counted for the whole service since its start.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct Strangers {
    /// With the service's prefix, and a wrong shape or checksum: no store was asked.
    pub malformed: u64,
    /// With an id that is not known.
    pub unknown: u64,
    /// With a known id and a wrong secret.
    pub wrong_secret: u64,
    /// With the right secret of another tenant's token.
    pub foreign_tenant: u64,
}

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
