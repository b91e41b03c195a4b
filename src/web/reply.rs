//! An answer, as status, headers and body.

use std::fmt;

use serde::Serialize;

use super::{BodyStream, EXPOSED_HEADERS};

/// An answer, as status, headers and body: what an adapter turns into its framework's response.
///
/// ```
/// use tokenward::web::Reply;
/// let reply = Reply::json(200, &serde_json::json!({"ok": true})).header("cache-control", "no-store");
/// assert_eq!(reply.header_value("content-type"), Some("application/json"));
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers: lower-case names, and values of visible ASCII and spaces.
    pub headers: Vec<(&'static str, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
    /// The body of an answer whose body comes piece by piece; `body` is then empty.
    pub stream: Option<BodyStream>,
}

impl Reply {
    /// An answer without a body.
    pub fn empty(status: u16) -> Reply {
        Reply { status, headers: Vec::new(), body: Vec::new(), stream: None }
    }

    /// An answer with a JSON body.
    ///
    /// # Panics
    /// If `value` has a map whose keys are no text: JSON cannot write it.
    pub fn json(status: u16, value: &impl Serialize) -> Reply {
        Reply::document(status, "application/json", value)
    }

    /// An answer with a problem document (RFC 9457), which no cache keeps.
    pub fn problem(status: u16, problem: &impl Serialize) -> Reply {
        Reply::document(status, "application/problem+json", problem).header("cache-control", "no-store")
    }

    /// An answer whose body comes piece by piece.
    pub fn streamed(status: u16, media_type: &str, body: BodyStream) -> Reply {
        Reply { stream: Some(body), ..Reply::empty(status) }.header("content-type", media_type)
    }

    /// The same with one header more.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Reply {
        self.headers.push((name, value.into()));
        self
    }

    /// The value of a header by its lower-case name; of several the first.
    pub fn header_value(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(is, _)| *is == name).map(|(_, value)| value.as_str())
    }

    /// The same answer without its body, which says how long the body of GET would be.
    #[cfg(feature = "admin")]
    pub(crate) fn for_head(mut self) -> Reply {
        if self.stream.is_some() {
            self.stream = Some(BodyStream::empty());
            return self;
        }
        let length = self.body.len().to_string();
        self.body.clear();
        self.header("content-length", length)
    }

    fn document(status: u16, media_type: &str, value: &impl Serialize) -> Reply {
        let body = serde_json::to_vec(value).expect("answers have text for keys");
        Reply { body, ..Reply::empty(status) }.header("content-type", media_type)
    }
}

/// The headers whose values are shown, beside those that any script may see. None of them can hold
/// what a client has sent or what is to be shown once.
const SHOWN_HEADERS: [&str; 5] = ["allow", "cache-control", "content-length", "content-type", "etag"];

/// The status, the names of the headers and how long the body is: a body may show a secret, which
/// is for the client and not for the log.
impl fmt::Debug for Reply {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_shown = |name: &str| SHOWN_HEADERS.contains(&name) || EXPOSED_HEADERS.contains(&name);
        let headers: Vec<(&str, &str)> = self
            .headers
            .iter()
            .map(|(name, value)| (*name, if is_shown(name) { value.as_str() } else { "…" }))
            .collect();
        formatter
            .debug_struct("Reply")
            .field("status", &self.status)
            .field("headers", &headers)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .field("stream", &self.stream)
            .finish()
    }
}
