//! One change made to many tokens, one after the other: what the bulk calls of the JSON API and of the
//! dashboard have in common.

use chrono::{DateTime, TimeDelta, Utc};

use super::context::Context;
use super::permissions::Right;
use crate::tokens::ChangeToken;
use crate::{Error, TokenId, TokenRecord, Update};

/// Of so many tokens at once at most.
pub(crate) const MOST: usize = 200;

/// What is done to each of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Deed {
    Revoke,
    Pause(PauseEnd),
    Resume,
    Extend(Extension),
}

/// When a pause ends by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PauseEnd {
    WhenResumed,
    At(DateTime<Utc>),
    In(TimeDelta),
}

/// How a life is prolonged. One that never ends stays so, and none is made shorter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Extension {
    /// By so long, from its present end on, or from now where that is over.
    #[cfg_attr(not(feature = "dashboard"), expect(dead_code, reason = "pages alone extend by a length"))]
    By(TimeDelta),
    To(DateTime<Utc>),
}

impl Deed {
    /// What whoever asks for it must be allowed to do.
    pub(crate) fn right(self) -> Right {
        match self {
            Deed::Revoke => Right::Revoke,
            Deed::Pause(_) | Deed::Resume => Right::Pause,
            Deed::Extend(_) => Right::Edit,
        }
    }
}

impl Extension {
    /// The end that a token then has; none where it stays as it is.
    pub(crate) fn end_of(self, record: &TokenRecord, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let present = record.expires_at?;
        let end = match self {
            Extension::By(time) => present.max(now).checked_add_signed(time).unwrap_or(present),
            Extension::To(end) => end,
        };
        Some(end).filter(|end| *end > present)
    }
}

/// A token to which something is done.
pub(crate) struct Chosen<'a> {
    pub(crate) record: &'a TokenRecord,
    /// Only if it still has this version.
    pub(crate) version: Option<u64>,
}

/// Does it to each of these tokens, which the actor reaches. What fails for one is done to the others
/// all the same. When it has returned, every node heeds what was done: that is waited for once, behind
/// all of them.
pub(crate) async fn to_each(
    context: &Context<'_>,
    chosen: &[Chosen<'_>],
    deed: Deed,
    reason: Option<&str>,
) -> Vec<(TokenId, Result<TokenRecord, Error>)> {
    let mut done = Vec::with_capacity(chosen.len());
    for Chosen { record, version } in chosen {
        let result = match change(context, record, deed) {
            None => Ok((*record).clone()),
            Some(change) => {
                let change = match reason {
                    Some(reason) => change.because(reason),
                    None => change,
                };
                let change = match version {
                    Some(version) => change.if_version(*version),
                    None => change,
                };
                change.by_without_waiting(&context.actor).await
            }
        };
        done.push((record.id, result));
    }
    if let Err(error) = context.tokens.heeded_everywhere().await {
        tracing::error!(%error, "whether every node heeds what was done to many tokens is not known");
        for (_, result) in done.iter_mut().filter(|(_, result)| result.is_ok()) {
            *result = Err(Error::Interrupted);
        }
    }
    done
}

/// None where there is nothing to change.
fn change<'c>(context: &Context<'c>, record: &TokenRecord, deed: Deed) -> Option<ChangeToken<'c>> {
    let tokens = context.tokens;
    Some(match deed {
        Deed::Revoke => tokens.revoke(&record.id),
        Deed::Resume => tokens.resume(&record.id),
        Deed::Pause(PauseEnd::WhenResumed) => tokens.pause(&record.id),
        Deed::Pause(PauseEnd::At(time)) => tokens.pause(&record.id).until(time),
        Deed::Pause(PauseEnd::In(time)) => tokens.pause(&record.id).lasting(time),
        Deed::Extend(extension) => {
            let end = extension.end_of(record, context.now())?;
            tokens.update(&record.id, Update::new().expires_at(end))
        }
    })
}
