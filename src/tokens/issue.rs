//! Issuing a token.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use super::manage::reason;
use super::{Engine, Tokens, difference};
use crate::history::Action;
use crate::keyed_hash::keyed_hash;
use crate::limit::RateLimit;
use crate::record::{Expiry, FieldErrors, SecretInfo, Validation};
use crate::store::{Cap, Insertion};
use crate::{Actor, Error, HistoryDraft, NewToken, StoredToken, Token, TokenId, TokenRecord};

/// A token whose secret was just made.
#[derive(Debug)]
#[non_exhaustive]
pub struct Issued {
    /// What is known of it.
    pub record: TokenRecord,
    /// Its whole text, for the only time.
    pub secret: Token,
}

/// A token that is about to be issued: say [`by`](Issue::by) whom.
#[must_use = "nothing is issued until `by` is awaited"]
pub struct Issue<'a> {
    tokens: &'a Tokens,
    asked: NewToken,
    idempotency_key: Option<String>,
    reason: Option<String>,
}

impl Tokens {
    /// The service's key, from which the signatures of cursors are derived.
    #[cfg(feature = "admin")]
    pub(crate) async fn service_key(&self) -> Result<[u8; 32], Error> {
        let engine = self.engine();
        engine.open().await?;
        Ok(engine.store.service_key().await?)
    }

    /// A text that nobody guesses and that comes once: 128 random bits, for one form to be told from
    /// another.
    ///
    /// # Errors
    /// [`Error::Randomness`].
    #[cfg(feature = "dashboard")]
    pub(crate) fn fresh_key(&self) -> Result<String, Error> {
        let mut bytes = [0; 16];
        self.engine().randomness.fill(&mut bytes)?;
        Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Issues a token. Its text is in the answer, and can never be had again.
    pub fn issue(&self, asked: NewToken) -> Issue<'_> {
        Issue { tokens: self, asked, idempotency_key: None, reason: None }
    }
}

impl Issue<'_> {
    /// Makes a repetition harmless: the same key from the same actor in the same tenant issues one
    /// token. The second time answers [`Error::AlreadyDone`] with its id, and never with a secret.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Why, for history: up to 500 characters.
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// What would be refused of it before the store is asked: so that the admin API can tell it
    /// together with what it could not read.
    #[cfg(feature = "admin")]
    pub(crate) fn check(&self, actor: &Actor) -> Result<(), Error> {
        reason(self.reason.clone())?;
        let engine = self.tokens.engine();
        engine.record_of(self.asked.clone(), actor, engine.clock.now().wall()).map(drop)
    }

    /// Issues it, in the name of `actor`.
    ///
    /// # Errors
    /// [`Error::Invalid`] names every field that is not right; [`Error::NotGrantable`] what the
    /// actor does not hold itself; [`Error::TooManyTokens`] where the tenant has as many as it may;
    /// [`Error::AlreadyDone`] where the idempotency key was used; [`Error::NotFound`] where the
    /// actor does not act in the token's tenant; [`Error::Randomness`], [`Error::Store`].
    pub async fn by(self, actor: impl Into<Actor>) -> Result<Issued, Error> {
        let engine = self.tokens.engine();
        let actor = actor.into();
        let now = engine.clock.now().wall();
        let because = reason(self.reason)?;
        let draft = engine.record_of(self.asked, &actor, now)?;
        engine.open().await?;
        for attempt in 0..u32::MAX {
            let id = match &self.idempotency_key {
                None => TokenId::random(&*engine.randomness)?,
                Some(key) => engine.derived_id(&draft, &actor, key).await?,
            };
            let secret = Token::draw(&engine.prefix, &id, &*engine.randomness)?;
            let record = with_secret(draft.clone(), id, &secret, now);
            let mut history = engine.history(Action::Issued, &record, &actor, now)?;
            history.reason = because.clone();
            history.changes = difference::of_new(&record);
            let digest = secret.digest();
            let mut token = StoredToken { record, digest, previous_digest: None, rotation_keys: Vec::new() };
            let cap = engine.policy.tokens_per_tenant.map(|greatest| Cap { greatest, now });
            match engine.store.insert(&token, &history, cap).await? {
                Insertion::Inserted(sequence) => {
                    engine.live.issued(&id);
                    engine.recorder.remember(&id);
                    token.record.sequence = sequence;
                    tracing::debug!(token = %id, "a token was issued");
                    return Ok(Issued { record: token.record, secret });
                }
                Insertion::Exists if self.idempotency_key.is_some() => return Err(Error::AlreadyDone { id }),
                // 96 random bits met before: possible, and no reason to fail. Meeting again and
                // again is a generator that repeats itself.
                Insertion::Exists if attempt < 3 => {}
                Insertion::Exists => return Err(crate::randomness::RandomnessFailed.into()),
                Insertion::Full => {
                    let greatest = engine.policy.tokens_per_tenant.unwrap_or(0);
                    return Err(Error::TooManyTokens { greatest });
                }
            }
        }
        Err(crate::randomness::RandomnessFailed.into())
    }
}

fn with_secret(mut record: TokenRecord, id: TokenId, secret: &Token, now: DateTime<Utc>) -> TokenRecord {
    let prefix_length = secret.expose().len() - crate::token::BODY_LENGTH;
    record.id = id;
    record.secret = SecretInfo {
        version: record.secret.version,
        start: secret.expose()[..prefix_length + 4].to_owned(),
        last4: secret.last_four().to_owned(),
        created_at: now,
    };
    record
}

