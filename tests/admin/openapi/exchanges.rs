//! The exchanges that the document shows, in the order in which they happen.

use std::sync::atomic::Ordering;

use chrono::TimeDelta;
use serde_json::{Map, Value, json};
use tokenward::admin::{Access, AdminApi};
use tokenward::web::TenantSource;
use tokenward::{Actor, NewToken, RateLimit};

use super::exchange::{Ask, ask};
use super::seeded::{Seeded, seeded};

/// What was asked and answered, by operation.
struct Told {
    shop: Seeded,
    exchanges: Map<String, Value>,
}

impl Told {
    /// Sends it, and notes it where the answer has this status.
    async fn of(&mut self, status: u16, ask: Ask) -> Value {
        let (operation, exchange) = ask.of(&self.shop.api).await;
        assert_eq!(exchange["status"], status, "{operation}: {exchange:#}");
        let told = self.exchanges.entry(operation).or_insert_with(|| json!([]));
        told.as_array_mut().unwrap().push(exchange.clone());
        exchange["body"].clone()
    }
}

pub async fn exchanges() -> Value {
    let mut told = Told { shop: seeded(), exchanges: Map::new() };
    let (export, record) = told.shop.token(export()).await;
    let id = record.id.to_string();
    let (_, paused) = told.shop.token(NewToken::named("Old import").scopes(["orders:write"])).await;
    let paused = paused.id.to_string();
    calls(&told.shop, &export).await;
    looking(&mut told, &id).await;
    figures(&mut told, &id).await;
    impacts(&mut told, &id).await;
    others(&mut told).await;
    changing(&mut told, &id, &export).await;
    ending(&mut told, &paused).await;
    secrets(&mut told, &id).await;
    many(&mut told, &id, &paused, &export).await;
    history(&mut told, &id).await;
    refusals(&mut told, &id, &paused).await;
    told.exchanges.into()
}

fn export() -> NewToken {
    NewToken::named("Nightly export")
        .description("Copies orders into the books")
        .scopes(["orders:read"])
        .rate_limit(RateLimit::per_minute(30).unwrap())
        .expires_in(TimeDelta::days(90))
        .addresses(["203.0.113.0/24"])
        .environment("live")
        .metadata("plan", "pro")
        .owner("finance")
}

async fn calls(shop: &Seeded, text: &str) {
    for (route, status, ms) in [
        ("GET /orders", 200, 31),
        ("GET /orders/{id}", 200, 12),
        ("GET /orders/{id}", 404, 8),
        ("GET /orders", 500, 140),
    ] {
        shop.call(text, "orders:read", route, status, ms, 60).await;
    }
    shop.call(text, "orders:write", "POST /orders", 201, 1, 60).await;
    for _ in 0..31 {
        shop.call(text, "orders:read", "GET /orders", 200, 20, 0).await;
    }
    shop.clock.advance(TimeDelta::minutes(5));
    shop.tokens.flush().await.unwrap();
}

async fn looking(told: &mut Told, id: &str) {
    let all = json!({ "status": ["active"], "sort": "-created_at", "limit": 1, "include": "usage" });
    told.of(200, ask("listTokens", "Active tokens with their use, one on a page", all)).await;
    let by = json!({
        "q": "export", "scope": "orders:read", "owner": "finance", "env": "live",
        "created_by": "maria@acme.example", "metadata": { "metadata.plan": "pro" },
    });
    told.of(200, ask("listTokens", "Tokens that are looked for", by)).await;
    told.of(400, ask("listTokens", "A page that is too long", json!({ "limit": 500 }))).await;
    told.of(400, ask("listTokens", "A cursor of another listing", json!({ "cursor": "qrvM3e7_AQ" }))).await;
    told.of(200, ask("showToken", "A token", json!({ "id": id }))).await;
    told.of(200, ask("showToken", "A token with its use", json!({ "id": id, "include": "usage" }))).await;
    told.of(404, ask("showToken", "No token", json!({ "id": "tok_AAAAAAAAAAAAAAAA" }))).await;
    told.of(200, ask("listCalls", "Calls that failed", json!({ "id": id, "status": "4xx", "limit": 2 })))
        .await;
    let lines = json!({ "id": id, "endpoint": "GET /orders/{id}", "min_ms": 10 });
    let lines = ask("listCalls", "Slow calls of one endpoint, as lines", lines);
    told.of(200, lines.header("accept", "application/x-ndjson")).await;
    told.of(200, ask("streamCalls", "A client that comes back", json!({ "id": id, "Last-Event-ID": "33" })))
        .await;
    told.of(200, ask("streamAllCalls", "Behind a call that was seen", json!({ "after": "34" }))).await;
}

