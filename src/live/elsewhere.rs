//! Requests that a limiter counts for all nodes: what of them is counted here as well.

use super::decision::{Granted, Refusal};
use super::entry::Grants;
use super::shared::SharedLimit;
use super::table::Live;
use crate::TokenId;
use crate::clock::Reading;
use crate::limit::{RateLimit, Tick, Window};

/// Where a request takes from the limit.
#[derive(Clone, Copy)]
pub(super) enum Taking<'a> {
    /// Here, and from the limit that its tenant's tokens share.
    Here(Option<&'a SharedLimit>),
    /// A limiter is asked where there is a limit, or `shares` says that the tenant's tokens have one.
    Elsewhere { shares: bool },
}

/// How a request counts here.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Counting {
    /// Under the token's own limit.
    pub(crate) own: Held,
    /// Under the one that it shares.
    pub(crate) shared: Held,
}

/// What this node is held to, of one limit.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Held {
    /// There must be room for the request under this.
    pub(crate) to: RateLimit,
    /// What is remembered of it is what this needs.
    pub(crate) counted: RateLimit,
}

impl Held {
    /// Held to nothing: what was admitted elsewhere is noted.
    pub(crate) fn to_nothing(limit: RateLimit) -> Held {
        Held { to: RateLimit::unlimited(), counted: limit }
    }
}

impl Counting {
    fn is_held(&self) -> bool {
        !(self.own.to.is_unlimited() && self.shared.to.is_unlimited())
    }

    pub(super) fn count(
        &self,
        window: &mut Window,
        shared: Option<&SharedLimit>,
        tenant: u32,
        now: Tick,
    ) -> Result<(), Refusal> {
        let mut own = || {
            window.check(&self.own.to, now)?;
            window.admit(&self.own.counted, now);
            Ok(())
        };
        match shared {
            None => own().map_err(Refusal::Limit),
            Some(shared) => shared
                .count_with(tenant, (&self.shared.to, &self.shared.counted), now, own)
                .map_err(Refusal::SharedLimit)?
                .map_err(Refusal::Limit),
        }
    }

    pub(super) fn check(
        &self,
        window: &mut Window,
        shared: Option<&SharedLimit>,
        tenant: u32,
        now: Tick,
    ) -> Result<(), Refusal> {
        if let Some(shared) = shared {
            shared.check(tenant, &self.shared.to, now).map_err(Refusal::SharedLimit)?;
        }
        window.check(&self.own.to, now).map_err(Refusal::Limit)
    }
}

impl Live {
    /// The limit that all tokens of a tenant share; no quota where they share none.
    pub(crate) fn shared_limit(&self) -> RateLimit {
        self.shared().map_or(RateLimit::unlimited(), SharedLimit::limit)
    }

    /// Whether a request has room under what this node is held to. Counts nothing.
    pub(crate) fn check_held(&self, id: &TokenId, counting: &Counting, now: Reading) -> Result<(), Refusal> {
        self.with_entry(id, now, |entry, tick| entry.check_held(counting, self.shared(), tick))
            .unwrap_or(Ok(()))
    }

    /// Counts a request that passes, if it has room under what this node is held to. None where that
    /// cannot be said: the token was dropped from memory meanwhile, purged or idle.
    pub(crate) fn count_elsewhere(
        &self,
        id: TokenId,
        granted: &Granted,
        counting: &Counting,
        now: Reading,
    ) -> Option<Result<(), Refusal>> {
        let counted = self
            .with_entry(&id, now, |entry, tick| entry.count_elsewhere(counting, self.shared(), now, tick));
        match counted {
            Some(Ok(counted)) => self.counted(id, granted.tenant, counted, now),
            Some(Err(refusal)) => return Some(Err(refusal)),
            None if counting.is_held() => return None,
            // The use of it counts all the same.
            None => self.note_grants(id, granted.tenant, Grants { number: 1, ago_ms: 0 }, now),
        }
        Some(Ok(()))
    }
}
