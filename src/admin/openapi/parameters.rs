//! Parameters of the query and of the path, and headers.

use serde_json::{Map, Value, json};

use super::words::{ID_PATTERN, SCOPE_PATTERN};

/// No control characters.
const PLAIN: &str = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$";

pub(super) fn query(name: &str, description: &str, schema: Value, example: impl Into<Value>) -> Value {
    let example: Value = example.into();
    json!({ "name": name, "in": "query", "description": description, "schema": schema, "example": example })
}

fn header(name: &str, description: &str, schema: Value, example: &str) -> Value {
    json!({ "name": name, "in": "header", "description": description, "schema": schema, "example": example })
}

/// Free text.
pub(super) fn text(name: &str, description: &str, example: &str) -> Value {
    query(name, description, json!({ "type": "string", "maxLength": 2000, "pattern": PLAIN }), example)
}

pub(super) fn scope() -> Value {
    let schema = json!({ "type": "string", "maxLength": 64, "pattern": SCOPE_PATTERN });
    query("scope", "Only tokens that hold this scope by name.", schema, "orders:read")
}

/// One word of several.
pub(super) fn word(name: &str, description: &str, words: &[&str], default: Option<&str>) -> Value {
    let mut schema = json!({ "type": "string", "enum": words });
    if let Some(default) = default {
        schema["default"] = default.into();
    }
    query(name, description, schema, words[0])
}

/// Words of several; the parameter may be repeated.
pub(super) fn words(name: &str, description: &str, words: &[&str]) -> Value {
    let schema = json!({ "type": "array", "items": { "type": "string", "enum": words } });
    query(name, description, schema, json!([words[0]]))
}

pub(super) fn time(name: &str, description: &str, example: &str) -> Value {
    query(name, description, json!({ "type": "string", "format": "date-time" }), example)
}

/// The beginning and the end of a range.
pub(super) fn range(usual: &str) -> [Value; 2] {
    let from = format!("The beginning of the range: not in the future, and at most ten years back. {usual}");
    let to =
        "The end of the range, not before `from`. What lies behind now is cut off. Unless said it is now.";
    [time("from", &from, "2026-11-24T13:55:00Z"), time("to", to, "2026-11-24T14:00:00Z")]
}

pub(super) fn last_day() -> [Value; 2] {
    range("Unless said the range is 24 hours long.")
}

pub(super) fn limit(of: &str) -> Value {
    let schema = json!({ "type": "integer", "minimum": 1, "maximum": 200, "default": 50 });
    query("limit", &format!("How many {of} an answer has at most."), schema, 50)
}

pub(super) fn cursor() -> Value {
    let description = "Where the page begins: `page.next` or `page.prev` of an answer to the same query. It \
                       belongs to its listing with its sort and its filters.";
    text("cursor", description, "qrvM3e7_AQ")
}

pub(super) fn include_usage() -> Value {
    word("include", "Tell the use of each token as well.", &["usage"], None)
}

pub(super) fn dry_run() -> Value {
    let schema = json!({ "type": "boolean", "default": false });
    query("dry_run", "Answer what the token would be, and change nothing.", schema, false)
}

/// Attributes of tokens: `metadata.KEY=value`.
pub(super) fn metadata() -> Value {
    let schema = json!({
        "type": "object",
        "patternProperties": { "^metadata\\..{1,40}$": { "type": "string", "maxLength": 2000, "pattern": PLAIN } },
        "additionalProperties": false,
    });
    let description =
        "Only tokens with these attributes, each as a parameter of its own: `metadata.KEY=value`.";
    let mut metadata = query("metadata", description, schema, json!({ "metadata.plan": "pro" }));
    metadata["style"] = "form".into();
    metadata["explode"] = true.into();
    metadata
}

