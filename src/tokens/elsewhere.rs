//! The limit of a request, where a limiter counts for all nodes.
//!
//! # Why a window that touches a fault holds at most twice the limit
//! Let a limit be L in W, and let node i have the share s(i): the shares add up to L at most. What
//! passes is admitted by the limiter (R), or by a share while the limiter does not answer (S). The
//! limiter may forget all that it knew during a fault.
//! - A node's own window notes all that passed through it, by R and by S. A request passes by S only
//!   if the node's window has room under its share.
//! - The limiter tells of each loss ([`losses`](crate::Limiter::losses)): no request passes by a limiter
//!   that has forgotten before the node has noted a fault. For W after the end of a fault, as the node sees it, a request passes
//!   by R only if the node's window has room under its share as well.
//!
//! Take any window of length W. If the limiter forgot nothing that was admitted in it, R is L at most.
//! S is s(i) at most on each node, as whichever came last found room for itself: together L at most.
//!
//! If the limiter has forgotten something that it admitted in this window, at t, then the window ends
//! before t + W. Whatever a node passes in it after noting the fault, it passes within W of the fault,
//! by S or by R: its share holds for all of that, and all nodes together pass L at most. What passes
//! before is R of before the fault, L at most. It is no matter how often the limiter forgets.
//!
//! The argument needs two things. Nodes keep their windows: what was counted in the memory of a process
//! that is killed while the limiter fails is lost. And losses are told: a Redis that somebody empties by
//! hand, with its connections in place, does not tell. That alone gives twice the limit, and together with
//! another fault in the same window one limit more, each time.

use super::limiting::Limiting;
use super::refusals::count;
use super::share::{Position, share_of, turn, turn_of};
use super::{Engine, Tokens};
use crate::clock::Reading;
use crate::limit::{Limited, Quota, QuotaStanding, RateLimit, Standing};
use crate::limiter::{Take, Taken, WhenLimiterFails};
use crate::live::{Counting, Granted, Held, Open, Refusal, Refused};
use crate::{Error, LimiterError, TokenId};

/// Whoever comes while this node has no part of the limit is to come again after this.
const NO_PART_MS: u64 = 1_000;

/// A request that waits for its limit.
struct Waiting<'a> {
    id: TokenId,
    granted: Granted,
    own: RateLimit,
    shared: RateLimit,
    limiting: &'a Limiting,
}

impl Engine {
    /// Takes a request from its limits, and counts it if it passes; says whether that was decided
    /// without the limiter.
    pub(super) async fn take_elsewhere(
        &self,
        id: TokenId,
        open: Open,
    ) -> Result<Result<(Granted, bool), Refused>, Error> {
        // The live table leaves nothing open where there is none.
        let limiting = self.limiting.as_ref().ok_or_else(|| LimiterError::failed("there is none"))?;
        let Open { granted, limit: own } = open;
        let waiting = Waiting { id, granted, own, shared: self.live.shared_limit(), limiting };
        limiting.note_windows(&waiting.own);
        limiting.note_windows(&waiting.shared);
        let refused = match self.take(&waiting).await? {
            Ok((standing, is_degraded)) => {
                return Ok(Ok((Granted { standing, ..waiting.granted }, is_degraded)));
            }
            Err(refusal) => refusal,
        };
        let Granted { tenant, secret_version, .. } = waiting.granted;
        Ok(Err(Refused { refusal: refused, tenant, secret_version }))
    }

    async fn take(&self, waiting: &Waiting<'_>) -> Result<Result<(Standing, bool), Refusal>, Error> {
        // Whoever has no room under the share must not use up the limit of all.
        if let Err(refusal) = self.check_beside(waiting) {
            count(&waiting.limiting.counted.limited_without);
            return Ok(Err(refusal));
        }
        let tenant = self.live.tenant_name(waiting.granted.tenant);
        let request = Take::new(waiting.id, waiting.own);
        let request = match waiting.shared.is_unlimited() {
            true => request,
            false => request.shared(tenant.as_deref(), waiting.shared),
        };
        match waiting.limiting.ask(&request, &*self.clock).await {
            Ok(Taken::Admitted(standing)) => {
                let counted = self.count_beside(waiting);
                if counted.is_err() {
                    count(&waiting.limiting.counted.limited_without);
                }
                Ok(counted.map(|()| (standing, false)))
            }
            Ok(Taken::Limited(limited)) => Ok(Err(Refusal::Limit(limited))),
            Ok(Taken::SharedLimited(limited)) => Ok(Err(Refusal::SharedLimit(limited))),
            Err(error) => self.decide_without(waiting, error),
        }
    }

    fn decide_without(
        &self,
        waiting: &Waiting<'_>,
        error: LimiterError,
    ) -> Result<Result<(Standing, bool), Refusal>, Error> {
        let limiting = waiting.limiting;
        let now = self.clock.now();
        let counted = match limiting.when_it_fails {
            WhenLimiterFails::Refuse => {
                count(&limiting.counted.unavailable);
                return Err(error.into());
            }
            WhenLimiterFails::Allow => self.count(waiting, &waiting.to_nothing(), now),
            WhenLimiterFails::LocalShare => {
                let share = self.share(waiting, 0, limiting.pause_left_ms(now).max(NO_PART_MS));
                share.and_then(|share| self.count(waiting, &share, now))
            }
        };
        let by = if counted.is_ok() {
            &limiting.counted.granted_without
        } else {
            &limiting.counted.limited_without
        };
        count(by);
        Ok(counted.map(|()| (Standing::EMPTY, true)))
    }

