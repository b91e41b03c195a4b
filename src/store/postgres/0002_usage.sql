-- Use. Times are milliseconds since 1970; minutes, and the beginnings of spans, are minutes since 1970. A
-- subject is the 16 characters of a token's id, '=' and a tenant's name, '-' for the tokens without a
-- tenant, or '*' for all: no id has any of these signs. What is counted is kept as
-- src/usage/encoding.rs writes it. Locks are taken in the order of the tables here.

-- How much of a node's last batch is added, written with what it adds. A node writes no two at once.
CREATE TABLE tokenward.usage_batches (
    node bigint PRIMARY KEY,
    number bigint NOT NULL CHECK (number > 0),
    added bigint NOT NULL CHECK (added >= 0),
    whole boolean NOT NULL,
    -- The last minute that it has told of: nodes end, and nobody says when.
    last_minute bigint
) WITH (fillfactor = 50);

CREATE INDEX usage_batches_by_minute ON tokenward.usage_batches (last_minute);

-- What was counted for each token in all. Updated all the time: no index may hold what then changes, and
-- there must be room for another version of a row beside it.
CREATE TABLE tokenward.usage_totals (
    token text COLLATE "C" PRIMARY KEY,
    granted bigint NOT NULL CHECK (granted >= 0),
    limited bigint NOT NULL CHECK (limited >= 0),
    missing_scope bigint NOT NULL CHECK (missing_scope >= 0),
    refused bigint NOT NULL CHECK (refused >= 0),
    wrong_secret bigint NOT NULL CHECK (wrong_secret >= 0),
    finished bigint NOT NULL CHECK (finished >= 0),
    succeeded bigint NOT NULL CHECK (succeeded >= 0),
    duration_us bigint NOT NULL CHECK (duration_us >= 0),
    last_used_at bigint,
    last_seen_at bigint,
    last_client_address text COLLATE "C",
    last_client_agent text COLLATE "C",
    -- The day of the last use, where there is a client to be forgotten: it changes once a day.
    client_day bigint GENERATED ALWAYS AS
        (CASE WHEN last_client_address IS NOT NULL THEN last_used_at / 86400000 END) STORED
) WITH (fillfactor = 60);

CREATE INDEX usage_totals_by_client_day ON tokenward.usage_totals (client_day) WHERE client_day IS NOT NULL;

-- What was added in minutes that may still go on: rows of one batch each, so that nobody waits for anybody.
-- Once a minute is over they are rolled up into the figures and details of minutes, hours and days. Whoever
-- changes rows of these three tables holds the advisory lock for it.
CREATE TABLE tokenward.usage_running (
    minute bigint NOT NULL,
    subject text COLLATE "C" NOT NULL,
    node bigint NOT NULL,
    number bigint NOT NULL,
    place bigint NOT NULL,
    coarse boolean NOT NULL,
    tally bytea NOT NULL,
    detail bytea NOT NULL,
    clients bytea,
    PRIMARY KEY (minute, subject, node, number, place)
);

CREATE INDEX usage_running_by_subject ON tokenward.usage_running (subject, minute);

-- The figures of minutes (level 0), hours (1) and days (2); apart from what is long: a page of tokens reads
-- many of these, neighbours of each other.
CREATE TABLE tokenward.usage_figures (
    subject text COLLATE "C" NOT NULL,
    level smallint NOT NULL CHECK (level BETWEEN 0 AND 2),
    start bigint NOT NULL,
    tally bytea NOT NULL,
    PRIMARY KEY (subject, level, start)
) WITH (fillfactor = 80);

CREATE INDEX usage_figures_by_start ON tokenward.usage_figures (level, start);

-- What stands behind the figures of hours and days. clients is NULL where no client is told, in detail
-- neither.
CREATE TABLE tokenward.usage_details (
    subject text COLLATE "C" NOT NULL,
    level smallint NOT NULL CHECK (level BETWEEN 1 AND 2),
    start bigint NOT NULL,
    detail bytea NOT NULL,
    clients bytea,
    clients_start bigint GENERATED ALWAYS AS (CASE WHEN clients IS NOT NULL THEN start END) STORED,
    PRIMARY KEY (subject, level, start)
) WITH (fillfactor = 80);

