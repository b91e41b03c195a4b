//! What each route needs: one table, the audit of a service at a glance.

use super::path::{self, Pattern, Unclear};
use crate::tokens::Requirement;
use crate::{Error, Tokens};

/// What each route needs: one table, the audit of a service at a glance.
///
/// A route for which no rule says anything is closed to tokens, before its handler runs.
///
/// ```
/// use tokenward::web::Rules;
/// let rules = Rules::new()
///     .resource("/orders", "orders")               // safe methods: orders:read; others: orders:write
///     .route("POST /orders/search", "orders:read")  // a reading that is a POST
///     .live("/me")                                 // any token that is alive
///     .public("/health")                           // no token
///     .never_by_token("/session");                 // not by a token, whatever its scopes
/// ```
///
/// Paths are matched by whole segments, and `{id}` stands for any one of them. Resources and
/// what is never by token cover everything below their path; the others are exact, unless they
/// end in `{*rest}`. Where the router tells its template, the most specific rule decides (more
/// literal segments, then more segments, then an exact one, then one that names the method).
/// Where it does not, and where its template ends in a `{*rest}` of its own, the decoded path is
/// matched, and every rule that matches must hold.
#[derive(Clone, Default, Debug)]
pub struct Rules {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    place: String,
    reach: Reach,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Reach {
    Below,
    Exact,
}

#[derive(Clone, Debug)]
enum Kind {
    Resource(String),
    Scopes(Vec<String>),
    Live,
    Public,
    NeverByToken,
}

/// What is wrong with [`Rules`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRules {
    /// A path that does not read.
    #[error(
        "the rule for {0:?} does not read: a path starts with a slash, such as /orders/{{id}}, with a method and a space before it if wished"
    )]
    Place(String),
    /// A scope that the catalogue does not have.
    #[error("the rule for {place:?} needs {scope:?}, which the catalogue does not have")]
    Scope {
        /// The rule's place.
        place: String,
        /// The scope.
        scope: String,
    },
    /// Two rules for the same place that say different things.
    #[error("there are two rules for {0:?}")]
    Twice(String),
}

impl Rules {
    /// No rules: every route is closed.
    pub fn new() -> Rules {
        Rules::default()
    }

    /// Everything at and below `path`: GET, HEAD, OPTIONS and TRACE need `<resource>:read`, every
    /// other method `<resource>:write`. Where the catalogue has only one of the two, the methods of
    /// the other are closed.
    pub fn resource(self, path: &str, resource: &str) -> Rules {
        self.with(path, Reach::Below, Kind::Resource(resource.to_owned()))
    }

    /// One route, such as `POST /orders/{id}/fulfil`, or a path with any method, needs this scope.
    pub fn route(self, place: &str, scope: &str) -> Rules {
        self.route_with(place, &[scope])
    }

    /// One route needs all of these scopes.
    pub fn route_with(self, place: &str, scopes: &[&str]) -> Rules {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        self.with(place, Reach::Exact, Kind::Scopes(scopes))
    }

    /// Any token that is alive, whatever its scopes. Its limit counts.
    pub fn live(self, place: &str) -> Rules {
        self.with(place, Reach::Exact, Kind::Live)
    }

    /// No token is needed. One that comes along is checked all the same, and counted.
    pub fn public(self, place: &str) -> Rules {
        self.with(place, Reach::Exact, Kind::Public)
    }

    /// Not by a token, at and below `path`, such as where sessions are made. Whoever comes without
    /// one passes: the service's own login decides.
    pub fn never_by_token(self, path: &str) -> Rules {
        self.with(path, Reach::Below, Kind::NeverByToken)
    }

    fn with(mut self, place: &str, reach: Reach, kind: Kind) -> Rules {
        self.rules.push(Rule { place: place.to_owned(), reach, kind });
        self
    }

    pub(super) fn compile(self, tokens: &Tokens) -> Result<RuleTable, InvalidRules> {
        let mut table: Vec<Compiled> = Vec::new();
        for rule in self.rules {
            let compiled = rule.compile(tokens)?;
            let same = |other: &Compiled| {
                (&other.method, &other.pattern, other.reach)
                    == (&compiled.method, &compiled.pattern, compiled.reach)
            };
            if table.iter().any(same) {
                return Err(InvalidRules::Twice(rule.place));
            }
            table.push(compiled);
        }
        // The most specific first.
        table.sort_by_key(|rule| {
            let method = rule.method.as_deref().map(|method| method == "HEAD");
            std::cmp::Reverse((rule.pattern.specificity(), rule.reach, method))
        });
        Ok(RuleTable(table))
    }
}

