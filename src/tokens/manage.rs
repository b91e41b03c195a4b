//! Rotating, revoking, pausing and changing tokens.

mod grace;
mod purge;
mod revoke_many;
mod rotate;
mod update;

use chrono::{DateTime, TimeDelta, Utc};

pub(super) use grace::LONGEST_GRACE;
pub use revoke_many::RevokeMany;
pub use rotate::{Rotate, Rotated};

use super::change::{Expected, Heeded, Plan, Planning};
use super::{Engine, Tokens, difference};
use crate::history::Action;
use crate::{Actor, Error, StoredToken, TokenId, TokenRecord, Update};

/// A change of a token that is about to be made: say [`by`](ChangeToken::by) whom.
///
/// When it has returned, no verification that begins afterwards is decided by what was before, on any
/// node. A change that has begun runs to its end even if its future is dropped.
#[must_use = "nothing is changed until `by` is awaited"]
pub struct ChangeToken<'a> {
    tokens: &'a Tokens,
    id: TokenId,
    kind: Kind,
    reason: Option<String>,
    expected: Expected,
}

#[derive(Clone, Debug)]
enum Kind {
    Update(Box<Update>),
    Pause(End),
    Resume,
    Revoke,
    Purge,
    EndGrace,
    ExtendGrace(End),
}

/// When a pause or a grace period ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Unsaid,
    At(DateTime<Utc>),
    In(TimeDelta),
}

impl End {
    /// The moment, to the millisecond; none where nothing was said, or where there is none so far
    /// away.
    fn moment(self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            End::Unsaid => None,
            End::At(time) => Some(super::issue::whole_ms(time)),
            End::In(time) => now.checked_add_signed(time).map(super::issue::whole_ms),
        }
    }
}

impl Tokens {
    /// Changes a token in place: name, description, scopes, limit, expiry and so on. Its secret
    /// stays valid. An update that changes nothing is no change: no version, no history.
    pub fn update(&self, id: &TokenId, update: Update) -> ChangeToken<'_> {
        self.change_token(id, Kind::Update(Box::new(update)))
    }

    /// Revokes a token: dead at once, for good. Doing it twice is harmless. Tokens that it has
    /// issued stay.
    pub fn revoke(&self, id: &TokenId) -> ChangeToken<'_> {
        self.change_token(id, Kind::Revoke)
    }

    /// Pauses a token until it is resumed, or until [`ChangeToken::until`] or
    /// [`ChangeToken::lasting`].
    pub fn pause(&self, id: &TokenId) -> ChangeToken<'_> {
        self.change_token(id, Kind::Pause(End::Unsaid))
    }

    /// Ends a pause. A token that is not paused stays as it is.
    pub fn resume(&self, id: &TokenId) -> ChangeToken<'_> {
        self.change_token(id, Kind::Resume)
    }

    /// Deletes the record and the counters of a token that is revoked or expired. Its history stays.
    pub fn purge(&self, id: &TokenId) -> ChangeToken<'_> {
        self.change_token(id, Kind::Purge)
    }

    fn change_token(&self, id: &TokenId, kind: Kind) -> ChangeToken<'_> {
        ChangeToken { tokens: self, id: *id, kind, reason: None, expected: Expected::Any }
    }
}

