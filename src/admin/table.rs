//! A table of routes, as the API and the dashboard have one each.

use std::borrow::Cow;

use super::permissions::Right;

/// One route.
pub(crate) struct Route<Row> {
    pub(crate) method: &'static str,
    /// Below the mount; `{id}` is a token's, and `{sid}`, at the end, one of its secrets'.
    pub(crate) template: &'static str,
    /// What whoever comes must be allowed to do.
    pub(crate) needs: Right,
    /// What it shows or does.
    pub(crate) row: Row,
}

/// Where a request leads.
pub(crate) enum Found<Row: 'static> {
    Nothing,
    /// The path is known, and the method is none of these.
    OtherMethods(String),
    /// A route, and the id in its path.
    Route(&'static Route<Row>, Option<String>),
}

/// Finds the route of a method and the segments of a path below the mount; the mount itself has none.
pub(crate) fn find<Row>(table: &'static [Route<Row>], method: &str, path: &[Cow<'_, str>]) -> Found<Row> {
    let mut matching: Vec<_> =
        table.iter().filter_map(|route| Some((route, matches(route.template, path)?))).collect();
    // `/tokens/find` is no token of that name.
    if matching.iter().any(|(_, id)| id.is_none()) {
        matching.retain(|(_, id)| id.is_none());
    }
    let wanted = if method == "HEAD" { "GET" } else { method };
    if matching.is_empty() {
        return Found::Nothing;
    }
    if let Some((route, id)) = matching.iter().find(|(route, _)| route.method == wanted) {
        return Found::Route(route, id.map(str::to_owned));
    }
    let mut methods: Vec<_> = matching.iter().map(|(route, _)| route.method).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    Found::OtherMethods(methods.join(", "))
}

/// Whether a template is all of a path, and the id in it.
fn matches<'p>(template: &str, path: &'p [Cow<'_, str>]) -> Option<Option<&'p str>> {
    let mut parts = template.split('/').filter(|part| !part.is_empty());
    let mut id = None;
    for segment in path {
        match parts.next()? {
            "{id}" => id = Some(&**segment),
            "{sid}" => {}
            literal if literal == segment => {}
            _ => return None,
        }
    }
    parts.next().is_none().then_some(id)
}
