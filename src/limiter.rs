//! Limits that hold across nodes: the seam, and its contract.

mod breaker;
mod health;
#[cfg(feature = "redis")]
mod redis;

pub(crate) use breaker::{Breaker, Permit, Turn};
pub use health::{LimiterHealth, LimiterState, WhenLimiterFails};
#[cfg(feature = "redis")]
pub use redis::RedisLimiter;

use async_trait::async_trait;

use crate::limit::{Limited, RateLimit, Standing};
use crate::{LimiterError, TokenId};

/// Counts requests for all nodes of a fleet together.
///
/// Without one each node counts in its own memory, so that n nodes let pass n times the limit.
/// [`TokensBuilder::limiter`](crate::TokensBuilder::limiter) is given one.
///
/// # Contract
/// It binds whoever implements it, and [`conformance`](crate::conformance) checks each sentence but
/// the last two.
/// - **Exact.** Of all requests that any node asks for, no window of any quota holds more than its
///   limit, as measured by the one clock that the limiter goes by. A request is refused only if the
///   limit is used up, but for limits of more than 10,000, as [`RateLimit`] says.
/// - **All or nothing.** A request counts under all of its quotas, the shared one included, or under
///   none; one that is refused counts under none. The limit that is given counts, whatever was given
///   before.
/// - **Bounded.** It answers within a bounded time, or with an error.
/// - What it has counted may be lost (a restart): then at most one limit's worth passes again, and
///   [`losses`](Limiter::losses) says so.
#[async_trait]
pub trait Limiter: Send + Sync + 'static {
    /// Takes one request, if there is room for it.
    ///
    /// # Errors
    /// An error says that it is not known whether the request was counted.
    async fn take(&self, request: &Take<'_>) -> Result<Taken, LimiterError>;

    /// How often what it has counted may have been lost, as far as this handle of it can know: the
    /// connections that were made anew. It has grown before a request is answered by what has
    /// forgotten. Cheap.
    fn losses(&self) -> u64 {
        0
    }
}

/// What is taken from which limits.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Take<'a> {
    /// The token.
    pub token: TokenId,
    /// Its limit; with no quota where only the shared one counts.
    pub limit: RateLimit,
    /// The limit that all tokens of its tenant share, and the tenant's name.
    pub shared: Option<(Option<&'a str>, RateLimit)>,
}

impl<'a> Take<'a> {
    /// One request of this token, under this limit.
    pub fn new(token: TokenId, limit: RateLimit) -> Take<'a> {
        Take { token, limit, shared: None }
    }

    /// And under this limit, which all tokens of the tenant share.
    pub fn shared(self, tenant: Option<&'a str>, limit: RateLimit) -> Take<'a> {
        Take { shared: Some((tenant, limit)), ..self }
    }
}

/// What became of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taken {
    /// It was counted: where the token stands with its own limit now.
    Admitted(Standing),
    /// The token's own limit is used up.
    Limited(Limited),
    /// The limit that all tokens of the tenant share is used up.
    SharedLimited(Limited),
}