async fn figures(told: &mut Told, id: &str) {
    let minutes = |more: Value| {
        let mut range = json!({ "from": "2026-11-24T13:52:00Z", "to": "2026-11-24T13:56:00Z" });
        range.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        range
    };
    let of_token = || minutes(json!({ "id": id }));
    told.of(200, ask("tokenUsage", "Its use, and four minutes of it", of_token())).await;
    let series = minutes(json!({ "id": id, "step": 60 }));
    told.of(200, ask("tokenTimeSeries", "Four minutes, one by one", series)).await;
    let series = minutes(json!({ "metric": ["calls"], "step": 120 }));
    told.of(200, ask("timeSeries", "The calls of all tokens", series)).await;
    told.of(200, ask("tokenEndpoints", "What it called", json!({ "id": id, "limit": 2 }))).await;
    told.of(200, ask("tokenClients", "Who called with it", json!({ "id": id }))).await;
    told.of(200, ask("tokenScopes", "Its scopes", json!({ "id": id }))).await;
    told.of(200, ask("usage", "All tokens together", minutes(json!({})))).await;
    for by in ["token", "endpoint", "status"] {
        let summary = match by {
            "token" => "By token",
            "endpoint" => "By endpoint",
            _ => "By what became of the calls",
        };
        told.of(200, ask("usage", summary, minutes(json!({ "group_by": by })))).await;
    }
    let anywhere = ask("usage", "Of every tenant", json!({}));
    let anywhere = anywhere.by(Access::read_only(Actor::new("root").all_tenants()));
    let of_all = AdminApi::new(told.shop.tokens.clone()).tenant(TenantSource::without());
    let (operation, exchange) = anywhere.of(&of_all).await;
    told.exchanges[operation].as_array_mut().unwrap().push(exchange);
    told.shop.usage.is_away.store(true, Ordering::SeqCst);
    told.of(503, ask("tokenUsage", "Use cannot be read", json!({ "id": id }))).await;
    told.shop.usage.is_away.store(false, Ordering::SeqCst);
}

async fn impacts(told: &mut Told, id: &str) {
    told.of(200, ask("tokenImpact", "Revoke it", json!({ "id": id, "action": "revoke" }))).await;
    let limit = json!({ "id": id, "action": "rate_limit", "per_minute": 10 });
    told.of(200, ask("tokenImpact", "A lower limit", limit)).await;
    let scopes = json!({ "id": id, "action": "remove_scopes", "scope": ["orders:read"] });
    told.of(200, ask("tokenImpact", "Without a scope", scopes)).await;
}

async fn others(told: &mut Told) {
    told.of(200, ask("listScopes", "A catalogue", json!({}))).await;
    told.of(200, ask("listPresets", "Presets", json!({}))).await;
    told.of(200, ask("me", "A person of the shop", json!({}))).await;
    told.of(200, ask("health", "For whoever may look at tokens", json!({}))).await;
    told.of(200, ask("health", "For anybody", json!({})).by_nobody()).await;
    told.shop.store.go_down();
    told.of(503, ask("health", "For anybody, while the store is away", json!({})).by_nobody()).await;
    told.of(503, ask("listTokens", "The store is away", json!({}))).await;
    told.shop.store.come_back();
}

