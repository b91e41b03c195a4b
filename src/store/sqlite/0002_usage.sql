-- Use over time. Minutes, and the beginnings of spans, are counted from 1970. A subject is the 16
-- characters of a token's id, '=' and a tenant's name, '-' for the tokens without a tenant, or '*'
-- for all: no id has any of these signs. What is counted is kept as src/usage/encoding.rs writes it.

ALTER TABLE tokenward_usage ADD COLUMN last_client_address TEXT;
ALTER TABLE tokenward_usage ADD COLUMN last_client_agent TEXT;

CREATE INDEX tokenward_usage_with_client ON tokenward_usage (last_used_at) WHERE last_client_address IS NOT NULL;

CREATE TABLE tokenward_usage_minutes (
    subject TEXT NOT NULL,
    minute INTEGER NOT NULL,
    tally BLOB NOT NULL,
    PRIMARY KEY (subject, minute)
) WITHOUT ROWID;

CREATE INDEX tokenward_usage_minutes_by_minute ON tokenward_usage_minutes (minute);

-- Hours and days, and their figures apart: a page of tokens reads many of those, neighbours of each
-- other, and nothing of what is long. clients is NULL where no client is told, in detail neither.
CREATE TABLE tokenward_usage_tallies (
    subject TEXT NOT NULL,
    level INTEGER NOT NULL CHECK (level IN (1, 2)),
    start INTEGER NOT NULL,
    tally BLOB NOT NULL,
    PRIMARY KEY (subject, level, start)
) WITHOUT ROWID;

CREATE TABLE tokenward_usage_spans (
    number INTEGER PRIMARY KEY,
    subject TEXT NOT NULL,
    level INTEGER NOT NULL CHECK (level IN (1, 2)),
    start INTEGER NOT NULL,
    detail BLOB NOT NULL,
    clients BLOB
);

CREATE UNIQUE INDEX tokenward_usage_spans_by_subject ON tokenward_usage_spans (subject, level, start);
CREATE INDEX tokenward_usage_spans_by_start ON tokenward_usage_spans (level, start);
CREATE INDEX tokenward_usage_spans_with_clients ON tokenward_usage_spans (start) WHERE clients IS NOT NULL;

-- What was added in minutes that may still go on, before it is rolled up into minutes, hours and
-- days. Rows stand in the order in which they were begun, so that a batch is written to few pages.
CREATE TABLE tokenward_usage_running (
    number INTEGER PRIMARY KEY,
    subject TEXT NOT NULL,
    minute INTEGER NOT NULL,
    coarse INTEGER NOT NULL,
    tally BLOB NOT NULL,
    detail BLOB NOT NULL,
    clients BLOB
);

CREATE UNIQUE INDEX tokenward_usage_running_by_subject ON tokenward_usage_running (subject, minute, coarse);
CREATE INDEX tokenward_usage_running_by_minute ON tokenward_usage_running (minute);

-- The most recent calls. The last id is kept here and not by AUTOINCREMENT, whose table is not ours.
ALTER TABLE tokenward_state ADD COLUMN last_call INTEGER NOT NULL DEFAULT 0;

CREATE TABLE tokenward_calls (
    id INTEGER PRIMARY KEY,
    token TEXT NOT NULL,
    tenant TEXT,
    secret_version INTEGER NOT NULL,
    at INTEGER NOT NULL,
    route TEXT NOT NULL,
    outcome TEXT NOT NULL,
    status INTEGER NOT NULL,
    duration_us INTEGER NOT NULL,
    bytes INTEGER,
    scopes TEXT NOT NULL,
    client_address TEXT,
    client_agent TEXT,
    left_out INTEGER NOT NULL
);

CREATE INDEX tokenward_calls_by_token ON tokenward_calls (token, id);
CREATE INDEX tokenward_calls_by_tenant ON tokenward_calls (tenant, id);
CREATE INDEX tokenward_calls_by_time ON tokenward_calls (at);

-- How many calls of each token are kept, to find those with too many by: kept by the triggers
-- below, whoever writes the calls.
CREATE TABLE tokenward_call_numbers (
    token TEXT PRIMARY KEY,
    calls INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX tokenward_call_numbers_by_calls ON tokenward_call_numbers (calls);

CREATE TRIGGER tokenward_calls_inserted AFTER INSERT ON tokenward_calls BEGIN
    INSERT INTO tokenward_call_numbers (token, calls) VALUES (new.token, 1)
        ON CONFLICT (token) DO UPDATE SET calls = calls + 1;
END;

CREATE TRIGGER tokenward_calls_deleted AFTER DELETE ON tokenward_calls BEGIN
    UPDATE tokenward_call_numbers SET calls = calls - 1 WHERE token = old.token;
    DELETE FROM tokenward_call_numbers WHERE token = old.token AND calls <= 0;
END;

-- Events that wait to be delivered, and the ids of those that were: so that none is announced again.
-- Only the first of a token may be taken. taken_until is NULL where nobody has taken the event.
CREATE TABLE tokenward_events (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    token TEXT,
    event TEXT,
    is_first INTEGER NOT NULL,
    taken_until INTEGER,
    delivered_at INTEGER
);

CREATE UNIQUE INDEX tokenward_events_by_id ON tokenward_events (id);
CREATE INDEX tokenward_events_by_token ON tokenward_events (token, sequence) WHERE delivered_at IS NULL;
CREATE INDEX tokenward_events_free ON tokenward_events (sequence) WHERE is_first = 1 AND taken_until IS NULL;
CREATE INDEX tokenward_events_taken ON tokenward_events (taken_until) WHERE taken_until IS NOT NULL;
CREATE INDEX tokenward_events_delivered ON tokenward_events (delivered_at) WHERE delivered_at IS NOT NULL;