impl Engine {
    /// The record that is asked for, without its id and its secret.
    fn record_of(&self, asked: NewToken, actor: &Actor, now: DateTime<Utc>) -> Result<TokenRecord, Error> {
        let mut check = Validation::new(&self.catalog);
        let name = check.name(&asked.name);
        let description = check.description(&asked.description);
        let tenant = check.tenant(asked.tenant.as_deref());
        let owner = check.label("/owner", asked.owner.as_deref(), 200);
        let environment = check.label("/env", asked.environment.as_deref(), 40);
        let scopes = check.scopes(&asked.scopes);
        let addresses = check.addresses(&asked.addresses);
        check.metadata(&asked.metadata);
        let rate_limit = asked.rate_limit.unwrap_or_else(|error| {
            check.errors.add("/rate_limit", "range", error.to_string());
            RateLimit::default()
        });
        let expires_at = asked.expiry.and_then(|expiry| expiry_at(expiry, now, &mut check.errors));
        let record = TokenRecord {
            name,
            description,
            tenant,
            owner,
            parent: actor.token,
            scopes,
            rate_limit,
            addresses,
            environment,
            metadata: asked.metadata,
            not_before: asked.not_before.map(whole_ms),
            expires_at,
            created_by: actor.name.clone(),
            ..TokenRecord::stand_in(TokenId::placeholder(), now)
        };
        if record.expires_at.is_some_and(|end| end <= now) {
            check.errors.add("/expires_at", "range", "an expiry lies ahead; this one is past");
        }
        self.check_policy(&record, now, &mut check.errors);
        check.errors.finish()?;
        // A tenant that is named for a new token is named by the service itself, unless the actor
        // is bound to one.
        match &actor.reach {
            crate::actor::Reach::Unsaid => {}
            _ => actor.reaches(&record)?,
        }
        actor.may_hold(&record, &self.catalog)?;
        Ok(record)
    }

    /// What the service's policy has to say against a record.
    pub(super) fn check_policy(&self, record: &TokenRecord, now: DateTime<Utc>, errors: &mut FieldErrors) {
        let policy = &self.policy;
        if record.rate_limit.is_unlimited() {
            if !policy.unlimited_allowed {
                errors.add("/rate_limit", "range", "a limit is needed");
            }
        } else if !record.rate_limit.is_within(&policy.greatest_limit) {
            let pointer = match record.rate_limit.quotas().next() {
                Some(quota) if quota.window_ms() == 60_000 => "/rate_limit/per_minute",
                _ => "/rate_limit",
            };
            errors.add(pointer, "range", format!("at most {}", policy.greatest_limit));
        }
        match record.expires_at {
            None if policy.expiry_required => {
                errors.add("/expires_at", "required", "an expiry is needed");
            }
            Some(end) if end > now + policy.greatest_lifetime => {
                let days = policy.greatest_lifetime.num_days();
                errors.add("/expires_at", "range", format!("at most {days} days ahead"));
            }
            _ => {}
        }
        if let (Some(start), Some(end)) = (record.not_before, record.expires_at)
            && start >= end
            && end > now
        {
            errors.add("/not_before", "range", "it would become valid only when it has expired");
        }
    }

    pub(super) fn history(
        &self,
        action: Action,
        record: &TokenRecord,
        actor: &Actor,
        now: DateTime<Utc>,
    ) -> Result<HistoryDraft, Error> {
        let mut errors = FieldErrors::default();
        // Not every store can keep it, and none needs to.
        for (pointer, text) in [("/actor", Some(&actor.name)), ("/request_id", actor.request_id.as_ref())] {
            if text.is_some_and(|text| text.contains('\0')) {
                errors.add(pointer, "characters", "no NUL can stand here");
            }
        }
        errors.finish()?;
        let mut salt = [0; 16];
        self.randomness.fill(&mut salt)?;
        Ok(HistoryDraft::new(action, record, actor, salt, now))
    }

    /// The id that an idempotency key leads to: the same for the same tenant, actor and key, and
    /// nobody can foresee it without the service's key.
    async fn derived_id(&self, draft: &TokenRecord, actor: &Actor, key: &str) -> Result<TokenId, Error> {
        let acting = actor.token.map_or_else(|| actor.name.clone(), |token| token.to_string());
        let tenant = draft.tenant.as_deref().unwrap_or("");
        let service_key = self.store.service_key().await?;
        for counter in 0_u32.. {
            let parts = [tenant, &acting, key, &counter.to_string()];
            let hash = keyed_hash(&service_key, "id of an idempotent issue", &parts);
            let bytes = hash[..12].try_into().expect("twelve of thirty-two bytes");
            if let Some(id) = TokenId::from_bytes(bytes) {
                return Ok(id);
            }
        }
        Err(crate::randomness::RandomnessFailed.into())
    }
}

/// The moment that an expiry means, cut to milliseconds.
pub(super) fn expiry_at(
    expiry: Expiry,
    now: DateTime<Utc>,
    errors: &mut FieldErrors,
) -> Option<DateTime<Utc>> {
    match expiry {
        Expiry::At(time) => Some(whole_ms(time)),
        Expiry::In(time) if time <= TimeDelta::zero() => {
            errors.add("/expires_in", "range", "a lifetime is longer than nothing");
            None
        }
        Expiry::In(time) => match now.checked_add_signed(time) {
            Some(end) => Some(whole_ms(end)),
            None => {
                errors.add("/expires_in", "range", "this lifetime lies beyond the calendar");
                None
            }
        },
    }
}

pub(super) fn whole_ms(time: DateTime<Utc>) -> DateTime<Utc> {
    time.trunc_subsecs(3)
}
