//! A request of the admin API.

use std::fmt;

use crate::web::{Request, is_ours};
use crate::{Prefix, Randomness, SystemRandomness};

/// How long a body may be, in bytes. An adapter need not read more than one byte beyond it: a
/// longer body is answered 413.
pub const BODY_LIMIT: usize = 64 * 1024;

/// A request of the admin API, as text and bytes.
#[derive(Clone, Copy)]
pub struct AdminRequest<'a> {
    /// The request. Its path is the one below the mount, as it came: `/tokens`. Its template is
    /// not looked at.
    pub http: Request<'a>,
    /// The body.
    pub body: &'a [u8],
}

impl<'a> AdminRequest<'a> {
    /// A request with a body, which may be empty.
    pub fn new(http: Request<'a>, body: &'a [u8]) -> AdminRequest<'a> {
        AdminRequest { http, body }
    }

    /// What the client calls the request, if that is short, plain and no token, since it is written
    /// down; else a random id, or none where there is no randomness.
    pub(crate) fn id(&self, prefix: &Prefix) -> Option<String> {
        if let Ok(Some(sent)) = self.http.only_header("x-request-id")
            && (1..=64).contains(&sent.len())
            && !is_ours(sent, prefix)
            && sent.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        {
            return String::from_utf8(sent.to_vec()).ok();
        }
        let mut bytes = [0; 12];
        SystemRandomness.fill(&mut bytes).ok()?;
        Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// Nothing of the body, and of the rest what [`Request`] shows: a token may stand in both.
impl fmt::Debug for AdminRequest<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AdminRequest")
            .field("http", &self.http)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish()
    }
}
