//! A refusal as an answer.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use super::{LimitHeaders, Reply, challenge};
use crate::clock::Reading;
use crate::{Denied, Error, Problem};

/// The body of a refusal in the service's own shape: its media type and its bytes.
type Body = dyn Fn(&Denied) -> (&'static str, Vec<u8>) + Send + Sync;

/// How refusals are answered.
#[derive(Clone)]
pub(crate) struct Refusals {
    pub(super) realm: Arc<str>,
    pub(super) limit_headers: LimitHeaders,
    pub(super) body: Option<Arc<Body>>,
    /// By up to how many seconds `Retry-After` is put off, each time by another number of them.
    pub(super) spread: u32,
}

impl Refusals {
    pub(crate) fn reply(&self, denied: &Denied, now: Reading) -> Reply {
        let mut reply = match &self.body {
            None => Reply::problem(denied.status(), &denied.problem()),
            Some(body) => {
                let (media_type, body) = body(denied);
                Reply { body, ..Reply::empty(denied.status()) }
                    .header("content-type", media_type)
                    .header("cache-control", "no-store")
            }
        };
        if let Some(challenge) = challenge::of(denied, &self.realm) {
            reply = reply.header("www-authenticate", challenge);
        }
        if let Some(seconds) = denied.retry_after() {
            let later = seconds.saturating_add(self.later());
            reply = reply.header("retry-after", later.to_string());
        }
        reply.headers.extend(self.limit_headers.denied(denied, now));
        reply
    }

    /// Any number of seconds within the spread. It guards nothing, so that the hasher's randomness
    /// is good enough.
    fn later(&self) -> u64 {
        match self.spread {
            0 => 0,
            spread => RandomState::new().hash_one(0) % (u64::from(spread) + 1),
        }
    }
}

impl Default for Refusals {
    fn default() -> Self {
        Refusals { realm: "api".into(), limit_headers: LimitHeaders::default(), body: None, spread: 0 }
    }
}

impl fmt::Debug for Refusals {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Refusals")
            .field("realm", &self.realm)
            .field("limit_headers", &self.limit_headers)
            .finish_non_exhaustive()
    }
}

/// The answer while tokens cannot be checked: neither a grant nor a refusal.
pub(crate) fn unavailable(error: &Error) -> Reply {
    if error.is_transient() {
        tracing::warn!(%error, "tokens cannot be checked");
    } else {
        tracing::error!(%error, "tokens cannot be checked until somebody mends it");
    }
    Reply::problem(503, &Problem::unavailable()).header("retry-after", "1")
}
