//! What is asked of a live token, and what it answers.

use std::net::IpAddr;

use crate::Digest;
use crate::clock::Reading;
use crate::limit::{Limited, RateLimit, Standing};
use crate::scope::Scopes;

/// What a request asks of a token.
pub(crate) struct Asked<'a> {
    pub(crate) digest: &'a Digest,
    pub(crate) needed: Needed<'a>,
    pub(crate) tenant: TenantCheck,
    pub(crate) address: Option<IpAddr>,
    pub(crate) now: Reading,
    pub(crate) granularity_ms: u32,
    /// Whether what is in memory may be believed, as of the beginning of the verification: where there
    /// are leases, only while the node's own lasts.
    pub(crate) believes: bool,
}

/// What a place needs.
#[derive(Clone, Copy)]
pub(crate) enum Needed<'a> {
    Scopes(&'a Scopes),
    /// Nothing helps: the place is not for tokens.
    Closed,
}

/// Which tenant's token is welcome.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum TenantCheck {
    Exactly(u32),
    Any,
    /// One that no known token is of.
    Nobody,
}

pub(crate) enum Decided {
    Granted(Granted),
    Refused(Refused),
    /// Whoever counts for all nodes decides: it may pass but for the limit, and nothing is counted.
    Open(Box<Open>),
}

/// A request that may pass if the limit lets it.
pub(crate) struct Open {
    pub(crate) granted: Granted,
    pub(crate) limit: RateLimit,
}

/// A refusal, and of which token.
pub(crate) struct Refused {
    pub(crate) refusal: Refusal,
    pub(crate) tenant: u32,
    pub(crate) secret_version: u32,
}

impl Refused {
    /// The refusal of an id that nobody has.
    pub(crate) fn unknown() -> Refused {
        Refused { refusal: Refusal::Unknown, tenant: 0, secret_version: 0 }
    }
}

pub(crate) struct Granted {
    pub(crate) scopes: Scopes,
    pub(crate) tenant: u32,
    pub(crate) secret_version: u32,
    pub(crate) standing: Standing,
}

/// Why not, with the times in milliseconds since 1970.
#[derive(Debug)]
pub(crate) enum Refusal {
    Unknown,
    WrongSecret,
    ForeignTenant,
    Rotated(i64),
    Revoked(Option<i64>),
    NotYetValid(i64),
    Expired(i64),
    Paused(Option<i64>),
    Address,
    Closed,
    Scope { held: Scopes, name: Option<Box<str>> },
    Limit(Limited),
    SharedLimit(Limited),
}
