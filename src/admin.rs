//! The JSON admin API: tokens created, changed, watched and revoked over HTTP.
//!
//! It knows no framework: an adapter decides who comes ([`Access`]), hands over an
//! [`AdminRequest`], and turns the [`Reply`] into its response, whose body may come piece by piece.
//! The adapter for axum is in `admin::axum`.
//!
//! A bearer token of the same service may use it as well: with `tokens:read` it looks, with
//! `tokens:manage` it changes. It counts as a request of that token, never leaves the token's
//! tenant, and never grants more than the token holds. Such a request needs no [`Access`].
//!
//! Every answer says `Cache-Control: no-store`. A secret stands in the answer that made it, and in
//! no other.

#![doc = include_str!("admin/use.md")]

mod accept;
pub(crate) mod access;
mod attention;
pub(crate) mod audit;
#[cfg(feature = "axum")]
pub mod axum;
mod bulk;
pub(crate) mod calls;
pub(crate) mod catalogue;
pub(crate) mod changes;
mod clients;
pub(crate) mod conditions;
pub(crate) mod context;
pub(crate) mod create;
pub(crate) mod cross_site;
pub(crate) mod cursor;
mod endpoints;
pub(crate) mod fault;
pub(crate) mod fields;
pub(crate) mod figures;
mod health;
pub(crate) mod history_page;
pub(crate) mod impact;
mod introspect;
mod json;
pub(crate) mod limits;
pub(crate) mod listing;
pub(crate) mod many;
#[cfg(feature = "openapi")]
mod openapi;
pub(crate) mod overview;
pub(crate) mod parameters;
pub(crate) mod permissions;
pub(crate) mod range;
pub(crate) mod ranked;
pub(crate) mod request;
pub(crate) mod rotate;
mod routes;
pub(crate) mod scope_use;
mod secrets;
pub(crate) mod series;
pub(crate) mod shape;
pub(crate) mod stream;
pub(crate) mod streams;
pub(crate) mod table;
pub(crate) mod token_page;
pub(crate) mod tokens;
pub(crate) mod usage;
pub(crate) mod viewer;

pub use access::Access;
#[cfg(feature = "openapi")]
pub use openapi::openapi;
pub use permissions::Permissions;
pub use request::{AdminRequest, BODY_LIMIT};

use std::fmt;
use std::sync::Arc;

use crate::web::{Admission, Guard, LimitHeaders, Reply, Tenant, TenantSource};
use crate::{TOKENS_MANAGE, TOKENS_READ, Tokens, Via};
use context::Context;
use fault::Fault;
use routes::{Found, Row};
use streams::Streams;
use viewer::{Recheck, Viewer};

/// The JSON admin API.
///
/// ```
/// # tokenward::block_on(async {
/// use tokenward::admin::{Access, AdminApi, AdminRequest};
/// use tokenward::web::Request;
/// use tokenward::{Actor, Tokens};
/// let (tokens, _clock) = Tokens::for_tests();
/// let api = AdminApi::new(tokens);
/// let headers: [(&str, &str); 0] = [];
/// let request = AdminRequest::new(Request::new("GET", "/tokens", &headers), b"");
/// let reply = api.handle(Access::ReadOnly(Actor::new("maria")), request).await;
/// assert_eq!(reply.status, 200);
/// # });
/// ```
#[derive(Clone)]
pub struct AdminApi {
    tokens: Tokens,
    /// Whoever looks passes this one, whoever changes the other. They differ in the scope alone.
    pub(crate) reading: Guard,
    managing: Guard,
    pub(crate) allowed_origins: Arc<[String]>,
    /// Where it is mounted, for what is said of its routes.
    pub(crate) mount: Arc<str>,
    pub(crate) streams: Arc<Streams>,
}

impl AdminApi {
    /// The admin API of these tokens, for a service without tenants.
    pub fn new(tokens: Tokens) -> AdminApi {
        AdminApi {
            reading: tokens.require(TOKENS_READ),
            managing: tokens.require(TOKENS_MANAGE),
            allowed_origins: Arc::default(),
            mount: Arc::default(),
            streams: Arc::new(Streams::up_to(64)),
            tokens,
        }
    }

    /// How the tenant of a request is found: the same as for the service's [`Guard`]. A token and
    /// a person can only act in the tenant that the request is for.
    pub fn tenant(self, source: TenantSource) -> AdminApi {
        self.guards(|guard| guard.tenant(source.clone()))
    }

    /// The tenant is the label before this domain in the request's host:
    /// [`TenantSource::subdomain_of`].
    ///
    /// # Panics
    /// If `domain` is not a domain name.
    pub fn tenant_from_subdomain_of(self, domain: &str) -> AdminApi {
        self.tenant(TenantSource::subdomain_of(domain))
    }

    /// What `WWW-Authenticate` calls the service. The default is `api`.
    pub fn realm(self, realm: &str) -> AdminApi {
        self.guards(|guard| guard.realm(realm))
    }

    /// Which headers tell of the limit of a bearer token.
    pub fn limit_headers(self, headers: LimitHeaders) -> AdminApi {
        self.guards(|guard| guard.limit_headers(headers))
    }

    /// Pages of these origins (`https://admin.example`) may change things by the host's own login,
    /// beside those of the API's own origin.
    pub fn allowed_origins<S: Into<String>>(mut self, origins: impl IntoIterator<Item = S>) -> AdminApi {
        self.allowed_origins = origins.into_iter().map(Into::into).collect();
        self
    }