impl Rule {
    fn compile(&self, tokens: &Tokens) -> Result<Compiled, InvalidRules> {
        let unreadable = || InvalidRules::Place(self.place.clone());
        let (method, path) = match self.place.split_once(' ') {
            None => (None, self.place.as_str()),
            Some((method, path)) => (Some(method.to_owned()), path),
        };
        let is_method =
            |method: &String| !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
        if method.as_ref().is_some_and(|method| !is_method(method)) {
            return Err(unreadable());
        }
        let pattern = Pattern::read(path).ok_or_else(unreadable)?;
        let requirement = |scopes: &[String]| {
            tokens.requirement(scopes).map_err(|error| match error {
                Error::UnknownScope(scope) => InvalidRules::Scope { place: self.place.clone(), scope },
                _ => unreadable(),
            })
        };
        let need = match &self.kind {
            Kind::Live => RuleNeed::Live,
            Kind::Public => RuleNeed::Public,
            Kind::NeverByToken => RuleNeed::NeverByToken,
            Kind::Scopes(scopes) => RuleNeed::Scopes(requirement(scopes)?),
            Kind::Resource(resource) => {
                let read = requirement(&[format!("{resource}:read")]);
                let write = requirement(&[format!("{resource}:write")]);
                if let (Err(error), Err(_)) = (&read, &write) {
                    tracing::debug!(%error, "neither scope of a resource is declared");
                    return Err(read.err().unwrap_or_else(unreadable));
                }
                RuleNeed::Resource { read: read.ok(), write: write.ok() }
            }
        };
        Ok(Compiled { method, path: path.to_owned(), pattern, reach: self.reach, need })
    }
}

/// Rules that were checked against the catalogue, the most specific first.
#[derive(Debug)]
pub(super) struct RuleTable(Vec<Compiled>);

#[derive(Debug)]
struct Compiled {
    method: Option<String>,
    /// The pattern as it was written.
    path: String,
    pattern: Pattern,
    reach: Reach,
    need: RuleNeed,
}

#[derive(Debug)]
enum RuleNeed {
    Scopes(Requirement),
    Resource { read: Option<Requirement>, write: Option<Requirement> },
    Live,
    Public,
    NeverByToken,
}

/// What the table says of one request.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Ruling<'a> {
    /// These scopes.
    Scopes(&'a Requirement),
    /// Any token that is alive.
    Live,
    /// No token.
    Public,
    /// Not by a token; without one it passes.
    NeverByToken,
    /// No rule: not by a token, and not without one.
    Closed,
}

/// What the table says of a request.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Ruled<'a> {
    /// All of them must hold.
    pub(super) rulings: Vec<Ruling<'a>>,
    /// What the route is called: a template, never a path as it came. None where nothing is known.
    pub(super) route: Option<&'a str>,
}

impl RuleTable {
    /// The ruling for a route whose template the router tells.
    pub(super) fn for_template(&self, method: &str, template: &str) -> Ruling<'_> {
        let path = path::of_template(template);
        let rule = self.0.iter().find(|rule| rule.matches(method, &path));
        rule.map_or(Ruling::Closed, |rule| rule.ruling(method))
    }

    /// The rulings for a path where the table is the router. The route is called as the most
    /// specific rule calls it.
    pub(super) fn for_path(&self, method: &str, path: &str) -> Result<Ruled<'_>, Unclear> {
        let path = path::of_request(path)?;
        let matching = || self.0.iter().filter(|rule| rule.matches(method, &path));
        Ok(Ruled {
            rulings: matching().map(|rule| rule.ruling(method)).collect(),
            route: matching().next().map(|rule| rule.path.as_str()),
        })
    }
}

