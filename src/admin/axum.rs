//! The admin API in an axum router.
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
//! let api = AdminApi::new(tokens).at("/admin/api/v1").authorize(|parts| async move {
//!     match parts.extensions.get::<String>() {
//!         Some(user) => Access::Manage(Actor::new(user.clone())),
//!         None => Access::Nobody,
//!     }
//! });
//! let app: Router = Router::new().merge(api);
//! ```
//!
//! It answers below its path with and without a slash at the end, and under `nest` as well. It
//! stands outside of the service's [guard](crate::web::Guard): merge it after `route_layer`.

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

use super::{Access, AdminApi, AdminRequest, BODY_LIMIT};
use crate::web::Reply;
use crate::web::tower::{mark_sensitive, text_of};

type Authorize = dyn Fn(Parts) -> Pin<Box<dyn Future<Output = Access> + Send>> + Send + Sync;

/// The admin API at its path, for [`Router::merge`].
#[derive(Clone)]
pub struct Mount {
    api: AdminApi,
    path: Arc<str>,
    authorize: Option<Arc<Authorize>>,
}

impl AdminApi {
    /// Mounts it at this path of a router.
    ///
    /// # Panics
    /// If the path does not start with a slash, or has parameters.
    pub fn at(mut self, path: &str) -> Mount {
        assert!(
            path.starts_with('/') && !path.contains(['{', '}', '?', '#', '%']) && !path.contains("//"),
            "a path such as /admin/api/v1 is needed, not {path:?}"
        );
        let path = path.trim_end_matches('/');
        self.mount = path.into();
        Mount { api: self, path: path.into(), authorize: None }
    }
}

impl Mount {
    /// What the service's own login says of whoever comes. A bearer token is welcome beside it:
    /// where one is sent, it alone decides.
    ///
    /// The future is given the request's parts as its own, so that it may look at the session for
    /// as long as it needs.
    pub fn authorize<Deciding>(mut self, decide: impl Fn(Parts) -> Deciding + Send + Sync + 'static) -> Mount
    where
        Deciding: Future<Output = Access> + Send + 'static,
    {
        self.authorize = Some(Arc::new(move |parts| Box::pin(decide(parts))));
        self
    }

    async fn answer(self, request: Request) -> Response {
        let (mut parts, body) = request.into_parts();
        // The service's own login may log what it is given.
        mark_sensitive(&mut parts.headers, self.api.reading.token_sources());
        let Ok(body) = read(body).await else { return IntoResponse::into_response(Reply::empty(400)) };
        let parts = Arc::new(parts);
        let mut http = text_of(&parts);
        http.path = http.path.strip_prefix(&*self.path).unwrap_or(http.path);
        let request = AdminRequest::new(http, &body);
        let Some(authorize) = self.authorize else {
            return IntoResponse::into_response(self.api.handle(Access::Nobody, request).await);
        };
        let asked = parts.clone();
        let decide = move || authorize((*asked).clone());
        let access = decide().await;
        IntoResponse::into_response(self.api.handle_with_recheck(access, request, decide).await)
    }
}

impl<S: Clone + Send + Sync + 'static> From<Mount> for Router<S> {
    fn from(mount: Mount) -> Router<S> {
        let path = mount.path.clone();
        let handler = any(move |request: Request| mount.clone().answer(request));
        let router = Router::new()
            .route(&format!("{path}/"), handler.clone())
            .route(&format!("{path}/{{*rest}}"), handler.clone());
        if path.is_empty() { router } else { router.route(&path, handler) }
    }
}

impl std::fmt::Debug for Mount {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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
