//! What went wrong, as a problem document (RFC 9457).

use serde_json::{Map, Value, json};

use crate::denied::PROBLEM_TYPES;
use crate::web::Reply;
use crate::{Error, Invalid, NotGrantable, TokenId};

/// What went wrong.
#[derive(Debug)]
pub(crate) struct Fault(Box<Told>);

#[derive(Debug)]
struct Told {
    status: u16,
    code: &'static str,
    title: &'static str,
    detail: String,
    more: Map<String, Value>,
    headers: Vec<(&'static str, String)>,
    /// What is the service's fault and not the client's, for the log.
    cause: Option<Error>,
}

/// Of more mistakes than these in one body, the first are told.
const MOST_ERRORS: usize = 100;

impl Fault {
    fn new(status: u16, code: &'static str, title: &'static str, detail: impl Into<String>) -> Fault {
        let detail = detail.into();
        let (more, headers) = (Map::new(), Vec::new());
        Fault(Box::new(Told { status, code, title, detail, more, headers, cause: None }))
    }

    fn with(mut self, name: &str, value: Value) -> Fault {
        self.0.more.insert(name.to_owned(), value);
        self
    }

    fn header(mut self, name: &'static str, value: impl Into<String>) -> Fault {
        self.0.headers.push((name, value.into()));
        self
    }

    fn caused_by(mut self, error: Error) -> Fault {
        self.0.cause = Some(error);
        self
    }

    pub(crate) fn status(&self) -> u16 {
        self.0.status
    }

    #[cfg(feature = "dashboard")]
    pub(crate) fn title(&self) -> &'static str {
        self.0.title
    }

    #[cfg(feature = "dashboard")]
    pub(crate) fn detail(&self) -> &str {
        &self.0.detail
    }

