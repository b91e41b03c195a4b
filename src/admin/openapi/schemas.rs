//! The schemas of the document, from the types of the bodies.

use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use super::bodies::*;
use super::words::is_inline;
use crate::admin::{
    attention, audit, bulk, calls, catalogue, clients, create, impact, listing, rotate, scope_use, series,
    shape, stream, usage,
};

/// Every schema that an operation names, with those that it refers to.
pub(super) fn all() -> Value {
    let mut schemas = Schemas(Map::new());
    schemas.add::<shape::TokenBody>();
    schemas.add::<listing::Listed>();
    schemas.add::<create::Created>();
    schemas.add::<rotate::Rotated>();
    schemas.add::<usage::Told>();
    schemas.add::<series::Series>();
    schemas.add::<scope_use::Told>();
    schemas.add::<calls::Listed>();
    schemas.add::<audit::Entries>();
    schemas.add::<catalogue::Scopes>();
    schemas.add::<catalogue::Presets>();
    schemas.add::<catalogue::Me>();
    schemas.add::<stream::Lagged>();
    schemas.add::<stream::State>();
    schemas.add::<impact::ImpactBody>();
    schemas.add::<SecretList>();
    schemas.add::<bulk::Results>();
    schemas.add::<audit::Checked>();
    schemas.add::<attention::Told>();
    schemas.add::<Introspection>();
    schemas.add::<HealthAnswer>();
    schemas.add::<Document>();
    schemas.add::<UsageOfAll>();
    schemas.add::<clients::Row>();
    schemas.add::<clients::Used>();
    schemas.add_as::<EndpointList>("EndpointList");
    schemas.add_as::<ClientList>("ClientList");
    schemas.0.values_mut().for_each(always_told);
    // Columns are there where they were asked for.
    for name in ["CallColumns", "LatencyColumns", "LimitedColumns"] {
        schemas.0[name].as_object_mut().map(|columns| columns.remove("required"));
    }
    // What a change would break is there where it was asked for, and may be null then.
    schemas.add::<ChangedToken>();
    schemas.add::<Problem>();
    schemas.add::<NewTokenBody>();
    schemas.add::<TokenChangeBody>();
    schemas.add::<Revocation>();
    schemas.add::<Pause>();
    schemas.add::<Resumption>();
    schemas.add::<Rotation>();
    schemas.add::<FoundText>();
    schemas.add::<SecretEnd>();
    schemas.add::<BulkChange>();
    schemas.add::<IntrospectionRequest>();
    schemas.add::<IntrospectionForm>();
    schemas.add::<StreamEvent>();
    for (name, action) in [
        ("BulkRevocation", "revoke"),
        ("BulkPause", "pause"),
        ("BulkResumption", "resume"),
        ("BulkExtension", "extend"),
    ] {
        schemas.0[name]["properties"]["action"]["enum"] = json!([action]);
        schemas.0[name]["properties"]["ids"]["uniqueItems"] = true.into();
    }
    // An end has to be said.
    for name in ["SecretEnd", "BulkExtension"] {
        schemas.0[name]["anyOf"] = json!([{ "required": ["expires_at"] }, { "required": ["expires_in"] }]);
    }
    // An end is said in one way.
    for (name, one, other) in [
        ("NewToken", "expires_at", "expires_in"),
        ("TokenChange", "expires_at", "expires_in"),
        ("Pause", "resume_at", "for"),
        ("BulkPause", "resume_at", "for"),
        ("SecretEnd", "expires_at", "expires_in"),
        ("BulkExtension", "expires_at", "expires_in"),
    ] {
        schemas.0[name]["not"] = json!({ "required": [one, other] });
    }
    schemas.0.into()
}

struct Schemas(Map<String, Value>);

impl Schemas {
    fn add<T: ToSchema>(&mut self) {
        self.add_as::<T>(&T::name());
    }

