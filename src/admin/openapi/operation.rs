//! One operation of the document.

use serde_json::{Map, Value, json};

use super::{examples, parameters, problems};
use crate::admin::permissions::Right;
use crate::admin::routes::{Route, Row};

/// What is said of one route.
pub(super) struct Operation {
    pub(super) id: &'static str,
    tag: &'static str,
    summary: &'static str,
    description: String,
    parameters: Vec<Value>,
    body: Option<Body>,
    answers: Vec<Answer>,
    /// The codes of its problems, beside those that any route answers.
    codes: Vec<&'static str>,
}

struct Body {
    /// By media type, the name of a schema.
    content: Vec<(&'static str, &'static str)>,
    required: bool,
}

struct Answer {
    status: u16,
    description: &'static str,
    /// By media type, the name of a schema, or none for lines of text.
    content: Vec<(&'static str, Option<&'static str>)>,
    headers: &'static [&'static str],
}

/// An operation that changes nothing.
pub(super) fn operation(
    tag: &'static str,
    id: &'static str,
    summary: &'static str,
    description: &str,
) -> Operation {
    Operation {
        id,
        tag,
        summary,
        description: description.to_owned(),
        parameters: Vec::new(),
        body: None,
        answers: Vec::new(),
        codes: Vec::new(),
    }
}

impl Operation {
    pub(super) fn parameters(mut self, parameters: impl IntoIterator<Item = Value>) -> Operation {
        self.parameters.extend(parameters);
        self
    }

    /// A body of JSON that has to be there.
    pub(super) fn body(self, schema: &'static str) -> Operation {
        self.body_of(vec![("application/json", schema)], true)
    }

    /// A body of JSON that may be left out.
    pub(super) fn optional_body(self, schema: &'static str) -> Operation {
        self.body_of(vec![("application/json", schema)], false)
    }

    pub(super) fn body_of(mut self, content: Vec<(&'static str, &'static str)>, required: bool) -> Operation {
        self.body = Some(Body { content, required });
        self.codes.extend(["unsupported-media-type", "validation"]);
        self
    }

    /// An answer with a body of JSON.
    pub(super) fn answers(
        self,
        status: u16,
        description: &'static str,
        schema: &'static str,
        headers: &'static [&'static str],
    ) -> Operation {
        self.answers_in(status, description, vec![("application/json", Some(schema))], headers)
    }

    pub(super) fn answers_in(
        mut self,
        status: u16,
        description: &'static str,
        content: Vec<(&'static str, Option<&'static str>)>,
        headers: &'static [&'static str],
    ) -> Operation {
        self.answers.push(Answer { status, description, content, headers });
        self
    }

    pub(super) fn codes(mut self, codes: &[&'static str]) -> Operation {
        self.codes.extend(codes);
        self
    }

    /// It as the document has it.
    pub(super) fn described(mut self, route: &Route) -> Value {
        self.parameters.push(parameters::request_id());
        for part in route.template.split('/').filter(|part| part.starts_with('{')) {
            self.parameters.insert(0, parameters::in_path(part.trim_matches(['{', '}'])));
        }
        self.parameters.iter_mut().for_each(examples::of_parameter(self.id));
        let mut responses = Map::new();
        for answer in &self.answers {
            responses.insert(answer.status.to_string(), answer.described(self.id));
        }
        self.codes.extend(problems::of_any(route));
        for (status, problem) in problems::described(self.id, &self.codes) {
            responses.entry(status).or_insert(problem);
        }
        let mut described = json!({
            "operationId": self.id,
            "tags": [self.tag],
            "summary": self.summary,
            "description": format!("{}\n\n{}", self.description, need(route)),
            "parameters": self.parameters,
            "responses": responses,
        });
        if let Some(body) = &self.body {
            described["requestBody"] = body.described(self.id);
        }
        if route.row == Row::Health {
            described["security"] = json!([{}, { "bearer": [] }]);
        }
        described
    }
}

impl Body {
    fn described(&self, operation: &str) -> Value {
        let examples = examples::of_body(operation);
        let media = |schema| json!({ "schema": reference(schema), "examples": examples });
        let content: Map<_, _> =
            self.content.iter().map(|(name, schema)| ((*name).to_owned(), media(schema))).collect();
        json!({ "content": content, "required": self.required })
    }
}

impl Answer {
    fn described(&self, operation: &str) -> Value {
        let mut described = json!({
            "description": self.description,
            "headers": parameters::headers_of(self.headers),
        });
        let mut content = Map::new();
        for (media_type, schema) in &self.content {
            let schema = schema.map_or_else(|| json!({ "type": "string" }), reference);
            let examples = examples::of_answer(operation, self.status, media_type);
            content.insert((*media_type).to_owned(), json!({ "schema": schema, "examples": examples }));
        }
        if !content.is_empty() {
            described["content"] = content.into();
        }
        described
    }
}

/// What whoever asks must be allowed to do.
fn need(route: &Route) -> &'static str {
    match route.needs {
        _ if route.row == Row::Health => "Needs nothing.",
        right if right.changes() => "Needs the scope `tokens:manage`.",
        Right::Look | Right::ViewCalls | Right::ViewHistory => "Needs the scope `tokens:read`.",
        _ => "",
    }
}

pub(super) fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}
