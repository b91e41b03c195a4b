//! Paths and patterns, segment by segment.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// A pattern such as `/orders/{id}/fulfil`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Pattern(Vec<Segment>);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Segment {
    Literal(String),
    /// `{id}`: any one segment.
    Any,
    /// `{*rest}`: whatever follows, at least one segment. The last of its pattern.
    Rest,
}

/// Why a path cannot be matched: a router behind us might read it in another way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Unclear(pub(crate) &'static str);

impl Pattern {
    /// Reads a pattern. None where it does not start with a slash, or has an empty segment, a
    /// malformed parameter, or something behind the rest.
    pub(super) fn read(text: &str) -> Option<Pattern> {
        let rest = text.strip_prefix('/')?;
        if rest.is_empty() {
            return Some(Pattern(Vec::new()));
        }
        let segments: Option<Vec<_>> = rest.split('/').map(segment).collect();
        let segments = segments?;
        let rest_is_last = segments.iter().rev().skip(1).all(|segment| *segment != Segment::Rest);
        rest_is_last.then_some(Pattern(segments))
    }

    /// Whether the pattern is all of a path.
    pub(super) fn is(&self, path: &[Cow<'_, str>]) -> bool {
        let has_rest = self.0.last() == Some(&Segment::Rest);
        let fits = if has_rest { path.len() >= self.0.len() } else { path.len() == self.0.len() };
        fits && self.starts(path)
    }

    /// Whether the pattern is all of a path, or the whole segments at its start.
    pub(super) fn starts(&self, path: &[Cow<'_, str>]) -> bool {
        self.0.len() <= path.len()
            && self.0.iter().zip(path).all(|(segment, part)| match segment {
                Segment::Literal(literal) => literal == part,
                Segment::Any | Segment::Rest => true,
            })
    }

    /// The more of its path a pattern says, the greater this is: literal segments first, then the
    /// number of segments.
    pub(super) fn specificity(&self) -> (usize, usize) {
        let literals = self.0.iter().filter(|segment| matches!(segment, Segment::Literal(_))).count();
        (literals, self.0.len())
    }
}

fn segment(text: &str) -> Option<Segment> {
    match text.strip_prefix('{').map(|inner| inner.strip_suffix('}')) {
        None if text.is_empty() || text.contains(['{', '}', '%', '?', '#', '*']) => None,
        None => Some(Segment::Literal(text.to_owned())),
        Some(Some(name)) if name.starts_with('*') => Some(Segment::Rest),
        Some(Some(_)) => Some(Segment::Any),
        Some(None) => None,
    }
}

/// The segments of a router's template, as they stand: a parameter is a segment like any other.
pub(super) fn of_template(template: &str) -> Vec<Cow<'_, str>> {
    let rest = template.strip_prefix('/').unwrap_or(template);
    if rest.is_empty() { Vec::new() } else { rest.split('/').map(Cow::Borrowed).collect() }
}

/// Whether a template ends in a parameter that stands for whatever follows.
pub(super) fn is_catch_all(template: &str) -> bool {
    template.rsplit_once('/').is_some_and(|(_, last)| last.starts_with("{*"))
}

/// The decoded segments of a path as it came. What routers read differently is refused: empty and
/// dot segments, encoded slashes, and what is no text.
pub(crate) fn of_request(path: &str) -> Result<Vec<Cow<'_, str>>, Unclear> {
    let rest = path.strip_prefix('/').ok_or(Unclear("The path has to start with a slash."))?;
    // One slash at the end names the same thing as none.
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.is_empty() {
        return Ok(Vec::new());
    }
    rest.split('/').map(decoded).collect()
}

fn decoded(segment: &str) -> Result<Cow<'_, str>, Unclear> {
    let text = percent_decode_str(segment)
        .decode_utf8()
        .map_err(|_| Unclear("The path has a part that is no UTF-8 text."))?;
    if text.is_empty() || text == "." || text == ".." {
        return Err(Unclear("The path has an empty part or one of dots."));
    }
    if text.contains(['/', '\\', '\0']) {
        return Err(Unclear("The path has an encoded slash, a backslash or a NUL."));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(pattern: &str, path: &str) -> bool {
        Pattern::read(pattern).unwrap().is(&of_request(path).unwrap())
    }

    #[test]
    fn patterns_match_whole_segments_of_the_decoded_path() {
        assert!(is("/orders/{id}", "/orders/7") && is("/orders/{id}", "/order%73/a%20b"));
        assert!(is("/", "/") && is("/orders", "/orders/"));
        assert!(is("/files/{*rest}", "/files/a/b") && !is("/files/{*rest}", "/files"));
        assert!(!is("/orders", "/orders2") && !is("/orders/{id}", "/orders") && !is("/orders", "/ORDERS"));
        let orders = Pattern::read("/orders").unwrap();
        assert!(orders.starts(&of_request("/orders/7/lines").unwrap()));
        assert!(!orders.starts(&of_request("/orders2/7").unwrap()));
    }

    #[test]
    fn what_routers_read_differently_is_refused() {
        for path in [
            "",
            "orders",
            "//orders",
            "/orders//7",
            "/./orders",
            "/a/../orders",
            "/a/%2e%2e/b",
            "/a%2fb",
            "/a%5Cb",
            "/a%00",
            "/%ff",
        ] {
            assert!(of_request(path).is_err(), "{path}");
        }
        for pattern in ["", "orders", "/orders/", "//", "/{id", "/id}", "/{*rest}/more", "/a?b", "/a%20"] {
            assert!(Pattern::read(pattern).is_none(), "{pattern}");
        }
    }
}