    /// For a type that no other refers to.
    fn add_as<T: ToSchema>(&mut self, name: &str) {
        let mut referred = Vec::new();
        T::schemas(&mut referred);
        for (name, schema) in referred {
            self.insert(&name, &schema);
        }
        self.insert(name, &T::schema());
    }

    fn insert(&mut self, name: &str, schema: &RefOr<Schema>) {
        let schema = serde_json::to_value(schema).unwrap_or_default();
        // What is inserted a second time has been told of already.
        self.0.entry(name).or_insert(schema);
    }
}

/// What may be left out of an answer although it may be null.
const MAY_BE_MISSING: [&str; 2] = ["last_used_at", "last_seen_at"];

/// What may be null in an answer is always there: what may be missing is never null.
fn always_told(schema: &mut Value) {
    let is_token =
        schema["properties"].get("last4").is_some() && schema["properties"].get("created_by").is_some();
    if let Some(properties) = schema["properties"].as_object() {
        let may_be_null = |schema: &Value| schema["type"].is_array() || schema["oneOf"][0]["type"] == "null";
        let more: Vec<_> = properties
            .iter()
            .filter(|(name, schema)| {
                may_be_null(schema) && !(is_token && MAY_BE_MISSING.contains(&name.as_str()))
            })
            .map(|(name, _)| Value::from(name.as_str()))
            .collect();
        let mut required = schema["required"].as_array().cloned().unwrap_or_default();
        required.extend(more.into_iter().filter(|name| !required.contains(name)).collect::<Vec<_>>());
        if !required.is_empty() {
            schema["required"] = required.into();
        }
    }
    if let Some(Value::Array(parts)) = schema.get_mut("allOf") {
        parts.iter_mut().for_each(always_told);
    }
}

/// Puts small schemas where they are used, and writes what may be null in the short way.
pub(super) fn tidy(document: &mut Value) {
    let schemas = &mut document["components"]["schemas"];
    let mut small = Map::new();
    if let Some(schemas) = schemas.as_object_mut() {
        let names: Vec<_> = schemas.keys().filter(|name| is_inline(name)).cloned().collect();
        for name in names {
            small.extend(schemas.remove(&name).map(|schema| (name, schema)));
        }
    }
    let known = small.clone();
    small.values_mut().for_each(|schema| put_inline(schema, &known));
    put_inline(document, &small);
}

fn put_inline(value: &mut Value, small: &Map<String, Value>) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| put_inline(value, small)),
        Value::Object(object) => {
            object.values_mut().for_each(|value| put_inline(value, small));
            let name = object.get("$ref").and_then(Value::as_str).and_then(|to| to.rsplit('/').next());
            if let Some(schema) = name.and_then(|name| small.get(name)).and_then(Value::as_object) {
                object.remove("$ref");
                for (key, value) in schema {
                    object.entry(key).or_insert_with(|| value.clone());
                }
            }
            shorten(object);
        }
        _ => {}
    }
}

/// `oneOf` null and a simple type is a type of its own, and of several types any may fit.
fn shorten(object: &mut Map<String, Value>) {
    // What one answer has may look like the beginning of another one.
    let is_null = |choice: &Value| choice["type"] == "null";
    if object.get("oneOf").and_then(Value::as_array).is_some_and(|choices| !choices.iter().any(is_null)) {
        let choices = object.remove("oneOf").unwrap_or_default();
        object.insert("anyOf".to_owned(), choices);
    }
    let Some(choices) = object.get("oneOf").and_then(Value::as_array) else { return };
    let [null, other] = &**choices else { return };
    let Some(kind) = other["type"].as_str() else { return };
    if null["type"] != "null" || other.get("enum").is_some() {
        return;
    }
    let mut other = other.clone();
    other["type"] = json!([kind, "null"]);
    object.remove("oneOf");
    if let Value::Object(other) = other {
        for (key, value) in other {
            object.entry(key).or_insert(value);
        }
    }
}
