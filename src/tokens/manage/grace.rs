//! The grace period in which the secret before a rotation still works: ended early, or prolonged.

use chrono::{DateTime, TimeDelta, Utc};

use super::super::{Engine, Tokens, difference};
use super::{ChangeToken, End, Kind};
use crate::history::FieldChange;
use crate::record::FieldErrors;
use crate::{Actor, Error, TokenId, TokenRecord};

/// The longest grace period, from the rotation or from the moment at which it is prolonged.
pub(in crate::tokens) const LONGEST_GRACE: TimeDelta = TimeDelta::days(30);

impl Tokens {
    /// Ends the grace period of a rotation: the secret before it is dead when this has returned. One
    /// that is over stays so. History tells it as an update of `previous_secret_expires_at`.
    ///
    /// [`Error::NoOldSecret`] where the token was never rotated.
    pub fn end_grace(&self, id: &TokenId) -> ChangeToken<'_> {
        self.change_token(id, Kind::EndGrace)
    }

    /// Lets the secret before a rotation work for longer, [`until`](ChangeToken::until) a moment or
    /// [`lasting`](ChangeToken::lasting) some time: at most 30 days from now, and never beyond the
    /// token's expiry. An earlier moment than before shortens the grace period. History tells it as an
    /// update of `previous_secret_expires_at`.
    ///
    /// [`Error::NoOldSecret`] where the grace period is over, or there was none: what is dead stays
    /// dead. [`Error::Invalid`] for a moment that is out of range, or none;
    /// [`Error::NotGrantable`] where it becomes longer and the token may do more than the actor.
    pub fn extend_grace(&self, id: &TokenId) -> ChangeToken<'_> {
        self.change_token(id, Kind::ExtendGrace(End::Unsaid))
    }
}

pub(super) fn end(record: &mut TokenRecord, now: DateTime<Utc>) -> Result<(), Error> {
    let previous = record.previous_secret.as_mut().ok_or(Error::NoOldSecret)?;
    previous.ends_at = previous.ends_at.min(now);
    Ok(())
}

pub(super) fn extend(
    engine: &Engine,
    record: &mut TokenRecord,
    actor: &Actor,
    end: End,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let ended = living_until(record, now).ok_or(Error::NoOldSecret)?;
    let until = end.moment(now);
    let mut errors = FieldErrors::default();
    match until {
        None if matches!(end, End::Unsaid) => {
            errors.add("/expires_at", "required", "say until when the old secret is to work");
        }
        Some(until) if until > now && until <= now + LONGEST_GRACE => {
            if record.expires_at.is_some_and(|expiry| until > expiry) {
                errors.add("/expires_at", "range", "the old secret cannot outlive the token's expiry");
            }
        }
        _ => errors.add(
            "/expires_at",
            "range",
            "a grace period ends ahead of now, and at most 30 days from now",
        ),
    }
    errors.finish()?;
    if until.is_some_and(|until| until > ended) {
        actor.may_hold(record, &engine.catalog)?;
    }
    if let (Some(previous), Some(until)) = (record.previous_secret.as_mut(), until) {
        previous.ends_at = until;
    }
    Ok(())
}

/// Until when the secret before the last rotation works, if it still does.
fn living_until(record: &TokenRecord, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    record.previous_secret.as_ref().map(|previous| previous.ends_at).filter(|end| now < *end)
}

/// What a change has made of a grace period, for history.
pub(super) fn change(old: &TokenRecord, new: &TokenRecord, now: DateTime<Utc>) -> Option<FieldChange> {
    let end_of = |record: &TokenRecord| record.previous_secret.as_ref().map(|previous| previous.ends_at);
    let is_same_secret = old.secret.version == new.secret.version;
    let from = if is_same_secret { end_of(old) } else { living_until(old, now) };
    let to = if is_same_secret { end_of(new) } else { living_until(new, now) };
    (from != to)
        .then(|| FieldChange::new("previous_secret_expires_at", difference::time(from), difference::time(to)))
}