    #[cfg(feature = "dashboard")]
    pub(crate) fn headers(&self) -> &[(&'static str, String)] {
        &self.0.headers
    }

    /// Writes down what is the service's fault and not the client's.
    pub(crate) fn log(&self, request_id: Option<&str>) {
        if let Some(error) = &self.0.cause {
            tracing::error!(%error, request_id, code = self.0.code, "tokens could not be managed as asked");
        }
    }

    /// The answer. `request_id` tells which request it was about, to the client and in the log.
    pub(crate) fn reply(self, request_id: Option<&str>) -> Reply {
        let (status, headers) = (self.0.status, self.0.headers.clone());
        let mut reply = Reply::problem(status, &self.document(request_id));
        reply.headers.extend(headers);
        reply
    }

    /// The problem alone, as it stands in an answer that tells of several.
    pub(crate) fn document(self, request_id: Option<&str>) -> Map<String, Value> {
        self.log(request_id);
        let told = *self.0;
        let mut body = told.more;
        body.insert("type".into(), format!("{PROBLEM_TYPES}{}", told.code).into());
        body.insert("title".into(), told.title.into());
        body.insert("status".into(), told.status.into());
        body.insert("detail".into(), told.detail.into());
        body.insert("code".into(), told.code.into());
        if let Some(id) = request_id {
            body.insert("instance".into(), format!("urn:request:{id}").into());
        }
        body
    }

    pub(crate) fn malformed(detail: impl Into<String>) -> Fault {
        Fault::new(400, "malformed", "The request cannot be read", detail)
    }

    /// A parameter of the query that is not right.
    pub(crate) fn parameter(name: &str, detail: impl Into<String>) -> Fault {
        let shown: String = name.chars().take(60).collect();
        Fault::malformed(detail).with("parameter", shown.into())
    }

    pub(crate) fn invalid_cursor() -> Fault {
        Fault::new(
            400,
            "invalid-cursor",
            "This cursor is not valid here",
            "The cursor belongs to another listing, or was altered. Start again without it, and keep sort and filters while you turn pages.",
        )
    }

    pub(crate) fn validation(invalid: Invalid) -> Fault {
        let number = invalid.errors.len();
        let detail = match number {
            1 => "1 field needs attention.".to_owned(),
            _ => format!("{number} fields need attention."),
        };
        let errors: Vec<_> = invalid.errors.into_iter().take(MOST_ERRORS).collect();
        Fault::new(422, "validation", "What was sent is not right", detail).with("errors", json!(errors))
    }

    pub(crate) fn forbidden() -> Fault {
        Fault::new(
            403,
            "forbidden",
            "You may only look",
            "Your access lets you look at tokens, not change them.",
        )
    }

    pub(crate) fn not_permitted() -> Fault {
        Fault::new(
            403,
            "forbidden",
            "You may not do this",
            "Your access lets you do other things here, and not this one.",
        )
    }

    pub(crate) fn cross_site() -> Fault {
        Fault::new(
            403,
            "cross-site-request",
            "This came from another site",
            "The request was not sent by a page of this site. Programs send a token in the header \"Authorization: Bearer <token>\".",
        )
    }

    pub(crate) fn no_such_token() -> Fault {
        Fault::new(404, "not-found", "There is no such token", "There is no token with this id here.")
    }

    pub(crate) fn no_such_text() -> Fault {
        Fault::new(404, "not-found", "There is no such token", "No token here has this text.")
    }

    pub(crate) fn no_such_secret() -> Fault {
        let detail =
            "The token has no old secret that still works: its grace period is over, or there was none.";
        Fault::new(404, "not-found", "There is no such secret", detail)
    }

    pub(crate) fn last_secret() -> Fault {
        Fault::new(
            409,
            "last-secret",
            "This is the current secret",
            "The current secret ends with the token. Rotate the token to replace the secret, or revoke it.",
        )
    }

    pub(crate) fn no_such_place() -> Fault {
        Fault::new(404, "not-found", "There is nothing here", "There is nothing at this address.")
    }

    pub(crate) fn method_not_allowed(allow: String) -> Fault {
        let detail = format!("This address answers to {allow}.");
        Fault::new(405, "method-not-allowed", "This method does not work here", detail).header("allow", allow)
    }

    pub(crate) fn too_large() -> Fault {
        let detail = format!("A body has at most {} bytes here.", super::BODY_LIMIT);
        Fault::new(413, "payload-too-large", "The body is too long", detail)
    }

    pub(crate) fn media_type(right: &str) -> Fault {
        let detail = format!("Send the body as JSON, with the header \"Content-Type: {right}\".");
        Fault::new(415, "unsupported-media-type", "The body is of another type", detail)
    }

    pub(crate) fn stale(current: &str) -> Fault {
        Fault::new(
            412,
            "stale-version",
            "Somebody else changed the token first",
            "The token is no longer the one that If-Match names. Look at it again, then decide.",
        )
        .with("current_etag", current.into())
        .header("etag", current)
    }

    pub(crate) fn usage_unavailable(error: Error) -> Fault {
        Fault::new(
            503,
            "usage-unavailable",
            "Use cannot be read right now",
            "What was counted cannot be read at the moment. The tokens themselves work: try again shortly.",
        )
        .header("retry-after", "1")
        .caused_by(error)
    }

    pub(crate) fn too_many_streams() -> Fault {
        let detail = "As many streams are open as may be. Close one, or try again later; recent calls can be read without a stream.";
        Fault::new(503, "too-many-streams", "There are too many streams", detail).header("retry-after", "10")
    }

    fn revealed(id: TokenId) -> Fault {
        Fault::new(
            409,
            "secret-already-revealed",
            "This was done before",
            "The same Idempotency-Key was used before, and the secret was shown then. Rotate the token if you have lost it.",
        )
        .with("id", json!(id))
    }

    fn not_grantable(error: NotGrantable) -> Fault {
        let detail = format!("You cannot give a token more than you hold yourself: {}.", exceeding(&error));
        Fault::new(403, "not-grantable", "This is more than you may grant", detail)
            .with("exceeds", json!(error.exceeds))
            .with("scopes", json!(error.scopes))
    }

    fn of_store(error: Error) -> Fault {
        let detail = match &error {
            Error::Store(error) if error.outcome_is_unknown() => {
                "The store went away during the change, which may or may not have happened. Look at the token again."
            }
            Error::Interrupted => "The change was interrupted. Look at the token again.",
            _ => "The service cannot reach its tokens at the moment. Try again shortly.",
        };
        Fault::new(503, "store-unavailable", "Tokens cannot be reached right now", detail)
            .header("retry-after", "1")
            .caused_by(error)
    }
}

fn exceeding(error: &NotGrantable) -> String {
    let names: Vec<_> = error.scopes.iter().map(|scope| scope.as_str()).collect();
    let said = |field: &&'static str| match *field {
        "scopes" => format!("scopes ({})", names.join(", ")),
        field => field.to_owned(),
    };
    error.exceeds.iter().map(said).collect::<Vec<_>>().join(", ")
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        match error {
            Error::Invalid(invalid) => Fault::validation(invalid),
            Error::NotFound => Fault::no_such_token(),
            error @ Error::TenantNotSaid => Fault::no_such_token().caused_by(error),
            Error::Conflict => Fault::new(
                409,
                "conflict",
                "Somebody else is changing the token",
                "The token was changed at the same time. Look at it again, then decide.",
            ),
            Error::Revoked => Fault::new(
                409,
                "already-revoked",
                "The token is revoked",
                "The token is revoked, which is for good. Create a new one.",
            ),
            Error::NoOldSecret => Fault::no_such_secret(),
            Error::StillValid => Fault::new(
                409,
                "token-still-valid",
                "The token still works",
                "Only a token that is revoked or expired can be deleted. Revoke it first.",
            ),
            Error::AlreadyDone { id } => Fault::revealed(id),
            Error::NotGrantable(error) => Fault::not_grantable(error),
            Error::TooManyTokens { greatest } => Fault::new(
                409,
                "too-many-tokens",
                "There are as many tokens as there may be",
                format!("This account has {greatest} living tokens, as many as it may. Revoke one first."),
            )
            .with("greatest", greatest.into()),
            error @ (Error::Store(_)
            | Error::Overloaded(_)
            | Error::Limiter(_)
            | Error::Randomness(_)
            | Error::Interrupted) => Fault::of_store(error),
            error => Fault::new(
                500,
                "internal",
                "Something went wrong here",
                "The fault is the service's, not yours. Its log has more, under the id of this request.",
            )
            .caused_by(error),
        }
    }
}
