//! Giving a token a new secret.

use chrono::{DateTime, TimeDelta, Utc};

use super::super::change::{Expected, Heeded, Plan, Planning};
use super::super::{Engine, Tokens, difference};
use super::grace::{self, LONGEST_GRACE};
use crate::history::Action;
use crate::keyed_hash::keyed_hash;
use crate::record::{FieldErrors, PreviousSecret, SecretInfo};
use crate::{Actor, Error, StoredToken, Token, TokenId, TokenRecord};

/// A token with its new secret.
#[derive(Debug)]
#[non_exhaustive]
pub struct Rotated {
    /// What is known of it.
    pub record: TokenRecord,
    /// Its whole new text, for the only time.
    pub secret: Token,
}

/// A rotation that is about to be made: say [`by`](Rotate::by) whom.
#[must_use = "nothing is rotated until `by` is awaited"]
pub struct Rotate<'a> {
    tokens: &'a Tokens,
    id: TokenId,
    grace: TimeDelta,
    idempotency_key: Option<String>,
    expected: Expected,
}

/// For how long an idempotency key of a rotation is kept.
const KEYS_KEPT: TimeDelta = TimeDelta::hours(24);
/// How many keys are kept at most: more rotations than these in a day forget the oldest.
const KEYS_AT_MOST: usize = 100;

impl Tokens {
    /// Gives a token a new secret; everything else of it stays. When it has returned, the old
    /// secret is dead, unless a grace period was asked for.
    pub fn rotate(&self, id: &TokenId) -> Rotate<'_> {
        Rotate {
            tokens: self,
            id: *id,
            grace: TimeDelta::zero(),
            idempotency_key: None,
            expected: Expected::Any,
        }
    }
}

impl Rotate<'_> {
    /// For how long the old secret still works: at most 30 days, and never beyond the token's
    /// expiry. Of two rotations within a grace period the older predecessor dies: two secrets at
    /// most.
    pub fn grace(mut self, time: TimeDelta) -> Self {
        self.grace = time;
        self
    }

    /// Makes a repetition harmless: within 24 hours the same key rotates once. The second time
    /// answers [`Error::AlreadyDone`], and never with a secret.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Only if the token still has this version; else [`Error::Conflict`]. Of any number of
    /// rotations that name one version, one happens.
    pub fn if_version(mut self, version: u64) -> Self {
        self.expected = Expected::Version(version);
        self
    }

    /// Rotates, in the name of `actor`. It runs to its end even if this future is dropped: the
    /// new secret is then lost, and another rotation makes one that is not.
    ///
    /// # Errors
    /// [`Error::Conflict`] where another rotation of the token was under way at the same time, or
    /// it no longer has the version that was named; [`Error::NotFound`], [`Error::Revoked`];
    /// [`Error::NotGrantable`] where the token may do more than the actor, who would receive its
    /// secret; [`Error::Invalid`] for a grace period out of range; [`Error::AlreadyDone`];
    /// [`Error::Randomness`], [`Error::Store`].
    pub async fn by(self, actor: impl Into<Actor>) -> Result<Rotated, Error> {
        self.make(actor.into(), Heeded::ByAll).await
    }

    /// The same, without waiting for other nodes: it returns when the new secret is committed. **The
    /// others may go on accepting the old secret and refusing the new one**, until they hear of it
    /// (milliseconds), and at the latest until the [bound](crate::LeaseHealth::bound) has passed.
    ///
    /// # Errors
    /// As for [`Rotate::by`].
    pub async fn by_without_waiting(self, actor: impl Into<Actor>) -> Result<Rotated, Error> {
        self.make(actor.into(), Heeded::BySelf).await
    }

    async fn make(self, actor: Actor, heeded: Heeded) -> Result<Rotated, Error> {
        let engine = self.tokens.engine();
        let mut errors = FieldErrors::default();
        if self.grace < TimeDelta::zero() || self.grace > LONGEST_GRACE {
            errors.add("/grace", "range", "a grace period lasts from nothing to 30 days");
        }
        errors.finish()?;
        let key = match &self.idempotency_key {
            None => None,
            Some(key) => {
                engine.open().await?;
                let service_key = engine.store.service_key().await?;
                let hash =
                    keyed_hash(&service_key, "key of an idempotent rotation", &[self.id.as_str(), key]);
                Some(hash.iter().map(|byte| format!("{byte:02x}")).collect())
            }
        };
        let rotation = Rotation { grace: self.grace, key, actor };
        let (record, secret) = engine.change(self.id, self.expected, heeded, rotation).await?;
        Ok(Rotated { record, secret })
    }
}

struct Rotation {
    grace: TimeDelta,
    key: Option<String>,
    actor: Actor,
}

impl Planning for Rotation {
    type Answer = Token;

    const ROTATES: bool = true;

    fn plan(
        &mut self,
        engine: &Engine,
        current: &StoredToken,
        now: DateTime<Utc>,
    ) -> Result<(Plan, Token), Error> {
        let record = &current.record;
        self.actor.reaches(record)?;
        if record.revoked_at.is_some() {
            return Err(Error::Revoked);
        }
        self.actor.may_hold(record, &engine.catalog)?;
        let mut next = current.clone();
        next.rotation_keys.retain(|key| now - key.at < KEYS_KEPT);
        if let Some(key) = &self.key {
            if next.rotation_keys.iter().any(|used| used.hash == *key) {
                return Err(Error::AlreadyDone { id: record.id });
            }
            if next.rotation_keys.len() >= KEYS_AT_MOST {
                next.rotation_keys.remove(0);
            }
            next.rotation_keys.push(StoredToken::used_key(key.clone(), now));
        }

        let secret = Token::draw(&engine.prefix, &record.id, &*engine.randomness)?;
        let latest = record.expires_at.map_or(DateTime::<Utc>::MAX_UTC, |end| end.max(now));
        next.previous_digest = Some(current.digest);
        next.digest = secret.digest();
        next.record.previous_secret = Some(PreviousSecret {
            version: record.secret.version,
            last4: record.secret.last4.clone(),
            created_at: record.secret.created_at,
            ends_at: (now + self.grace).min(latest),
        });
        next.record.secret = SecretInfo {
            version: record.secret.version + 1,
            start: record.secret.start.clone(),
            last4: secret.last_four().to_owned(),
            created_at: now,
        };
        let mut history = engine.history(Action::Rotated, &next.record, &self.actor, now)?;
        history.changes = difference::between(record, &next.record);
        history.changes.extend(grace::change(record, &next.record, now));
        Ok((Plan::Replace(Box::new(next), Box::new(history)), secret))
    }
}