impl ChangeToken<'_> {
    /// Why, for history: up to 500 characters.
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Only if the token still has this version; else [`Error::Conflict`].
    pub fn if_version(mut self, version: u64) -> Self {
        self.expected = Expected::Version(version);
        self
    }

    /// For a pause or a grace period: it ends by itself at this moment. Nothing else has an end.
    pub fn until(mut self, time: DateTime<Utc>) -> Self {
        if let Kind::Pause(end) | Kind::ExtendGrace(end) = &mut self.kind {
            *end = End::At(time);
        }
        self
    }

    /// For a pause or a grace period: it ends by itself after this time, from now on. Nothing else
    /// has an end.
    pub fn lasting(mut self, time: TimeDelta) -> Self {
        if let Kind::Pause(end) | Kind::ExtendGrace(end) = &mut self.kind {
            *end = End::In(time);
        }
        self
    }

    /// Makes the change, in the name of `actor`, and gives what the token has become.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is no such token for this actor; [`Error::Revoked`] where
    /// it is revoked and the change is not a revocation; [`Error::Conflict`] where it no longer
    /// has the version that was named; [`Error::Invalid`], [`Error::NotGrantable`] for an update and
    /// for a longer grace period; [`Error::NoOldSecret`] for a grace period that is not there;
    /// [`Error::StillValid`] for a purge; [`Error::Store`].
    pub async fn by(self, actor: impl Into<Actor>) -> Result<TokenRecord, Error> {
        self.make(actor.into(), Heeded::ByAll).await
    }

    /// The same, without waiting for other nodes: it returns when the change is committed. This node
    /// decides by it from then on. **The others may go on deciding by what was before**, until they
    /// hear of it (milliseconds), and at the latest until the [bound](crate::LeaseHealth::bound) has
    /// passed. For changes that nobody relies on, such as a new name.
    ///
    /// # Errors
    /// As for [`ChangeToken::by`].
    pub async fn by_without_waiting(self, actor: impl Into<Actor>) -> Result<TokenRecord, Error> {
        self.make(actor.into(), Heeded::BySelf).await
    }

    async fn make(self, actor: Actor, heeded: Heeded) -> Result<TokenRecord, Error> {
        let change = TokenChange { kind: self.kind, reason: reason(self.reason)?, actor };
        let (record, ()) = self.tokens.engine().change(self.id, self.expected, heeded, change).await?;
        Ok(record)
    }

    /// What the change would make of the token, without making it.
    ///
    /// # Errors
    /// As for [`ChangeToken::by`].
    pub async fn preview(self, actor: impl Into<Actor>) -> Result<TokenRecord, Error> {
        let engine = self.tokens.engine();
        let current = engine.load(self.id).await?.ok_or(Error::NotFound)?;
        let mut change = TokenChange { kind: self.kind, reason: reason(self.reason)?, actor: actor.into() };
        let (plan, ()) = change.plan(engine, &current, engine.clock.now().wall())?;
        if matches!(self.expected, Expected::Version(expected) if expected != current.record.version) {
            return Err(Error::Conflict);
        }
        match plan {
            Plan::Replace(token, _) => Ok(token.record),
            Plan::Nothing | Plan::Purge(_) => Ok(current.record),
        }
    }
}

/// A reason as history keeps it.
pub(super) fn reason(reason: Option<String>) -> Result<Option<String>, Error> {
    let mut errors = crate::record::FieldErrors::default();
    let reason = reason.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    if reason.as_ref().is_some_and(|text| text.chars().count() > 500 || text.chars().any(char::is_control)) {
        errors.add("/reason", "length", "a reason is one line of at most 500 characters");
    }
    errors.finish()?;
    Ok(reason)
}

struct TokenChange {
    kind: Kind,
    reason: Option<String>,
    actor: Actor,
}

impl Planning for TokenChange {
    type Answer = ();

    fn plan(
        &mut self,
        engine: &Engine,
        current: &StoredToken,
        now: DateTime<Utc>,
    ) -> Result<(Plan, ()), Error> {
        self.actor.reaches(&current.record)?;
        let is_revoked = current.record.revoked_at.is_some();
        if is_revoked && !matches!(self.kind, Kind::Revoke | Kind::Purge) {
            return Err(Error::Revoked);
        }
        let mut next = current.clone();
        let record = &mut next.record;
        let action = match &self.kind {
            Kind::Update(update) => {
                engine.apply(update, record, &self.actor, now)?;
                Action::Updated
            }
            Kind::Pause(end) => {
                pause(record, *end, now)?;
                Action::Paused
            }
            Kind::Resume => {
                (record.paused_at, record.paused_until) = (None, None);
                Action::Resumed
            }
            Kind::Revoke if is_revoked => return Ok((Plan::Nothing, ())),
            Kind::Revoke => {
                record.revoked_at = Some(now);
                record.revoked_because = self.reason.clone();
                Action::Revoked
            }
            Kind::EndGrace => {
                grace::end(record, now)?;
                Action::Updated
            }
            Kind::ExtendGrace(end) => {
                grace::extend(engine, record, &self.actor, *end, now)?;
                Action::Updated
            }
            Kind::Purge => {
                let history = purge::plan(engine, record, &self.actor, now)?;
                return Ok((Plan::Purge(Box::new(history)), ()));
            }
        };
        if *record == current.record {
            return Ok((Plan::Nothing, ()));
        }
        let mut history = engine.history(action, record, &self.actor, now)?;
        history.reason = self.reason.clone();
        history.changes = difference::between(&current.record, record);
        history.changes.extend(grace::change(&current.record, record, now));
        Ok((Plan::Replace(Box::new(next), Box::new(history)), ()))
    }
}

fn pause(record: &mut TokenRecord, end: End, now: DateTime<Utc>) -> Result<(), Error> {
    let until = end.moment(now);
    let has_end = !matches!(end, End::Unsaid);
    if has_end && until.is_none_or(|until| until <= now) {
        let mut errors = crate::record::FieldErrors::default();
        errors.add(
            "/resume_at",
            "range",
            "a pause ends ahead of now; leave the end out to pause until resumed",
        );
        errors.finish()?;
    }
    let still_paused = record.paused_at.filter(|_| record.paused_until.is_none_or(|until| now < until));
    record.paused_at = Some(still_paused.unwrap_or(now));
    record.paused_until = until;
    Ok(())
}
