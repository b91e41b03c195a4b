//! What a store keeps of a token.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::{Digest, TokenRecord};

/// What a store keeps of a token: its record and the digests of its secrets.
///
/// It serialises whole, so that a store of one's own may keep it as one document. Answer users
/// with the [`TokenRecord`] alone: digests are nobody's business.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StoredToken {
    /// The record.
    pub record: TokenRecord,
    /// The digest of the secret.
    pub digest: Digest,
    /// The digest of the secret before, while [`TokenRecord::previous_secret`] tells of it.
    pub previous_digest: Option<Digest>,
    /// The idempotency keys of the last day's rotations.
    pub rotation_keys: Vec<UsedKey>,
}

/// An idempotency key that was used.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UsedKey {
    /// The key, hashed: what a client sends as a key may be anything.
    pub hash: String,
    /// When it was used.
    pub at: DateTime<Utc>,
}

impl StoredToken {
    /// For how long the holder of the secret before is told that it was rotated.
    pub(crate) const PREDECESSOR_TOLD: TimeDelta = TimeDelta::days(30);

    /// The secret before, if it is still to be told apart from a stranger's at `now`.
    pub(crate) fn remembered_predecessor(
        &self,
        now: DateTime<Utc>,
    ) -> Option<(&Digest, &crate::PreviousSecret)> {
        let digest = self.previous_digest.as_ref()?;
        let previous = self.record.previous_secret.as_ref()?;
        (now < previous.ends_at + Self::PREDECESSOR_TOLD).then_some((digest, previous))
    }

    pub(crate) fn used_key(hash: String, at: DateTime<Utc>) -> UsedKey {
        UsedKey { hash, at }
    }
}
