//! The store's own login, to show how a service says who may see the dashboard: whoever has a shop's
//! admin token gets a session, kept in this process, and a cookie that names it.
//!
//! A real service has its users and their sessions already. It needs [`Sessions::access`] alone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Form, Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use tokenward::admin::Access;
use tokenward::{Need, Randomness, SystemRandomness, TOKENS_READ, TokenId, Tokens, Verdict};

use crate::DOMAIN;

/// Where people see their tokens.
pub const DASHBOARD: &str = "/admin/tokens";

const COOKIE: &str = "store_session";
/// How long somebody stays logged in.
const LASTING: TimeDelta = TimeDelta::hours(8);
/// So many sessions are kept; the oldest goes first.
const MOST_SESSIONS: usize = 10_000;

/// Everybody who is logged in.
#[derive(Clone)]
pub struct Sessions {
    tokens: Tokens,
    open: Arc<Mutex<HashMap<String, Session>>>,
}

/// Who it is: the holder of an admin token, for as long as that is the same and alive.
#[derive(Clone)]
struct Session {
    token: TokenId,
    secret_version: u32,
    since: DateTime<Utc>,
}

impl Sessions {
    pub fn new(tokens: &Tokens) -> Sessions {
        Sessions { tokens: tokens.clone(), open: Arc::default() }
    }

    /// What the dashboard is told of whoever comes: what the token of the session may do.
    pub async fn access(&self, parts: Parts) -> Access {
        let Some(session) = self.of(&parts.headers) else { return Access::login("/login") };
        match Access::of_token(&self.tokens, &session.token, session.secret_version, None).await {
            Ok(Access::Nobody) => Access::login("/login"),
            Ok(access) => access,
            Err(error) => {
                tracing::error!(%error, "who is logged in cannot be looked up");
                Access::Forbidden
            }
        }
    }

    fn of(&self, headers: &HeaderMap) -> Option<Session> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let session = open.get(named(headers)?)?;
        (Utc::now() - session.since < LASTING).then(|| session.clone())
    }

    fn begin(&self, session: Session) -> Option<String> {
        let mut bytes = [0; 24];
        SystemRandomness.fill(&mut bytes).ok()?;
        let name: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= MOST_SESSIONS
            && let Some(oldest) =
                open.iter().min_by_key(|(_, session)| session.since).map(|(name, _)| name.clone())
        {
            open.remove(&oldest);
        }
        open.insert(name.clone(), session);
        Some(name)
    }

    fn end(&self, headers: &HeaderMap) {
        if let Some(name) = named(headers) {
            self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        }
    }
}

/// The login, the logout, and the way from the shop's address to its dashboard.
pub fn routes(sessions: Sessions) -> Router {
    Router::new()
        .route("/", get(|| async { Redirect::to(DASHBOARD) }))
        .route("/login", get(show).post(log_in))
        .route("/logout", post(log_out))
        .with_state(sessions)
}

#[derive(Deserialize)]
struct Back {
    #[serde(default)]
    return_to: String,
}

#[derive(Deserialize)]
struct Login {
    token: String,
    #[serde(default)]
    return_to: String,
}

async fn show(Query(back): Query<Back>) -> Response {
    page(StatusCode::OK, &back.return_to, "")
}

async fn log_in(State(sessions): State<Sessions>, headers: HeaderMap, Form(login): Form<Login>) -> Response {
    let Some(shop) = shop_of(&headers) else {
        return page(StatusCode::NOT_FOUND, "", "There is no shop at this address.");
    };
    let need = Need::scope(TOKENS_READ).tenant(shop).on_route("POST /login");
    let grant = match sessions.tokens.verify(login.token.trim(), &need).await {
        Ok(Verdict::Granted(grant)) => grant,
        Ok(Verdict::Denied(denied)) => {
            let status = StatusCode::from_u16(denied.status()).unwrap_or(StatusCode::UNAUTHORIZED);
            return page(status, &login.return_to, &denied.detail());
        }
        Err(error) => {
            tracing::error!(%error, "nobody can log in");
            let why = "Nobody can log in at the moment. Try again shortly.";
            return page(StatusCode::SERVICE_UNAVAILABLE, &login.return_to, why);
        }
    };
    grant.record("POST /login", 303, std::time::Duration::ZERO);
    let session =
        Session { token: grant.token_id(), secret_version: grant.secret_version(), since: Utc::now() };
    let Some(name) = sessions.begin(session) else {
        return page(StatusCode::SERVICE_UNAVAILABLE, &login.return_to, "Try again shortly.");
    };
    let to = if is_path(&login.return_to) { &login.return_to } else { DASHBOARD };
    let cookie =
        format!("{COOKIE}={name}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}", LASTING.num_seconds());
    ([(header::SET_COOKIE, cookie)], Redirect::to(to)).into_response()
}

async fn log_out(State(sessions): State<Sessions>, headers: HeaderMap) -> Response {
    sessions.end(&headers);
    let cookie = HeaderValue::from_static("store_session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    ([(header::SET_COOKIE, cookie)], Redirect::to("/login")).into_response()
}

/// The name of the session that a request's cookie holds.
fn named(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs =
        cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

/// The shop that a request is for: the label before the domain in its host.
fn shop_of(headers: &HeaderMap) -> Option<&str> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name.strip_suffix(DOMAIN)?.strip_suffix('.')
}

/// Whether a text is a path of this host, and may be gone back to.
fn is_path(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_/?=&.%+:".contains(&byte);
    text.starts_with('/') && !text.starts_with("//") && text.bytes().all(is_plain)
}

fn page(status: StatusCode, return_to: &str, why: &str) -> Response {
    let return_to = if is_path(return_to) { return_to.replace('&', "&amp;") } else { String::new() };
    let why = why.replace('&', "&amp;").replace('<', "&lt;");
    let why = if why.is_empty() { why } else { format!("<p class=\"why\" role=\"alert\">{why}</p>") };
    let html = include_str!("login.html").replace("{return_to}", &return_to).replace("{why}", &why);
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    (status, headers, Html(html)).into_response()
}
