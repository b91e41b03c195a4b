//! Why a request is refused, in words for the one who made it.

mod problem;
pub(crate) mod speech;

#[cfg(feature = "web")]
pub(crate) use problem::SHARED_POLICY;
pub use problem::{PROBLEM_TYPES, Problem};
pub(crate) use speech::{moment, wait};

use chrono::{DateTime, Utc};

use crate::Scope;
use crate::limit::{Limited, Quota, QuotaStanding};

/// Why a request is refused.
///
/// Whoever proves that it holds the right secret is told what happened to it, since that helps it
/// and nobody else. An unknown id, a wrong secret and a foreign tenant are one answer,
/// [`Denied::Invalid`].
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum Denied {
    /// 400: the request carries its credential in a way that can be read in two ways.
    Ambiguous(&'static str),
    /// 401: a token is required, and there is none.
    Missing,
    /// 401: it has a wrong letter, or is not known here.
    Invalid,
    /// 401: it was revoked, at this moment.
    Revoked(Option<DateTime<Utc>>),
    /// 401: it expired, at this moment.
    Expired(DateTime<Utc>),
    /// 401: it is valid from this moment on.
    NotYetValid(DateTime<Utc>),
    /// 401: its secret was replaced; the old one ended at this moment.
    Rotated(DateTime<Utc>),
    /// 403: it is paused, until this moment or until it is resumed.
    Paused(Option<DateTime<Utc>>),
    /// 403: it may not be used from this address.
    AddressNotAllowed,
    /// 403: it lacks a scope.
    InsufficientScope(Box<ScopeShortage>),
    /// 403: this place is not for tokens.
    NotForTokens,
    /// 429: its limit is reached.
    RateLimited(Limited),
    /// 429: the limit that all tokens of its tenant share is reached.
    SharedLimit(Limited),
}

/// What a token has and what it would need.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct ScopeShortage {
    /// The token's name, where it is known without asking the store.
    pub token_name: Option<String>,
    /// What the token may do.
    pub granted: Vec<Scope>,
    /// What is needed here.
    pub required: Vec<Scope>,
    /// What of that it lacks.
    pub missing: Vec<Scope>,
    /// What was asked for: `POST /orders/{id}/fulfil`. Where it is not known, "This".
    pub operation: Option<String>,
}

