//! Streams end when whoever watches may not any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::TimeDelta;
use serde_json::json;
use tokenward::admin::{Access, AdminApi, AdminRequest};
use tokenward::web::Request;
use tokenward::{Actor, NewToken, Update};

use super::events::{ByHand, Event, call_ids, open};
use super::stream::{person, plain, watched};
use super::support::{Shop, by_root, shop};

/// Lets a minute go by, and polls.
async fn after_a_minute(shop: &Shop, stream: &mut ByHand) -> Option<Vec<Event>> {
    shop.clock.advance(TimeDelta::seconds(60));
    shop.tokens.flush().await.unwrap();
    stream.poll()
}

fn assert_gone(told: Option<Vec<Event>>, stream: &mut ByHand) {
    assert_eq!(told.unwrap()[0].data, json!({"state": "gone"}));
    assert!(stream.has_ended());
}

#[tokio::test]
async fn a_stream_ends_when_its_login_has() {
    let (shop, api, record, path) = watched().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let answers = asked.clone();
    // Four times yes, and then no.
    let recheck = move || {
        let number = answers.fetch_add(1, Ordering::SeqCst);
        async move { if number < 4 { person() } else { Access::Nobody } }
    };
    let headers: Vec<(&str, &str)> = Vec::new();
    let request = AdminRequest::new(Request::new("GET", &path, &headers), b"");
    let mut stream = ByHand(api.handle_with_recheck(person(), request, recheck).await.stream.unwrap());
    stream.poll().unwrap();
    for _ in 0..4 {
        shop.called(&record, plain(1)).await;
        assert_eq!(call_ids(&after_a_minute(&shop, &mut stream).await.unwrap()).len(), 1);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 4);
    shop.called(&record, plain(1)).await;
    let told = after_a_minute(&shop, &mut stream).await;
    assert_gone(told, &mut stream);
    // Where nobody can be asked again, a minute is all.
    let mut short = open(&api, person(), &path, &[]).await;
    let told = after_a_minute(&shop, &mut short).await;
    assert_gone(told, &mut short);
}

#[tokio::test]
async fn a_stream_ends_when_its_person_moves_elsewhere() {
    let (shop, api, record, path) = watched().await;
    for then in [
        Access::ReadOnly(Actor::new("maria").tenant("globex")),
        Access::ReadOnly(Actor::new("maria")),
        Access::Forbidden,
    ] {
        for path in [&*path, "/calls/stream"] {
            let then = then.clone();
            let recheck = move || std::future::ready(then.clone());
            let headers: Vec<(&str, &str)> = Vec::new();
            let request = AdminRequest::new(Request::new("GET", path, &headers), b"");
            let reply = api.handle_with_recheck(person(), request, recheck).await;
            let mut stream = ByHand(reply.stream.unwrap());
            stream.poll().unwrap();
            shop.called(&record, plain(1)).await;
            let told = after_a_minute(&shop, &mut stream).await;
            assert_gone(told, &mut stream);
        }
    }
}

#[tokio::test]
async fn a_stream_ends_with_the_token_it_shows() {
    let (shop, api, record, path) = watched().await;
    let recheck = || std::future::ready(person());
    let headers: Vec<(&str, &str)> = Vec::new();
    let request = AdminRequest::new(Request::new("GET", &path, &headers), b"");
    let mut stream = ByHand(api.handle_with_recheck(person(), request, recheck).await.stream.unwrap());
    stream.poll().unwrap();
    shop.tokens.revoke(&record.id).by(by_root()).await.unwrap();
    shop.called(&record, [json!({"outcome": "revoked", "status": 401})]).await;
    let told = after_a_minute(&shop, &mut stream).await;
    assert_eq!(call_ids(&told.unwrap()).len(), 1, "a revoked token is still looked at");
    shop.tokens.purge(&record.id).by(by_root()).await.unwrap();
    let told = after_a_minute(&shop, &mut stream).await;
    assert_gone(told, &mut stream);
}

#[tokio::test]
async fn a_stream_of_a_bearer_ends_with_its_right_and_costs_its_limit_once() {
    for way in ["revoke", "pause", "rotate", "narrow", "move", "end"] {
        let shop = shop().await;
        let (_, record) = shop.token("Used", &[]).await;
        let asked = NewToken::named("Reader").tenant("acme").scopes(["tokens:read"]).per_minute(2);
        let (text, reader) = shop.issue(asked).await;
        let api = AdminApi::new(shop.tokens.clone()).tenant_from_subdomain_of("localhost");
        let bearer = format!("Bearer {text}");
        let headers = [("host", "acme.localhost"), ("authorization", &*bearer)];
        let mut stream =
            open(&api, Access::Nobody, &format!("/tokens/{}/calls/stream", record.id), &headers).await;
        for _ in 0..3 {
            shop.called(&record, plain(1)).await;
            assert_eq!(call_ids(&after_a_minute(&shop, &mut stream).await.unwrap()).len(), 1);
        }
        let usage = shop.tokens.usage(&reader.id).await.unwrap();
        assert_eq!(usage.granted, 1, "looking again is no request");
        let id = &reader.id;
        let update = |update| async { drop(shop.tokens.update(id, update).by(by_root()).await.unwrap()) };
        match way {
            "revoke" => drop(shop.tokens.revoke(id).by(by_root()).await.unwrap()),
            "pause" => drop(shop.tokens.pause(id).by(by_root()).await.unwrap()),
            "rotate" => drop(shop.tokens.rotate(id).by(by_root()).await.unwrap()),
            "narrow" => update(Update::new().scopes(["orders:read"])).await,
            "move" => update(Update::new().addresses(["203.0.113.0/24"])).await,
            _ => update(Update::new().expires_at(shop.ago(-1))).await,
        }
        shop.called(&record, plain(1)).await;
        let told = after_a_minute(&shop, &mut stream).await;
        assert_gone(told, &mut stream);
    }
}
