//! May this request pass? Asked once for each, and everything else follows from the answer.

use std::collections::HashSet;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::credential::{self, Credential};
use super::limit_headers::Header;
use super::rules::{RuleTable, Ruled, Ruling};
use super::tenant::Tenant;
use super::{
    InvalidRules, LimitHeaders, Refusals, Reply, Request, Rules, Source, TenantSource, path, unavailable,
};
use crate::tokens::Requirement;
use crate::usage::Call;
use crate::{Caller, Denied, Need, Tokens, Verdict};

/// Knows what each route needs, and decides on each request: who comes, whether it may, and what
/// its response is to say. Adapters ask it; it knows no framework.
///
/// Made by [`Tokens::guard`] for a whole service, or by [`Tokens::require`] for one route.
#[derive(Clone)]
pub struct Guard(Arc<Settings>);

#[derive(Clone)]
struct Settings {
    tokens: Tokens,
    needs: Needs,
    tenant: TenantSource,
    sources: Vec<Source>,
    own_login: bool,
    preflight_passes: bool,
    refusals: Refusals,
    /// Routes without a rule that were told of in the log.
    told: Arc<Mutex<HashSet<String>>>,
}

#[derive(Clone)]
enum Needs {
    Table(Arc<RuleTable>),
    One(Arc<Requirement>),
}

/// What becomes of a request.
#[derive(Debug)]
pub enum Admission {
    /// It may pass, by a token.
    Admitted(Admitted),
    /// It may pass, without a token.
    Anonymous,
    /// It may not: this is its answer.
    Refused(Reply),
}

/// A request that may pass by a token. Dropping it records how the request ended.
pub struct Admitted {
    caller: Caller,
    headers: Vec<Header>,
    route: String,
    address: Option<IpAddr>,
    agent: String,
    status: u16,
    bytes: u64,
    started: Instant,
}

impl Tokens {
    /// Guards a service: one table says what each route needs.
    ///
    /// # Panics
    /// Where the rules do not read or name a scope that the catalogue does not have: such a guard
    /// would be a mistake from its first request on. [`Tokens::try_guard`] gives it as an error.
    pub fn guard(&self, rules: Rules) -> Guard {
        self.try_guard(rules).unwrap_or_else(|error| panic!("{error}"))
    }

    /// [`Tokens::guard`], with what is wrong as an error.
    ///
    /// # Errors
    /// [`InvalidRules`] names the first rule that is wrong.
    pub fn try_guard(&self, rules: Rules) -> Result<Guard, InvalidRules> {
        Ok(Guard::new(self, Needs::Table(Arc::new(rules.compile(self)?))))
    }

    /// Guards one route alone: it needs this scope. Not under a guard for the whole service, which
    /// has its own table.
    ///
    /// # Panics
    /// Where the catalogue does not have the scope.
    pub fn require(&self, scope: &str) -> Guard {
        let requirement = self.requirement([scope]).unwrap_or_else(|error| panic!("{error}"));
        Guard::new(self, Needs::One(Arc::new(requirement)))
    }
}

impl Guard {
    fn new(tokens: &Tokens, needs: Needs) -> Guard {
        Guard(Arc::new(Settings {
            tokens: tokens.clone(),
            needs,
            tenant: TenantSource::default(),
            sources: vec![Source::Bearer],
            own_login: false,
            preflight_passes: false,
            refusals: Refusals::default(),
            told: Arc::default(),
        }))
    }

    /// How the tenant of a request is found. The default is a service without tenants.
    pub fn tenant(self, source: TenantSource) -> Guard {
        self.set(|settings| settings.tenant = source)
    }

    /// The tenant is the label before this domain in the request's host:
    /// [`TenantSource::subdomain_of`].
    ///
    /// # Panics
    /// If `domain` is not a domain name.
    pub fn tenant_from_subdomain_of(self, domain: &str) -> Guard {
        self.tenant(TenantSource::subdomain_of(domain))
    }