impl Denied {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Denied::Ambiguous(_) => 400,
            Denied::Missing
            | Denied::Invalid
            | Denied::Revoked(_)
            | Denied::Expired(_)
            | Denied::NotYetValid(_)
            | Denied::Rotated(_) => 401,
            Denied::Paused(_)
            | Denied::AddressNotAllowed
            | Denied::InsufficientScope(_)
            | Denied::NotForTokens => 403,
            Denied::RateLimited(_) | Denied::SharedLimit(_) => 429,
        }
    }

    /// A word for programs, which stays the same for ever.
    pub fn code(&self) -> &'static str {
        match self {
            Denied::Ambiguous(_) => "invalid-request",
            Denied::Missing => "token-missing",
            Denied::Invalid => "token-invalid",
            Denied::Revoked(_) => "token-revoked",
            Denied::Expired(_) => "token-expired",
            Denied::NotYetValid(_) => "token-not-yet-valid",
            Denied::Rotated(_) => "token-rotated",
            Denied::Paused(_) => "token-paused",
            Denied::AddressNotAllowed => "address-not-allowed",
            Denied::InsufficientScope(_) => "insufficient-scope",
            Denied::NotForTokens => "not-for-tokens",
            Denied::RateLimited(_) | Denied::SharedLimit(_) => "rate-limited",
        }
    }

    /// What is wrong, in a few words that are the same each time.
    pub fn title(&self) -> &'static str {
        match self {
            Denied::Ambiguous(_) => "The request cannot be read in one way",
            Denied::Missing => "A token is needed here",
            Denied::Invalid => "This token is not valid",
            Denied::Revoked(_) => "This token was revoked",
            Denied::Expired(_) => "This token has expired",
            Denied::NotYetValid(_) => "This token is not valid yet",
            Denied::Rotated(_) => "This token was replaced",
            Denied::Paused(_) => "This token is paused",
            Denied::AddressNotAllowed => "This token may not be used from here",
            Denied::InsufficientScope(_) => "This token may not do that",
            Denied::NotForTokens => "Tokens cannot be used here",
            Denied::RateLimited(_) | Denied::SharedLimit(_) => "Too many requests",
        }
    }

    /// What is wrong and what to do, for the one who reads the answer.
    pub fn detail(&self) -> String {
        match self {
            Denied::Ambiguous(why) => (*why).to_owned(),
            Denied::Missing => "Send a token in the header \"Authorization: Bearer <token>\".".to_owned(),
            Denied::Invalid => "The token is missing a letter or is not known here.".to_owned(),
            Denied::Revoked(at) => {
                let when = at.map_or_else(String::new, |at| format!(" on {}", moment(at)));
                format!("This token was revoked{when}, for good. Ask its owner for a new one.")
            }
            Denied::Expired(at) => {
                format!("This token expired on {}. Ask its owner to extend or replace it.", moment(*at))
            }
            Denied::NotYetValid(from) => format!("This token is valid from {} on.", moment(*from)),
            Denied::Rotated(at) => format!(
                "This token was replaced, and its old text stopped working on {}. Use the new text, or ask its owner for it.",
                moment(*at)
            ),
            Denied::Paused(Some(until)) => {
                format!("This token is paused by its owner until {}.", moment(*until))
            }
            Denied::Paused(None) => {
                "This token is paused by its owner. It works again when it is resumed.".to_owned()
            }
            Denied::AddressNotAllowed => {
                "This token may only be used from the addresses that its owner has named, and yours is not among them."
                    .to_owned()
            }
            Denied::InsufficientScope(shortage) => shortage.detail(),
            Denied::NotForTokens => {
                "This part of the service is not open to API tokens, whatever their scopes.".to_owned()
            }
            Denied::RateLimited(limited) => reached(limited, ""),
            Denied::SharedLimit(limited) => reached(limited, " for all tokens of this account together"),
        }
    }

    /// The answer as a problem document (RFC 9457).
    pub fn problem(&self) -> Problem {
        Problem::of(self)
    }

    /// Seconds after which the same request can pass, rounded up, at least 1; none where waiting
    /// does not help.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Denied::RateLimited(limited) | Denied::SharedLimit(limited) => {
                Some(u64::from(limited.retry_after_ms.div_ceil(1_000).max(1)))
            }
            _ => None,
        }
    }
}

impl ScopeShortage {
    fn detail(&self) -> String {
        let name = match &self.token_name {
            Some(name) => format!("The token \"{name}\""),
            None => "This token".to_owned(),
        };
        let granted = if self.granted.is_empty() { "no scopes".to_owned() } else { list(&self.granted) };
        let operation = self.operation.as_deref().unwrap_or("This");
        let what = if self.missing.len() == 1 { "scope" } else { "scopes" };
        format!(
            "{name} has {granted}. {operation} needs {}. Its owner can add the {what} without changing the token.",
            list(&self.required)
        )
    }
}

fn reached(limited: &Limited, for_whom: &str) -> String {
    let quota = limited.by.quota;
    let (allowed, made) = match quota.limit() {
        1 => ("is", "1 was".to_owned()),
        limit => ("are", format!("{limit} were")),
    };
    format!(
        "{quota} {allowed} allowed{for_whom}, and {made} made in the last {}. The next one can pass in {}.",
        speech::span(quota.window()),
        wait(limited.retry_after_ms.into())
    )
}

/// What a quota is called in headers and problems, by its place among a token's quotas.
pub(crate) fn policy_name(place: usize, quota: Quota) -> &'static str {
    match (place, quota.window_ms()) {
        (0, _) => "default",
        (_, 3_600_000) => "hour",
        (_, 86_400_000) => "day",
        (1, _) => "second",
        _ => "third",
    }
}

fn violated_policy(limited: &Limited) -> Vec<&'static str> {
    let refused = |(_, standing): &(usize, QuotaStanding)| standing.quota == limited.by.quota;
    let names = limited.standing.quotas().enumerate().filter(refused);
    names.map(|(place, standing)| policy_name(place, standing.quota)).collect()
}

fn list(scopes: &[Scope]) -> String {
    scopes.iter().map(Scope::as_str).collect::<Vec<_>>().join(", ")
}
