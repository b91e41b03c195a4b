//! What went wrong, as `application/problem+json` with a sentence for the person who reads it.

use axum::Json;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    detail: String,
}

impl Problem {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into() }
    }

    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// A row of another shop is answered with this as well, in the same words, so that nobody can tell
    /// which numbers the neighbour uses.
    pub fn no_such(kind: &str, id: i64) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            format!("This shop has no {kind} {id}; GET /{kind}s lists the ones it has."),
        )
    }

    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    pub fn unprocessable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The store could not finish this request; nothing was changed. Its log says why.",
        )
    }
}

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Self {
        if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) {
            tracing::warn!(%error, "another process kept the database locked");
            return Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "The database is busy and nothing was changed; try again in a second.",
            );
        }
        tracing::error!(%error, "the database refused a statement");
        Self::internal()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// The fallback for paths that no route has.
pub async fn unknown_path(uri: Uri) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        format!(
            "There is nothing at {}; the store has /products, /orders, /customers, /analytics/revenue, \
             /webhooks and /settings.",
            uri.path()
        ),
    )
}

/// The fallback for methods that a path does not take.
pub async fn wrong_method(method: Method, uri: Uri) -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("{} does not take {method}; the Allow header names what it takes.", uri.path()),
    )
}