    /// How many live streams of calls may be open at once; 64 unless set. Beyond it the answer is
    /// 503. Each reads the store once for each flush.
    pub fn open_streams(mut self, most: usize) -> AdminApi {
        self.streams = Arc::new(Streams::up_to(most));
        self
    }

    /// The tokens that it manages.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Answers a request. `access` is what the host's own login says of whoever comes; a request
    /// with a bearer token of the service is judged by that token alone.
    ///
    /// A live stream that somebody opens by the host's login ends after a minute, and its client
    /// comes back by itself: with [`AdminApi::handle_with_recheck`] it lasts.
    pub async fn handle(&self, access: Access, request: AdminRequest<'_>) -> Reply {
        self.whole_answer(access, None, &request).await
    }

    /// The same, where the host's own login can be asked again: a live stream does so once a
    /// minute, and ends when whoever has opened it may not look any more.
    pub async fn handle_with_recheck<Deciding>(
        &self,
        access: Access,
        request: AdminRequest<'_>,
        recheck: impl Fn() -> Deciding + Send + Sync + 'static,
    ) -> Reply
    where
        Deciding: Future<Output = Access> + Send + 'static,
    {
        let recheck: Arc<Recheck> = Arc::new(move || Box::pin(recheck()));
        self.whole_answer(access, Some(recheck), &request).await
    }

    async fn whole_answer(
        &self,
        access: Access,
        recheck: Option<Arc<Recheck>>,
        request: &AdminRequest<'_>,
    ) -> Reply {
        let request_id = request.id(self.tokens.prefix());
        let mut reply = self.answer(access, recheck, request, request_id.as_deref()).await;
        if reply.header_value("cache-control").is_none() {
            reply = reply.header("cache-control", "no-store");
        }
        if let Some(id) = request_id {
            reply = reply.header("x-request-id", id);
        }
        if request.http.method == "HEAD" { reply.for_head() } else { reply }
    }

    async fn answer(
        &self,
        access: Access,
        recheck: Option<Arc<Recheck>>,
        request: &AdminRequest<'_>,
        request_id: Option<&str>,
    ) -> Reply {
        let instance = |fault: Fault| fault.reply(request_id);
        let found = routes::find(request.http.method, request.http.path);
        let route = match &found {
            Ok(Found::Route(route, _)) => Some(*route),
            _ => None,
        };
        let mut guard = match route {
            Some(route) if route.needs.changes() => self.managing.clone(),
            _ => self.reading.clone(),
        };
        if !matches!(access, Access::Nobody | Access::Login(_) | Access::SignIn) {
            // Without a token of ours it is the login's to decide, whatever else is sent.
            guard = guard.token_or_own_login();
        }

        let is_for_anybody = route.is_some_and(|route| route.row == Row::Health);

        let template = route.map(|route| format!("{}{}", self.mount, route.template));
        let mut http = request.http;
        http.template = template.as_deref();
        let mut admitted = match guard.admit(&http).await {
            Admission::Refused(_) if is_for_anybody => return health::bare(&self.tokens).await,
            Admission::Refused(reply) => return reply,
            Admission::Admitted(admitted) => Some(admitted),
            Admission::Anonymous => None,
        };
        let viewer = match &admitted {
            Some(admitted) => Viewer::Bearer {
                id: admitted.caller().token_id(),
                secret_version: admitted.caller().secret_version(),
                address: request.http.address,
            },
            None => self.viewer_by_login(recheck, request),
        };
        let who = match &admitted {
            Some(admitted) => access::of_bearer(admitted.caller(), &guard).await,
            None => self
                .of_login(access, request)
                .map_err(|unwelcome| Box::new(self.turn_away(unwelcome, &guard, request_id))),
        };
        let mut reply = match who {
            Err(_) if is_for_anybody && admitted.is_some() => health::bare(&self.tokens).await,
            Err(reply) => *reply,
            Ok(mut who) => match found {
                Err(fault) => instance(fault),
                Ok(Found::Nothing) => instance(Fault::no_such_place()),
                Ok(Found::OtherMethods(allow)) => instance(Fault::method_not_allowed(allow)),
                Ok(Found::Route(route, id)) => {
                    who.actor = who.actor.via(Via::Api);
                    let context =
                        Context::new(&self.tokens, &self.streams, who, viewer, request, request_id, id);
                    let answered = match route.needs.check(&context.permissions) {
                        Ok(()) => route.row.run(&context).await,
                        Err(fault) => Err(fault),
                    };
                    answered.unwrap_or_else(instance)
                }
            },
        };
        if let Some(admitted) = &mut admitted {
            admitted.responded(reply.status);
            admitted.sent(reply.body.len() as u64);
            let told = admitted.headers(|name| reply.header_value(name).is_some());
            reply.headers.extend(told.into_iter().map(|(name, value)| (name, value.to_owned())));
        }
        reply
    }

    /// Whoever has come by the host's own login, for a stream to ask again.
    pub(crate) fn viewer_by_login(
        &self,
        recheck: Option<Arc<Recheck>>,
        request: &AdminRequest<'_>,
    ) -> Viewer {
        let tenant = match self.reading.tenant_of(&request.http) {
            Tenant::Named(tenant) => Some(tenant.into_owned()),
            _ => None,
        };
        Viewer::Login { recheck, tenant }
    }

    fn guards(mut self, change: impl Fn(Guard) -> Guard) -> AdminApi {
        self.reading = change(self.reading);
        self.managing = change(self.managing);
        self
    }
}

impl fmt::Debug for AdminApi {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("AdminApi").field("guard", &self.reading).finish_non_exhaustive()
    }
}
