//! What is asked of the API for an example, and what it answers.

use std::task::{Context, Poll, Waker};

use serde_json::{Map, Value, json};
use tokenward::admin::{Access, AdminApi, AdminRequest};
use tokenward::web::{Reply, Request};

use super::schema::{self, DOCUMENT, Told};

/// A request, by the operation of the document.
pub struct Ask {
    operation: &'static str,
    summary: &'static str,
    parameters: Map<String, Value>,
    body: Option<Value>,
    headers: Vec<(&'static str, String)>,
    access: Access,
}

/// What cursors are shown as. They are signed with a key that each store draws for itself.
const CURSOR: &str = "qrvM3e7_AQ";

/// `parameters` are those of the query, the path and the headers.
pub fn ask(operation: &'static str, summary: &'static str, parameters: Value) -> Ask {
    let Value::Object(parameters) = parameters else { panic!("an object is needed") };
    let access = Access::manage(tokenward::Actor::new("maria@acme.example").tenant("acme"));
    Ask { operation, summary, parameters, body: None, headers: Vec::new(), access }
}

impl Ask {
    pub fn body(mut self, body: Value) -> Ask {
        self.body = Some(body);
        self
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Ask {
        self.headers.push((name, value.into()));
        self
    }

    pub fn by(mut self, access: Access) -> Ask {
        self.access = access;
        self
    }

    /// Without the login of the host.
    pub fn by_nobody(mut self) -> Ask {
        self.access = Access::Nobody;
        self
    }

    pub fn by_token(self, text: &str) -> Ask {
        self.by_nobody().header("authorization", format!("Bearer {text}"))
    }

    /// Sends it; the exchange as the document shows it.
    pub async fn of(self, api: &AdminApi) -> (&'static str, Value) {
        let (method, template, operation) = operation(self.operation);
        let mut path = template.clone();
        let mut query = Vec::new();
        let mut headers = vec![
            ("host", "acme.localhost".to_owned()),
            ("sec-fetch-site", "same-origin".to_owned()),
            ("x-request-id", "req-7f3a".to_owned()),
        ];
        for (name, value) in &self.parameters {
            let described =
                operation["parameters"].as_array().unwrap().iter().find(|known| known["name"] == **name);
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            match described.and_then(|known| known["in"].as_str()) {
                Some("path") => path = path.replace(&format!("{{{name}}}"), &text),
                Some("header") => {
                    let known = ["If-Match", "Idempotency-Key", "Last-Event-ID"];
                    let name = known.into_iter().find(|known| known == name).unwrap();
                    headers.push((name, text));
                }
                _ => match value {
                    Value::Array(values) => {
                        query
                            .extend(values.iter().map(|value| format!("{name}={}", value.as_str().unwrap())));
                    }
                    Value::Object(values) => {
                        query.extend(
                            values.iter().map(|(name, value)| format!("{name}={}", value.as_str().unwrap())),
                        );
                    }
                    _ => query.push(format!("{name}={}", text.replace(' ', "%20"))),
                },
            }
        }
        let body = self.body.as_ref().map_or_else(String::new, Value::to_string);
        if self.body.is_some() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        headers.retain(|(name, _)| !self.headers.iter().any(|(said, _)| said == name));
        headers.extend(self.headers);
        let sent: Vec<(String, String)> =
            headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        let sent: Vec<_> = sent.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut http = Request::new(&method, &path, &sent);
        let query = query.join("&");
        http.query = (!query.is_empty()).then_some(&query);
        http.address = Some("198.51.100.9".parse().unwrap());
        let reply = api.handle(self.access, AdminRequest::new(http, body.as_bytes())).await;
        let (status, media_type) = (reply.status, reply.header_value("content-type").map(str::to_owned));
        let text = text_of(reply, &method, &path);
        let is_json = media_type.as_deref().is_some_and(schema::is_json);
        let answered = match serde_json::from_str(&text) {
            Ok(json) if is_json => with_one_cursor(json),
            _ => Value::from(text),
        };
        let mut request = json!({ "parameters": self.parameters });
        if let Some(body) = self.body {
            request["body"] = body;
        }
        let exchange = json!({
            "summary": self.summary,
            "request": request,
            "status": status,
            "media_type": media_type,
            "body": answered,
        });
        (self.operation, exchange)
    }
}

/// The body, and of a stream its beginning. The answer has to be as the document says.
fn text_of(reply: Reply, method: &str, path: &str) -> String {
    let headers = reply.headers.clone();
    let header = |name: &str| headers.iter().find(|(is, _)| *is == name).map(|(_, value)| value.clone());
    let status = reply.status;
    let text = match reply.stream {
        None => String::from_utf8(reply.body).unwrap(),
        Some(mut stream) => {
            let mut text = String::new();
            while let Poll::Ready(Some(piece)) = stream.poll_next(&mut Context::from_waker(Waker::noop())) {
                text.push_str(&String::from_utf8(piece.unwrap()).unwrap());
            }
            text
        }
    };
    let told = Told { method, path, status, header: &header, text: &text };
    if let Err(error) = schema::check(&told).unwrap() {
        panic!("{method} {path}: {error}");
    }
    text
}

/// Where an operation is in the document: its method, its path, and itself.
fn operation(id: &str) -> (String, String, &'static Value) {
    for (template, methods) in DOCUMENT["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            if operation["operationId"] == id {
                return (method.to_ascii_uppercase(), template.clone(), operation);
            }
        }
    }
    panic!("there is no operation {id}")
}

fn with_one_cursor(mut answer: Value) -> Value {
    for name in ["next", "prev"] {
        if answer["page"].get(name).is_some_and(Value::is_string) {
            answer["page"][name] = CURSOR.into();
        }
    }
    answer
}
