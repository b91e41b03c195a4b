//! A body as JSON, read in one way only: a key that stands twice is refused.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::Fault;

/// The object that a body is. What went wrong is told by its place, never by what stands there:
/// that might be a secret.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, Fault> {
    if body.trim_ascii().is_empty() {
        return Err(Fault::malformed("A body is needed here: a JSON object."));
    }
    match serde_json::from_slice::<Unambiguous>(body) {
        Ok(Unambiguous(Value::Object(object))) => Ok(object),
        Ok(_) => {
            Err(Fault::malformed("The body is JSON, and not an object: it starts with { and ends with }."))
        }
        Err(error) => {
            let what = match error.classify() {
                serde_json::error::Category::Eof => "ends too early",
                serde_json::error::Category::Data => "has a key twice",
                _ => "is not JSON",
            };
            let (line, column) = (error.line(), error.column());
            Err(Fault::malformed(format!("The body {what}: line {line}, column {column}.")))
        }
    }
}

/// A value all of whose objects have each key once.
struct Unambiguous(Value);

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reading).map(Unambiguous)
    }
}

struct Reading;

impl<'de> Visitor<'de> for Reading {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(Unambiguous(value)) = values.next_element()? {
            array.push(value);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((key, Unambiguous(value))) = entries.next_entry::<String, _>()? {
            if object.insert(key, value).is_some() {
                return Err(de::Error::custom("a key stands twice"));
            }
        }
        Ok(Value::Object(object))
    }
}
