//! What the tables of tokens and of history look like in every database of SQL.

/// The columns of a token.
pub(super) const TOKEN_COLUMNS: &str = "id, name, description, tenant, owner, parent, scopes, rate_limit, addresses, \
     environment, metadata, not_before, expires_at, paused_at, paused_until, revoked_at, revoked_because, \
     created_at, created_by, digest, secret_version, secret_start, secret_last4, secret_created_at, \
     previous_digest, previous_version, previous_last4, previous_created_at, previous_ends_at, rotation_keys, \
     version, sequence";

/// The columns of an entry of history.
pub(super) const HISTORY_COLUMNS: &str = "number, at, action, token, token_name, tenant, actor, address, salt, \
     actor_token, via, request_id, reason, changes, previous, commitment, hash";

/// The status of the token `t` at the time in the place `now`, in the order of `Life::status`: a
/// comparison with a time that is not there is none.
pub(super) fn status_at(now: &str) -> String {
    format!(
        "CASE WHEN t.revoked_at IS NOT NULL THEN 'revoked' \
         WHEN {now} < t.not_before THEN 'not_yet_valid' \
         WHEN {now} >= t.expires_at THEN 'expired' \
         WHEN t.paused_at IS NOT NULL AND (t.paused_until IS NULL OR {now} < t.paused_until) THEN 'paused' \
         ELSE 'active' END"
    )
}
