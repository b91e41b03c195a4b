//! The limit that all tokens of a tenant share.

use dashmap::DashMap;

use crate::limit::{Limited, RateLimit, Tick, Window};

/// The windows of the limit that all tokens of a tenant share, by the tenant's number.
pub(super) struct SharedLimit {
    limit: RateLimit,
    windows: DashMap<u32, Window>,
}

impl SharedLimit {
    pub(super) fn limit(&self) -> RateLimit {
        self.limit
    }

    /// None where the policy shares nothing.
    pub(super) fn new(limit: RateLimit) -> Option<SharedLimit> {
        (!limit.is_unlimited()).then(|| SharedLimit { limit, windows: DashMap::new() })
    }

    /// Drops the windows of tenants that are idle. Looks at each.
    pub(super) fn release(&self, now: Tick) {
        self.windows.retain(|_, window| !window.is_idle(now));
    }

    /// Whether there is room for one under another limit than its own.
    pub(super) fn check(&self, tenant: u32, limit: &RateLimit, now: Tick) -> Result<(), Limited> {
        self.windows.entry(tenant).or_default().check(limit, now)
    }

    /// Counts one for the tenant under `counted`, if there is room under `checked` and `own` agrees.
    pub(super) fn count_with<R>(
        &self,
        tenant: u32,
        (checked, counted): (&RateLimit, &RateLimit),
        now: Tick,
        own: impl FnOnce() -> Result<R, Limited>,
    ) -> Result<Result<R, Limited>, Limited> {
        let mut window = self.windows.entry(tenant).or_default();
        window.check(checked, now)?;
        let taken = own();
        if taken.is_ok() {
            window.admit(counted, now);
        }
        Ok(taken)
    }

    /// Takes one for the tenant if there is room, and `own` agrees: from both or from neither.
    pub(super) fn take_with<R>(
        &self,
        tenant: u32,
        now: Tick,
        own: impl FnOnce() -> Result<R, Limited>,
    ) -> Result<Result<R, Limited>, Limited> {
        self.count_with(tenant, (&self.limit, &self.limit), now, own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_windows_of_idle_tenants_are_dropped() {
        let shared = SharedLimit::new(RateLimit::per_minute(1).unwrap()).unwrap();
        let take = |tenant, ms| shared.take_with(tenant, Tick::exact(ms), || Ok(())).is_ok();
        assert!(take(1, 0) && take(2, 30_000) && !take(1, 59_999));
        shared.release(Tick::exact(60_000));
        assert_eq!(shared.windows.len(), 1);
        assert!(take(1, 60_000) && !take(2, 60_000));
    }
}