    /// Where a token may stand. The default is `Authorization: Bearer`.
    pub fn sources(self, sources: impl IntoIterator<Item = Source>) -> Guard {
        self.set(|settings| settings.sources = sources.into_iter().collect())
    }

    /// A request without a token of ours passes untouched: the service's own login decides on it.
    /// A bad token of ours is refused all the same.
    pub fn token_or_own_login(self) -> Guard {
        self.set(|settings| settings.own_login = true)
    }

    /// A CORS preflight (OPTIONS with `Origin` and `Access-Control-Request-Method`) passes without
    /// a token. For a guard that stands outside of the service's CORS layer; inside it none arrives.
    pub fn let_preflight_pass(self) -> Guard {
        self.set(|settings| settings.preflight_passes = true)
    }

    /// What `WWW-Authenticate` calls the service. The default is `api`.
    pub fn realm(self, realm: &str) -> Guard {
        self.set(|settings| settings.refusals.realm = realm.into())
    }

    /// Which headers tell of the limit.
    pub fn limit_headers(self, headers: LimitHeaders) -> Guard {
        self.set(|settings| settings.refusals.limit_headers = headers)
    }

    /// Puts `Retry-After` off by up to so many seconds, each time by another number of them: for
    /// a service whose many clients would else all come back in one moment. Coming back then
    /// always passes; the sentence in the answer still names the first moment.
    pub fn spread_retries(self, seconds: u32) -> Guard {
        self.set(|settings| settings.refusals.spread = seconds)
    }

