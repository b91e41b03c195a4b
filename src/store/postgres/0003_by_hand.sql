-- Revoking by hand, in an emergency, exactly as a node does it: under the lock of all changes, with an
-- entry of history in the chain of its tenant, and told to every node. The nodes heed it at once where
-- they hear of it, and within the length of their leases otherwise.
--
--     SELECT tokenward.revoke_token('tok_Zm9vYmFyYmF6cXV4', 'found on a public page');
--     SELECT tokenward.revoke_owner('maria@acme.example');
--     SELECT tokenward.revoke_tenant('acme');

-- A part of what is hashed, with its length before it, as src/history/chain.rs has it.
CREATE FUNCTION tokenward.sealed(part text) RETURNS bytea LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT int8send(octet_length(convert_to(part, 'UTF8'))::bigint) || convert_to(part, 'UTF8')
$$;

CREATE FUNCTION tokenward.sealed_if_any(part text) RETURNS bytea LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce('\x01'::bytea || tokenward.sealed(part), '\x00'::bytea)
$$;

CREATE FUNCTION tokenward.lock_changes() RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- What was answered must be on a disk.
    PERFORM set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off';
    PERFORM FROM tokenward.state FOR UPDATE;
END
$$;

-- Revokes those of these tokens that are not revoked yet. Whoever calls it has the lock.
CREATE FUNCTION tokenward.revoke_chosen(ids text[], reason text) RETURNS bigint LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    token tokenward.tokens;
    done bigint := 0;
    now_ms bigint := floor(extract(epoch FROM clock_timestamp()) * 1000);
    now_text text := to_char(to_timestamp(now_ms / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
    why text := nullif(btrim(reason), '');
    number bigint;
    previous text;
    salt text;
    commitment text;
    hash text;
BEGIN
    FOR token IN
        SELECT t.* FROM tokenward.tokens AS t WHERE t.id = ANY (ids) AND t.revoked_at IS NULL ORDER BY t.id
    LOOP
        UPDATE tokenward.state AS s SET last_number = s.last_number + 1 RETURNING s.last_number INTO STRICT number;
        IF token.tenant IS NULL THEN
            previous := (SELECT h.hash FROM tokenward.history AS h WHERE h.tenant IS NULL
                ORDER BY h.tenant DESC, h.number DESC LIMIT 1);
        ELSE
            -- The last entry up to the tenant's end in the index by tenants: no other index serves.
            previous := (SELECT CASE WHEN last.tenant = token.tenant THEN last.hash END FROM (
                SELECT h.tenant, h.hash FROM tokenward.history AS h
                WHERE (h.tenant, h.number) <= (token.tenant, 9223372036854775807)
                ORDER BY h.tenant DESC, h.number DESC LIMIT 1) AS last);
        END IF;
        previous := coalesce(previous, '');
        salt := rtrim(translate(encode(uuid_send(gen_random_uuid()), 'base64'), '+/', '-_'), '=');
        commitment := encode(sha256(
            tokenward.sealed('tokenward personal 1') || tokenward.sealed(salt)
            || tokenward.sealed(session_user::text) || tokenward.sealed_if_any(NULL)), 'hex');
        hash := encode(sha256(
            tokenward.sealed('tokenward history 1') || tokenward.sealed(previous)
            || tokenward.sealed(number::text) || tokenward.sealed(now_ms::text) || tokenward.sealed('revoked')
            || tokenward.sealed(token.id) || tokenward.sealed(token.name)
            || tokenward.sealed_if_any(token.tenant) || tokenward.sealed(commitment)
            || tokenward.sealed_if_any(NULL) || tokenward.sealed('code') || tokenward.sealed_if_any(NULL)
            || tokenward.sealed_if_any(why)
            || tokenward.sealed('revoked_at') || tokenward.sealed_if_any(NULL)
            || tokenward.sealed_if_any(now_text)), 'hex');
        UPDATE tokenward.tokens AS t
            SET revoked_at = now_ms, revoked_because = why, version = t.version + 1, sequence = number
            WHERE t.id = token.id;
        INSERT INTO tokenward.history (number, at, action, token, token_name, tenant, actor, salt, via, reason,
                changes, previous, commitment, hash)
            VALUES (number, now_ms, 'revoked', token.id, token.name, token.tenant, session_user, salt, 'code', why,
                jsonb_build_array(jsonb_build_object('field', 'revoked_at', 'from', NULL, 'to', now_text)),
                previous, commitment, hash);
        INSERT INTO tokenward.changes (number, token) VALUES (number, token.id);
        done := done + 1;
    END LOOP;
    IF done > 0 THEN
        -- The name of the schema is the text before the dot.
        PERFORM pg_notify('tokenward_' || rtrim('tokenward.', '.'), number::text);
    END IF;
    RETURN done;
END
$$;

-- Whether it was revoked by this; false where it was before.
CREATE FUNCTION tokenward.revoke_token(id text, reason text DEFAULT NULL) RETURNS boolean LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted text := substring(revoke_token.id FROM '^(?:tok_)?([A-Za-z0-9_]{16})$');
BEGIN
    IF wanted IS NULL THEN
        RAISE EXCEPTION 'a token id reads tok_ and 16 characters of A-Z, a-z, 0-9 and _'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM tokenward.lock_changes();
    PERFORM FROM tokenward.tokens AS t WHERE t.id = wanted;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no token tok_%', wanted USING ERRCODE = 'no_data_found';
    END IF;
    RETURN tokenward.revoke_chosen(ARRAY[wanted], revoke_token.reason) > 0;
END
$$;

-- How many tokens of this owner were revoked, in all tenants.
CREATE FUNCTION tokenward.revoke_owner(owner text, reason text DEFAULT NULL) RETURNS bigint LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM tokenward.lock_changes();
    RETURN tokenward.revoke_chosen(
        ARRAY(SELECT t.id FROM tokenward.tokens AS t WHERE t.owner = revoke_owner.owner AND t.revoked_at IS NULL),
        revoke_owner.reason);
END
$$;

-- How many tokens of this tenant were revoked; with NULL, of those without one.
CREATE FUNCTION tokenward.revoke_tenant(tenant text, reason text DEFAULT NULL) RETURNS bigint LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM tokenward.lock_changes();
    RETURN tokenward.revoke_chosen(
        ARRAY(SELECT t.id FROM tokenward.tokens AS t
            WHERE (t.tenant = revoke_tenant.tenant OR (t.tenant IS NULL AND revoke_tenant.tenant IS NULL))
                AND t.revoked_at IS NULL),
        revoke_tenant.reason);
END
$$;
