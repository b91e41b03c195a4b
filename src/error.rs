//! What can go wrong. A refused token is an answer ([`Denied`](crate::Denied)), not an error.

mod limiter_error;
mod store_error;

pub use limiter_error::LimiterError;
pub use store_error::StoreError;

use crate::history::BrokenChain;
use crate::randomness::RandomnessFailed;
use crate::token::InvalidPrefix;
use crate::{Invalid, InvalidCatalog, Scope, TokenId};

/// Why something could not be done. Nothing was changed then, unless the source is a
/// [`StoreError`] whose outcome is unknown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// What was asked for is not right; each field is named.
    #[error("what was asked for is not right: {0}")]
    Invalid(#[from] Invalid),
    /// The catalogue is not right.
    #[error("the catalogue is not right: {0}")]
    InvalidCatalog(#[from] InvalidCatalog),
    /// The prefix is not right.
    #[error(transparent)]
    InvalidPrefix(#[from] InvalidPrefix),
    /// There is no such token, or it is another tenant's.
    #[error("there is no such token")]
    NotFound,
    /// Somebody else changed the token first. Look at it again, then decide.
    #[error("somebody else changed the token first")]
    Conflict,
    /// The token is revoked, which is for good.
    #[error("the token is revoked, which cannot be undone")]
    Revoked,
    /// The secret before the last rotation works no more, or there never was one: its grace period
    /// can be neither ended nor prolonged.
    #[error("the token has no old secret that still works")]
    NoOldSecret,
    /// The token still works: only one that is revoked or expired can be purged.
    #[error("the token still works: revoke it before it is purged")]
    StillValid,
    /// The idempotency key was used: this is what came of it. The secret was shown then.
    #[error("this was done before, with the same idempotency key, for {id}; its secret was shown then")]
    AlreadyDone {
        /// The token that was issued or rotated.
        id: TokenId,
    },
    /// The actor would grant more than it holds.
    #[error("{0}")]
    NotGrantable(NotGrantable),
    /// The tenant has as many living tokens as the policy allows.
    #[error("this account has {greatest} living tokens, as many as it may: revoke one first")]
    TooManyTokens {
        /// As many as it may have.
        greatest: u32,
    },
    /// The token belongs to a tenant, and the actor did not say in which it acts.
    #[error(
        "the token belongs to a tenant, and the actor names none: say Actor::tenant or Actor::all_tenants"
    )]
    TenantNotSaid,
    /// A need names a scope that the catalogue does not have.
    #[error("the catalogue does not have the scope {0:?} that is needed here")]
    UnknownScope(String),
    /// The history does not hold together.
    #[error(transparent)]
    BrokenHistory(#[from] BrokenChain),
    /// No randomness could be had: nothing is issued then.
    #[error(transparent)]
    Randomness(#[from] RandomnessFailed),
    /// Too many unknown tokens are being looked up, or the table of live tokens is full of busy
    /// ones. Trying again in a second may help.
    #[error("too much is under way: {0}")]
    Overloaded(&'static str),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The limiter did not answer, and the service has said that nothing passes then.
    #[error(transparent)]
    Limiter(#[from] LimiterError),
    /// The change was begun, and what ran it went away before the outcome was told.
    #[error("the change was interrupted: look at the token again")]
    Interrupted,
}

/// What an actor would have granted beyond what it holds.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct NotGrantable {
    /// The fields that exceed: `scopes`, `rate_limit`, `expires_at`, `ip_allow`.
    pub exceeds: Vec<&'static str>,
    /// The scopes that exceed.
    pub scopes: Vec<Scope>,
}

impl std::fmt::Display for NotGrantable {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "this would grant more than its actor holds: {}", self.exceeds.join(", "))?;
        if !self.scopes.is_empty() {
            let names: Vec<_> = self.scopes.iter().map(Scope::as_str).collect();
            write!(formatter, " ({})", names.join(", "))?;
        }
        Ok(())
    }
}

impl Error {
    /// Whether trying the same again later may help.
    pub fn is_transient(&self) -> bool {
        match self {
            Error::Store(error) => error.is_transient(),
            Error::Overloaded(_) | Error::Limiter(_) | Error::Randomness(_) | Error::Interrupted => true,
            _ => false,
        }
    }
}
