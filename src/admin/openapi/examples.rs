//! Examples: real requests with their real answers, from `examples.json`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

/// By operation, what was asked and answered. A test gets the same from the API each time.
static EXCHANGES: LazyLock<Map<String, Value>> =
    LazyLock::new(|| serde_json::from_str(include_str!("examples.json")).unwrap_or_default());

/// What is in no answer that is shown: it takes several nodes, or a stream that lags.
const UNSEEN: [(&str, &str); 18] = [
    ("Document.components", r#"{"schemas": {}}"#),
    ("Document.externalDocs", r#"{"url": "https://docs.rs/tokenward"}"#),
    ("Document.info", r#"{"title": "Tokens", "version": "1.0.0"}"#),
    ("Document.paths", r#"{"/me": {"get": {}}}"#),
    ("LaggedEvent.at_least", "false"),
    ("LaggedEvent.not_shown", "12"),
    ("LeaseHealth.bound_ms", "10000"),
    ("LeaseHealth.hints", "true"),
    ("LeaseHealth.length_s", "10.0"),
    ("LeaseHealth.nodes", "3"),
    ("LeaseHealth.trusted_for_ms", "8900"),
    ("LimiterHealth.state", r#"{"is": "working"}"#),
    ("LimiterState.since", r#""2026-11-24T13:58:00.000Z""#),
    ("RateLimit.other", r#"[{"limit": 3, "window_seconds": 2.0}]"#),
    ("OtherWindow.limit", "3"),
    ("OtherWindow.window_seconds", "2.0"),
    ("StateEvent.state", r#""opened""#),
    ("StateEvent.as_of", r#""2026-11-24T14:00:00.000Z""#),
];

fn of(operation: &str) -> impl Iterator<Item = &Value> {
    EXCHANGES.get(operation).and_then(Value::as_array).into_iter().flatten()
}

/// The bodies that were sent and taken.
pub(super) fn of_body(operation: &str) -> Value {
    let taken =
        of(operation).filter(|exchange| exchange["status"].as_u64().is_some_and(|status| status < 300));
    let sent = taken.filter_map(|exchange| Some((exchange, exchange["request"].get("body")?)));
    named(sent)
}

/// The bodies that were answered.
pub(super) fn of_answer(operation: &str, status: u16, media_type: &str) -> Value {
    let is_such = |exchange: &&Value| exchange["status"] == status && exchange["media_type"] == media_type;
    named(of(operation).filter(is_such).map(|exchange| (exchange, &exchange["body"])))
}

/// A problem for each of these codes: one of this operation, or else of any.
pub(super) fn of_problem(operation: &str, codes: &[&str]) -> Value {
    let mut found = Map::new();
    for code in codes {
        let has_it = |exchange: &&Value| exchange["body"]["code"] == **code;
        let exchange = of(operation)
            .find(has_it)
            .or_else(|| EXCHANGES.values().filter_map(Value::as_array).flatten().find(has_it));
        if let Some(exchange) = exchange {
            let example = json!({ "summary": exchange["body"]["title"], "value": exchange["body"] });
            found.insert((*code).to_owned(), example);
        }
    }
    found.into()
}

/// Gives a parameter the value that was sent, if there is one.
pub(super) fn of_parameter(operation: &'static str) -> impl Fn(&mut Value) {
    move |parameter| {
        let name = parameter["name"].as_str().unwrap_or_default().to_owned();
        let sent =
            of(operation).filter(|exchange| exchange["status"].as_u64().is_some_and(|status| status < 300));
        let value = sent.filter_map(|exchange| exchange["request"]["parameters"].get(&name)).next();
        if let Some(value) = value {
            parameter["example"] = value.clone();
        }
    }
}

fn named<'a>(examples: impl Iterator<Item = (&'a Value, &'a Value)>) -> Value {
    let mut named = Map::new();
    for (exchange, value) in examples {
        let name = format!("example{}", named.len() + 1);
        named.insert(name, json!({ "summary": exchange["summary"], "value": value }));
    }
    named.into()
}

/// Gives every property an example, from those of the bodies that it stands in.
pub(super) fn fill(document: &mut Value) {
    let mut found = BTreeMap::new();
    let empty = Map::new();
    for operations in document["paths"].as_object().unwrap_or(&empty).values() {
        for operation in operations.as_object().unwrap_or(&empty).values() {
            let answers = operation["responses"].as_object().unwrap_or(&empty).values();
            for body in answers.chain(operation.get("requestBody")) {
                for media in body["content"].as_object().unwrap_or(&empty).values() {
                    for example in media["examples"].as_object().unwrap_or(&empty).values() {
                        look(document, &media["schema"], "", &example["value"], &mut found);
                    }
                }
            }
        }
    }
    for (place, example) in UNSEEN {
        let (schema, property) = place.split_once('.').unwrap_or_default();
        let pointer = format!("/components/schemas/{schema}/properties/{property}");
        found.insert(pointer, serde_json::from_str(example).unwrap_or_default());
    }
    for (pointer, example) in found {
        if let Some(Value::Object(property)) = document.pointer_mut(&pointer)
            && !property.contains_key("example")
            && !property.contains_key("examples")
        {
            property.insert("examples".to_owned(), json!([example]));
        }
    }
}

/// Notes the values of properties by the pointers of their schemas. `pointer` is empty for a schema that
/// is no component's, or lies in one.
fn look(document: &Value, schema: &Value, pointer: &str, value: &Value, found: &mut BTreeMap<String, Value>) {
    if let Some(to) = schema["$ref"].as_str().and_then(|to| to.strip_prefix('#'))
        && let Some(schema) = document.pointer(to)
    {
        look(document, schema, to, value, found);
    }
    for choice in ["allOf", "anyOf", "oneOf"] {
        for (place, schema) in schema[choice].as_array().into_iter().flatten().enumerate() {
            look(document, schema, &format!("{pointer}/{choice}/{place}"), value, found);
        }
    }
    for value in value.as_array().into_iter().flatten() {
        look(document, &schema["items"], &format!("{pointer}/items"), value, found);
    }
    let Some(properties) = schema["properties"].as_object() else { return };
    for (name, schema) in properties {
        let Some(value) = value.get(name) else { continue };
        let pointer = format!("{pointer}/properties/{name}");
        let known = found.entry(pointer.clone()).or_insert_with(|| short(value));
        let says_little = known.is_null() || known.as_array().is_some_and(Vec::is_empty);
        if says_little {
            *known = short(value);
        }
        look(document, schema, &pointer, value, found);
    }
}

/// A list with its first entries.
fn short(value: &Value) -> Value {
    match value {
        Value::Array(values) if values.iter().any(Value::is_object) => values[..1].into(),
        value => value.clone(),
    }
}
