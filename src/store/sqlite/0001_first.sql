-- Times are milliseconds since 1970. What has a name of ours begins with tokenward_, so that the
-- file can be a service's own. Changed texts of migrations are refused: add a new one instead.

-- One row. last_number: the last number of a change; within a write transaction it is drawn in the
-- order of the commits. touched: counts every change of a token, whoever made it, so that one made
-- by hand is noticed.
CREATE TABLE tokenward_state (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    last_number INTEGER NOT NULL CHECK (last_number >= 0),
    touched INTEGER NOT NULL,
    service_key BLOB NOT NULL CHECK (length(service_key) = 32)
);

CREATE TABLE tokenward_tokens (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    tenant TEXT,
    owner TEXT,
    parent TEXT,
    scopes TEXT NOT NULL,
    rate_limit TEXT NOT NULL,
    addresses TEXT NOT NULL,
    environment TEXT,
    metadata TEXT NOT NULL,
    not_before INTEGER,
    expires_at INTEGER,
    paused_at INTEGER,
    paused_until INTEGER,
    revoked_at INTEGER,
    revoked_because TEXT,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    -- The digests are SHA-256 behind one byte that names the version. No secret is ever stored.
    digest BLOB NOT NULL,
    secret_version INTEGER NOT NULL,
    secret_start TEXT NOT NULL,
    secret_last4 TEXT NOT NULL,
    secret_created_at INTEGER NOT NULL,
    previous_digest BLOB,
    previous_version INTEGER,
    previous_last4 TEXT,
    previous_created_at INTEGER,
    previous_ends_at INTEGER,
    rotation_keys TEXT NOT NULL,
    version INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    -- What never expires comes last.
    expires_key INTEGER NOT NULL GENERATED ALWAYS AS (ifnull(expires_at, 9223372036854775807)) VIRTUAL
);

CREATE UNIQUE INDEX tokenward_tokens_by_id ON tokenward_tokens (id);
CREATE INDEX tokenward_tokens_by_created ON tokenward_tokens (created_at, id);
CREATE INDEX tokenward_tokens_by_name ON tokenward_tokens (name, id);
CREATE INDEX tokenward_tokens_by_expiry ON tokenward_tokens (expires_key, id);
CREATE INDEX tokenward_tokens_by_tenant_and_created ON tokenward_tokens (tenant, created_at, id);
CREATE INDEX tokenward_tokens_by_tenant_and_name ON tokenward_tokens (tenant, name, id);
CREATE INDEX tokenward_tokens_by_tenant_and_expiry ON tokenward_tokens (tenant, expires_key, id);
CREATE INDEX tokenward_tokens_by_owner ON tokenward_tokens (owner, created_at, id);
-- The cap counts here.
CREATE INDEX tokenward_tokens_unrevoked ON tokenward_tokens (tenant, expires_key) WHERE revoked_at IS NULL;
-- Revoked tokens may be few among many.
CREATE INDEX tokenward_tokens_revoked ON tokenward_tokens (tenant, created_at, id) WHERE revoked_at IS NOT NULL;

-- The scopes once more, to find tokens by: kept by the triggers below, whoever writes the tokens.
CREATE TABLE tokenward_token_scopes (
    token TEXT NOT NULL,
    scope TEXT NOT NULL,
    tenant TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (token, scope)
) WITHOUT ROWID;

CREATE INDEX tokenward_token_scopes_by_scope ON tokenward_token_scopes (scope, created_at, token);
CREATE INDEX tokenward_token_scopes_by_tenant ON tokenward_token_scopes (scope, tenant, created_at, token);

CREATE TRIGGER tokenward_tokens_inserted AFTER INSERT ON tokenward_tokens BEGIN
    UPDATE tokenward_state SET touched = touched + 1;
    INSERT OR IGNORE INTO tokenward_token_scopes (token, scope, tenant, created_at)
        SELECT new.id, value, new.tenant, new.created_at FROM json_each(new.scopes);
END;

CREATE TRIGGER tokenward_tokens_updated AFTER UPDATE ON tokenward_tokens BEGIN
    UPDATE tokenward_state SET touched = touched + 1;
END;

CREATE TRIGGER tokenward_tokens_rescoped AFTER UPDATE OF id, scopes, tenant, created_at ON tokenward_tokens
WHEN old.id IS NOT new.id OR old.scopes IS NOT new.scopes
    OR old.tenant IS NOT new.tenant OR old.created_at IS NOT new.created_at
BEGIN
    DELETE FROM tokenward_token_scopes WHERE token = old.id;
    INSERT OR IGNORE INTO tokenward_token_scopes (token, scope, tenant, created_at)
        SELECT new.id, value, new.tenant, new.created_at FROM json_each(new.scopes);
END;

CREATE TRIGGER tokenward_tokens_deleted AFTER DELETE ON tokenward_tokens BEGIN
    UPDATE tokenward_state SET touched = touched + 1;
    DELETE FROM tokenward_token_scopes WHERE token = old.id;
END;

-- The number of an entry is the number of its change: the feed of changes is this table in order.
CREATE TABLE tokenward_history (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    action TEXT NOT NULL,
    token TEXT NOT NULL,
    token_name TEXT NOT NULL,
    tenant TEXT,
    -- Personal: set all three to NULL together to erase them. The chain still verifies.
    actor TEXT,
    address TEXT,
    salt TEXT,
    actor_token TEXT,
    via TEXT NOT NULL,
    request_id TEXT,
    reason TEXT,
    changes TEXT NOT NULL,
    previous TEXT NOT NULL,
    commitment TEXT NOT NULL,
    hash TEXT NOT NULL
);

CREATE INDEX tokenward_history_by_tenant ON tokenward_history (tenant, number);
CREATE INDEX tokenward_history_by_token ON tokenward_history (token, number);

CREATE TABLE tokenward_usage (
    token TEXT PRIMARY KEY,
    granted INTEGER NOT NULL CHECK (granted >= 0),
    limited INTEGER NOT NULL CHECK (limited >= 0),
    missing_scope INTEGER NOT NULL CHECK (missing_scope >= 0),
    refused INTEGER NOT NULL CHECK (refused >= 0),
    wrong_secret INTEGER NOT NULL CHECK (wrong_secret >= 0),
    finished INTEGER NOT NULL CHECK (finished >= 0),
    succeeded INTEGER NOT NULL CHECK (succeeded >= 0),
    duration_us INTEGER NOT NULL CHECK (duration_us >= 0),
    last_used_at INTEGER,
    last_seen_at INTEGER
) WITHOUT ROWID;

-- The last batch of each node, and how many of its tokens are added: all of them once it is whole.
CREATE TABLE tokenward_usage_batches (
    node INTEGER PRIMARY KEY,
    number INTEGER NOT NULL,
    added INTEGER NOT NULL,
    whole INTEGER NOT NULL CHECK (whole IN (0, 1))
);
