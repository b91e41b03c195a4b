-- Times are milliseconds since 1970. The schema is called tokenward here; its real name is put in when
-- this runs. Changed texts of migrations are refused: add a new one instead.

-- One row. last_number: the last number of a change. Whoever changes tokens raises it first: the row
-- stays locked until the commit, so that numbers are in the order of the commits.
CREATE TABLE tokenward.state (
    one boolean PRIMARY KEY CHECK (one),
    last_number bigint NOT NULL CHECK (last_number >= 0),
    service_key bytea NOT NULL CHECK (octet_length(service_key) = 32)
);

CREATE TABLE tokenward.tokens (
    id text COLLATE "C" PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    description text COLLATE "C" NOT NULL,
    tenant text COLLATE "C",
    owner text COLLATE "C",
    parent text COLLATE "C",
    scopes text[] COLLATE "C" NOT NULL,
    rate_limit jsonb NOT NULL,
    addresses jsonb NOT NULL,
    environment text COLLATE "C",
    metadata jsonb NOT NULL,
    not_before bigint,
    expires_at bigint,
    paused_at bigint,
    paused_until bigint,
    revoked_at bigint,
    revoked_because text COLLATE "C",
    created_at bigint NOT NULL,
    created_by text COLLATE "C" NOT NULL,
    -- The digests are SHA-256 behind one byte that names the version. No secret is ever stored.
    digest bytea NOT NULL,
    secret_version bigint NOT NULL CHECK (secret_version >= 0),
    secret_start text COLLATE "C" NOT NULL,
    secret_last4 text COLLATE "C" NOT NULL,
    secret_created_at bigint NOT NULL,
    previous_digest bytea,
    previous_version bigint CHECK (previous_version >= 0),
    previous_last4 text COLLATE "C",
    previous_created_at bigint,
    previous_ends_at bigint,
    rotation_keys jsonb NOT NULL,
    version bigint NOT NULL CHECK (version >= 0),
    sequence bigint NOT NULL CHECK (sequence >= 0),
    -- What never expires comes last.
    expires_key bigint NOT NULL GENERATED ALWAYS AS (coalesce(expires_at, 9223372036854775807)) STORED
);

CREATE INDEX tokens_by_created ON tokenward.tokens (created_at, id);
CREATE INDEX tokens_by_name ON tokenward.tokens (name, id);
CREATE INDEX tokens_by_expiry ON tokenward.tokens (expires_key, id);
CREATE INDEX tokens_by_tenant_and_created ON tokenward.tokens (tenant, created_at, id);
CREATE INDEX tokens_by_tenant_and_name ON tokenward.tokens (tenant, name, id);
CREATE INDEX tokens_by_tenant_and_expiry ON tokenward.tokens (tenant, expires_key, id);
CREATE INDEX tokens_by_owner ON tokenward.tokens (owner, created_at, id);
-- The cap counts here.
CREATE INDEX tokens_unrevoked ON tokenward.tokens (tenant, expires_key) WHERE revoked_at IS NULL;
-- Revoked tokens may be few among many.
CREATE INDEX tokens_revoked ON tokenward.tokens (tenant, created_at, id) WHERE revoked_at IS NOT NULL;

-- The scopes once more, to find tokens by: kept by the triggers below, whoever writes the tokens.
CREATE TABLE tokenward.token_scopes (
    token text COLLATE "C" NOT NULL,
    scope text COLLATE "C" NOT NULL,
    tenant text COLLATE "C",
    created_at bigint NOT NULL,
    PRIMARY KEY (token, scope)
);

CREATE INDEX token_scopes_by_scope ON tokenward.token_scopes (scope, created_at, token);
CREATE INDEX token_scopes_by_tenant ON tokenward.token_scopes (scope, tenant, created_at, token);

CREATE FUNCTION tokenward.keep_scopes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM tokenward.token_scopes WHERE token = OLD.id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO tokenward.token_scopes (token, scope, tenant, created_at)
            SELECT DISTINCT NEW.id, scope, NEW.tenant, NEW.created_at FROM unnest(NEW.scopes) AS scope;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER tokens_scoped AFTER INSERT OR DELETE ON tokenward.tokens
    FOR EACH ROW EXECUTE FUNCTION tokenward.keep_scopes();

CREATE TRIGGER tokens_rescoped AFTER UPDATE ON tokenward.tokens
    FOR EACH ROW WHEN (
        (OLD.id, OLD.scopes, OLD.tenant, OLD.created_at) IS DISTINCT FROM
        (NEW.id, NEW.scopes, NEW.tenant, NEW.created_at)
    ) EXECUTE FUNCTION tokenward.keep_scopes();

-- The number of an entry is the number of its change.
CREATE TABLE tokenward.history (
    number bigint PRIMARY KEY CHECK (number >= 0),
    at bigint NOT NULL,
    action text COLLATE "C" NOT NULL,
    token text COLLATE "C" NOT NULL,
    token_name text COLLATE "C" NOT NULL,
    tenant text COLLATE "C",
    -- Personal: set all three to NULL together to erase them. The chain still verifies.
    actor text COLLATE "C",
    address text COLLATE "C",
    salt text COLLATE "C",
    actor_token text COLLATE "C",
    via text COLLATE "C" NOT NULL,
    request_id text COLLATE "C",
    reason text COLLATE "C",
    changes jsonb NOT NULL,
    previous text COLLATE "C" NOT NULL,
    commitment text COLLATE "C" NOT NULL,
    hash text COLLATE "C" NOT NULL
);

CREATE INDEX history_by_tenant ON tokenward.history (tenant, number);
CREATE INDEX history_by_token ON tokenward.history (token, number);

-- What the nodes of a fleet follow: each number with the token that it changed. The mark tells a change
-- from every other that ever had its number, as after a restored backup. Old rows are dropped.
CREATE TABLE tokenward.changes (
    number bigint PRIMARY KEY CHECK (number > 0),
    mark uuid NOT NULL DEFAULT gen_random_uuid(),
    token text COLLATE "C" NOT NULL
);

-- The nodes of the fleet, each under a random number of its own.
CREATE TABLE tokenward.nodes (
    node bigint PRIMARY KEY,
    lease_ms integer NOT NULL CHECK (lease_ms BETWEEN 1000 AND 60000),
    counter bigint NOT NULL CHECK (counter >= 0),
    acknowledged bigint NOT NULL CHECK (acknowledged >= 0)
);
