//! The use of tokens: what is counted, and the seam of the store that keeps it.
//!
//! Counters stand in memory and are handed to the store in batches, one for all tokens per
//! interval. Nothing of it is ever written to a token's record.

#[cfg(test)]
mod arbitrary;
mod batch;
mod breakdown;
mod call;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) mod columns;
mod counts;
mod detail;
#[cfg(any(test, feature = "sqlite", feature = "postgres"))]
mod encoding;
mod histogram;
mod memory;
pub(crate) mod period;
mod query;
mod retention;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) mod running;
mod slice;
mod sorted;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) mod subject_text;
mod tally;

pub use batch::UsageBatch;
pub use breakdown::{Breakdown, Share};
pub use call::{Call, Client, Outcome, RecordedCall};
pub use counts::Counts;
pub use detail::{ClientUse, Clients, Detail, EndpointUse, ScopeUse, SecretUse, TokenUse};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) use encoding::Encoded;
pub use histogram::Histogram;
pub use memory::MemoryUsage;
pub use period::{Period, start_of};
pub use query::{CallQuery, Outdated};
pub use retention::Retention;
pub use slice::{Level, Slice, SliceQuery, Span, StoredSlice, Subject};
pub use tally::{Peak, Refusals, StatusClasses, Strangers, Tally};

use async_trait::async_trait;

use crate::event::Outbox;
use crate::{StoreError, TokenId};

/// Where use is kept.
///
/// # Contract
/// - A batch is added once: a node hands over its batches in the order of their numbers, and one
///   whose number is not above that of the node's last whole one is a repetition. It is left out,
///   and the answer is `Ok`.
/// - `Ok` says that it was added whole. A large batch may be written in pieces; one that failed
///   half way is completed when it is handed over again, and no piece is ever added twice. Its parts
///   stand in their places then: what is not to be counted any more is emptied, not taken out.
/// - What several nodes add is added up, also at once. A batch may be handed over again while it is
///   still being added, as after a lost connection.
/// - Counters stop at the greatest number that the store can hold instead of wrapping or failing.
/// - A slice is added to its minute (its figures alone, and not if it is coarse), to its hour and
///   to its day, together. The busiest minute of an hour and of a day, and the minutes at the
///   limit, are those of their minutes as they are after adding.
/// - Of each span at most [`Subject::names`] names of a kind are kept, by
///   [`Breakdown::shrink`].
/// - Counts and slices in which nothing was counted are left out.
/// - Calls are numbered in the order in which they are added, and become visible in that order:
///   whoever has read one finds no smaller number later. No number is used twice. Of each
///   token at least the [`KEPT_UNTIL_FORGOTTEN`](RecordedCall::KEPT_UNTIL_FORGOTTEN) newest are kept,
///   and at most twice as many, until [`forget`](UsageStore::forget) is told of another number.
/// - Times are kept to the millisecond.
#[async_trait]
pub trait UsageStore: Outbox {
    /// Adds a batch.
    async fn add(&self, batch: &UsageBatch) -> Result<(), StoreError>;

    /// What was added for these tokens in all, in one query. Tokens without any are left out; the
    /// order is free.
    async fn read(&self, tokens: &[TokenId]) -> Result<Vec<(TokenId, Counts)>, StoreError>;

    /// What was added in spans of time, in one query, as of one moment. Spans without any are left
    /// out; the rest comes once, also where spans that were asked for overlap, in the order of the
    /// subjects' first mention, of the levels, and of time.
    async fn slices(&self, query: &SliceQuery) -> Result<Vec<StoredSlice>, StoreError>;

    /// The most recent calls that fit, in order.
    async fn calls(&self, query: &CallQuery) -> Result<Vec<RecordedCall>, StoreError>;

    /// Forgets some of what is outdated, at most a few thousand rows at once; says whether there
    /// is more.
    async fn forget(&self, outdated: &Outdated) -> Result<bool, StoreError>;

    /// Forgets these tokens: their totals, their spans, their calls, and their events that wait.
    /// What tenants and all tokens have in common stays, with the ids of the tokens in it.
    async fn erase(&self, tokens: &[TokenId]) -> Result<(), StoreError>;

    /// Forgets the clients of these tokens: in their spans, in their calls, in their totals and in
    /// events that wait to be delivered. Those of tenants and of all tokens stay.
    async fn erase_clients(&self, tokens: &[TokenId]) -> Result<(), StoreError>;
}
