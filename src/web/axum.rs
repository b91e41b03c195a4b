//! axum: the caller as an extractor.
//!
//! The layer is that of [`tower`](super::tower). Put it on with `route_layer`, so that unknown
//! paths stay 404: it then knows the template of each route. Routes that are added after it, and
//! fallbacks, stand outside of it.
//!
//! ```
//! use axum::{Router, routing::get};
//! use tokenward::{Caller, Tokens, web::Rules};
//! # let (tokens, _clock) = Tokens::for_tests();
//! let app: Router = Router::new()
//!     .route("/orders", get(list_orders))
//!     .route("/health", get(|| async { "well" }))
//!     .route_layer(tokens.guard(Rules::new().resource("/orders", "orders").public("/health")));
//!
//! async fn list_orders(caller: Caller) -> String {
//!     format!("the orders of {:?}", caller.tenant())
//! }
//! ```
//!
//! A route whose needs are in no table of rules is closed. A [`Caller`] where the
//! guard let an anonymous request pass answers 401; where no guard stands it answers 500.
//! `Option<Caller>` is `None` for an anonymous request.

use axum::body::Body;
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use http::request::Parts;

use super::Reply;
use super::tower::{NotGuarded, caller, template, token_missing};
use crate::Caller;

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Reply;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Caller, Reply> {
        match caller(&parts.extensions) {
            Ok(Some(caller)) => Ok(caller.clone()),
            Ok(None) | Err(NotGuarded) => {
                Err(token_missing(&parts.extensions).unwrap_or_else(|NotGuarded| not_guarded(parts)))
            }
        }
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Caller {
    type Rejection = Reply;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Caller>, Reply> {
        caller(&parts.extensions).map(Option::<&Caller>::cloned).map_err(|_| not_guarded(parts))
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        self.into_streaming_response().map(Body::new)
    }
}

fn not_guarded(parts: &Parts) -> Reply {
    // The template alone: whatever a client has put into its path may be a token.
    tracing::error!(route = template(&parts.extensions), "{NotGuarded}");
    Reply::empty(500)
}
