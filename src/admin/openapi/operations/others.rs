//! History, the catalogue, and the service itself.

use serde_json::json;

use crate::Action;
use crate::admin::openapi::operation::{Operation, operation};
use crate::admin::openapi::parameters::{cursor, limit, query, text, time, words};
use crate::admin::openapi::words::ID_PATTERN;

pub(super) fn history_of_token() -> Operation {
    operation(
        "history",
        "tokenHistory",
        "The history of a token",
        "What was done to it, the newest first. It outlives the token.",
    )
    .parameters([limit("entries"), cursor()])
    .answers(200, "A page of history.", "History", &["Link"])
    .codes(&["invalid-cursor"])
}

pub(super) fn history_of_all() -> Operation {
    let id = json!({ "type": "string", "pattern": ID_PATTERN });
    operation(
        "history",
        "history",
        "The history of all tokens",
        "What was done within reach, the newest first: page by page, or with `Accept: application/x-ndjson` one \
         entry on each line, all of them unless `limit` says how many.",
    )
    .parameters([
        text("actor", "Only what this actor has done.", "maria@acme.example"),
        words("action", "Only these actions; may be repeated.", &Action::ALL.map(Action::as_str)),
        query("token", "Only what was done to this token.", id, "tok_7hQ2mXw9LpR4tYzA"),
        time("from", "Only entries from this moment on, which is not in the future.", "2026-11-24T13:00:00Z"),
        time("to", "Only entries before this moment, which is not before `from`.", "2026-11-24T14:00:00Z"),
        limit("entries"),
        cursor(),
    ])
    .answers_in(
        200,
        "A page of history, or entries as lines.",
        vec![("application/json", Some("History")), ("application/x-ndjson", None)],
        &["Link"],
    )
    .codes(&["invalid-cursor"])
}

pub(super) fn verify_history() -> Operation {
    operation(
        "history",
        "verifyHistory",
        "Check that history holds together",
        "Each entry is sealed with the one before it. All entries within reach are read: it takes as long as \
         there are many.",
    )
    .answers(200, "Whether it does.", "HistoryCheck", &[])
}

pub(super) fn attention() -> Operation {
    operation(
        "tokens",
        "listFindings",
        "List what deserves attention",
        "Tokens that expire soon, are refused, fail, or are not used, each with the reason and what to do about \
         it.",
    )
    .parameters([limit("tokens")])
    .answers(200, "What was found.", "Attention", &[])
}

pub(super) fn introspect() -> Operation {
    operation(
        "tokens",
        "introspectToken",
        "Tell whether a token works",
        "Token introspection (RFC 7662), for gateways. Nothing is counted or charged to the token that is asked \
         about, and of one that does not work nothing is told but that.",
    )
    .body_of(
        vec![
            ("application/x-www-form-urlencoded", "IntrospectionForm"),
            ("application/json", "IntrospectionRequest"),
        ],
        true,
    )
    .answers(200, "Whether it works, and what it may do.", "Introspection", &[])
}

pub(super) fn scopes() -> Operation {
    operation(
        "catalogue",
        "listScopes",
        "List what can be granted",
        "The catalogue of the service with its groups, apart from it the built-in scopes, and for each whether \
         whoever asks may grant it.",
    )
    .answers(200, "The scopes.", "ScopeCatalogue", &[])
}

pub(super) fn presets() -> Operation {
    operation(
        "catalogue",
        "listPresets",
        "List presets",
        "Tokens of the service's own choice, ready to be created.",
    )
    .answers(200, "The presets.", "PresetList", &[])
}

pub(super) fn me() -> Operation {
    operation("catalogue", "me", "Who asks", "Who is asking, what it may do, and what it may grant at most.")
        .answers(200, "Whoever asks.", "Me", &[])
}

pub(super) fn health() -> Operation {
    let content = || vec![("application/json", Some("HealthAnswer"))];
    operation(
        "service",
        "health",
        "How this node stands",
        "A word for anybody, and the figures for whoever may look at tokens.",
    )
    .answers_in(200, "Tokens are checked.", content(), &[])
    .answers_in(503, "Nothing is believed any more: verifications answer 503.", content(), &[])
}

pub(super) fn openapi() -> Operation {
    operation("service", "openapi", "This document", "The description of the API, which you are reading.")
        .answers_in(200, "The document.", vec![("application/json", Some("Document"))], &[])
}
