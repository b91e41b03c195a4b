//! Which problems a route may answer, by their codes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::operation::reference;
use super::{examples, parameters};
use crate::admin::permissions::Right;
use crate::admin::routes::{Route, Row};

/// The status that a code comes with.
const STATUSES: [(u16, &[&str]); 10] = [
    (400, &["malformed", "invalid-request", "invalid-cursor"]),
    (
        401,
        &[
            "token-missing",
            "token-invalid",
            "token-revoked",
            "token-expired",
            "token-not-yet-valid",
            "token-rotated",
        ],
    ),
    (
        403,
        &[
            "insufficient-scope",
            "token-paused",
            "address-not-allowed",
            "forbidden",
            "cross-site-request",
            "not-grantable",
        ],
    ),
    (404, &["not-found"]),
    (
        409,
        &[
            "conflict",
            "already-revoked",
            "token-still-valid",
            "secret-already-revealed",
            "too-many-tokens",
            "last-secret",
        ],
    ),
    (412, &["stale-version"]),
    (413, &["payload-too-large"]),
    (415, &["unsupported-media-type"]),
    (422, &["validation"]),
    (503, &["store-unavailable", "usage-unavailable", "too-many-streams"]),
];

/// What each status means, in a few words.
const fn meaning(status: u16) -> &'static str {
    match status {
        400 => "The request cannot be read.",
        401 => "There is no token, or it is not valid here.",
        403 => "Whoever asks may not do this.",
        404 => "There is no such thing here, or none that whoever asks may know of.",
        409 => "The token is not as it would have to be.",
        412 => "The token has another version by now.",
        413 => "The body is too long.",
        415 => "The body is of another media type.",
        422 => "A field of the body is not right; `errors` names each by a JSON pointer.",
        429 => "The bearer token has made as many requests as it may.",
        _ => "The service cannot do this at the moment.",
    }
}

/// The codes of problems that have nothing to do with what a route does.
pub(super) fn of_any(route: &Route) -> Vec<&'static str> {
    if route.row == Row::Health {
        // It answers anybody, and whoever brings a token that is none as well.
        return vec!["malformed", "not-found", "payload-too-large"];
    }
    let mut codes = vec![
        "malformed",
        "invalid-request",
        "token-missing",
        "token-invalid",
        "token-revoked",
        "token-expired",
        "token-not-yet-valid",
        "token-rotated",
        "insufficient-scope",
        "token-paused",
        "address-not-allowed",
        "not-found",
        "payload-too-large",
        "rate-limited",
        "store-unavailable",
    ];
    if route.needs != Right::Look {
        codes.push("forbidden");
    }
    if route.method != "GET" {
        codes.push("cross-site-request");
    }
    codes
}

/// The answers of an operation with these codes, by their status.
pub(super) fn described(operation: &str, codes: &[&'static str]) -> Vec<(String, Value)> {
    let mut by_status: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for code in codes {
        let listed = by_status.entry(status_of(code)).or_default();
        if !listed.contains(code) {
            listed.push(code);
        }
    }
    let one = |(status, codes): (u16, Vec<&str>)| {
        let narrowed = json!({ "type": "object", "properties": { "code": { "enum": codes } } });
        let described = json!({
            "description": format!("{} `code` is {}.", meaning(status), listed(&codes)),
            "headers": parameters::headers_of_problem(status),
            "content": {
                "application/problem+json": {
                    "schema": { "allOf": [reference("Problem"), narrowed] },
                    "examples": examples::of_problem(operation, &codes),
                },
            },
        });
        (status.to_string(), described)
    };
    by_status.into_iter().map(one).collect()
}

fn status_of(code: &str) -> u16 {
    let found = STATUSES.iter().find(|(_, codes)| codes.contains(&code));
    found.map_or(429, |(status, _)| *status)
}

/// `a`, `b` or `c`.
fn listed(codes: &[&str]) -> String {
    let quoted: Vec<_> = codes.iter().map(|code| format!("`{code}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}