impl Compiled {
    fn matches(&self, method: &str, path: &[std::borrow::Cow<'_, str>]) -> bool {
        // A HEAD is a GET whose body stays away; a GET is no HEAD.
        let fits = |wanted: &String| wanted == method || method == "HEAD" && wanted == "GET";
        self.method.as_ref().is_none_or(fits)
            && match self.reach {
                Reach::Below => self.pattern.starts(path),
                Reach::Exact => self.pattern.is(path),
            }
    }

    fn ruling(&self, method: &str) -> Ruling<'_> {
        match &self.need {
            RuleNeed::Scopes(requirement) => Ruling::Scopes(requirement),
            RuleNeed::Live => Ruling::Live,
            RuleNeed::Public => Ruling::Public,
            RuleNeed::NeverByToken => Ruling::NeverByToken,
            RuleNeed::Resource { read, write } => {
                let is_safe = matches!(method, "GET" | "HEAD" | "OPTIONS" | "TRACE");
                let requirement = if is_safe { read } else { write };
                requirement.as_ref().map_or(Ruling::Closed, Ruling::Scopes)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rules: Rules) -> RuleTable {
        rules.compile(&Tokens::for_tests().0).unwrap()
    }

    fn shown(ruling: Ruling<'_>) -> String {
        match ruling {
            Ruling::Scopes(requirement) => {
                requirement.names().iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" ")
            }
            other => format!("{other:?}"),
        }
    }

    fn store() -> RuleTable {
        table(
            Rules::new()
                .resource("/orders", "orders")
                .route("POST /orders/search", "orders:read")
                .resource("/orders/{id}/customer", "customers")
                .resource("/analytics", "analytics")
                .live("/me")
                .public("/health")
                .public("/assets/{*rest}")
                .never_by_token("/session"),
        )
    }

    #[test]
    fn the_most_specific_rule_decides_on_a_template() {
        let table = store();
        for (method, template, expected) in [
            ("GET", "/orders", "orders:read"),
            ("HEAD", "/orders/{id}", "orders:read"),
            ("POST", "/orders", "orders:write"),
            ("PROPFIND", "/orders", "orders:write"),
            ("POST", "/orders/search", "orders:read"),
            ("GET", "/orders/search", "orders:read"),
            ("PUT", "/orders/search", "orders:write"),
            ("GET", "/orders/{number}/customer", "customers:read"),
            ("GET", "/analytics/revenue", "analytics:read"),
            ("POST", "/analytics/revenue", "Closed"),
            ("GET", "/me", "Live"),
            ("GET", "/me/tokens", "Closed"),
            ("GET", "/health", "Public"),
            ("GET", "/health/deep", "Closed"),
            ("GET", "/assets/{*path}", "Public"),
            ("POST", "/session/new", "NeverByToken"),
            ("GET", "/orders2", "Closed"),
            ("GET", "/", "Closed"),
            ("GET", "", "Closed"),
        ] {
            assert_eq!(shown(table.for_template(method, template)), expected, "{method} {template}");
        }
    }

    #[test]
    fn every_rule_that_matches_a_path_holds() {
        let table = store();
        let rulings = |method, path| -> Vec<_> {
            table.for_path(method, path).unwrap().rulings.into_iter().map(shown).collect()
        };
        assert_eq!(rulings("POST", "/orders/search"), ["orders:read", "orders:write"]);
        assert_eq!(rulings("GET", "/order%73/7"), ["orders:read"]);
        assert_eq!(rulings("GET", "/nothing"), Vec::<String>::new());
        assert!(table.for_path("GET", "/orders//7").is_err());
        let called = |method, path| table.for_path(method, path).unwrap().route;
        assert_eq!(called("POST", "/orders/search"), Some("/orders/search"));
        assert_eq!(called("GET", "/orders/7/customer/x"), Some("/orders/{id}/customer"));
        assert_eq!(called("GET", "/assets/a/b"), Some("/assets/{*rest}"));
        assert_eq!(called("GET", "/nothing"), None);
    }

    #[test]
    fn a_rule_for_head_says_nothing_of_get() {
        for rules in [
            Rules::new().public("HEAD /orders").route("GET /orders", "orders:read"),
            Rules::new().route("GET /orders", "orders:read").public("HEAD /orders"),
        ] {
            let table = table(rules);
            assert_eq!(shown(table.for_template("GET", "/orders")), "orders:read");
            assert_eq!(shown(table.for_template("HEAD", "/orders")), "Public");
        }
        assert_eq!(table(Rules::new().public("HEAD /x")).for_template("GET", "/x"), Ruling::Closed);
    }

    #[test]
    fn mistakes_are_named() {
        let (tokens, _) = Tokens::for_tests();
        let mistake = |rules: Rules| rules.compile(&tokens).unwrap_err().to_string();
        assert!(mistake(Rules::new().route("GET /x", "x:read")).contains("does not have"));
        assert!(mistake(Rules::new().resource("/x", "x")).contains("x:read"));
        assert!(mistake(Rules::new().live("me")).contains("starts with a slash"));
        assert!(mistake(Rules::new().live("get /me")).contains("does not read"));
        assert!(mistake(Rules::new().live("/me").public("/me")).contains("two rules"));
    }
}
