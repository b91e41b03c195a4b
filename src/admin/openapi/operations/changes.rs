//! Tokens created and changed.

use crate::admin::openapi::operation::{Operation, operation};
use crate::admin::openapi::parameters::{dry_run, idempotency_key, if_match};

pub(super) fn create() -> Operation {
    operation(
        "tokens",
        "createToken",
        "Create a token",
        "The answer is the only one that ever shows the secret. Nobody can grant more than it holds: what is \
         beyond it is refused, never cut down.",
    )
    .parameters([idempotency_key()])
    .body("NewToken")
    .answers(201, "The token, and its secret.", "CreatedToken", &["ETag", "Location"])
    .codes(&["not-grantable", "secret-already-revealed", "too-many-tokens"])
}

pub(super) fn change() -> Operation {
    operation(
        "tokens",
        "changeToken",
        "Change a token in place",
        "Its text stays the same, and requests that begin after the answer are judged by the change. A change \
         that changes nothing is answered 200, without a new version.",
    )
    .parameters([dry_run(), if_match()])
    .body_of(patch_of("TokenChange"), true)
    .answers(200, "The token as it is now, or would be.", "ChangedToken", &[])
    .codes(&["not-grantable", "conflict", "already-revoked", "stale-version"])
}

pub(super) fn purge() -> Operation {
    operation(
        "tokens",
        "deleteToken",
        "Delete a token",
        "Only one that is revoked or expired. Its history stays.",
    )
    .parameters([if_match()])
    .answers_in(204, "It is gone.", Vec::new(), &[])
    .codes(&["token-still-valid", "conflict", "stale-version"])
}

pub(super) fn revoke() -> Operation {
    operation(
        "tokens",
        "revokeToken",
        "Revoke a token",
        "For good, and for every request that begins after the answer. Revoking twice is the same as once.",
    )
    .parameters([if_match()])
    .optional_body("Revocation")
    .answers(200, "The token, revoked.", "Token", &["ETag"])
    .codes(&["conflict", "stale-version"])
}

pub(super) fn pause() -> Operation {
    operation(
        "tokens",
        "pauseToken",
        "Pause a token",
        "It is refused until it is resumed, or until the end that is said. Pausing again sets the end anew.",
    )
    .parameters([if_match()])
    .optional_body("Pause")
    .answers(200, "The token, paused.", "Token", &["ETag"])
    .codes(&["conflict", "already-revoked", "stale-version"])
}

pub(super) fn resume() -> Operation {
    operation("tokens", "resumeToken", "Resume a token", "It works again at once.")
        .parameters([if_match()])
        .optional_body("Resumption")
        .answers(200, "The token, no longer paused.", "Token", &["ETag"])
        .codes(&["conflict", "already-revoked", "stale-version"])
}

pub(super) fn rotate() -> Operation {
    operation(
        "tokens",
        "rotateToken",
        "Give a token a new secret",
        "The answer is the only one that ever shows the new secret. The old one is dead when the answer \
         arrives, or works on for `grace` seconds. An answer that was lost is repaired by rotating again.",
    )
    .parameters([idempotency_key(), if_match()])
    .optional_body("Rotation")
    .answers(201, "The token, and its new secret.", "RotatedToken", &["ETag", "Location"])
    .codes(&["not-grantable", "conflict", "already-revoked", "secret-already-revealed", "stale-version"])
}

pub(super) fn set_secret_end() -> Operation {
    operation(
        "tokens",
        "setSecretEnd",
        "Set the end of a grace period",
        "Until when the secret before a rotation still works: later, or earlier. What is over stays over, and \
         the current secret ends with its token.",
    )
    .parameters([if_match()])
    .body_of(patch_of("SecretEnd"), true)
    .answers(200, "The old secret, with its new end.", "Secret", &["ETag"])
    .codes(&["not-grantable", "conflict", "already-revoked", "last-secret", "stale-version"])
}

pub(super) fn end_secret() -> Operation {
    operation(
        "tokens",
        "endSecret",
        "End a grace period now",
        "The secret before a rotation no longer works for any request that begins after the answer. The \
         current secret works on.",
    )
    .parameters([if_match()])
    .answers_in(204, "It is dead.", Vec::new(), &["ETag"])
    .codes(&["conflict", "already-revoked", "last-secret", "stale-version"])
}

pub(super) fn bulk() -> Operation {
    operation(
        "tokens",
        "changeTokens",
        "Change many tokens at once",
        "Up to 200 tokens are revoked, paused, resumed or extended, one after the other. What fails for one is \
         done to the others all the same: each has a result of its own, with the status that it alone would \
         have been answered.",
    )
    .body("BulkChange")
    .answers(200, "What became of each.", "BulkResults", &[])
}

/// Both media types that a change may come in.
fn patch_of(schema: &'static str) -> Vec<(&'static str, &'static str)> {
    vec![("application/merge-patch+json", schema), ("application/json", schema)]
}
