//! A small validator of answers against the document: strict, so that what the document does not tell of
//! is a mistake as well.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::{Map, Value};

pub static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(tokenward::admin::openapi()).unwrap());

/// One answer, as far as the document has a say in it.
pub struct Told<'a> {
    pub method: &'a str,
    /// Below the mount, without the query.
    pub path: &'a str,
    pub status: u16,
    pub header: &'a dyn Fn(&str) -> Option<String>,
    pub text: &'a str,
}

/// Whether an answer is as the document says; none where the document does not know the route.
pub fn check(told: &Told<'_>) -> Option<Result<(), String>> {
    let path = told.path.strip_suffix('/').unwrap_or(told.path);
    let operation = operation(if told.method == "HEAD" { "GET" } else { told.method }, path)?;
    Some(check_answer(operation, told))
}

/// The operation of a path; of several that match, the one without parameters.
fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let matches = |template: &str| {
        let (parts, segments) = (template.split('/'), path.split('/'));
        parts.clone().count() == segments.clone().count()
            && parts.zip(segments).all(|(part, segment)| part == segment || part.starts_with('{'))
    };
    let found = paths
        .keys()
        .filter(|template| matches(template))
        .min_by_key(|template| template.matches('{').count())?;
    paths[found].get(method.to_ascii_lowercase())
}

fn check_answer(operation: &Value, told: &Told<'_>) -> Result<(), String> {
    let Some(answer) = operation["responses"].get(told.status.to_string()) else {
        return Err(format!("it may not answer {}: {}", told.status, told.text));
    };
    for (name, header) in answer["headers"].as_object().unwrap() {
        let header = resolved(header);
        let value = (told.header)(&name.to_ascii_lowercase());
        match value {
            None if header["required"] == true => return Err(format!("there is no header {name}")),
            Some(value) if header["schema"]["type"] == "string" => {
                whole(&header["schema"], &Value::from(value), name)?;
            }
            _ => {}
        }
    }
    let Some(content) = answer.get("content") else {
        return if told.text.is_empty() { Ok(()) } else { Err("there is a body".to_owned()) };
    };
    let media_type = (told.header)("content-type").unwrap_or_default();
    let Some(media) = content.get(&media_type) else { return Err(format!("it may not answer {media_type}")) };
    if told.method == "HEAD" || !is_json(&media_type) {
        return Ok(());
    }
    let json = serde_json::from_str(told.text).map_err(|error| error.to_string())?;
    whole(&media["schema"], &json, "")
}

/// Whether a media type is one of JSON as a whole, not of lines of it.
pub fn is_json(media_type: &str) -> bool {
    matches!(media_type, "application/json" | "application/problem+json")
}

fn resolved(value: &Value) -> &Value {
    match value["$ref"].as_str() {
        Some(to) => DOCUMENT.pointer(&to[1..]).unwrap(),
        None => value,
    }
}

/// Whether a value is as a schema says, and has nothing that the schema does not tell of.
pub fn whole(schema: &Value, value: &Value, place: &str) -> Result<(), String> {
    let known = fits(schema, value, place)?;
    let tells = ["properties", "additionalProperties", "$ref", "allOf", "anyOf", "oneOf"];
    if schema["type"] == "object" && !tells.iter().any(|key| schema.get(key).is_some()) {
        return Ok(());
    }
    let unknown = value.as_object().into_iter().flat_map(Map::keys).find(|key| !known.contains(*key));
    unknown.map_or(Ok(()), |key| Err(format!("{place}/{key} is not told of")))
}

/// Whether a value is as a schema says; the keys that it tells of.
fn fits(schema: &Value, value: &Value, place: &str) -> Result<BTreeSet<String>, String> {
    let mut known = BTreeSet::new();
    if let Some(to) = schema["$ref"].as_str() {
        known.extend(fits(DOCUMENT.pointer(&to[1..]).unwrap(), value, place)?);
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        known.extend(fits(part, value, place)?);
    }
    for choice in ["anyOf", "oneOf"] {
        let Some(choices) = schema[choice].as_array() else { continue };
        let fitting: Vec<_> = choices.iter().map(|choice| fits(choice, value, place)).collect();
        if fitting.iter().all(Result::is_err) {
            return fitting.into_iter().next().unwrap();
        }
        known.extend(fitting.into_iter().flatten().flatten());
    }
    let wrong = |what: &str| Err(format!("{place} {what}: {value}"));
    let kinds: Vec<_> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        kind => kind.as_str().into_iter().collect(),
    };
    if !kinds.is_empty() && !kinds.iter().any(|kind| is_a(kind, value)) {
        return wrong("is of the wrong type");
    }
    if value.is_null() {
        return Ok(known);
    }
    if schema["enum"].as_array().is_some_and(|values| !values.contains(value)) {
        return wrong("is none of the words");
    }
    if schema.get("const").is_some_and(|only| only != value) {
        return wrong("is not the word");
    }
    let number = value.as_f64();
    let bound = |name: &str| number.zip(schema[name].as_f64());
    if bound("minimum").is_some_and(|(number, least)| number < least) {
        return wrong("is too small");
    }
    if bound("maximum").is_some_and(|(number, most)| number > most) {
        return wrong("is too large");
    }
    let moment = |text| chrono::DateTime::parse_from_rfc3339(text).is_ok();
    if schema["format"] == "date-time" && !value.as_str().is_some_and(moment) {
        return wrong("is no moment");
    }
    for (place_in_it, value) in value.as_array().into_iter().flatten().enumerate() {
        if let Some(items) = schema.get("items") {
            whole(items, value, &format!("{place}/{place_in_it}"))?;
        }
    }
    if let Some(object) = value.as_object() {
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        for name in required {
            if !object.contains_key(name) {
                return Err(format!("{place}/{name} is missing"));
            }
        }
        for (name, value) in object {
            let place = format!("{place}/{name}");
            match schema["properties"].get(name).or(schema.get("additionalProperties")) {
                Some(Value::Object(schema)) => whole(&schema.clone().into(), value, &place)?,
                Some(_) => return Err(format!("{place} may not be there")),
                None => continue,
            }
            known.insert(name.clone());
        }
    }
    Ok(known)
}

fn is_a(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        _ => false,
    }
}
