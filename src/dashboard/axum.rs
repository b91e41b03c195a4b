//! The dashboard in an axum router.
//!
//! ```
//! use axum::Router;
//! use tokenward::{Actor, Tokens, admin::Access, dashboard::Dashboard};
//! # #[derive(Clone)] struct User { name: String, shop: String, is_admin: bool }
//! # let (tokens, _clock) = Tokens::for_tests();
//! let dashboard = Dashboard::new(tokens)
//!     .title("Acme Store")
//!     .authorize(|parts| async move {
//!         match parts.extensions.get::<User>() {
//!             Some(user) if user.is_admin => Access::manage(Actor::new(&user.name).tenant(&user.shop)),
//!             Some(user) => Access::read_only(Actor::new(&user.name).tenant(&user.shop)),
//!             None => Access::login("/login"),
//!         }
//!     });
//! let app: Router = Router::new().merge(dashboard.at("/admin/tokens"));
//! ```

use http::request::Parts;

use super::Dashboard;
use crate::admin::axum::{Authorized, Mount, below, mount_path};
use crate::admin::{Access, AdminRequest};
use crate::web::tower::full_path;

impl Dashboard {
    /// What the service's own login says of whoever comes, asked at every request. Only after it is
    /// there anything to mount.
    ///
    /// The future is given the request's parts as its own, so that it may look at the session for
    /// as long as it needs.
    pub fn authorize<Deciding>(
        self,
        decide: impl Fn(Parts) -> Deciding + Send + Sync + 'static,
    ) -> Authorized<Dashboard>
    where
        Deciding: Future<Output = Access> + Send + 'static,
    {
        Authorized::new(self, decide)
    }

    /// For a service without a login that keeps a session: whoever has a token that holds
    /// `tokens:read` or `tokens:manage` signs in with it, and may do what the token may. The session
    /// ends after twelve hours, and at once when the token is rotated, paused or revoked.
    pub fn sign_in_with_tokens(self) -> Authorized<Dashboard> {
        self.authorize(|_| async { Access::SignIn })
    }
}

impl Authorized<Dashboard> {
    /// Mounts it at this path of a router.
    ///
    /// # Panics
    /// If the path does not start with a slash, or has parameters.
    pub fn at(self, path: &str) -> Mount {
        let Authorized { mut site, authorize } = self;
        let path = mount_path(path);
        site.api.mount = path.clone();
        Mount::new(path, authorize, move |access, recheck, parts, path, body| {
            let mut site = site.clone();
            Box::pin(async move {
                let request = AdminRequest::new(below(&parts, &path), &body);
                // A router that nests this one has cut off the front of the path.
                if let Some(whole) = full_path(&parts).strip_suffix(request.http.path) {
                    site.api.mount = whole.into();
                }
                site.whole_answer(access, Some(recheck), &request).await
            })
        })
    }
}
