//! The admin API and the dashboard in an axum router.
//!
//! ```
//! use axum::Router;
//! use tokenward::{Actor, Tokens, admin::{Access, AdminApi}};
//! # let (tokens, _clock) = Tokens::for_tests();
//! // Bearer tokens with `tokens:read` and `tokens:manage` alone:
//! let api = AdminApi::new(tokens.clone()).tenant_from_subdomain_of("shop.example");
//! let app: Router = Router::new().merge(api.at("/admin/api/v1"));
//!
//! // The service's own login beside them:
//! let api = AdminApi::new(tokens).authorize(|parts| async move {
//!     match parts.extensions.get::<String>() {
//!         Some(user) => Access::Manage(Actor::new(user.clone())),
//!         None => Access::Nobody,
//!     }
//! });
//! let app: Router = Router::new().merge(api.at("/admin/api/v1"));
//! ```
//!
//! The client's address, for tokens that are bound to addresses, comes from `ConnectInfo` or from
//! [`ClientAddress`](crate::web::tower::ClientAddress).

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http::request::Parts;
use http_body::Body as _;

use super::viewer::Recheck;
use super::{Access, AdminApi, AdminRequest, BODY_LIMIT};
use crate::web::Reply;
use crate::web::tower::{mark_sensitive, text_of};

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What the service's own login says of whoever comes.
pub(crate) type Authorize = dyn Fn(Parts) -> Boxed<Access> + Send + Sync;

/// Something that can be mounted, now that it is said who may see what.
#[derive(Clone)]
pub struct Authorized<Site> {
    pub(crate) site: Site,
    pub(crate) authorize: Arc<Authorize>,
}

/// The admin API or the dashboard at its path, for [`Router::merge`].
#[derive(Clone)]
pub struct Mount {
    path: Arc<str>,
    answer: Arc<dyn Fn(Request) -> Boxed<Response> + Send + Sync>,
}

impl<Site> Authorized<Site> {
    pub(crate) fn new<Deciding>(
        site: Site,
        decide: impl Fn(Parts) -> Deciding + Send + Sync + 'static,
    ) -> Authorized<Site>
    where
        Deciding: Future<Output = Access> + Send + 'static,
    {
        Authorized { site, authorize: Arc::new(move |parts| Box::pin(decide(parts))) }
    }
}

impl AdminApi {
    /// What the service's own login says of whoever comes. A bearer token is welcome beside it:
    /// where one is sent, it alone decides.
    ///
    /// The future is given the request's parts as its own, so that it may look at the session for
    /// as long as it needs.
    pub fn authorize<Deciding>(
        self,
        decide: impl Fn(Parts) -> Deciding + Send + Sync + 'static,
    ) -> Authorized<AdminApi>
    where
        Deciding: Future<Output = Access> + Send + 'static,
    {
        Authorized::new(self, decide)
    }

    /// Mounts it at this path of a router, for bearer tokens alone.
    ///
    /// # Panics
    /// If the path does not start with a slash, or has parameters.
    pub fn at(self, path: &str) -> Mount {
        self.authorize(|_| async { Access::Nobody }).at(path)
    }
}

impl Authorized<AdminApi> {
    /// Mounts it at this path of a router.
    ///
    /// # Panics
    /// If the path does not start with a slash, or has parameters.
    pub fn at(self, path: &str) -> Mount {
        let Authorized { mut site, authorize } = self;
        let path = mount_path(path);
        site.mount = path.clone();
        Mount::new(path, authorize, move |access, recheck, parts, path, body| {
            let site = site.clone();
            Box::pin(async move {
                let request = AdminRequest::new(below(&parts, &path), &body);
                site.whole_answer(access, Some(recheck), &request).await
            })
        })
    }
}

/// A path to mount at, without a slash at its end.
///
/// # Panics
/// If it does not start with a slash, or has parameters.
pub(crate) fn mount_path(path: &str) -> Arc<str> {
    assert!(
        path.starts_with('/') && !path.contains(['{', '}', '?', '#', '%']) && !path.contains("//"),
        "a path such as /admin/tokens is needed, not {path:?}"
    );
    path.trim_end_matches('/').into()
}

/// A request, whose path is the one below the mount.
pub(crate) fn below<'p>(parts: &'p Parts, mount: &str) -> crate::web::Request<'p> {
    let mut http = text_of(parts);
    http.path = http.path.strip_prefix(mount).unwrap_or(http.path);
    http
}

impl Mount {
    pub(crate) fn new(
        path: Arc<str>,
        authorize: Arc<Authorize>,
        answer: impl Fn(Access, Arc<Recheck>, Arc<Parts>, Arc<str>, Vec<u8>) -> Boxed<Reply>
        + Send
        + Sync
        + 'static,
    ) -> Mount {
        let answer = Arc::new(answer);
        let mount = path.clone();
        let whole = move |request: Request| -> Boxed<Response> {
            let (authorize, answer, mount) = (authorize.clone(), answer.clone(), mount.clone());
            Box::pin(async move {
                let (mut parts, body) = request.into_parts();
                // The service's own login may log what it is given.
                mark_sensitive(&mut parts.headers, &[crate::web::Source::Bearer]);
                let Ok(body) = read(body).await else {
                    return IntoResponse::into_response(Reply::empty(400));
                };
                let parts = Arc::new(parts);
                let asked = parts.clone();
                let decide: Arc<Recheck> = Arc::new(move || authorize((*asked).clone()));
                let access = decide().await;
                IntoResponse::into_response(answer(access, decide, parts, mount, body).await)
            })
        };
        Mount { path, answer: Arc::new(whole) }
    }
}

impl<S: Clone + Send + Sync + 'static> From<Mount> for Router<S> {
    fn from(mount: Mount) -> Router<S> {
        let Mount { path, answer } = mount;
        let handler = any(move |request: Request| answer(request));
        let router = Router::new()
            .route(&format!("{path}/"), handler.clone())
            .route(&format!("{path}/{{*rest}}"), handler.clone());
        if path.is_empty() { router } else { router.route(&path, handler) }
    }
}

impl<Site: fmt::Debug> fmt::Debug for Authorized<Site> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Authorized").field("site", &self.site).finish_non_exhaustive()
    }
}

impl fmt::Debug for Mount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Mount").field("path", &self.path).finish_non_exhaustive()
    }
}

/// The body, up to the first bytes beyond the limit.
async fn read(mut body: Body) -> Result<Vec<u8>, axum::Error> {
    let mut bytes = Vec::new();
    while bytes.len() <= BODY_LIMIT {
        let frame = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
        let Some(frame) = frame.transpose()? else { break };
        if let Ok(data) = frame.into_data() {
            // One frame may be longer than any body should be.
            let room = (BODY_LIMIT + 1).saturating_sub(bytes.len());
            bytes.extend_from_slice(Bytes::as_ref(&data).get(..room).unwrap_or(&data));
        }
    }
    Ok(bytes)
}
