//! Pages for people: tokens created, watched, changed, rotated and revoked in the browser.
//!
//! It knows no framework: an adapter decides who comes ([`Access`]), hands over an
//! [`AdminRequest`], and turns the [`Reply`] into its response, whose body may come piece by piece.
//! The adapter for axum is in `dashboard::axum`.
//!
//! Every page works without JavaScript, under any path, and below a strict content security policy
//! of its own. Nothing is loaded from another host. A secret stands on the one page that made it, and
//! on no other.

mod answer;
mod asked;
mod assets;
mod attentive;
#[cfg(feature = "axum")]
pub mod axum;
mod call_row;
mod chart;
mod cookie;
mod faults;
mod flash;
mod form;
mod frame;
mod html;
mod pages;
mod preferences;
mod range;
mod reasons;
mod routes;
mod row;
mod sentence;
mod session;
mod show;
mod tabs;
mod token_form;
mod visit;

use std::fmt;
use std::sync::Arc;

use crate::admin::context::Context;
use crate::admin::fault::Fault;
use crate::admin::table::Found as InTable;
use crate::admin::viewer::Recheck;
use crate::admin::{Access, AdminApi, AdminRequest};
use crate::web::{Reply, TenantSource};
use crate::{Tokens, Via};
use preferences::Preferences;
use routes::{Found, Page};
use visit::{Came, Visit};

/// The dashboard.
///
/// ```
/// # tokenward::block_on(async {
/// use tokenward::admin::{Access, AdminRequest};
/// use tokenward::dashboard::Dashboard;
/// use tokenward::web::Request;
/// use tokenward::{Actor, Tokens};
/// let (tokens, _clock) = Tokens::for_tests();
/// let dashboard = Dashboard::new(tokens).title("Acme Store");
/// let headers: [(&str, &str); 0] = [];
/// let request = AdminRequest::new(Request::new("GET", "/", &headers), b"");
/// let reply = dashboard.handle(Access::read_only("maria"), request).await;
/// assert_eq!(reply.status, 200);
/// # });
/// ```
#[derive(Clone)]
pub struct Dashboard {
    /// Whoever comes is judged as the JSON API judges it.
    api: AdminApi,
    settings: Arc<Settings>,
    attentive: Arc<attentive::Attentive>,
}

#[derive(Clone)]
struct Settings {
    title: String,
    back_link: Option<String>,
    /// The path under which browsers see it, where that is not the mount.
    public_path: Option<String>,
    trust_forwarded_prefix: bool,
    read_only: bool,
    hide_addresses: bool,
    example_url: Option<String>,
    extra_note: Option<String>,
}

impl Dashboard {
    /// The dashboard of these tokens, for a service without tenants.
    pub fn new(tokens: Tokens) -> Dashboard {
        let settings = Settings {
            title: "API tokens".to_owned(),
            back_link: None,
            public_path: None,
            trust_forwarded_prefix: false,
            read_only: false,
            hide_addresses: false,
            example_url: None,
            extra_note: None,
        };
        Dashboard { api: AdminApi::new(tokens), settings: Arc::new(settings), attentive: Arc::default() }
    }

    /// How the tenant of a request is found: the same as for the service's
    /// [`Guard`](crate::web::Guard). A person can only act in the tenant that the request is for.
    pub fn tenant(mut self, source: TenantSource) -> Dashboard {
        self.api = self.api.tenant(source);
        self
    }

    /// The tenant is the label before this domain in the request's host:
    /// [`TenantSource::subdomain_of`].
    ///
    /// # Panics
    /// If `domain` is not a domain name.
    pub fn tenant_from_subdomain_of(self, domain: &str) -> Dashboard {
        self.tenant(TenantSource::subdomain_of(domain))
    }

    /// Pages of these origins (`https://admin.example`) may send forms to it, beside its own.
    pub fn allowed_origins<S: Into<String>>(mut self, origins: impl IntoIterator<Item = S>) -> Dashboard {
        self.api = self.api.allowed_origins(origins);
        self
    }

