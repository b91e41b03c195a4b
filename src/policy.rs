//! What a service allows its tokens at most.

use chrono::TimeDelta;

use crate::RateLimit;

/// What a service allows its tokens at most. Everything is optional; nothing said is no bound but
/// those that always hold: an expiry within ten years, a million requests per minute.
///
/// ```
/// use chrono::TimeDelta;
/// use tokenward::{Policy, RateLimit};
/// let policy = Policy::new()
///     .greatest_limit(RateLimit::per_minute(6_000).unwrap())
///     .greatest_lifetime(TimeDelta::days(365))
///     .tokens_per_tenant(50)
///     .shared_limit_per_tenant(RateLimit::per_minute(10_000).unwrap());
/// ```
#[derive(Clone, Debug)]
pub struct Policy {
    pub(crate) greatest_limit: RateLimit,
    pub(crate) unlimited_allowed: bool,
    pub(crate) greatest_lifetime: TimeDelta,
    pub(crate) expiry_required: bool,
    pub(crate) tokens_per_tenant: Option<u32>,
    pub(crate) shared_limit_per_tenant: RateLimit,
}

/// Expiry lies at most this far ahead, whatever the policy says.
const TEN_YEARS: TimeDelta = TimeDelta::days(3_653);

impl Policy {
    /// Only the bounds that always hold.
    pub fn new() -> Policy {
        Policy {
            greatest_limit: RateLimit::per_minute(1_000_000).expect("more than none, in a known window"),
            unlimited_allowed: false,
            greatest_lifetime: TEN_YEARS,
            expiry_required: false,
            tokens_per_tenant: None,
            shared_limit_per_tenant: RateLimit::unlimited(),
        }
    }

    /// The greatest limit that a token may have. The default is a million requests per minute.
    pub fn greatest_limit(mut self, limit: RateLimit) -> Policy {
        self.greatest_limit = limit;
        self
    }

    /// Tokens without any limit may be issued.
    pub fn allow_unlimited(mut self) -> Policy {
        self.unlimited_allowed = true;
        self
    }

    /// How far ahead an expiry may lie, at most ten years. It is required then.
    pub fn greatest_lifetime(mut self, time: TimeDelta) -> Policy {
        self.greatest_lifetime = time.min(TEN_YEARS);
        self.expiry_required = true;
        self
    }

    /// Every token must have an expiry.
    pub fn require_expiry(mut self) -> Policy {
        self.expiry_required = true;
        self
    }

    /// How many tokens a tenant may have that are neither revoked nor expired.
    pub fn tokens_per_tenant(mut self, number: u32) -> Policy {
        self.tokens_per_tenant = Some(number);
        self
    }

    /// One limit that all tokens of a tenant share, beside their own: a request takes from both
    /// or from neither.
    pub fn shared_limit_per_tenant(mut self, limit: RateLimit) -> Policy {
        self.shared_limit_per_tenant = limit;
        self
    }
}

impl Default for Policy {
    fn default() -> Self {
        Policy::new()
    }
}
