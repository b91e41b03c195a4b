use super::Quota;

/// Where a token stands with one of its quotas.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QuotaStanding {
    /// The quota this is about.
    pub quota: Quota,
    /// How many requests it would admit at this instant, from 0 to its limit.
    pub remaining: u32,
    /// Milliseconds until all of it is back if no further request is admitted; 0 if none of it is used.
    pub reset_ms: u32,
}

/// Where a token stands with each of its quotas, after a decision.
///
/// Empty for a token without a limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing([Option<QuotaStanding>; 3]);

impl Standing {
    pub(crate) const EMPTY: Standing = Standing([None; 3]);

    pub(crate) const fn of(only: QuotaStanding) -> Standing {
        Standing([Some(only), None, None])
    }

    pub(super) fn set(&mut self, place: usize, standing: QuotaStanding) {
        self.0[place] = Some(standing);
    }

    /// The standing with each quota, shortest window first.
    pub fn quotas(&self) -> impl Iterator<Item = QuotaStanding> {
        self.0.into_iter().flatten()
    }

    /// The quota of which the smallest share is left, and of several with the same share the one that takes
    /// longest to come back. `None` for a token without a limit.
    pub fn tightest(&self) -> Option<QuotaStanding> {
        self.quotas().reduce(|tightest, next| {
            // Shares are compared crosswise, so that nothing is lost by dividing.
            let share_of_next = u64::from(next.remaining) * u64::from(tightest.quota.limit());
            let share_of_tightest = u64::from(tightest.remaining) * u64::from(next.quota.limit());
            match share_of_next.cmp(&share_of_tightest) {
                std::cmp::Ordering::Less => next,
                std::cmp::Ordering::Equal if next.reset_ms > tightest.reset_ms => next,
                _ => tightest,
            }
        })
    }
}

/// Of the standing with each quota, shortest window first; what comes after the third is left out.
impl FromIterator<QuotaStanding> for Standing {
    fn from_iter<I: IntoIterator<Item = QuotaStanding>>(quotas: I) -> Standing {
        let mut quotas = quotas.into_iter();
        Standing(std::array::from_fn(|_| quotas.next()))
    }
}

/// A request was refused, and nothing was counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the limit of {} is used up: the next request passes in {retry_after_ms} ms", by.quota)]
pub struct Limited {
    /// Milliseconds until one request passes, over all windows, if none is admitted before. A request after
    /// exactly this time passes; one a millisecond earlier does not.
    pub retry_after_ms: u32,
    /// The quota that refused; if several did, the one with the longest wait.
    pub by: QuotaStanding,
    /// Where the token stands with all of its quotas. Empty where that is not known: the limiter that
    /// counts for all nodes did not answer, and the share of this node is used up.
    pub standing: Standing,
}
