//! Cookies: read one by its name, and write one.

use crate::admin::AdminRequest;
use crate::web::Reply;

/// The value of a cookie; of several with one name the first, as browsers send the most specific
/// path first.
pub(super) fn value<'r>(request: &AdminRequest<'r>, name: &str) -> Option<&'r str> {
    let mut found = None;
    request.http.headers.each("cookie", &mut |header| {
        let pairs = std::str::from_utf8(header).unwrap_or_default().split(';');
        let mut named = pairs.filter_map(|pair| pair.trim().split_once('=')).filter(|(is, _)| *is == name);
        found = found.or(named.next().map(|(_, value)| value));
    });
    found
}

/// A cookie to be set.
pub(super) struct Cookie<'a> {
    pub(super) name: &'a str,
    /// Letters, digits, `-`, `_`, `.`; nothing else is ever put there.
    pub(super) value: &'a str,
    /// For the pages below this path; where none is said, those beside the one that sets it.
    pub(super) path: Option<&'a str>,
    /// For so many seconds; as long as the browser is open where none is said, and 0 takes it away.
    pub(super) seconds: Option<u32>,
    /// Whether the page's scripts may not read it.
    pub(super) is_hidden: bool,
    /// Whether it is sent over TLS alone.
    pub(super) is_secure: bool,
}

impl Cookie<'_> {
    pub(super) fn set_on(&self, reply: Reply) -> Reply {
        let mut text = format!("{}={}; SameSite=Strict", self.name, self.value);
        if let Some(path) = self.path {
            text += &format!("; Path={path}");
        }
        if let Some(seconds) = self.seconds {
            text += &format!("; Max-Age={seconds}");
        }
        if self.is_hidden {
            text += "; HttpOnly";
        }
        if self.is_secure {
            text += "; Secure";
        }
        reply.header("set-cookie", text)
    }
}
