//! The single checks of a decision, each a yes or the refusal that it leads to.

use super::decision::{Asked, Refusal, TenantCheck};
use super::elsewhere::Taking;
use crate::Digest;
use crate::limit::{RateLimit, Standing, Tick, Window};
use crate::record::{Life, Status};

/// The comparison that a token with a predecessor needs, done for every wrong secret: a refusal
/// does the same work, whatever it was refused for.
#[cold]
pub(super) fn wrong_secret(asked: &Asked<'_>) -> Refusal {
    compare(asked.digest);
    Refusal::WrongSecret
}

/// The comparisons that a wrong secret costs, for an id that nobody has.
#[cold]
pub(crate) fn compare_with_nothing(presented: &Digest) {
    compare(presented);
    compare(presented);
}

fn compare(presented: &Digest) {
    std::hint::black_box(std::hint::black_box(Digest::matching_nothing()).matches(presented));
}

#[inline]
pub(super) fn check_tenant(is: u32, asked: TenantCheck) -> Result<(), Refusal> {
    match asked {
        TenantCheck::Exactly(wanted) if wanted == is => Ok(()),
        TenantCheck::Any => Ok(()),
        _ => Err(Refusal::ForeignTenant),
    }
}

#[inline]
pub(super) fn check_life(life: &Life, revoked_ms: Option<i64>, now_ms: i64) -> Result<(), Refusal> {
    match life.status(now_ms) {
        Status::Active => Ok(()),
        Status::Revoked => Err(Refusal::Revoked(revoked_ms)),
        Status::NotYetValid => Err(Refusal::NotYetValid(life.not_before_ms)),
        Status::Expired => Err(Refusal::Expired(life.expires_ms)),
        Status::Paused => {
            Err(Refusal::Paused((life.paused_until_ms != i64::MAX).then_some(life.paused_until_ms)))
        }
    }
}

#[inline]
pub(super) fn take(
    window: &mut Window,
    limit: &RateLimit,
    taking: Taking<'_>,
    tenant: u32,
    asked: &Asked<'_>,
) -> Result<Standing, Refusal> {
    let now = Tick { ms: asked.now.monotonic_ms, granularity_ms: asked.granularity_ms };
    match taking {
        Taking::Elsewhere { .. } => Ok(Standing::EMPTY),
        Taking::Here(None) => window.take(limit, now).map_err(Refusal::Limit),
        Taking::Here(Some(shared)) => shared
            .take_with(tenant, now, || window.take(limit, now))
            .map_err(Refusal::SharedLimit)?
            .map_err(Refusal::Limit),
    }
}
