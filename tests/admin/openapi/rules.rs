//! What has to hold of the document, and of the parsers beside it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::schema::{self, DOCUMENT};
use crate::support::shop;

/// Every operation, with its method and its path.
fn operations() -> Vec<(&'static str, &'static str, &'static Value)> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let of_path = |(path, methods): (&'static String, &'static Value)| {
        let methods = methods.as_object().unwrap();
        methods.iter().map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
    };
    paths.iter().flat_map(of_path).collect()
}

#[test]
fn every_operation_says_what_it_is_and_shows_what_it_answers() {
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations() {
        let text = |name: &str| operation[name].as_str().unwrap_or_default();
        assert!(ids.insert(text("operationId")), "{method} {path} has the id of another");
        assert!(!text("summary").is_empty() && text("description").ends_with('.'), "{method} {path}");
        for parameter in operation["parameters"].as_array().unwrap() {
            let description = parameter["description"].as_str().unwrap_or_default();
            assert!(description.ends_with('.'), "{method} {path}: {parameter}");
            assert!(parameter.get("example").is_some(), "{method} {path}: {parameter}");
        }
        let answers = operation["responses"].as_object().unwrap();
        assert!(answers.keys().any(|status| status.starts_with('2')), "{method} {path}");
        for (status, answer) in answers {
            for (media_type, media) in answer["content"].as_object().into_iter().flatten() {
                let examples = media["examples"].as_object().unwrap();
                // A document need not hold itself, and no test makes two change a token at the same time.
                let codes = &media["schema"]["allOf"][1]["properties"]["code"]["enum"];
                let is_itself = path == "/openapi.json" && status == "200";
                assert!(
                    is_itself || *codes == json!(["conflict"]) || !examples.is_empty(),
                    "{method} {path} {status} {media_type}"
                );
                for example in examples.values().filter(|_| schema::is_json(media_type)) {
                    schema::whole(&media["schema"], &example["value"], path).unwrap();
                }
            }
        }
    }
}

#[test]
fn every_property_has_an_example() {
    let mut without = Vec::new();
    for (name, schema) in DOCUMENT["components"]["schemas"].as_object().unwrap() {
        properties_without(schema, name, &mut without);
    }
    assert!(without.is_empty(), "{without:#?}");
}

fn properties_without(schema: &Value, place: &str, without: &mut Vec<String>) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let place = format!("{place}.{name}");
        if property.get("example").is_none() && property.get("examples").is_none() {
            without.push(place.clone());
        }
        properties_without(property, &place, without);
    }
    for choice in ["allOf", "anyOf", "oneOf"] {
        for part in schema[choice].as_array().into_iter().flatten() {
            properties_without(part, place, without);
        }
    }
    if schema["items"].is_object() {
        properties_without(&schema["items"], place, without);
    }
}

/// What a parser says that it takes is what the document says of it.
#[tokio::test]
async fn every_field_of_a_body_is_in_the_document_and_the_other_way_round() {
    let shop = shop().await;
    let (_, record) = shop.token("Used", &["orders:read"]).await;
    let rotation = shop.post(&format!("/tokens/{}/rotate", record.id), json!({ "grace": 3_600 })).await;
    assert_eq!(rotation.status, 201);
    let mut seen = 0;
    for (method, path, operation) in operations() {
        let Some(body) = operation.get("requestBody") else { continue };
        let to = body["content"]["application/json"]["schema"]["$ref"].as_str().unwrap();
        let path = path.replace("{id}", &record.id.to_string()).replace("{sid}", "sec_1");
        let schema = DOCUMENT.pointer(&to[1..]).unwrap();
        // Where there are several forms, the action says which.
        for form in schema["anyOf"].as_array().into_iter().flatten().filter_map(|form| form["$ref"].as_str())
        {
            compare(&shop, method, &path, DOCUMENT.pointer(&form[1..]).unwrap(), &[]).await;
        }
        let Some(properties) = schema["properties"].as_object() else { continue };
        compare(&shop, method, &path, schema, &[]).await;
        for (name, property) in properties {
            let choices = property["oneOf"].as_array().into_iter().flatten();
            let inner =
                choices.filter_map(|choice| choice["$ref"].as_str()).find(|to| to.contains("RateLimit"));
            if let Some(to) = inner {
                compare(&shop, method, &path, DOCUMENT.pointer(&to[1..]).unwrap(), &[name]).await;
                seen += 1;
            }
        }
        seen += 1;
    }
    assert!(seen >= 8, "the bodies are not where they were");
}

async fn compare(shop: &crate::support::Shop, method: &str, path: &str, schema: &Value, below: &[&str]) {
    assert_eq!(schema["additionalProperties"], false, "{path}: {schema}");
    let mut body = json!({ "nobody_knows": 1 });
    for name in below {
        body = json!({ *name: body });
    }
    if let Some(action) = schema["properties"]["action"]["enum"].get(0) {
        body["action"] = action.clone();
    }
    let answer = shop.send(&method.to_ascii_uppercase(), path, &[], Some(body)).await;
    assert_eq!(answer.status, 422, "{path}: {}", answer.text);
    let errors = answer.json["errors"].as_array().unwrap();
    let unknown = errors.iter().find(|error| error["code"] == "unknown").unwrap();
    let known = unknown["detail"].as_str().unwrap().split("there are ").nth(1).unwrap();
    let known: BTreeSet<_> = known.split(", ").collect();
    let told: BTreeSet<_> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(known, told, "{method} {path} {below:?}");
}

#[test]
fn whatever_the_document_refers_to_is_in_it() {
    let mut missing = BTreeSet::new();
    references(&DOCUMENT, &mut missing);
    missing.retain(|to| DOCUMENT.pointer(&to[1..]).is_none());
    assert!(missing.is_empty(), "{missing:#?}");
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    if let Some(to) = value["$ref"].as_str() {
        found.insert(to.to_owned());
    }
    value
        .as_object()
        .into_iter()
        .flat_map(|object| object.values())
        .for_each(|value| references(value, found));
    value.as_array().into_iter().flatten().for_each(|value| references(value, found));
}
