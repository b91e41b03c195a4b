//! Tokens and their calls, looked at.

use serde_json::json;

use crate::Status;
use crate::admin::openapi::operation::{Operation, operation};
use crate::admin::openapi::parameters::{
    cursor, include_usage, last_event_id, limit, metadata, query, scope, text, time, word, words,
};
use crate::admin::openapi::words::SCOPE_PATTERN;

pub(super) fn list() -> Operation {
    let statuses = Status::ALL.map(Status::as_str);
    let sorts = ["-created_at", "created_at", "-name", "name", "-expires_at", "expires_at"];
    operation(
        "tokens",
        "listTokens",
        "List tokens",
        "A page of the tokens within reach, with filters that all have to hold. `page.total` is counted up to \
         1,000 and an estimate beyond; it is null where nobody knows.",
    )
    .parameters([
        text("q", "Only tokens in whose name, description, id or last four letters this stands.", "export"),
        words("status", "Only tokens that are this now; may be repeated.", &statuses),
        scope(),
        text("owner", "Only tokens of this owner.", "finance"),
        text("created_by", "Only tokens that this actor has created.", "maria@acme.example"),
        text("env", "Only tokens for this environment.", "live"),
        time("expires_before", "Only tokens that expire before this.", "2026-12-24T00:00:00Z"),
        time("unused_since", "Only tokens that let nothing in since this moment.", "2026-10-01T00:00:00Z"),
        metadata(),
        word("sort", "The order; `-` is the reverse.", &sorts, Some("-created_at")),
        include_usage(),
        limit("tokens"),
        cursor(),
    ])
    .answers(200, "A page of tokens.", "TokenList", &["Link"])
    .codes(&["invalid-cursor", "usage-unavailable"])
}

pub(super) fn show() -> Operation {
    operation(
        "tokens",
        "showToken",
        "Look at one token",
        "One token, with its ETag. Its secret is in no answer.",
    )
    .parameters([include_usage()])
    .answers(200, "The token.", "Token", &["ETag"])
    .codes(&["usage-unavailable"])
}

pub(super) fn impact() -> Operation {
    let scope =
        json!({ "type": "array", "items": { "type": "string", "maxLength": 64, "pattern": SCOPE_PATTERN } });
    let requests = |most: u32| json!({ "type": "integer", "minimum": 1, "maximum": most });
    let seconds = json!({ "type": "integer", "minimum": 1, "maximum": 315_619_200 });
    let actions = ["revoke", "pause", "rotate", "remove_scopes", "rate_limit", "expiry"];
    let mut action = word("action", "What would be done.", &actions, None);
    action["required"] = true.into();
    operation(
        "tokens",
        "tokenImpact",
        "Tell what a change would break",
        "Told from recorded use, in figures and in plain sentences. Nothing is changed. What is meant by a \
         limit, an expiry or scopes is said beside `action`, and nothing else.",
    )
    .parameters([
        action,
        query("scope", "For `remove_scopes`: what would go; may be repeated.", scope, json!(["orders:read"])),
        query("per_minute", "For `rate_limit`: requests in any 60 seconds.", requests(1_000_000), 10),
        query("per_hour", "For `rate_limit`: requests in any hour.", requests(u32::MAX), 600),
        query("per_day", "For `rate_limit`: requests in any day.", requests(u32::MAX), 6_000),
        time("expires_at", "For `expiry`: when it would stop working.", "2026-12-24T00:00:00Z"),
        query("expires_in", "For `expiry`: the same as a number of seconds from now.", seconds, 3_600),
    ])
    .answers(200, "What would break.", "Impact", &[])
    .codes(&["usage-unavailable"])
}

pub(super) fn secrets() -> Operation {
    operation(
        "tokens",
        "listSecrets",
        "List the secrets of a token",
        "The current one, and the one before it while anything is known of it, with who still uses which. No \
         secret itself is told.",
    )
    .answers(200, "The secrets.", "SecretList", &["ETag"])
    .codes(&["usage-unavailable"])
}

pub(super) fn find() -> Operation {
    operation(
        "tokens",
        "findToken",
        "Find a token by its text",
        "The token whose whole text somebody has found, in a log for instance. The text goes into the body, so \
         that it is in no log of addresses. It takes as long whether there is one or not.",
    )
    .body("FoundText")
    .answers(200, "The token.", "Token", &["ETag"])
}

pub(super) fn calls() -> Operation {
    let status = json!({ "type": "string", "pattern": "^([1-5][0-9][0-9]|[1-5][xX][xX])$" });
    let method = json!({ "type": "string", "pattern": "^[A-Z-]{1,20}$" });
    let endpoint = json!({ "type": "string", "maxLength": 2000, "pattern": "^[A-Z-]{1,20} /[ -~]*$" });
    let min_ms = json!({ "type": "integer", "minimum": 0, "maximum": 86_400_000 });
    operation(
        "use",
        "listCalls",
        "List the recent calls of a token",
        "The calls that are kept, the newest first: page by page, or with `Accept: application/x-ndjson` one on \
         each line, all of them unless `limit` says how many.",
    )
    .parameters([
        query("status", "Only calls with this status, or with one of its class: `404`, `4xx`.", status, "4xx"),
        query("endpoint", "Only calls of this method and template.", endpoint, "GET /orders/{id}"),
        query("method", "Only calls of this method.", method, "GET"),
        text("ip", "Only calls from this address.", "203.0.113.7"),
        query("min_ms", "Only calls that took at least so many milliseconds.", min_ms, 250),
        time("from", "Only calls from this moment on, which is not in the future.", "2026-11-24T13:00:00Z"),
        time("to", "Only calls before this moment, which is not before `from`.", "2026-11-24T14:00:00Z"),
        limit("calls"),
        cursor(),
    ])
    .answers_in(
        200,
        "A page of calls, or calls as lines.",
        vec![("application/json", Some("CallList")), ("application/x-ndjson", None)],
        &["Link"],
    )
    .codes(&["invalid-cursor", "usage-unavailable"])
}

pub(super) fn stream_of_token() -> Operation {
    stream("streamCalls", "Watch the calls of a token")
}

pub(super) fn stream_of_all() -> Operation {
    stream("streamAllCalls", "Watch the calls of all tokens")
}

fn stream(id: &'static str, summary: &'static str) -> Operation {
    let after = json!({ "type": "string", "pattern": "^[0-9]+$" });
    operation(
        "use",
        id,
        summary,
        "Calls as they come, as server-sent events after each flush. `call` is one call (`Call`), with its id; \
         `lagged` says how many are not shown (`LaggedEvent`); `state` is `opened`, `unavailable`, or before \
         the end `gone` or `closed` (`StateEvent`). A comment comes where nothing else did for 15 seconds. A \
         client that comes back sends `Last-Event-ID` and misses nothing that is kept.",
    )
    .parameters([
        query("after", "Begin behind the call with this id; `Last-Event-ID` comes before it.", after, "41"),
        last_event_id(),
    ])
    .answers_in(200, "A stream that does not end by itself.", vec![("text/event-stream", Some("StreamEvent"))], &[])
    .codes(&["too-many-streams", "usage-unavailable"])
}