async fn changing(told: &mut Told, id: &str, export: &str) {
    told.of(
        200,
        ask("findToken", "A text that somebody has found", json!({})).body(json!({ "secret": export })),
    )
    .await;
    told.of(415, ask("findToken", "A form", json!({})).header("content-type", "text/plain").body(json!({})))
        .await;
    let full = json!({
        "name": "Stock sync", "description": "Keeps the shelves in step", "scopes": ["orders:read"],
        "rate_limit": { "per_minute": 120, "per_hour": 3000, "per_day": 40000 },
        "expires_at": "2027-02-01T00:00:00Z", "not_before": "2026-11-25T00:00:00Z",
        "ip_allow": ["198.51.100.7", "2001:db8::/32"], "env": "live",
        "metadata": { "plan": "pro" }, "owner": "warehouse",
    });
    told.of(201, ask("createToken", "A token with everything said", json!({})).body(full)).await;
    let preset = json!({ "name": "Export for the books", "preset": "export", "expires_in": 2_592_000 });
    told.of(201, ask("createToken", "A token of a preset, for 30 days", json!({})).body(preset)).await;
    let wrong = json!({ "name": "", "rate_limit": { "per_minute": 0 } });
    told.of(422, ask("createToken", "Two mistakes at once", json!({})).body(wrong)).await;
    let change = json!({
        "name": "Nightly export", "description": "Copies orders and customers", "scopes": ["orders:read", "customers:read"],
        "rate_limit": { "per_minute": 60, "per_hour": 2000, "per_day": null }, "expires_in": 7_776_000,
        "ip_allow": ["203.0.113.0/24"], "env": "live", "metadata": { "plan": null, "team": "books" },
        "owner": "finance",
    });
    told.of(
        200,
        ask("changeToken", "Scopes, limits and attributes", json!({ "id": id, "If-Match": "\"1\"" }))
            .body(change),
    )
    .await;
    let times = json!({ "expires_at": null, "not_before": null });
    told.of(200, ask("changeToken", "What would be", json!({ "id": id, "dry_run": true })).body(times)).await;
    told.of(
        412,
        ask("changeToken", "Somebody else was first", json!({ "id": id, "If-Match": "\"1\"" }))
            .body(json!({ "name": "x" })),
    )
    .await;
    let grace = json!({ "grace": 86_400 });
    let parameters = json!({ "id": id, "Idempotency-Key": "5f1c2d9e-rotation" });
    told.of(201, ask("rotateToken", "With a day of grace", parameters.clone()).body(grace.clone())).await;
    told.of(409, ask("rotateToken", "The same once more", parameters).body(grace)).await;
}

async fn ending(told: &mut Told, id: &str) {
    let pause = json!({ "for": 3_600, "reason": "it floods the shop" });
    told.of(200, ask("pauseToken", "For an hour", json!({ "id": id })).body(pause)).await;
    let until = json!({ "resume_at": "2026-11-25T08:00:00Z", "reason": "until the morning" });
    told.of(200, ask("pauseToken", "Until a moment", json!({ "id": id })).body(until)).await;
    told.of(200, ask("resumeToken", "It is mended", json!({ "id": id })).body(json!({ "reason": "mended" })))
        .await;
    told.of(409, ask("deleteToken", "It still works", json!({ "id": id }))).await;
    let leaked = json!({ "reason": "found in a public repository", "compromised": true });
    told.of(200, ask("revokeToken", "It has leaked", json!({ "id": id })).body(leaked)).await;
    told.of(409, ask("pauseToken", "It is revoked", json!({ "id": id }))).await;
}

async fn secrets(told: &mut Told, id: &str) {
    told.of(200, ask("listSecrets", "The new one, and the old one within its grace", json!({ "id": id })))
        .await;
    told.of(200, ask("listFindings", "An old secret that still works", json!({}))).await;
    let end = json!({ "id": id, "sid": "sec_1" });
    let later = ask("setSecretEnd", "Two days more", end.clone()).body(json!({ "expires_in": 172_800 }));
    told.of(200, later).await;
    let at = json!({ "expires_at": "2026-11-25T08:00:00Z" });
    told.of(200, ask("setSecretEnd", "Until the morning", end.clone()).body(at.clone())).await;
    let current = json!({ "id": id, "sid": "sec_2" });
    told.of(409, ask("setSecretEnd", "The current one", current).body(at)).await;
    told.of(204, ask("endSecret", "Nobody uses it any more", end)).await;
}

