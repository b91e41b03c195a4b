//! History, the catalogue, and the service itself.

use crate::admin::openapi::operation::{Operation, operation};
use crate::admin::openapi::parameters::{cursor, limit};

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