CREATE INDEX usage_details_with_clients ON tokenward.usage_details (clients_start) WHERE clients_start IS NOT NULL;

-- Numbers that are given out under a lock held to the commit, so that they become visible in their order:
-- whoever writes calls or events raises the number of these first.
CREATE TABLE tokenward.usage_numbers (
    name text COLLATE "C" PRIMARY KEY,
    last bigint NOT NULL CHECK (last >= 0)
) WITH (fillfactor = 50);

INSERT INTO tokenward.usage_numbers (name, last) VALUES ('calls', 0), ('events', 0);

-- How many calls of each token are kept. at_most is never less, and changes seldom: what has too many is
-- found by it.
CREATE TABLE tokenward.call_numbers (
    token text COLLATE "C" PRIMARY KEY,
    calls bigint NOT NULL CHECK (calls >= 0),
    at_most bigint NOT NULL CHECK (at_most >= calls)
) WITH (fillfactor = 60);

CREATE INDEX call_numbers_by_most ON tokenward.call_numbers (at_most);

-- The most recent calls.
CREATE TABLE tokenward.calls (
    id bigint PRIMARY KEY CHECK (id > 0),
    token text COLLATE "C" NOT NULL,
    tenant text COLLATE "C",
    secret_version bigint NOT NULL CHECK (secret_version >= 0),
    at bigint NOT NULL,
    route text COLLATE "C" NOT NULL,
    outcome text COLLATE "C" NOT NULL,
    status integer NOT NULL CHECK (status >= 0),
    duration_us bigint NOT NULL CHECK (duration_us >= 0),
    bytes bigint CHECK (bytes >= 0),
    scopes text COLLATE "C" NOT NULL,
    client_address text COLLATE "C",
    client_agent text COLLATE "C",
    left_out bigint NOT NULL CHECK (left_out >= 0)
);

CREATE INDEX calls_by_token ON tokenward.calls (token, id);
CREATE INDEX calls_by_tenant ON tokenward.calls (tenant, id);
CREATE INDEX calls_by_time ON tokenward.calls (at);

-- Whoever deletes calls, by hand as well.
CREATE FUNCTION tokenward.uncount_calls() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tokenward.call_numbers AS numbers SET calls = greatest(numbers.calls - of_token.calls, 0)
        FROM (SELECT token, count(*) AS calls FROM deleted GROUP BY token ORDER BY token) AS of_token
        WHERE numbers.token = of_token.token;
    DELETE FROM tokenward.call_numbers
        WHERE calls = 0 AND token = ANY (ARRAY(SELECT DISTINCT token FROM deleted));
    RETURN NULL;
END
$$;

CREATE TRIGGER calls_uncounted AFTER DELETE ON tokenward.calls REFERENCING OLD TABLE AS deleted
    FOR EACH STATEMENT EXECUTE FUNCTION tokenward.uncount_calls();

-- Events that wait to be delivered, and the ids of those that were: so that none is announced again.
-- Only the first of a token may be taken. taken_until is NULL where nobody has taken the event.
CREATE TABLE tokenward.events (
    sequence bigint PRIMARY KEY CHECK (sequence > 0),
    id text COLLATE "C" NOT NULL,
    token text COLLATE "C",
    event text COLLATE "C",
    tells_client boolean NOT NULL,
    is_first boolean NOT NULL,
    taken_until bigint,
    delivered_at bigint
);

CREATE UNIQUE INDEX events_by_id ON tokenward.events (id);
CREATE INDEX events_by_token ON tokenward.events (token, sequence) WHERE delivered_at IS NULL;
CREATE INDEX events_free ON tokenward.events (sequence) WHERE is_first AND taken_until IS NULL;
CREATE INDEX events_taken ON tokenward.events (taken_until) WHERE taken_until IS NOT NULL;
CREATE INDEX events_delivered ON tokenward.events (delivered_at) WHERE delivered_at IS NOT NULL;
