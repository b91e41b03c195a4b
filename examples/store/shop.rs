//! Which shop a request is about: the tenant of the token that it came with, and nothing else.

use axum::RequestPartsExt;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use tokenward::Caller;

use crate::problem::Problem;
use crate::seed::SHOPS;

/// The shop whose rows a handler may touch; every statement filters by it.
#[derive(Clone, Debug)]
pub struct Shop(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Shop {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Response> {
        let caller = parts.extract::<Caller>().await.map_err(IntoResponse::into_response)?;
        match caller.tenant() {
            Some(name) if SHOPS.contains(&name) => Ok(Self(name.to_owned())),
            _ => {
                let answer = format!("This token is of no shop here; there are {}.", SHOPS.join(" and "));
                Err(Problem::new(StatusCode::NOT_FOUND, answer).into_response())
            }
        }
    }
}
