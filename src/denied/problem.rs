//! The answer of a refusal as a document.

use serde::Serialize;

use super::{Denied, violated_policy};
use crate::Scope;

/// Where the meaning of each `code` is written down, with the code behind it.
pub const PROBLEM_TYPES: &str = "https://docs.rs/tokenward/latest/tokenward/guide/problems/index.html#";

/// The type of a 429, as registered with IANA.
const QUOTA_EXCEEDED: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";

/// The name of the policy that all tokens of a tenant share.
pub(crate) const SHARED_POLICY: &str = "account";

/// A problem document (RFC 9457) about a refusal. Serialises to its JSON; the media type is
/// `application/problem+json`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// A URL that names the kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// What is wrong, in a few words that are the same each time.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// A word for programs.
    pub code: &'static str,
    /// What is wrong this time, and what to do.
    pub detail: String,
    /// For a missing scope: what is needed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<Scope>,
    /// For a missing scope: what of that the token lacks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Scope>,
    /// For a limit: the names of the policies that were exceeded.
    #[serde(rename = "violated-policies", skip_serializing_if = "Vec::is_empty")]
    pub violated_policies: Vec<&'static str>,
    /// For a limit: whole seconds until the next request can pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

impl Problem {
    pub(super) fn of(denied: &Denied) -> Problem {
        let kind = match denied {
            Denied::RateLimited(_) | Denied::SharedLimit(_) => QUOTA_EXCEEDED.to_owned(),
            _ => format!("{PROBLEM_TYPES}{}", denied.code()),
        };
        let (required, missing) = match denied {
            Denied::InsufficientScope(shortage) => (shortage.required.clone(), shortage.missing.clone()),
            _ => Default::default(),
        };
        let violated_policies = match denied {
            Denied::RateLimited(limited) => violated_policy(limited),
            Denied::SharedLimit(_) => vec![SHARED_POLICY],
            _ => Vec::new(),
        };
        Problem {
            kind,
            title: denied.title(),
            status: denied.status(),
            code: denied.code(),
            detail: denied.detail(),
            required,
            missing,
            violated_policies,
            retry_after: denied.retry_after(),
        }
    }

    /// The problem of a store that is down, or too busy: 503. Neither a grant nor a refusal.
    pub fn unavailable() -> Problem {
        Problem {
            kind: format!("{PROBLEM_TYPES}store-unavailable"),
            title: "Tokens cannot be checked right now",
            status: 503,
            code: "store-unavailable",
            detail: "The service cannot check tokens at the moment. Yours may be fine: try again shortly."
                .to_owned(),
            required: Vec::new(),
            missing: Vec::new(),
            violated_policies: Vec::new(),
            retry_after: Some(1),
        }
    }
}