async fn many(told: &mut Told, id: &str, revoked: &str, export: &str) {
    let pause = json!({ "action": "pause", "ids": [id, revoked], "for": 600, "reason": "is it a leak?" });
    told.of(200, ask("changeTokens", "One of them is revoked", json!({})).body(pause)).await;
    let until = json!({ "action": "pause", "ids": [id], "resume_at": "2026-11-25T08:00:00Z" });
    told.of(200, ask("changeTokens", "Until the morning", json!({})).body(until)).await;
    let resume = json!({ "action": "resume", "ids": [id], "reason": "it was none" });
    told.of(200, ask("changeTokens", "They go on", json!({})).body(resume)).await;
    let extend = json!({ "action": "extend", "ids": [id], "expires_in": 7_776_000, "reason": "asked for" });
    told.of(200, ask("changeTokens", "90 days from now", json!({})).body(extend)).await;
    let extend = json!({ "action": "extend", "ids": [id], "expires_at": "2027-03-01T00:00:00Z" });
    told.of(200, ask("changeTokens", "Until spring", json!({})).body(extend)).await;
    let revoke =
        json!({ "action": "revoke", "ids": [revoked], "reason": "found in a log", "compromised": true });
    told.of(200, ask("changeTokens", "It has leaked", json!({})).body(revoke)).await;
    let (live, _) = told.shop.token(export_with_owner()).await;
    let works = json!({ "token": live, "token_type_hint": "access_token" });
    told.of(200, ask("introspectToken", "One that works", json!({})).body(works)).await;
    let rotated = json!({ "token": export });
    told.of(200, ask("introspectToken", "One that does not", json!({})).body(rotated)).await;
}

fn export_with_owner() -> NewToken {
    NewToken::named("Gateway").scopes(["orders:read"]).expires_in(TimeDelta::days(30)).owner("finance")
}

async fn history(told: &mut Told, id: &str) {
    told.of(200, ask("tokenHistory", "The newest entries", json!({ "id": id, "limit": 2 }))).await;
    let by = json!({
        "actor": "maria@acme.example", "action": ["rotated"], "token": id, "limit": 1,
        "from": "2026-11-24T13:00:00Z", "to": "2026-11-24T14:01:00Z",
    });
    told.of(200, ask("history", "Who has rotated a token", by)).await;
    let lines = ask("history", "The newest two, as lines", json!({ "limit": 2 }));
    told.of(200, lines.header("accept", "application/x-ndjson")).await;
    told.of(200, ask("verifyHistory", "It holds together", json!({}))).await;
}

async fn refusals(told: &mut Told, id: &str, revoked: &str) {
    told.of(401, ask("listTokens", "No token", json!({})).by_nobody()).await;
    let (reader, _) = told.shop.token(NewToken::named("Reader").scopes(["tokens:read"])).await;
    let by_reader = ask("createToken", "A token that may only look", json!({})).by_token(&reader);
    told.of(403, by_reader.body(json!({ "name": "x" }))).await;
    let managing = NewToken::named("Weak manager").scopes(["tokens:manage"]);
    let (weak, _) = told.shop.token(managing.rate_limit(RateLimit::per_minute(4).unwrap())).await;
    let beyond = json!({ "name": "x", "scopes": ["orders:write"] });
    told.of(403, ask("createToken", "More than it holds", json!({})).by_token(&weak).body(beyond)).await;
    told.of(200, ask("me", "A token", json!({})).by_token(&weak)).await;
    let two = ask("listTokens", "Two credentials", json!({})).by_token(&weak);
    told.of(400, two.header("authorization", format!("Bearer {reader}"))).await;
    let wrong = "tk_AAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBCCCCCC";
    told.of(401, ask("listTokens", "A token with a wrong letter", json!({})).by_token(wrong)).await;
    for _ in 0..2 {
        ask("me", "", json!({})).by_token(&weak).of(&told.shop.api).await;
    }
    told.of(429, ask("me", "Too many requests", json!({})).by_token(&weak)).await;
    let only = Access::Custom(Actor::new("desk").tenant("acme"), tokenward::admin::Permissions::read_only());
    told.of(403, ask("revokeToken", "Somebody who may only look", json!({ "id": id })).by(only)).await;
    let elsewhere = ask("resumeToken", "A page of another site", json!({ "id": id }));
    told.of(403, elsewhere.header("sec-fetch-site", "cross-site")).await;
    let long = json!({ "secret": "x".repeat(70_000) });
    let (_, mut refused) = ask("findToken", "", json!({})).body(long).of(&told.shop.api).await;
    refused["request"] = json!({ "parameters": {} });
    refused["summary"] = "A body that is too long".into();
    told.exchanges["findToken"].as_array_mut().unwrap().push(refused);
    told.of(204, ask("deleteToken", "A revoked token", json!({ "id": revoked }))).await;
}
