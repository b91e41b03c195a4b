//! The limit that all tokens of a tenant share.

use dashmap::DashMap;

use crate::limit::{Limited, RateLimit, Tick, Window};

/// The windows of the limit that all tokens of a tenant share, by the tenant's number.
pub(super) struct SharedLimit {
    limit: RateLimit,
    windows: DashMap<u32, Window>,
}

impl SharedLimit {
    /// None where the policy shares nothing.
    pub(super) fn new(limit: RateLimit) -> Option<SharedLimit> {
        (!limit.is_unlimited()).then(|| SharedLimit { limit, windows: DashMap::new() })
    }

    /// Takes one for the tenant if there is room, and `own` agrees: from both or from neither.
    pub(super) fn take_with<R>(
        &self,
        tenant: u32,
        now: Tick,
        own: impl FnOnce() -> Result<R, Limited>,
    ) -> Result<Result<R, Limited>, Limited> {
        let mut window = self.windows.entry(tenant).or_default();
        window.check(&self.limit, now)?;
        let taken = own();
        if taken.is_ok() {
            window.admit(&self.limit, now);
        }
        Ok(taken)
    }
}