    /// Refusals in the service's own shape: the media type and the body. The status,
    /// `WWW-Authenticate`, `Retry-After` and the limit headers are ours in any case.
    pub fn refusal_body(
        self,
        body: impl Fn(&Denied) -> (&'static str, Vec<u8>) + Send + Sync + 'static,
    ) -> Guard {
        self.set(|settings| settings.refusals.body = Some(Arc::new(body)))
    }

    /// The tokens that it asks.
    pub fn tokens(&self) -> &Tokens {
        &self.0.tokens
    }

    /// Where a token may stand: for adapters, which mark those headers as sensitive.
    pub fn token_sources(&self) -> &[Source] {
        &self.0.sources
    }

    /// Decides on a request.
    pub async fn admit(&self, request: &Request<'_>) -> Admission {
        let started = Instant::now();
        let settings = &*self.0;
        if settings.preflight_passes && is_preflight(request) {
            return Admission::Anonymous;
        }
        let prefix = settings.tokens.prefix();
        let text = match credential::read(request, &settings.sources, prefix, settings.own_login) {
            Credential::None => return self.without_token(request),
            Credential::Ambiguous(why) => return self.refuse(&Denied::Ambiguous(why)),
            Credential::Ours(text) => text,
        };
        let tenant = settings.tenant.find(request);
        if tenant == Tenant::Malformed {
            return Admission::Refused(self.malformed_host());
        }
        let ruled = match self.ruled(request) {
            Ok(ruled) => ruled,
            Err(unclear) => return self.refuse(&Denied::Ambiguous(unclear.0)),
        };
        let joined;
        let need = match &*ruled.rulings {
            [] => Need::closed(),
            [ruling] => need(*ruling),
            // Where the table is the router, all that match must hold.
            several => match join(&settings.tokens, several) {
                None => Need::closed(),
                Some(requirement) => {
                    joined = requirement;
                    Need::of(&joined)
                }
            },
        };
        let (route, agent) = (label(request.method, ruled.route), agent(request));
        let need = of_tenant(need, &tenant).on_route(&route).from_agent(&agent);
        let need = request.address.map_or(need, |address: IpAddr| need.from_address(address));
        match settings.tokens.verify(text, &need).await {
            Err(error) => Admission::Refused(unavailable(&error)),
            Ok(Verdict::Denied(denied)) => {
                if denied == Denied::NotForTokens && !ruled.rulings.contains(&Ruling::NeverByToken) {
                    self.tell_of(route);
                }
                self.refuse(&with_operation(denied, request.method, ruled.route))
            }
            Ok(Verdict::Granted(grant)) => {
                let now = settings.tokens.clock().now();
                let headers = settings.refusals.limit_headers.granted(grant.standing(), now);
                Admission::Admitted(Admitted {
                    caller: grant.into_caller(),
                    headers,
                    route,
                    address: request.address,
                    agent,
                    status: CLIENT_GONE,
                    bytes: 0,
                    started,
                })
            }
        }
    }

    /// The tenant that a request is for.
    #[cfg(feature = "admin")]
    pub(crate) fn tenant_of<'a>(&'a self, request: &Request<'a>) -> Tenant<'a> {
        self.0.tenant.find(request)
    }

    /// The answer to a request whose host does not read.
    pub(crate) fn malformed_host(&self) -> Reply {
        self.reply(&Denied::Ambiguous("Send one Host header with the name of the service's host."))
    }

    /// The answer to whoever comes without a token where one is needed: for an extractor that
    /// finds that the guard let an anonymous request pass.
    pub fn token_missing(&self) -> Reply {
        self.reply(&Denied::Missing)
    }

    fn without_token(&self, request: &Request<'_>) -> Admission {
        let passes = self.0.own_login
            || self.ruled(request).is_ok_and(|ruled| {
                let is_open = |ruling: &Ruling<'_>| matches!(ruling, Ruling::Public | Ruling::NeverByToken);
                !ruled.rulings.is_empty() && ruled.rulings.iter().all(is_open)
            });
        if passes { Admission::Anonymous } else { self.refuse(&Denied::Missing) }
    }

    fn ruled<'a>(&'a self, request: &Request<'a>) -> Result<Ruled<'a>, path::Unclear> {
        let route = request.template;
        let table = match &self.0.needs {
            Needs::One(requirement) => {
                return Ok(Ruled { rulings: vec![Ruling::Scopes(requirement)], route });
            }
            Needs::Table(table) => table,
        };
        match route {
            // A template that ends in a catch-all stands for paths of which rules may say more.
            Some(template) if !path::is_catch_all(template) => {
                Ok(Ruled { rulings: vec![table.for_template(request.method, template)], route })
            }
            _ => {
                let ruled = table.for_path(request.method, request.path)?;
                Ok(Ruled { route: route.or(ruled.route), ..ruled })
            }
        }
    }

    /// Tells, once, of a route that a good token came to and of which no rule says anything.
    fn tell_of(&self, route: String) {
        let mut told = self.0.told.lock().unwrap_or_else(PoisonError::into_inner);
        // Bounded, since a router that tells its templates has a bounded number of them.
        if told.len() < 1_000 && told.insert(route.clone()) {
            tracing::warn!(route, "no rule says what a token needs here: it is closed to tokens");
        }
    }

    fn refuse(&self, denied: &Denied) -> Admission {
        Admission::Refused(self.reply(denied))
    }

    /// A refusal as this guard answers it.
    pub(crate) fn reply(&self, denied: &Denied) -> Reply {
        self.0.refusals.reply(denied, self.0.tokens.clock().now())
    }

    fn set(mut self, change: impl FnOnce(&mut Settings)) -> Guard {
        change(Arc::make_mut(&mut self.0));
        self
    }
}

/// The status that is recorded where the client went away before there was an answer.
const CLIENT_GONE: u16 = 499;
/// What a route is called where neither the router nor a rule has a template for it: a path is
/// never recorded.
const UNNAMED_ROUTE: &str = "(unnamed)";

impl Admitted {
    /// Who comes.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The headers that tell of the limit, by their lower-case names, to be added to a response
    /// that has those of which `has` says so. Where the service has told of a limit of its own,
    /// nothing of ours is mixed with it, for each of the two forms of [`LimitHeaders`].
    pub fn headers(&self, has: impl Fn(&str) -> bool) -> Vec<(&'static str, &str)> {
        let is_legacy = |name: &str| name.starts_with("x-");
        let is_told = |legacy| self.headers.iter().any(|(name, _)| is_legacy(name) == legacy && has(name));
        let told = [is_told(false), is_told(true)];
        let ours = self.headers.iter().filter(|(name, _)| !told[usize::from(is_legacy(name))]);
        ours.map(|(name, value)| (*name, value.as_str())).collect()
    }