pub(super) fn in_path(name: &str) -> Value {
    let (description, schema, example) = match name {
        "sid" => (
            "The number of a secret: its `version`.",
            json!({ "type": "string", "pattern": "^sec_[0-9]{1,9}$" }),
            "sec_1",
        ),
        _ => (
            "The id of a token, as its lists show it.",
            json!({ "type": "string", "pattern": ID_PATTERN }),
            "tok_7hQ2mXw9LpR4tYzA",
        ),
    };
    json!({
        "name": name, "in": "path", "required": true,
        "description": description, "schema": schema, "example": example,
    })
}

/// Only ever echoed: what is not right is replaced.
pub(super) fn request_id() -> Value {
    let description = "A name for this request, for logs on both sides.";
    header("X-Request-Id", description, json!({ "type": "string" }), "req-7f3a")
}

pub(super) fn if_match() -> Value {
    let description = "The ETag of the token that the change is meant for. When it is another one by now, \
                       the answer is 412 and nothing has changed.";
    header(
        "If-Match",
        description,
        json!({ "type": "string", "minLength": 3, "maxLength": 20, "pattern": "^\"[0-9]{1,18}\"$" }),
        "\"1\"",
    )
}

pub(super) fn idempotency_key() -> Value {
    let description = "Makes a repetition harmless for 24 hours: it is answered 409 with the id of what came \
                       of it, and never shows the secret again.";
    let schema = json!({ "type": "string", "pattern": "^[!-~]{1,200}$" });
    header("Idempotency-Key", description, schema, "5f1c2d9e-nightly-export")
}

pub(super) fn last_event_id() -> Value {
    let description = "The id of the last event that was seen: the stream goes on behind it. A browser sends \
                       it by itself when it comes back.";
    header("Last-Event-ID", description, json!({ "type": "string", "pattern": "^[0-9]+$" }), "41")
}

/// The headers of answers.
pub(super) fn headers() -> Value {
    let text = |description: &str, example: &str| json!({ "description": description, "schema": { "type": "string" }, "example": example });
    let required = |mut header: Value| {
        header["required"] = true.into();
        header
    };
    json!({
        "X-Request-Id": required(text("The name of the request.", "req-7f3a")),
        "Cache-Control": required(json!({
            "description": "No answer may be kept by a cache.",
            "schema": { "type": "string", "const": "no-store" },
            "example": "no-store",
        })),
        "ETag": required(json!({
            "description": "The version of the token, for `If-Match`. Use never changes it.",
            "schema": { "type": "string", "pattern": "^\"[0-9]+\"$" },
            "example": "\"1\"",
        })),
        "Location": required(text("Where the token is, relative to the request.", "tokens/tok_7hQ2mXw9LpR4tYzA")),
        "Link": text("The next and the previous page, relative to the request (RFC 8288).", "<?cursor=qrvM3e7_AQ>; rel=\"next\""),
        "Retry-After": required(json!({
            "description": "After how many seconds it is worth another try.",
            "schema": { "type": "integer", "minimum": 0 },
            "example": 1,
        })),
        "WWW-Authenticate": required(text("How to authenticate, and what was wrong (RFC 6750).", "Bearer realm=\"api\"")),
        "RateLimit": text("What is left of the limits of the bearer token.", "\"default\";r=59;t=60"),
        "RateLimit-Policy": text("The limits of the bearer token.", "\"default\";q=60;w=60"),
    })
}

/// The headers of a problem with this status.
pub(super) fn headers_of_problem(status: u16) -> Value {
    headers_of(match status {
        401 => &["WWW-Authenticate"],
        429 | 503 => &["Retry-After"],
        _ => &[],
    })
}

/// The headers that any answer has, and these beside.
pub(super) fn headers_of(more: &[&str]) -> Value {
    let always = ["X-Request-Id", "Cache-Control", "RateLimit", "RateLimit-Policy"];
    let names = always.iter().chain(more);
    let headers: Map<_, _> = names
        .map(|name| ((*name).to_owned(), json!({ "$ref": format!("#/components/headers/{name}") })))
        .collect();
    headers.into()
}
