//! Which shop a request is about: the one thing every handler needs and no caller may choose freely.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;

use crate::problem::Problem;
use crate::seed::SHOPS;

/// Put into the request's extensions by whatever decides whose request it is.
#[derive(Clone, Debug)]
pub struct ShopName(pub String);

/// The shop whose rows a handler may touch; every statement filters by it.
#[derive(Clone, Debug)]
pub struct Shop(pub String);

impl<S: Sync> FromRequestParts<S> for Shop {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        match parts.extensions.get::<ShopName>() {
            Some(ShopName(name)) if SHOPS.contains(&name.as_str()) => Ok(Self(name.clone())),
            Some(ShopName(name)) => Err(Problem::new(
                StatusCode::NOT_FOUND,
                format!("No shop is called `{name}`; this store has {}.", SHOPS.join(" and ")),
            )),
            None => {
                // A mistake in how the routes are mounted, so the answer must be a refusal and not a default.
                tracing::error!(path = parts.uri.path(), "a shop route ran without a shop");
                Err(Problem::internal())
            }
        }
    }
}
