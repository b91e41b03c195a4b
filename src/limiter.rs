//! Limits that hold across nodes: the seam, and its contract.

use async_trait::async_trait;

use crate::limit::{Limited, RateLimit, Standing};
use crate::{StoreError, TokenId};

/// Counts requests for all nodes of a fleet together.
///
/// Without one each node counts in its own memory, so that n nodes let pass n times the limit.
///
/// # Contract
/// - **Exact.** Of all requests that any node asks for, no window of any quota holds more than its
///   limit, as measured by the one clock that the limiter goes by.
/// - **All or nothing.** A request counts under all of its quotas, the shared one included, or under
///   none; one that is refused counts under none.
/// - **Bounded.** It answers within a bounded time, or with an error.
/// - What it has counted may be lost (a restart): then at most one limit's worth passes again.
#[async_trait]
pub trait Limiter: Send + Sync + 'static {
    /// Takes one request, if there is room for it.
    async fn take(&self, request: &Take<'_>) -> Result<Result<Standing, Limited>, StoreError>;
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
