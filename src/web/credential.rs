//! The token that a request carries.

use super::Request;
use crate::Prefix;

/// Where a token may stand in a request.
///
/// Whether something there is a token of this service, its own prefix decides, and not the place:
/// `Authorization` and `X-API-Key` are used for other things as well.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Source {
    /// `Authorization: Bearer <token>` (RFC 6750), the scheme in any case.
    Bearer,
    /// `Authorization: <scheme> <token>`, such as `Token`, the scheme in any case.
    Scheme(&'static str),
    /// A header that holds the token alone, by its lower-case name, such as `x-api-key`.
    Header(&'static str),
}

/// What a request carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Credential<'a> {
    /// Nothing of ours.
    None,
    /// One token with our prefix, right or wrong.
    Ours(&'a [u8]),
    /// Something that can be read in two ways.
    Ambiguous(&'static str),
}

/// Finds the token. `only_ours` says that other credentials are none of our business: two of them
/// are then no mistake.
pub(crate) fn read<'a>(
    request: &Request<'a>,
    sources: &[Source],
    prefix: &Prefix,
    only_ours: bool,
) -> Credential<'a> {
    let (mut found, mut ours, mut authorizations) = (None, 0_usize, 0_usize);
    let mut consider = |text: &'a [u8]| {
        if is_ours(text, prefix) {
            found = found.or(Some(text));
            ours += 1;
        }
    };
    request.headers.each("authorization", &mut |value| {
        authorizations += 1;
        if let Some(text) = sources.iter().find_map(|source| in_authorization(value, source)) {
            consider(text);
        }
    });
    for source in sources {
        if let Source::Header(name) = source {
            request.headers.each(name, &mut consider);
        }
    }
    match found {
        _ if ours > 1 => Credential::Ambiguous("Send one token, not several."),
        _ if authorizations > 1 && !only_ours => {
            Credential::Ambiguous("Send one Authorization header, not several.")
        }
        Some(_) if has_access_token(request.query) => Credential::Ambiguous(
            "Send the token in the header alone: the query has an access_token as well.",
        ),
        Some(text) => Credential::Ours(text),
        None => Credential::None,
    }
}

/// What follows the scheme and at least one space, if it is the scheme of `source`.
fn in_authorization<'a>(value: &'a [u8], source: &Source) -> Option<&'a [u8]> {
    let scheme = match source {
        Source::Bearer => "bearer",
        Source::Scheme(scheme) => scheme,
        Source::Header(_) => return None,
    };
    let (start, rest) = value.split_at_checked(scheme.len())?;
    if !start.eq_ignore_ascii_case(scheme.as_bytes()) || rest.first() != Some(&b' ') {
        return None;
    }
    let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
    let text = &rest[spaces..];
    (!text.is_empty()).then_some(text)
}

/// Whether a text says that it is a token of this service, right or wrong.
pub(crate) fn is_ours(text: &[u8], prefix: &Prefix) -> bool {
    text.strip_prefix(prefix.as_str().as_bytes()).is_some_and(|rest| rest.first() == Some(&b'_'))
}

fn has_access_token(query: Option<&str>) -> bool {
    let is_access_token = |pair: &str| {
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        percent_encoding::percent_decode_str(name).eq("access_token".bytes())
    };
    query.is_some_and(|query| query.split('&').any(is_access_token))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix() -> Prefix {
        "acme_live".parse().unwrap()
    }

    fn found(headers: &[(&str, &str)], query: Option<&str>, sources: &[Source], only_ours: bool) -> String {
        let headers = headers.to_vec();
        let request = Request { query, ..Request::new("GET", "/", &headers) };
        match read(&request, sources, &prefix(), only_ours) {
            Credential::None => "none".to_owned(),
            Credential::Ours(text) => String::from_utf8_lossy(text).into_owned(),
            Credential::Ambiguous(_) => "ambiguous".to_owned(),
        }
    }

    #[test]
    fn the_token_decides_and_not_the_scheme() {
        let bearer = |value| found(&[("Authorization", value)], None, &[Source::Bearer], false);
        for value in ["Bearer acme_live_x", "bearer acme_live_x", "BEARER    acme_live_x"] {
            assert_eq!(bearer(value), "acme_live_x", "{value}");
        }
        for value in [
            "",
            "Bearer",
            "Bearer ",
            "Beareracme_live_x",
            "Bearer\tacme_live_x",
            "Bearer \tacme_live_x",
            "Basic YTpi",
            "Digest x",
            "Token acme_live_x",
            "Bearer ghp_x",
            "Bearer acme_test_x",
            "Bearer secret-token:acme_live_x",
            "Bearer ACME_LIVE_x",
        ] {
            assert_eq!(bearer(value), "none", "{value}");
        }
        let sources = [Source::Scheme("token"), Source::Header("x-api-key")];
        assert_eq!(found(&[("authorization", "Token acme_live_x")], None, &sources, false), "acme_live_x");
        assert_eq!(found(&[("X-API-Key", "acme_live_x")], None, &sources, false), "acme_live_x");
        assert_eq!(found(&[("X-API-Key", "something else")], None, &sources, false), "none");
    }

    #[test]
    fn two_credentials_are_ambiguous() {
        let ours = ("authorization", "Bearer acme_live_x");
        let theirs = ("authorization", "Basic YTpi");
        let key = ("x-api-key", "acme_live_y");
        let sources = [Source::Bearer, Source::Header("x-api-key")];
        for only_ours in [false, true] {
            assert_eq!(found(&[ours, ours], None, &sources, only_ours), "ambiguous");
            assert_eq!(found(&[ours, key], None, &sources, only_ours), "ambiguous");
            for query in ["access_token=z", "a=b&access_token=", "access%5Ftoken=z", "access_token"] {
                assert_eq!(found(&[ours], Some(query), &sources, only_ours), "ambiguous", "{query}");
            }
            assert_eq!(found(&[], Some("access_token=acme_live_x"), &sources, only_ours), "none");
            assert_eq!(found(&[ours], Some("q=access_token"), &sources, only_ours), "acme_live_x");
        }
        assert_eq!(found(&[ours, theirs], None, &sources, false), "ambiguous");
        assert_eq!(found(&[theirs, theirs], None, &sources, false), "ambiguous");
        assert_eq!(found(&[theirs, ours], None, &sources, true), "acme_live_x");
        assert_eq!(found(&[theirs, theirs], None, &sources, true), "none");
    }
}
