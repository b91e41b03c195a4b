//! What is known of a token, what a new one is asked for with, and whether it is alive.

mod life;
mod new_token;
mod stored;
mod update;
mod validation;

pub use life::{Life, Status, UnknownStatus};
pub(crate) use new_token::Expiry;
pub use new_token::NewToken;
pub use stored::{StoredToken, UsedKey};
pub(crate) use update::RateChange;
pub use update::Update;
pub use validation::{FieldError, Invalid};
pub(crate) use validation::{FieldErrors, Validation};

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{AddressRange, RateLimit, Scope, TokenId};

/// Everything that is known of a token but its secret. Use is kept apart: it never changes a
/// record, nor its version.
///
/// Times are cut to whole milliseconds, so that every store gives back what it was given.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TokenRecord {
    /// The public name.
    pub id: TokenId,
    /// What people call it: 1 to 100 characters.
    pub name: String,
    /// What it is for: up to 1,000 characters.
    pub description: String,
    /// The tenant that it belongs to; none in a service without tenants.
    pub tenant: Option<String>,
    /// Whose it is, in the service's own terms. [`TokenRecord::owner_as`] reads it as a number or
    /// the like.
    pub owner: Option<String>,
    /// The token that issued it, if one did.
    pub parent: Option<TokenId>,
    /// What it may do, by name. A name that the catalogue no longer has is kept and has no effect.
    pub scopes: BTreeSet<Scope>,
    /// How often it may be used.
    pub rate_limit: RateLimit,
    /// Where it may be used from; empty means everywhere.
    pub addresses: Vec<AddressRange>,
    /// The environment that it is for, in the service's own terms.
    pub environment: Option<String>,
    /// Up to 50 attributes of the service's own.
    pub metadata: BTreeMap<String, String>,
    /// From when on it is valid.
    pub not_before: Option<DateTime<Utc>>,
    /// From when on it is expired: the first moment at which it no longer works.
    pub expires_at: Option<DateTime<Utc>>,
    /// Since when it is paused. Whether it still is, [`TokenRecord::status`] says.
    pub paused_at: Option<DateTime<Utc>>,
    /// When a pause ends by itself; none for one that lasts until it is resumed.
    pub paused_until: Option<DateTime<Utc>>,
    /// When it was revoked, for good.
    pub revoked_at: Option<DateTime<Utc>>,
    /// Why it was revoked.
    pub revoked_because: Option<String>,
    /// When it was issued.
    pub created_at: DateTime<Utc>,
    /// Who issued it.
    pub created_by: String,
    /// The secret that opens it.
    pub secret: SecretInfo,
    /// The secret before the last rotation, while anything is still known of it.
    pub previous_secret: Option<PreviousSecret>,
    /// Counts the changes of this record, from 1. What an update compares before it writes.
    pub version: u64,
    /// The number of the last change, in the order of the store's commits. Set by the store.
    pub sequence: u64,
}

/// What may be shown of a secret.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SecretInfo {
    /// Counts the secrets of this token, from 1.
    pub version: u32,
    /// The public start of the token's text: the prefix and the id's first four characters.
    pub start: String,
    /// The last four characters of the secret.
    pub last4: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// What is known of the secret before the last rotation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PreviousSecret {
    /// Which of the token's secrets it was.
    pub version: u32,
    /// Its last four characters.
    pub last4: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// From when on it opens nothing: the moment of the rotation, unless a grace period was asked for.
    pub ends_at: DateTime<Utc>,
}

impl TokenRecord {
    /// A record that is of no token, to be filled or compared with.
    pub(crate) fn stand_in(id: TokenId, now: DateTime<Utc>) -> TokenRecord {
        TokenRecord {
            id,
            name: String::new(),
            description: String::new(),
            tenant: None,
            owner: None,
            parent: None,
            scopes: BTreeSet::new(),
            rate_limit: RateLimit::default(),
            addresses: Vec::new(),
            environment: None,
            metadata: BTreeMap::new(),
            not_before: None,
            expires_at: None,
            paused_at: None,
            paused_until: None,
            revoked_at: None,
            revoked_because: None,
            created_at: now,
            created_by: String::new(),
            secret: SecretInfo { version: 1, start: String::new(), last4: String::new(), created_at: now },
            previous_secret: None,
            version: 1,
            sequence: 0,
        }
    }

    /// What the token's life comes to at `now`.
    pub fn status(&self, now: DateTime<Utc>) -> Status {
        self.life().status(now.timestamp_millis())
    }

    /// The times that decide the token's life.
    pub fn life(&self) -> Life {
        let ms = |time: Option<DateTime<Utc>>| time.map(|time| time.timestamp_millis());
        Life {
            revoked: self.revoked_at.is_some(),
            not_before_ms: ms(self.not_before).unwrap_or(i64::MIN),
            expires_ms: ms(self.expires_at).unwrap_or(i64::MAX),
            paused_until_ms: match self.paused_at {
                None => i64::MIN,
                Some(_) => ms(self.paused_until).unwrap_or(i64::MAX),
            },
        }
    }

    /// The owner, read as a type of the service's: a number, a UUID, or what else reads from text.
    /// `None` where there is no owner or it does not read.
    pub fn owner_as<T: std::str::FromStr>(&self) -> Option<T> {
        self.owner.as_deref()?.parse().ok()
    }
}
