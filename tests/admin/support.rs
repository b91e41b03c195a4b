//! A shop with the admin API, and what tests say to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use chrono::TimeDelta;
use serde_json::Value;
use tokenward::admin::AdminApi;
use tokenward::{
    Actor, Catalog, Declaration, ManualClock, MemoryStore, NewToken, Policy, Preset, RateLimit, TokenId,
    TokenRecord, Tokens,
};
use tower::ServiceExt;

use super::shared::WatchedUsage;

pub struct Shop {
    pub tokens: Tokens,
    pub clock: ManualClock,
    pub app: Router,
    /// The text of a token of `acme` that holds every scope and may manage.
    pub manager: String,
    pub manager_id: TokenId,
    /// Where use is kept.
    pub usage: Arc<WatchedUsage>,
    batches: AtomicU64,
}

pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
    pub json: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub fn code(&self) -> (u16, &str) {
        (self.status, self.json["code"].as_str().unwrap_or_default())
    }

    /// The pointers and codes of a 422.
    pub fn errors(&self) -> Vec<(String, String)> {
        assert_eq!(self.code(), (422, "validation"), "{}", self.text);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let errors = self.json["errors"].as_array().unwrap();
        errors.iter().map(|error| (text(&error["pointer"]), text(&error["code"]))).collect()
    }

    pub fn id(&self) -> String {
        self.json["token"]["id"].as_str().or(self.json["id"].as_str()).unwrap().to_owned()
    }
}

pub fn catalog() -> Catalog {
    Catalog::new()
        .group("orders", "Orders")
        .scope("orders:read", "Look at orders")
        .scope("orders:write", "Change orders")
        .declare(
            Declaration::new("customers:write", "Change customers").sensitive().implies("customers:read"),
        )
        .scope("customers:read", "Look at customers")
        .preset(
            Preset::new("export", "Nightly export")
                .scopes(["orders:read"])
                .per_minute(30)
                .expires_in(TimeDelta::days(90)),
        )
}

pub fn everything() -> Vec<&'static str> {
    vec!["orders:read", "orders:write", "customers:write", "customers:read", "tokens:manage"]
}

pub async fn shop() -> Shop {
    shop_with(Policy::new()).await
}

pub async fn shop_with(policy: Policy) -> Shop {
    let clock = ManualClock::new();
    let usage = Arc::new(WatchedUsage::default());
    let tokens = Tokens::builder(Arc::new(MemoryStore::new()))
        .usage_store(usage.clone())
        .catalog(catalog())
        .policy(policy)
        .clock(clock.clone())
        .without_background()
        .build()
        .unwrap();
    let api = AdminApi::new(tokens.clone()).tenant_from_subdomain_of("localhost").at("/admin/api/v1");
    let asked = NewToken::named("Manager")
        .tenant("acme")
        .scopes(everything())
        .rate_limit(RateLimit::per_minute(100_000).unwrap());
    let issued = tokens.issue(asked).by("root").await.unwrap();
    Shop {
        app: Router::new().merge(api),
        manager: issued.secret.expose().to_owned(),
        manager_id: issued.record.id,
        tokens,
        clock,
        usage,
        batches: AtomicU64::new(0),
    }
}

impl Shop {
    /// The number of the next batch that is fed to the store of use by hand.
    pub fn next_batch(&self) -> u64 {
        self.batches.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// How many times the store of use was asked.
    pub fn questions(&self) -> usize {
        self.usage.questions.load(Ordering::SeqCst)
    }

    pub fn usage_is_away(&self, away: bool) {
        self.usage.is_away.store(away, Ordering::SeqCst);
    }

    pub async fn issue(&self, asked: NewToken) -> (String, TokenRecord) {
        let issued = self.tokens.issue(asked).by("root").await.unwrap();
        (issued.secret.expose().to_owned(), issued.record)
    }

    /// A token of `acme` with these scopes.
    pub async fn token(&self, name: &str, scopes: &[&str]) -> (String, TokenRecord) {
        self.issue(NewToken::named(name).tenant("acme").scopes(scopes.iter().copied())).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, &[], Some(body)).await
    }

    pub async fn patch(&self, id: impl ToString, body: Value) -> Answer {
        self.send("PATCH", &format!("/tokens/{}", id.to_string()), &[], Some(body)).await
    }

    /// As the manager of `acme`.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        self.send_by(&self.manager, method, path, headers, body).await
    }

    pub async fn send_by(
        &self,
        token: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let bearer = format!("Bearer {token}");
        let mut all = vec![("host", "acme.localhost"), ("authorization", &*bearer)];
        if body.is_some() {
            all.push(("content-type", "application/json"));
        }
        all.extend(headers);
        let body = body.map_or_else(Vec::new, |body| body.to_string().into_bytes());
        send(&self.app, method, &format!("/admin/api/v1{path}"), &all, body).await
    }
}

pub async fn send(app: &Router, method: &str, uri: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = app.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = to_bytes(response.into_body(), 10_000_000).await.unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    assert!(headers.get("cache-control").is_none_or(|value| value == "no-store"), "{headers:?}");
    #[cfg(feature = "openapi")]
    is_as_the_document_says(method, uri, status, &headers, &text);
    let json = serde_json::from_str(&text).unwrap_or_default();
    Answer { status, headers, text, json }
}

/// Whatever is tested, the API answers what its description says.
#[cfg(feature = "openapi")]
fn is_as_the_document_says(method: &str, uri: &str, status: u16, headers: &HeaderMap, text: &str) {
    let Some(path) = uri.strip_prefix("/admin/api/v1") else { return };
    let path = path.split('?').next().unwrap_or_default();
    let header = |name: &str| Some(headers.get(name)?.to_str().unwrap_or_default().to_owned());
    let told = crate::openapi::schema::Told { method, path, status, header: &header, text };
    if let Some(Err(error)) = crate::openapi::schema::check(&told) {
        panic!("{method} {path} does not answer as the document says: {error}");
    }
}

pub fn by_root() -> Actor {
    Actor::new("root").all_tenants()
}
