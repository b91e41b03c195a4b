//! What a client is told of its limit.

use std::fmt::Write;

use crate::Denied;
use crate::clock::Reading;
use crate::denied::{SHARED_POLICY, policy_name};
use crate::limit::{QuotaStanding, Standing};

/// Which headers tell of the limit.
///
/// The default is [`LimitHeaders::Both`]: one form for the clients of today, one for those of
/// tomorrow.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub enum LimitHeaders {
    /// `RateLimit` and `RateLimit-Policy` of draft-ietf-httpapi-ratelimit-headers, in the list
    /// form of its revisions from -08 on: structured fields (RFC 9651).
    Draft,
    /// `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset` (Unix seconds).
    Legacy,
    /// Both of them.
    #[default]
    Both,
    /// None.
    Off,
}

/// The headers that a browser's script needs to see: for the `expose_headers` of the service's
/// CORS layer.
pub const EXPOSED_HEADERS: [&str; 7] = [
    "www-authenticate",
    "retry-after",
    "ratelimit",
    "ratelimit-policy",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
];

/// A header of ours, by its lower-case name.
pub(super) type Header = (&'static str, String);

impl LimitHeaders {
    /// After a request that passed. Nothing for a token without a limit.
    pub(super) fn granted(self, standing: &Standing, now: Reading) -> Vec<Header> {
        self.of(standing, standing.tightest(), "default", now)
    }

    /// With a refusal by the limit; nothing for any other.
    pub(super) fn denied(self, denied: &Denied, now: Reading) -> Vec<Header> {
        match denied {
            // Where it is not known how the token stands, a header would be wrong.
            Denied::RateLimited(limited) | Denied::SharedLimit(limited)
                if limited.standing.tightest().is_none() =>
            {
                Vec::new()
            }
            Denied::RateLimited(limited) => self.of(&limited.standing, Some(limited.by), "default", now),
            Denied::SharedLimit(limited) => self.of(&limited.standing, Some(limited.by), SHARED_POLICY, now),
            _ => Vec::new(),
        }
    }

    fn of(
        self,
        standing: &Standing,
        about: Option<QuotaStanding>,
        first_policy: &'static str,
        now: Reading,
    ) -> Vec<Header> {
        let Some(about) = about else { return Vec::new() };
        let mut headers = Vec::with_capacity(5);
        if matches!(self, LimitHeaders::Draft | LimitHeaders::Both) {
            let (mut limits, mut policies) = (String::new(), String::new());
            for (place, quota) in standing.quotas().enumerate() {
                let name = if place == 0 { first_policy } else { policy_name(place, quota.quota) };
                let separator = if place == 0 { "" } else { ", " };
                let (limit, window) = (quota.quota.limit(), quota.quota.window_ms().div_ceil(1_000));
                // The tick of the clock, which a place comes back later, is not worth a second.
                let (left, back) = (quota.remaining, quota.reset_ms.div_ceil(1_000).min(window));
                // Writing to a String cannot fail.
                _ = write!(policies, "{separator}\"{name}\";q={limit};w={window}");
                _ = write!(limits, "{separator}\"{name}\";r={left};t={back}");
            }
            headers.push(("ratelimit-policy", policies));
            headers.push(("ratelimit", limits));
        }
        if matches!(self, LimitHeaders::Legacy | LimitHeaders::Both) {
            let back_at_ms = now.wall_ms.saturating_add(about.reset_ms.into());
            let back_at = back_at_ms.div_euclid(1_000) + i64::from(back_at_ms.rem_euclid(1_000) > 0);
            headers.push(("x-ratelimit-limit", about.quota.limit().to_string()));
            headers.push(("x-ratelimit-remaining", about.remaining.to_string()));
            headers.push(("x-ratelimit-reset", back_at.to_string()));
        }
        headers
    }
}
