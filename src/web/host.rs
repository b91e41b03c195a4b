//! The host that a request names.

use std::borrow::Cow;

use super::Request;

/// What the request says of its host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Host<'a> {
    /// A name: in lower case, without the port and without one dot at the end.
    Name(Cow<'a, str>),
    /// An address, which is nobody's subdomain.
    Address,
    /// None, several, or one that does not read.
    Malformed,
}

pub(super) fn of<'a>(request: &Request<'a>) -> Host<'a> {
    // HTTP/2 has the authority and no Host; where there are both, they must be one.
    let header = match request.only_header("host") {
        Ok(header) => header,
        Err(_) => return Host::Malformed,
    };
    let header = match header.map(std::str::from_utf8) {
        None => None,
        Some(Ok(text)) => Some(read(text)),
        Some(Err(_)) => return Host::Malformed,
    };
    let authority = request.authority.map(read);
    match (authority, header) {
        (Some(authority), Some(header)) if authority != header => Host::Malformed,
        (Some(host), _) | (None, Some(host)) => host,
        (None, None) => Host::Malformed,
    }
}

fn read(text: &str) -> Host<'_> {
    if let Some(rest) = text.strip_prefix('[') {
        let address = rest.split_once(']');
        return match address {
            Some((address, port)) if address.parse::<std::net::Ipv6Addr>().is_ok() && is_port(port) => {
                Host::Address
            }
            _ => Host::Malformed,
        };
    }
    let (name, port) = match text.find(':') {
        Some(colon) => text.split_at(colon),
        None => (text, ""),
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    if !is_port(port) || name.is_empty() || name.len() > 253 || !name.split('.').all(is_label) {
        return Host::Malformed;
    }
    if name.parse::<std::net::Ipv4Addr>().is_ok() {
        return Host::Address;
    }
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Host::Name(Cow::Owned(name.to_ascii_lowercase()))
    } else {
        Host::Name(Cow::Borrowed(name))
    }
}

/// What follows the host: nothing, or a colon and at most five digits.
fn is_port(text: &str) -> bool {
    match text.strip_prefix(':') {
        None => text.is_empty(),
        Some(digits) => digits.len() <= 5 && digits.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

/// Letters, digits and hyphens, as a name in the DNS has them. International names arrive in their
/// ASCII form.
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// The one label before `.domain`, for a domain in lower case.
pub(super) fn subdomain<'h>(name: &'h str, domain: &str) -> Option<&'h str> {
    let label = name.strip_suffix(domain)?.strip_suffix('.')?;
    (!label.is_empty() && !label.contains('.') && !label.contains('_')).then_some(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(headers: &[(&str, &str)]) -> String {
        match of(&Request::new("GET", "/", &headers.to_vec())) {
            Host::Name(name) => name.into_owned(),
            Host::Address => "(address)".to_owned(),
            Host::Malformed => "(malformed)".to_owned(),
        }
    }

    #[test]
    fn hosts_are_normalised_or_refused() {
        for (text, expected) in [
            ("a.example", "a.example"),
            ("a.example:8443", "a.example"),
            ("A.EXAMPLE", "a.example"),
            ("a.example.", "a.example"),
            ("a.example.:80", "a.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("[::1]:80", "(address)"),
            ("[::1]", "(address)"),
            ("127.0.0.1:80", "(address)"),
            ("", "(malformed)"),
            (".", "(malformed)"),
            ("a.example..", "(malformed)"),
            ("a..example", "(malformed)"),
            ("a.example, b.example", "(malformed)"),
            ("user@a.example", "(malformed)"),
            ("a.example/..%2f", "(malformed)"),
            ("a.example:80:80", "(malformed)"),
            ("a.example:http", "(malformed)"),
            ("[::1", "(malformed)"),
            ("bücher.example", "(malformed)"),
            ("-a.example", "(malformed)"),
            ("a b.example", "(malformed)"),
        ] {
            assert_eq!(host(&[("host", text)]), expected, "{text:?}");
        }
        assert_eq!(host(&[]), "(malformed)");
        assert_eq!(host(&[("host", "a.example"), ("Host", "a.example")]), "(malformed)");
        let headers = [("host", "b.example")];
        let both = Request { authority: Some("a.example"), ..Request::new("GET", "/", &headers) };
        assert_eq!(of(&both), Host::Malformed);
    }

    #[test]
    fn a_tenant_is_one_label_before_the_domain() {
        for (name, expected) in [
            ("acme.shop.example", Some("acme")),
            ("x.acme.shop.example", None),
            ("shop.example", None),
            (".shop.example", None),
            ("acmeshop.example", None),
            ("acme.shop.example.evil.example", None),
        ] {
            assert_eq!(subdomain(name, "shop.example"), expected, "{name}");
        }
    }
}
