//! A request, as text.

use std::fmt;
use std::net::IpAddr;

/// The headers of a request, whatever the framework keeps them in.
pub trait Headers: Sync {
    /// Calls `each` with every value of the header with this lower-case name, in their order.
    fn each<'h>(&'h self, name: &str, each: &mut dyn FnMut(&'h [u8]));
}

/// A request, as text: what an adapter makes of its framework's.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The method, as it came.
    pub method: &'a str,
    /// The path as it came, percent-encoded and without the query.
    pub path: &'a str,
    /// The query, without the question mark.
    pub query: Option<&'a str>,
    /// The host of the request line or of HTTP/2's `:authority`, where there is one.
    pub authority: Option<&'a str>,
    /// The template of the route that the router has matched (`/orders/{id}`), where it tells.
    pub template: Option<&'a str>,
    /// The headers.
    pub headers: &'a dyn Headers,
    /// The client's address, where it is known: the peer's, or what a trusted proxy said.
    pub address: Option<IpAddr>,
}

impl<'a> Request<'a> {
    /// A request without a query, an authority, a template or an address.
    pub fn new(method: &'a str, path: &'a str, headers: &'a dyn Headers) -> Request<'a> {
        Request { method, path, query: None, authority: None, template: None, headers, address: None }
    }

    /// The only value of a header; none where there is none, and an error where there are several.
    pub fn only_header(&self, name: &str) -> Result<Option<&'a [u8]>, SeveralValues> {
        let (mut first, mut number) = (None, 0);
        self.headers.each(name, &mut |value| {
            first = first.or(Some(value));
            number += 1;
        });
        if number > 1 { Err(SeveralValues) } else { Ok(first) }
    }
}

/// The route and the client's address. Not the headers, the path or the query: a token may stand
/// in them.
impl fmt::Debug for Request<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Request")
            .field("method", &super::guard::short(self.method))
            .field("template", &self.template)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// A header that may stand once stands several times.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SeveralValues;

/// Pairs of names and values, for tests and for hosts without a framework. Names in any case.
impl<N: AsRef<str> + Sync, V: AsRef<[u8]> + Sync> Headers for [(N, V)] {
    fn each<'h>(&'h self, name: &str, each: &mut dyn FnMut(&'h [u8])) {
        for (is, value) in self {
            if is.as_ref().eq_ignore_ascii_case(name) {
                each(value.as_ref());
            }
        }
    }
}

impl<N: AsRef<str> + Sync, V: AsRef<[u8]> + Sync> Headers for Vec<(N, V)> {
    fn each<'h>(&'h self, name: &str, each: &mut dyn FnMut(&'h [u8])) {
        self.as_slice().each(name, each);
    }
}

impl<N: AsRef<str> + Sync, V: AsRef<[u8]> + Sync, const COUNT: usize> Headers for [(N, V); COUNT] {
    fn each<'h>(&'h self, name: &str, each: &mut dyn FnMut(&'h [u8])) {
        self.as_slice().each(name, each);
    }
}
