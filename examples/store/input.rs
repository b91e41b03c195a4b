//! What comes in, read strictly: path, query and body, and the checks that several routes share.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use crate::problem::Problem;

/// The number in paths such as `/orders/{id}`.
pub struct Id(pub i64);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
        match text.parse() {
            Ok(id) if id > 0 => Ok(Self(id)),
            _ => Err(Problem::bad_request(format!(
                "The path must name a row by its number, as in /orders/1001; `{text}` is not one."
            ))),
        }
    }
}

/// The query string; parameters that the route does not know are refused by the type's own derive.
pub struct Search<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Search<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(value)) => Ok(Self(value)),
            Err(rejection) => {
                let text = rejection.body_text();
                Err(Problem::bad_request(format!("The query does not fit: {}.", reason(&text))))
            }
        }
    }
}

/// A JSON body.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        let bytes = whole_body(request, state).await?;
        parse(&headers, &bytes).map(Self)
    }
}

/// A JSON body that may be left out altogether.
pub struct OptionalBody<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        let bytes = whole_body(request, state).await?;
        if bytes.is_empty() { Ok(Self(T::default())) } else { parse(&headers, &bytes).map(Self) }
    }
}

async fn whole_body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "The body is too large; a few kilobytes are plenty here.",
        ),
        _ => Problem::bad_request("The body broke off before its end; send it whole."),
    })
}

fn parse<T: DeserializeOwned>(headers: &HeaderMap, bytes: &[u8]) -> Result<T, Problem> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let media_type = content_type.split(';').next().unwrap_or("").trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "The body must be JSON and say so; send the header `Content-Type: application/json`.",
        ));
    }
    match Json::<T>::from_bytes(bytes) {
        // A derived `Deserialize` would take an array as well and fill the fields by position.
        Ok(_) if bytes.trim_ascii_start().first() != Some(&b'{') => {
            Err(Problem::unprocessable("The body must be one JSON object with named fields."))
        }
        Ok(Json(value)) => Ok(value),
        Err(rejection) => {
            let text = rejection.body_text();
            Err(match rejection.status() {
                StatusCode::UNPROCESSABLE_ENTITY => {
                    Problem::unprocessable(format!("The body does not fit: {}.", reason(&text)))
                }
                _ => Problem::bad_request(format!(
                    "The body is not well-formed JSON ({}); it must be one JSON object.",
                    reason(&text)
                )),
            })
        }
    }
}

/// The framework's message without its preamble and without the names of Rust's types.
fn reason(text: &str) -> String {
    const PREAMBLES: [&str; 3] = [
        "Failed to deserialize the JSON body into the target type: ",
        "Failed to parse the request body as JSON: ",
        "Failed to deserialize query string: ",
    ];
    let text = PREAMBLES.iter().find_map(|preamble| text.strip_prefix(preamble)).unwrap_or(text);
    let text = text.split(" at line ").next().unwrap_or(text);
    // The message names the field a second time.
    let text = text.find("unknown field").map_or(text, |start| &text[start..]);
    match text.split_once("expected struct ") {
        Some((before, _)) => format!("{before}expected a JSON object"),
        None => text.replace("expected i64", "expected a whole number").replace("a boolean", "true or false"),
    }
}

/// Reads a field that may be absent but, when it is there, must hold a value of its type: `null` clears a
/// field only where the type is itself an `Option`.
pub fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A patch that changes nothing is more likely a misspelt request than a wish.
pub fn at_least_one(named: &[bool], fields: &str) -> Result<(), Problem> {
    if named.contains(&true) {
        return Ok(());
    }
    Err(Problem::unprocessable(format!("The body changes nothing; name at least one of {fields}.")))
}

/// One line of text without blanks around it.
pub fn line(field: &str, value: &str, longest: usize) -> Result<String, Problem> {
    let value = value.trim();
    if value.is_empty() || value.chars().count() > longest || value.chars().any(char::is_control) {
        return Err(Problem::unprocessable(format!(
            "{field} must be one line of 1 to {longest} characters without control characters."
        )));
    }
    Ok(value.to_owned())
}

/// Free text over several lines; an empty one counts as none.
pub fn note(field: &str, value: Option<&str>) -> Result<Option<String>, Problem> {
    const LONGEST: usize = 2_000;
    let Some(value) = value.map(str::trim).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let disallowed = |character: char| character.is_control() && character != '\n' && character != '\t';
    if value.chars().count() > LONGEST || value.chars().any(disallowed) {
        return Err(Problem::unprocessable(format!(
            "{field} must be text of at most {LONGEST} characters without control characters, or null."
        )));
    }
    Ok(Some(value.to_owned()))
}

/// Good enough to catch slips; only a message that arrives proves an address.
pub fn email(field: &str, value: &str) -> Result<String, Problem> {
    let value = line(field, value, 254)?;
    let plausible = match value.split_once('@') {
        Some((name, domain)) => {
            !name.is_empty()
                && !domain.contains('@')
                && domain.contains('.')
                && domain.split('.').all(|label| !label.is_empty())
                && !value.contains(char::is_whitespace)
        }
        None => false,
    };
    if plausible {
        Ok(value)
    } else {
        Err(Problem::unprocessable(format!(
            "{field} must be an e-mail address such as anna@example.com; `{value}` is not one."
        )))
    }
}

pub fn within(field: &str, value: i64, least: i64, most: i64) -> Result<i64, Problem> {
    if (least..=most).contains(&value) {
        Ok(value)
    } else {
        Err(Problem::unprocessable(format!(
            "{field} must be a whole number from {least} to {most}; it is {value}."
        )))
    }
}
