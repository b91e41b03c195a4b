//! What one request leaves to be counted.

use std::net::IpAddr;

use crate::TokenId;
use crate::scope::Scopes;
use crate::usage::Outcome;

/// What one request leaves to be counted.
pub(crate) struct Noted {
    pub(crate) token: TokenId,
    pub(crate) what: What,
    /// When it was finished, refused, or the last of several was granted: on the wall clock.
    pub(crate) at_ms: i64,
    /// When the request was granted, if it was.
    pub(crate) granted_ms: i64,
    /// The number of its tenant.
    pub(crate) tenant: u32,
    pub(crate) secret_version: u32,
    pub(crate) status: u16,
    pub(crate) duration_us: u64,
    pub(crate) bytes: Option<u64>,
    /// The scopes that were asked for, or, of a refusal for that, those that were missing.
    pub(crate) scopes: Scopes,
    pub(crate) address: Option<IpAddr>,
}

/// What is to be counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum What {
    /// So many grants, of which the ends are noted apart.
    Grants(u32),
    /// A granted request was finished, or one of the right secret's holder was refused.
    Ended(Outcome),
    /// So many tries with a wrong secret.
    WrongSecret(u32),
}

impl Noted {
    /// Something about a token that has neither a route nor a client.
    pub(crate) fn new(token: TokenId, tenant: u32, what: What, at_ms: i64) -> Noted {
        Noted {
            token,
            what,
            at_ms,
            granted_ms: at_ms,
            tenant,
            secret_version: 0,
            status: 0,
            duration_us: 0,
            bytes: None,
            scopes: Scopes::none(),
            address: None,
        }
    }
}
