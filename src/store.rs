//! Where tokens are kept: the seam, its contract, and the stores of this crate.

#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod columns;
mod memory;
#[cfg(feature = "postgres")]
pub mod postgres;
mod query;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use memory::MemoryStore;
#[cfg(feature = "postgres")]
pub use postgres::PostgresStore;
pub use query::{Filter, HistoryQuery, Listing, Order, Position, Query, SortKey, TenantFilter};
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{HistoryDraft, HistoryEntry, StoreError, StoredToken, TokenId};

/// Where tokens and their history are kept.
///
/// # Contract
/// It binds whoever implements it, and [`conformance`](crate::conformance) checks each sentence.
/// - **What was written is read.** Once a write has answered `Ok`, every read that begins
///   afterwards, through any handle on the same data, sees it.
/// - **All or nothing.** A write happens whole, history included, or not at all. One that answers
///   with an error has not happened, unless the error says that its outcome is unknown
///   ([`StoreError::outcome_is_unknown`]).
/// - **One after the other.** Writes take effect in some order, one at a time; each draws a number
///   for each token that it changes, and the order of the numbers is the order of the commits. The
///   number becomes the [`sequence`](crate::TokenRecord::sequence) of the record and the number of
///   the history entry.
/// - **Nothing is judged.** A store gives back what is there, expired and revoked tokens included,
///   and never looks at a clock: times come with the call.
/// - **Nothing is lost.** Every field of a [`StoredToken`] comes back as it went in. A digest that
///   cannot be read comes back as one that matches nothing, never as an empty one.
/// - A store may be asked from several threads at once. Dropping a future of it may or may not
///   stop a write that has begun; it never leaves half of one.
///
/// No method has a default: each is a promise that the implementer makes.
#[async_trait]
pub trait TokenStore: Send + Sync + 'static {
    /// Makes ready: connects, creates or migrates what is needed. Called before the first other
    /// call, and again after it failed; doing it twice is harmless.
    async fn open(&self) -> Result<(), StoreError>;

    /// Whether this process alone changes the tokens while it runs.
    ///
    /// `true` lets the engine trust what it has in memory until it changes it itself. A store that
    /// others can write to answers `false`: it is then asked on every verification, unless the
    /// service states how stale an answer may be.
    fn is_exclusive(&self) -> bool;

    /// A number that grows whenever others were seen to have changed tokens behind this store's
    /// back since it was opened: somebody who revokes by hand with SQL. Asked with every flush;
    /// when it has grown, the engine believes nothing that it has read before.
    ///
    /// A store whose tokens cannot be reached in another way answers 0 for ever, and so does one
    /// that is not [exclusive](TokenStore::is_exclusive), which is asked anyway.
    async fn changes_by_others(&self) -> Result<u64, StoreError>;

    /// 32 random bytes that are made with the data and never change. Ids of idempotent requests
    /// and the signatures of cursors are derived from it.
    async fn service_key(&self) -> Result<[u8; 32], StoreError>;

    /// Inserts a token, unless its id is taken. Never replaces anything.
    ///
    /// With a `cap`, the tokens of its tenant that are neither revoked nor expired at
    /// [`Cap::now`] are counted in the same transaction, and it is not inserted where there are
    /// [`Cap::greatest`] already.
    async fn insert(
        &self,
        token: &StoredToken,
        history: &HistoryDraft,
        cap: Option<Cap>,
    ) -> Result<Insertion, StoreError>;

    /// The tokens with these ids, in one query. Unknown ids are left out; the order is free.
    async fn load(&self, ids: &[TokenId]) -> Result<Vec<StoredToken>, StoreError>;

    /// The token with this id, read after every write that was under way when the call began has
    /// ended: under the lock that writes take. Asked when the outcome of a write is unknown.
    async fn load_settled(&self, id: &TokenId) -> Result<Option<StoredToken>, StoreError>;

    /// Replaces tokens, each only if it still has the version that is expected. All of them or none.
    async fn update(&self, changes: &[Change]) -> Result<Updating, StoreError>;

    /// Revokes, in one transaction, every token that is chosen and not yet revoked: sets
    /// `revoked_at` and `revoked_because`, raises the version, and writes `history` (made to be
    /// [about](HistoryDraft::about) each) with the change of the status. Gives the tokens that it
    /// changed.
    async fn revoke_all(&self, revocation: &RevokeAll) -> Result<Vec<StoredToken>, StoreError>;

    /// Deletes a token if it still has this version. Its history stays.
    async fn purge(&self, id: &TokenId, version: u64, history: &HistoryDraft)
    -> Result<Updating, StoreError>;

    /// One page of tokens: those that match, in the order asked for, behind the position asked for.
    async fn list(&self, query: &Query) -> Result<Listing, StoreError>;

    /// One page of history, newest first.
    async fn history(&self, query: &HistoryQuery) -> Result<Vec<HistoryEntry>, StoreError>;
}

/// How many living tokens a tenant may have.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Cap {
    /// This many, and not one more.
    pub greatest: u32,
    /// The moment at which they are counted.
    pub now: DateTime<Utc>,
}

/// What came of [`TokenStore::insert`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Insertion {
    /// It was inserted, with this number.
    Inserted(u64),
    /// The id is taken; nothing was written.
    Exists,
    /// The tenant has as many tokens as it may; nothing was written.
    Full,
}

/// What came of [`TokenStore::update`] and [`TokenStore::purge`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Updating {
    /// It was done; the numbers, in the order of the changes.
    Done(Vec<u64>),
    /// A token has another version, or is not there; nothing was written.
    Conflict,
}

/// One token to be replaced.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Change {
    /// What it is to become. Its `sequence` is the store's to set.
    pub token: StoredToken,
    /// The version that it must still have.
    pub expected_version: u64,
    /// What history is to tell of it.
    pub history: HistoryDraft,
}

impl Change {
    /// Replaces the token whose version is `expected_version` by `token`.
    pub fn new(token: StoredToken, expected_version: u64, history: HistoryDraft) -> Change {
        Change { token, expected_version, history }
    }
}

/// Which tokens to revoke, and what to write.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct RevokeAll {
    /// Of which tenant.
    pub tenant: TenantFilter,
    /// Of which owner; of all owners where none is named.
    pub owner: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
    /// Why.
    pub because: Option<String>,
    /// What history is to tell, about a token that stands in for each.
    pub history: HistoryDraft,
}

impl RevokeAll {
    pub(crate) fn new(
        tenant: TenantFilter,
        owner: Option<String>,
        at: DateTime<Utc>,
        because: Option<String>,
        history: HistoryDraft,
    ) -> RevokeAll {
        RevokeAll { tenant, owner, at, because, history }
    }

    /// Whether a token is chosen: of this tenant and owner, and not revoked yet.
    pub fn chooses(&self, token: &StoredToken) -> bool {
        token.record.revoked_at.is_none()
            && self.tenant.matches(token.record.tenant.as_deref())
            && self.owner.as_ref().is_none_or(|owner| token.record.owner.as_ref() == Some(owner))
    }

    /// What becomes of a chosen token, and what history tells of it.
    pub fn apply(&self, token: &mut StoredToken) -> HistoryDraft {
        token.record.revoked_at = Some(self.at);
        token.record.revoked_because = self.because.clone();
        token.record.version += 1;
        self.history.about(&token.record)
    }
}
