//! The guard as a tower layer, for every service over `http` 1: axum, hyper, tonic, warp.
//!
//! ```
//! use tokenward::{Tokens, web::Rules};
//! use tower::ServiceBuilder;
//! # let (tokens, _clock) = Tokens::for_tests();
//! let rules = Rules::new().resource("/orders", "orders").public("/health");
//! let layer = tokens.guard(rules).tenant_from_subdomain_of("shop.example");
//! let builder = ServiceBuilder::new().layer(layer);
//! ```
//!
//! The guard stands inside the service's CORS and time-out layers, and outside of everything that
//! a stranger is not to reach. [`caller`] tells a handler who comes.

mod body;
mod reply_body;
mod service;

pub use body::GuardBody;
pub use reply_body::ReplyBody;
pub use service::GuardService;
#[cfg(all(feature = "admin", feature = "axum"))]
pub(crate) use service::{mark_sensitive, text_of};

use std::net::{IpAddr, SocketAddr};

use http::{Extensions, HeaderMap, HeaderValue, Response};
use tower_layer::Layer;

use super::{Guard, Headers, Reply};
use crate::Caller;

impl<S> Layer<S> for Guard {
    type Service = GuardService<S>;

    fn layer(&self, inner: S) -> GuardService<S> {
        GuardService::new(inner, self.clone())
    }
}

/// The client's address, for tokens that are bound to addresses: put it into the request's
/// extensions in front of the guard, from the connection or from a proxy that you trust. axum's
/// `ConnectInfo<SocketAddr>` is found by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClientAddress(pub IpAddr);

/// That a guard has looked at the request, and whom it has found.
#[derive(Clone, Debug)]
pub(super) struct Guarded {
    pub(super) guard: Guard,
    pub(super) caller: Option<Caller>,
}

/// No guard has looked at the request: a route that stands outside of it by mistake.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no guard has looked at this request: its route stands outside of tokenward's layer")]
pub struct NotGuarded;

/// Who comes, from a request's extensions: for a service's own extractor. `None` where the guard
/// has let an anonymous request pass.
///
/// # Errors
/// [`NotGuarded`] where no guard has looked at the request: answer 500, and never let it pass.
pub fn caller(extensions: &Extensions) -> Result<Option<&Caller>, NotGuarded> {
    Ok(extensions.get::<Guarded>().ok_or(NotGuarded)?.caller.as_ref())
}

/// The answer to an anonymous request where a token is needed, in the name of the guard that let it
/// pass: for a service's own extractor.
///
/// # Errors
/// [`NotGuarded`] where no guard has looked at the request.
pub fn token_missing(extensions: &Extensions) -> Result<Reply, NotGuarded> {
    Ok(extensions.get::<Guarded>().ok_or(NotGuarded)?.guard.token_missing())
}

impl Headers for HeaderMap {
    fn each<'h>(&'h self, name: &str, each: &mut dyn FnMut(&'h [u8])) {
        self.get_all(name).iter().for_each(|value| each(value.as_bytes()));
    }
}

impl Reply {
    /// The answer as a response of the `http` crate. One whose body comes piece by piece, as the
    /// admin API has some, needs a body that can: with [`Reply::into_streaming_response`].
    pub fn into_response<B: From<Vec<u8>>>(self) -> Response<B> {
        if self.stream.is_some() {
            tracing::error!("an answer that comes piece by piece needs Reply::into_streaming_response");
            return Reply::empty(500).into_response();
        }
        self.into_streaming_response().map(|body| B::from(body.into_whole()))
    }

    /// The answer as a response of the `http` crate, whose body may come piece by piece.
    pub fn into_streaming_response(self) -> Response<ReplyBody> {
        let mut response = Response::new(ReplyBody::new(self.body, self.stream));
        *response.status_mut() =
            http::StatusCode::from_u16(self.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in self.headers {
            // Every value that is made here is visible ASCII; one that were not is left out.
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().append(name, value);
            }
        }
        response
    }
}

/// The client's address, where the host or its server tells.
fn client_address(extensions: &Extensions) -> Option<IpAddr> {
    if let Some(ClientAddress(address)) = extensions.get() {
        return Some(*address);
    }
    #[cfg(feature = "axum")]
    if let Some(axum::extract::ConnectInfo(peer)) = extensions.get::<axum::extract::ConnectInfo<SocketAddr>>()
    {
        return Some(peer.ip());
    }
    extensions.get::<SocketAddr>().map(SocketAddr::ip)
}

/// The path that the client asked for: rules are about that, also where a router that nests
/// another has cut off what it has matched.
pub(crate) fn full_path(parts: &http::request::Parts) -> &str {
    #[cfg(feature = "axum")]
    if let Some(axum::extract::OriginalUri(uri)) = parts.extensions.get() {
        return uri.path();
    }
    parts.uri.path()
}

/// The template of the route, where the router tells it.
pub(super) fn template(extensions: &Extensions) -> Option<&str> {
    #[cfg(feature = "axum")]
    {
        // Below `nest_service` the template ends in a name of axum's own, and says nothing.
        let matched = extensions.get::<axum::extract::MatchedPath>()?.as_str();
        (!matched.contains("__private__")).then_some(matched)
    }
    #[cfg(not(feature = "axum"))]
    {
        _ = extensions;
        None
    }
}
