//! What only a test may do, on a port of its own: move the clock, write down what was counted, call with
//! a token.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::{Value, json};
use tokenward::{Clock, ManualClock, Tokens};

use crate::past::{Called, Made, call};

/// What the controls work on.
pub struct Controls {
    pub tokens: Tokens,
    pub clock: ManualClock,
    pub made: BTreeMap<String, Made>,
}

#[derive(Deserialize)]
struct Advance {
    seconds: f64,
}

#[derive(Deserialize)]
#[serde(default)]
struct Calls {
    /// A token's whole text, or the name of one that was made up.
    token: Option<String>,
    name: Option<String>,
    tenant: String,
    route: String,
    scope: String,
    status: u16,
    milliseconds: u64,
    address: IpAddr,
    agent: String,
    times: u32,
}

impl Default for Calls {
    fn default() -> Calls {
        Calls {
            token: None,
            name: None,
            tenant: "acme".to_owned(),
            route: "GET /v1/orders".to_owned(),
            scope: "orders:read".to_owned(),
            status: 200,
            milliseconds: 31,
            address: IpAddr::from([203, 0, 113, 7]),
            agent: "wh-sync/2.3".to_owned(),
            times: 1,
        }
    }
}

pub fn router(controls: Controls) -> Router {
    Router::new()
        .route("/clock", get(clock))
        .route("/advance", post(advance))
        .route("/flush", post(flush))
        .route("/tokens", get(tokens))
        .route("/call", post(calls))
        .with_state(Arc::new(controls))
}

async fn clock(State(controls): State<Arc<Controls>>) -> Json<Value> {
    Json(json!({ "now": controls.clock.now().wall().to_rfc3339() }))
}

async fn advance(State(controls): State<Arc<Controls>>, Json(by): Json<Advance>) -> Json<Value> {
    controls.clock.advance(TimeDelta::milliseconds((by.seconds.max(0.0) * 1000.0) as i64));
    clock(State(controls)).await
}

async fn flush(State(controls): State<Arc<Controls>>) -> Result<Json<Value>, Failure> {
    controls.tokens.flush().await.map_err(failure)?;
    Ok(clock(State(controls)).await)
}

async fn tokens(State(controls): State<Arc<Controls>>) -> Json<Value> {
    let all = controls.made.iter().map(|(name, made)| {
        json!({ "name": name, "id": made.id.to_string(), "tenant": made.tenant, "secret": made.secret })
    });
    Json(all.collect())
}

async fn calls(
    State(controls): State<Arc<Controls>>,
    Json(asked): Json<Calls>,
) -> Result<Json<Value>, Failure> {
    let named = asked.name.as_ref().and_then(|name| controls.made.get(name));
    let text = asked.token.as_ref().or(named.map(|made| &made.secret));
    let text = text.ok_or((StatusCode::NOT_FOUND, "there is no such token".to_owned()))?;
    let called = Called {
        tenant: &asked.tenant,
        route: &asked.route,
        scope: &asked.scope,
        status: asked.status,
        milliseconds: asked.milliseconds,
        address: asked.address,
        agent: &asked.agent,
    };
    let mut answers = Vec::new();
    for _ in 0..asked.times {
        let (status, code) = call(&controls.tokens, text, &called).await.map_err(failure)?;
        answers.push(json!({ "status": status, "code": code }));
    }
    Ok(Json(answers.into()))
}

type Failure = (StatusCode, String);

fn failure(error: impl std::fmt::Display) -> Failure {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}