    fn check_beside(&self, waiting: &Waiting<'_>) -> Result<(), Refusal> {
        let now = self.clock.now();
        // While it fails somebody must ask, or nobody would learn that it works again.
        if waiting.limiting.is_failing(now) {
            return Ok(());
        }
        let Some(counting) = self.held_beside(waiting, now)? else { return Ok(()) };
        self.live.check_held(&waiting.id, &counting, now).map_err(|refusal| waiting.in_its_words(refusal))
    }

    fn count_beside(&self, waiting: &Waiting<'_>) -> Result<(), Refusal> {
        let now = self.clock.now();
        let counting = self.held_beside(waiting, now)?.unwrap_or_else(|| waiting.to_nothing());
        self.count(waiting, &counting, now)
    }

    fn count(&self, waiting: &Waiting<'_>, counting: &Counting, now: Reading) -> Result<(), Refusal> {
        match self.live.count_elsewhere(waiting.id, &waiting.granted, counting, now) {
            Some(counted) => counted.map_err(|refusal| waiting.in_its_words(refusal)),
            None => {
                let quota = counting.own.to.quotas().chain(counting.shared.to.quotas()).next();
                Err(Refusal::Limit(nothing_of(quota.unwrap_or(Quota::DEFAULT), NO_PART_MS)))
            }
        }
    }

    /// What this node is held to beside a limiter that answers; none where that is nothing.
    fn held_beside(&self, waiting: &Waiting<'_>, now: Reading) -> Result<Option<Counting>, Refusal> {
        let Some(since_ms) = waiting.limiting.since_fault_ms(now) else { return Ok(None) };
        // A reading lies a tick behind at most, so that the fault may have ended that much later.
        let since_ms = since_ms.saturating_sub(self.granularity_ms.into());
        self.share(waiting, since_ms, NO_PART_MS).map(Some)
    }

    /// This node's share of the quotas whose windows reach back further than this.
    fn share(&self, waiting: &Waiting<'_>, since_ms: u64, again_ms: u64) -> Result<Counting, Refusal> {
        let (nodes, rank) = self.fleet_position();
        let position = Position { nodes, rank };
        let held = |limit: RateLimit, turn: u64| -> Result<Held, Limited> {
            let mut affected = limit.quotas().filter(|quota| u64::from(quota.window_ms()) > since_ms);
            let affected = affected.try_fold(RateLimit::unlimited(), RateLimit::and);
            let share = share_of(&affected.unwrap_or(limit), position, turn);
            let to = share.map_err(|quota| nothing_of(quota, again_ms))?;
            Ok(if to.is_unlimited() { Held::to_nothing(limit) } else { Held { to, counted: to } })
        };
        let tenant = || self.live.tenant_name(waiting.granted.tenant).unwrap_or_default();
        let shared = if waiting.shared.is_unlimited() {
            Held::to_nothing(waiting.shared)
        } else {
            held(waiting.shared, turn_of(tenant().as_bytes())).map_err(Refusal::SharedLimit)?
        };
        let own = held(waiting.own, turn(&waiting.id)).map_err(Refusal::Limit)?;
        Ok(Counting { own, shared })
    }

    /// How many nodes share the limits, and which of them this is, if it is known: by the rows of a
    /// fleet, unless the service has said that there are more.
    pub(crate) fn fleet_position(&self) -> (u32, Option<u32>) {
        let told = self.limiting.as_ref().map_or(1, |limiting| limiting.nodes);
        let mut nodes: Vec<_> =
            self.fleet.iter().flat_map(|fleet| fleet.nodes().clone()).map(|row| row.node).collect();
        nodes.push(self.node);
        nodes.sort_unstable();
        nodes.dedup();
        let number = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
        let rank = nodes.iter().position(|node| *node == self.node).and_then(|rank| u32::try_from(rank).ok());
        if number < told { (told, None) } else { (number, rank) }
    }
}

impl Waiting<'_> {
    /// It is noted, and held to nothing.
    fn to_nothing(&self) -> Counting {
        Counting { own: Held::to_nothing(self.own), shared: Held::to_nothing(self.shared) }
    }

    /// A refusal by a share tells of the limit, and not where the token stands with it: this node does
    /// not know.
    fn in_its_words(&self, refusal: Refusal) -> Refusal {
        let told = |limited: Limited, limit: &RateLimit| {
            let quota = limit.quota_for(limited.by.quota.window()).unwrap_or(limited.by.quota);
            Limited { by: QuotaStanding { quota, ..limited.by }, standing: Standing::EMPTY, ..limited }
        };
        match refusal {
            Refusal::Limit(limited) => Refusal::Limit(told(limited, &self.own)),
            Refusal::SharedLimit(limited) => Refusal::SharedLimit(told(limited, &self.shared)),
            other => other,
        }
    }
}

fn nothing_of(quota: Quota, again_ms: u64) -> Limited {
    Limited {
        retry_after_ms: u32::try_from(again_ms).unwrap_or(u32::MAX),
        by: QuotaStanding { quota, remaining: 0, reset_ms: 0 },
        standing: Standing::EMPTY,
    }
}

impl Tokens {
    /// The answer to a request that is open but for its limit.
    pub(super) async fn take_limit(
        &self,
        id: TokenId,
        open: Open,
    ) -> Result<Result<(Granted, bool), Refused>, Error> {
        // Boxed, so that the future of a verification does not grow where there is no limiter.
        Box::pin(self.engine().take_elsewhere(id, open)).await
    }
}
