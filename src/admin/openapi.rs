//! The API described as OpenAPI 3.1, by the API itself.
//!
//! Paths come from the table of routes, the schemas of answers from the types that they are made of, and
//! the examples from answers that a test gets from the API and compares with those in `examples.json`.

mod bodies;
mod examples;
mod operation;
mod operations;
mod parameters;
mod problems;
mod schemas;
mod words;

pub(super) use bodies::*;
pub(super) use words::*;

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::Fault;
use super::context::Context;
use super::routes::ROUTES;
use crate::web::Reply;

/// The description of the JSON admin API as an OpenAPI 3.1 document, the same that it answers to
/// `GET /openapi.json`: for a build that makes a client of it without a running service.
///
/// Its `servers` are relative to where it was read.
///
/// ```
/// let document: serde_json::Value = serde_json::from_str(tokenward::admin::openapi()).unwrap();
/// assert_eq!(document["openapi"], "3.1.0");
/// assert_eq!(document["paths"]["/tokens"]["post"]["operationId"], "createToken");
/// ```
pub fn openapi() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| document().to_string());
    &TEXT
}

pub(super) fn told(context: &Context<'_>) -> Result<Reply, Fault> {
    context.no_parameters()?;
    let reply = Reply::empty(200).header("content-type", "application/json");
    Ok(Reply { body: openapi().as_bytes().to_vec(), ..reply })
}

const DESCRIPTION: &str = "\
Tokens created, changed, watched, rotated and revoked over HTTP.

A bearer token of the same service may use it: with the scope `tokens:read` it looks, with `tokens:manage` \
it changes. It never leaves its tenant, and never grants more than it holds. A service may let its own \
login in as well.

Times are RFC 3339 in UTC, from 1970 to 9999. Durations are whole seconds. Ids and cursors are opaque. \
Unknown fields and parameters are refused; an answer may gain fields. Every answer says \
`Cache-Control: no-store` and names its request in `X-Request-Id`: what was sent there, if it is at most \
64 of A-Z a-z 0-9 . _ -, and else a new one. A secret stands in the answer that made it, and in no other.";

const TAGS: [(&str, &str); 5] = [
    ("tokens", "Tokens, looked at and changed."),
    ("use", "How tokens are used. All of it is told as of the last flush: `as_of`."),
    ("history", "Who did what to which token."),
    ("catalogue", "What can be granted, and what whoever asks may do."),
    ("service", "The service itself."),
];

fn document() -> Value {
    let mut paths = Map::new();
    for route in ROUTES {
        let path = paths.entry(route.template).or_insert_with(|| json!({}));
        path[route.method.to_ascii_lowercase()] = operations::of(route.row).described(route);
    }
    let tags: Vec<_> =
        TAGS.iter().map(|(name, description)| json!({ "name": name, "description": description })).collect();
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tokens",
            "summary": "API tokens of this service, managed over HTTP.",
            "description": DESCRIPTION,
            "version": "1.0.0",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        // Relative to wherever the document was read, so that it holds under any mount.
        "servers": [{ "url": ".", "description": "Where this document was read" }],
        "security": [{ "bearer": [] }],
        "tags": tags,
        "externalDocs": {
            "url": "https://docs.rs/tokenward/latest/tokenward/admin/index.html",
            "description": "The guide",
        },
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of the service with the scope `tokens:read` or `tokens:manage`.",
                },
            },
            "headers": parameters::headers(),
            "schemas": schemas::all(),
        },
    });
    schemas::tidy(&mut document);
    examples::fill(&mut document);
    document
}