    /// How many live tails may be open at once; 64 unless set. Beyond it a page says so, and can be
    /// reloaded by hand.
    pub fn open_streams(mut self, most: usize) -> Dashboard {
        self.api = self.api.open_streams(most);
        self
    }

    /// What the service is called, in the header of every page. `API tokens` unless set.
    pub fn title(self, title: impl Into<String>) -> Dashboard {
        self.set(|settings| settings.title = title.into())
    }

    /// Where a person goes back to the service's own pages: a path or an address.
    pub fn back_link(self, address: impl Into<String>) -> Dashboard {
        self.set(|settings| settings.back_link = Some(address.into()))
    }

    /// The path under which browsers see the dashboard, for a proxy that gives it another name than
    /// the mount has. Links need none of this; the redirect from the path without its slash, cookies
    /// and the way back from a login do.
    pub fn public_path(self, path: impl Into<String>) -> Dashboard {
        let path = path.into();
        self.set(|settings| settings.public_path = Some(path.trim_end_matches('/').to_owned()))
    }

    /// Believes `X-Forwarded-Prefix`: what a proxy has taken off the front of the path. Only where
    /// every request comes through a proxy that sets it.
    pub fn trust_forwarded_prefix(self) -> Dashboard {
        self.set(|settings| settings.trust_forwarded_prefix = true)
    }

    /// Nobody changes anything here, whatever else it may.
    pub fn read_only(self) -> Dashboard {
        self.set(|settings| settings.read_only = true)
    }

    /// Nobody sees the addresses of clients here, whatever else it may.
    pub fn hide_addresses(self) -> Dashboard {
        self.set(|settings| settings.hide_addresses = true)
    }

    /// An address of the service that a new token can be tried with, for the calls that are shown
    /// ready to paste: `https://{host}/v1/{resource}`. `{host}` stands for the host of the page,
    /// `{resource}` for what the token may look at: `orders`, if it holds `orders:read`.
    pub fn example_url(self, address: impl Into<String>) -> Dashboard {
        self.set(|settings| settings.example_url = Some(address.into()))
    }

    /// A sentence below every page, for how long use is kept and the like.
    pub fn note(self, sentence: impl Into<String>) -> Dashboard {
        self.set(|settings| settings.extra_note = Some(sentence.into()))
    }

    /// The tokens that it shows.
    pub fn tokens(&self) -> &Tokens {
        self.api.tokens()
    }

    /// Answers a request. `access` is what the host's own login says of whoever comes.
    ///
    /// A live tail ends after a minute, and the page comes back by itself: with
    /// [`Dashboard::handle_with_recheck`] it lasts.
    pub async fn handle(&self, access: Access, request: AdminRequest<'_>) -> Reply {
        self.whole_answer(access, None, &request).await
    }