    /// The response's status, or 500 where there is none for an error, or where the body breaks
    /// off by one. How long it took is measured until this is dropped, when its body is finished.
    pub fn responded(&mut self, status: u16) {
        self.status = status;
    }

    /// So many bytes more of the response's body were sent.
    pub fn sent(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        // A handler that panics drops this before it has answered: the host makes that a 500. A
        // body that does ends the connection, whatever its head has promised.
        let status = if std::thread::panicking() { 500 } else { self.status };
        let call =
            Call::new(&self.route, status, self.started.elapsed()).bytes(self.bytes).agent(&self.agent);
        let call = self.address.map_or(call, |address| call.address(address));
        self.caller.record_call(&call);
    }
}

/// What the client calls itself. Of several lines it is the first, and none where it is no text.
pub(crate) fn agent(request: &Request<'_>) -> String {
    let mut agent = None;
    request.headers.each("user-agent", &mut |value| agent = agent.or(std::str::from_utf8(value).ok()));
    agent.unwrap_or_default().to_owned()
}

fn need(ruling: Ruling<'_>) -> Need<'_> {
    match ruling {
        Ruling::Scopes(requirement) => Need::of(requirement),
        Ruling::Live | Ruling::Public => Need::live(),
        Ruling::NeverByToken | Ruling::Closed => Need::closed(),
    }
}

/// What several rulings need together; none where one of them is closed to tokens.
fn join(tokens: &Tokens, rulings: &[Ruling<'_>]) -> Option<Requirement> {
    let mut names = Vec::new();
    for ruling in rulings {
        match ruling {
            Ruling::Scopes(requirement) => names.extend(requirement.names()),
            Ruling::Live | Ruling::Public => {}
            Ruling::NeverByToken | Ruling::Closed => return None,
        }
    }
    // Each name came from this catalogue; one that did not would close the route.
    names.sort();
    names.dedup();
    tokens.requirement(names).ok()
}

pub(crate) fn of_tenant<'a>(need: Need<'a>, tenant: &'a Tenant<'_>) -> Need<'a> {
    match tenant {
        Tenant::Without => need,
        Tenant::Named(name) => need.tenant(name),
        Tenant::Any => need.any_tenant(),
        Tenant::Nobody | Tenant::Malformed => need.nobody(),
    }
}

/// A refusal for a missing scope, with what was asked for.
fn with_operation(mut denied: Denied, method: &str, route: Option<&str>) -> Denied {
    if let (Denied::InsufficientScope(shortage), Some(route)) = (&mut denied, route) {
        shortage.operation = Some(format!("{} {route}", short(method)));
    }
    denied
}

/// What a request is called in what is counted and logged: bounded, whatever comes.
fn label(method: &str, route: Option<&str>) -> String {
    let usual = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];
    let method = if usual.contains(&method) { method } else { "OTHER" };
    format!("{method} {}", route.unwrap_or(UNNAMED_ROUTE))
}

/// A method that is no longer than methods are: anybody can send any.
pub(super) fn short(method: &str) -> &str {
    method.get(..20).unwrap_or(method)
}

fn is_preflight(request: &Request<'_>) -> bool {
    let has = |name| request.only_header(name).is_ok_and(|value| value.is_some());
    request.method == "OPTIONS" && has("origin") && has("access-control-request-method")
}

impl fmt::Debug for Guard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Guard")
            .field("tenant", &self.0.tenant)
            .field("sources", &self.0.sources)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Admitted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Admitted").field("caller", &self.caller).finish_non_exhaustive()
    }
}