    /// The same, where the host's own login can be asked again: a live tail does so once a minute,
    /// and ends when whoever has opened it may not look any more.
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
        let request_id = request.id(self.tokens().prefix());
        let mut reply = self.answer(access, recheck, request, request_id.as_deref()).await;
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
        if matches!(access, Access::Forbidden | Access::Nobody) {
            return faults::bare(Fault::no_such_place(), request_id);
        }
        let found = match routes::find(request.http.method, request.http.path) {
            Err(fault) => return faults::bare(fault, request_id),
            Ok(Found::Asset(name)) => {
                let asset = assets::answer(&name, request);
                return asset.unwrap_or_else(|| faults::bare(Fault::no_such_place(), request_id));
            }
            Ok(Found::ElsewhereInstead(address)) => return answer::moved(self.moved_to(&address, request)),
            Ok(Found::InTheTable(found)) => found,
        };
        let preferences = Preferences::of(request);
        match access {
            Access::Login(address) => {
                answer::see_other(visit::with_return_to(&address, &self.public_address(request)))
            }
            Access::SignIn => {
                if let InTable::Route(route, _) = &found
                    && matches!(route.row, Page::SignIn | Page::SignOut)
                {
                    return pages::sign_in::answer(self, route, request, preferences, request_id).await;
                }
                match session::access(self, request).await {
                    Ok(Some(known)) => {
                        let came = Came { request, request_id, preferences, signs_out: true };
                        self.visited(known.access, Some(known.recheck), found, came).await
                    }
                    Ok(None) => answer::see_other(visit::sign_in_address(request.http.path)),
                    Err(error) => faults::bare(error.into(), request_id),
                }
            }
            access => {
                let came = Came { request, request_id, preferences, signs_out: false };
                self.visited(access, recheck, found, came).await
            }
        }
    }

    /// The page, for somebody who is logged in.
    async fn visited(
        &self,
        access: Access,
        recheck: Option<Arc<Recheck>>,
        found: InTable<Page>,
        came: Came<'_, '_>,
    ) -> Reply {
        let Came { request, request_id, .. } = came;
        let mut who = match self.api.of_login(access, request) {
            Ok(who) => who,
            Err(unwelcome) => return faults::bare(unwelcome.fault(), request_id),
        };
        if self.settings.read_only {
            who.permissions = who.permissions.without_changes();
        }
        who.permissions.view_addresses &= !self.settings.hide_addresses;
        who.actor = who.actor.via(Via::Dashboard);
        let viewer = self.api.viewer_by_login(recheck, request);
        let (route, id) = match found {
            InTable::Route(route, id) => (Ok(route), id),
            InTable::OtherMethods(allow) => (Err(Fault::method_not_allowed(allow)), None),
            InTable::Nothing => (Err(Fault::no_such_place()), None),
        };
        let streams = &self.api.streams;
        let context = Context::new(self.tokens(), streams, who, viewer, request, request_id, id);
        let visit = Visit::new(self, context, &came);
        let allowed =
            route.and_then(|route| route.needs.check(&visit.context.permissions).map(|()| route.row));
        let answered = match allowed {
            Ok(page) => page.run(&visit).await,
            Err(fault) => Err(fault),
        };
        if request.http.method == "POST" {
            self.attentive.forget(&visit.context.actor.tenants());
        }
        answered.unwrap_or_else(|fault| faults::page(&visit, fault))
    }

    /// The path under which the browser sees the mount, without a slash at its end.
    fn public_root(&self, request: &AdminRequest<'_>) -> String {
        if let Some(path) = &self.settings.public_path {
            return path.clone();
        }
        let sent = request.http.only_header("x-forwarded-prefix").ok().flatten();
        let prefix =
            sent.filter(|_| self.settings.trust_forwarded_prefix).and_then(visit::prefix).unwrap_or_default();
        format!("{prefix}{}", self.api.mount)
    }

    /// The address of a request as the browser sees it, for the way back from a login.
    fn public_address(&self, request: &AdminRequest<'_>) -> String {
        let root = self.public_root(request);
        // A form that was sent is not sent again by coming back: its page is.
        match request.http.query {
            Some(query) => format!("{root}{}?{query}", request.http.path),
            None => format!("{root}{}", request.http.path),
        }
    }

    /// The one address of a page that was asked for under another, relative to the request.
    fn moved_to(&self, address: &str, request: &AdminRequest<'_>) -> String {
        let root = self.public_root(request);
        let last = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        let address = if request.http.path.is_empty() {
            format!("{}/", last(&root))
        } else {
            format!("../{}", last(address))
        };
        match request.http.query {
            Some(query) => format!("{address}?{query}"),
            None => address,
        }
    }

    fn set(mut self, change: impl FnOnce(&mut Settings)) -> Dashboard {
        change(Arc::make_mut(&mut self.settings));
        self
    }
}

impl fmt::Debug for Dashboard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Dashboard")
            .field("api", &self.api)
            .field("title", &self.settings.title)
            .finish_non_exhaustive()
    }
}
