//! The page of a token: who it is, how it is used, what can be done.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use chrono::TimeDelta;
use tokenward::admin::{Access, Permissions};
use tokenward::{Actor, MemoryStore, Update};

use super::kit::{Shop, manager, shop, shop_over};
use super::watched_usage::WatchedUsage;

const SYNC: &str = "Warehouse sync";

fn maria() -> Actor {
    Actor::new("maria@acme.example").tenant("acme")
}

fn may(change: impl FnOnce(&mut Permissions)) -> Access {
    let mut permissions = Permissions::all();
    change(&mut permissions);
    Access::Custom(maria(), permissions)
}

/// A token with two calls that went well and one that did not.
async fn used(shop: &Shop) -> (String, String) {
    let (text, record) = shop.token(SYNC, &["orders:read"]).await;
    shop.call(&text, "orders:read", "GET /orders", 200).await;
    shop.call(&text, "orders:read", "GET /orders", 200).await;
    shop.call(&text, "orders:read", "GET /orders/{id}", 404).await;
    (text, format!("/t/{}", record.id))
}

#[tokio::test]
async fn a_token_shows_its_figures_its_endpoints_and_its_calls() {
    let shop = shop();
    let (_, path) = used(&shop).await;
    let page = shop.get(&path).await;
    assert_eq!(page.status, 200);
    page.shows("Warehouse sync Active").shows("Calls in all 3").shows("Success, 24 h 66.6 %");
    page.shows("GET /orders 2 66.6 % 0").shows("GET /orders/{id} 1 33.3 % 1");
    page.shows("orders:read Look at orders 3 calls").shows("Busiest minute 3 calls, 24 Nov 2026, 14:00 UTC");
    page.shows("Edit").shows("Rotate…").shows("Pause…").shows("Revoke…");
    page.shows("14:00:00 UTC GET /orders/{id} 404 orders:read 31 ms 203.0.113.7 sync/2.3");
    page.shows("Created by maria").shows("Single calls are kept for 7 days");
}

#[tokio::test]
async fn charts_say_in_a_sentence_and_in_a_table_what_they_draw() {
    let shop = shop();
    let (_, path) = used(&shop).await;
    let page = shop.get(&format!("{path}?range=1h")).await;
    let sentence = "Calls in the last hour: 3, at most 3 in one minute, at 24 Nov, 14:00 UTC. The limit is 60 per minute. 0 calls refused by the limit, 1 answered with an error, 0 denied.";
    assert!(page.html.contains(&format!(r#"role="img" aria-label="{sentence}""#)), "{}", page.html);
    page.shows("Data table From 2xx 4xx 14:00 2 1").shows("limit 60 per minute");
    page.shows("Data table From p50 p95 p99 14:00 31 ms 31 ms 31 ms");
}

#[tokio::test]
async fn every_range_answers_and_one_that_does_not_read_says_why() {
    let shop = shop();
    let (_, path) = used(&shop).await;
    for range in ["1h", "24h", "7d", "30d"] {
        let page = shop.get(&format!("{path}?range={range}")).await;
        assert_eq!(page.status, 200);
        assert!(page.html.contains(&format!(r#"href="?range={range}" aria-current="true""#)), "{range}");
        page.shows("GET /orders 2");
    }
    let page = shop.get(&format!("{path}?from=2026-11-01T00:00&to=2026-11-02T00:00")).await;
    page.shows("In 1 Nov 2026, 00:00 UTC to 2 Nov 2026, 00:00 UTC").shows("No calls in this range.");
    shop.get(&format!("{path}?from=tomorrow")).await.shows("Write a date and a time in UTC");
}

#[tokio::test]
async fn a_token_that_was_never_used_shows_how_to_use_it() {
    let shop = shop();
    let (text, record) = shop.token(SYNC, &["orders:read"]).await;
    let page = shop.get(&format!("/t/{}", record.id)).await;
    let call = "curl -H \"Authorization: Bearer YOUR_TOKEN\" \"https://acme.localhost:3000/orders\"";
    page.shows("No calls yet").shows(call).shows("never used");
    assert!(page.html.contains(&format!("data-first-call=\"../t/{}/events\"", record.id)));
    assert!(!page.html.contains(&text));
}

#[tokio::test]
async fn while_use_cannot_be_read_the_token_is_shown_and_can_be_changed() {
    let usage = Arc::new(WatchedUsage::default());
    let shop = shop_over(Arc::new(MemoryStore::new()), usage.clone());
    let (_, path) = used(&shop).await;
    usage.is_away.store(true, Ordering::Relaxed);
    let page = shop.get(&path).await;
    assert_eq!(page.status, 200);
    page.shows("Use cannot be read right now; the token itself works").shows("Calls in all –");
    page.shows("Revoke…").shows("orders:read Look at orders").does_not_show("No calls yet");
    let calls = shop.get(&format!("{path}/calls")).await;
    assert_eq!(calls.status, 200);
    calls.shows("Calls cannot be read right now").does_not_show("No call is kept");
}

#[tokio::test]
async fn calls_that_lacked_a_scope_lead_to_adding_it_if_it_may_be_granted() {
    let shop = shop();
    let (text, path) = used(&shop).await;
    assert_eq!(shop.call(&text, "customers:read", "GET /customers", 200).await, Some(403));
    let page = shop.get(&path).await;
    page.shows("1 call lacked customers:read").shows("403 lacked customers:read");
    let address = format!("..{path}/settings?add=customers%3Aread");
    assert!(page.html.contains(&address), "{}", page.html);
    let bounded = Access::manage(maria().may_grant(["orders:read"]));
    let page = shop.get_as(bounded, &path).await;
    page.shows("1 call lacked customers:read");
    assert!(!page.html.contains("settings?add="));
    shop.get_as(Access::read_only(maria()), &path).await.shows("1 call lacked customers:read");
}

#[tokio::test]
async fn a_scope_that_is_not_used_leads_to_taking_it_away() {
    let shop = shop();
    let (text, record) = shop.token(SYNC, &["orders:read", "orders:write"]).await;
    shop.call(&text, "orders:read", "GET /orders", 200).await;
    let page = shop.get(&format!("/t/{}", record.id)).await;
    page.shows("orders:write Change orders not used yet Remove");
    assert!(page.html.contains("settings?remove=orders%3Awrite"));
    assert!(!page.html.contains("settings?remove=orders%3Aread"));
}

#[tokio::test]
async fn a_rotation_with_grace_shows_how_far_the_calls_have_moved() {
    let shop = shop();
    let (old, record) = shop.token(SYNC, &["orders:read"]).await;
    let path = format!("/t/{}", record.id);
    let rotation = shop.tokens.rotate(&record.id).grace(TimeDelta::hours(24)).by(maria()).await.unwrap();
    let new = rotation.secret.expose().to_owned();
    shop.get(&path)
        .await
        .shows("Rotation in progress")
        .shows("No call on the old secret since the rotation.");
    shop.call(&old, "orders:read", "GET /orders", 200).await;
    for _ in 0..3 {
        shop.call(&new, "orders:read", "GET /orders", 200).await;
    }
    let page = shop.get(&path).await;
    page.shows("75.0 % of the calls have moved to the new secret")
        .shows("3 calls, last just now from 203.0.113.7");
    page.shows("1 call since 24 Nov, 14:00 UTC would have failed.").shows("End old secret now");
    page.shows("The old secret works until 25 Nov 2026, 14:00 UTC");
    shop.clock.advance(TimeDelta::hours(6));
    shop.get(&path).await.shows("Safe: no call on the old secret for 6 h.");
    let without = may(|may| may.view_addresses = false);
    shop.get_as(without, &path).await.does_not_show("203.0.113.7").shows("last 6 h ago from sync/2.3");
    shop.clock.advance(TimeDelta::hours(18));
    shop.get(&path).await.does_not_show("Rotation in progress");
    assert_eq!(shop.call(&old, "orders:read", "GET /orders", 200).await, Some(401));
    shop.get(&path).await.shows("1 call in the last 24 hours came with the secret from before the rotation");
}

#[tokio::test]
async fn a_pause_shows_its_end_and_what_it_has_refused() {
    let shop = shop();
    let (text, path) = used(&shop).await;
    let id = path.trim_start_matches("/t/").parse().unwrap();
    shop.tokens.pause(&id).lasting(TimeDelta::minutes(10)).by(maria()).await.unwrap();
    shop.call(&text, "orders:read", "GET /orders", 200).await;
    let page = shop.get(&path).await;
    page.shows("Warehouse sync Paused").shows("It resumes by itself on 24 Nov 2026, 14:10 UTC , in 10 min");
    page.shows("1 call refused with 403 meanwhile.").shows("Resume now").shows("paused");
    shop.get_as(may(|may| may.pause = false), &path).await.does_not_show("Resume");
    shop.clock.advance(TimeDelta::minutes(10));
    shop.get(&path).await.shows("Warehouse sync Active").does_not_show("Resume now");
}

#[tokio::test]
async fn of_a_revoked_token_one_like_it_can_be_made_and_nothing_changed() {
    let shop = shop();
    let (_, path) = used(&shop).await;
    let id = path.trim_start_matches("/t/").parse().unwrap();
    shop.tokens.revoke(&id).because("left in a public repository").by(maria()).await.unwrap();
    let page = shop.get(&path).await;
    page.shows("Revoked for good just now : left in a public repository");
    page.shows("Create one like it").shows("Delete…");
    page.does_not_show("Rotate…").does_not_show("Pause…").does_not_show("Edit");
    assert!(page.html.contains(&format!("new?like={id}")));
}

#[tokio::test]
async fn whoever_may_not_do_or_see_something_finds_nothing_of_it() {
    let shop = shop();
    let (_, path) = used(&shop).await;
    let page = shop.get_as(Access::read_only(maria()), &path).await;
    for word in ["Edit", "Rotate…", "Pause…", "Revoke…", "Remove"] {
        page.does_not_show(word);
    }
    let page = shop.get_as(may(|may| may.view_addresses = false), &path).await;
    page.does_not_show("203.0.113.7").shows("sync/2.3");
    let page = shop.get_as(may(|may| may.view_history = false), &path).await;
    page.does_not_show("Created by maria").shows("Recent calls");
    let page = shop.get_as(may(|may| may.view_calls = false), &path).await;
    page.does_not_show("Recent calls").shows("Top endpoints");
    assert!(!page.html.contains("/events"));
}

#[tokio::test]
async fn changes_are_marked_in_the_charts_and_told_in_the_history() {
    let shop = shop();
    let (_, path) = used(&shop).await;
    let id = path.trim_start_matches("/t/").parse().unwrap();
    shop.tokens.update(&id, Update::new().per_minute(120)).by(maria()).await.unwrap();
    let page = shop.get(&path).await;
    page.shows("Limit: 60 requests per minute → 120 requests per minute by maria@acme.example ,");
    assert!(page.html.contains(r#"class="mark""#), "{}", page.html);
}

#[tokio::test]
async fn recent_calls_are_filtered_and_turned_page_by_page() {
    let shop = shop();
    let (text, path) = used(&shop).await;
    let filtered = shop.get(&format!("{path}/calls?status=4xx&method=&endpoint=&min_ms=")).await;
    filtered.shows("GET /orders/{id} 404").does_not_show("GET /orders 200");
    shop.get(&format!("{path}/calls?min_ms=32")).await.shows("No call that is kept fits.");
    for _ in 0..49 {
        shop.call(&text, "orders:read", "POST /orders", 201).await;
    }
    let first = shop.get(&format!("{path}/calls?status=2xx")).await;
    let next = first.link("Older calls");
    let second = shop.get(next.trim_start_matches("../..")).await;
    assert_eq!(second.html.matches("GET /orders</bdi>").count(), 1);
    second.shows("Newest calls").does_not_show("Older calls");
    let elsewhere = next.trim_start_matches("../..").replace("status=2xx", "status=4xx");
    assert_eq!(shop.get(&elsewhere).await.status, 400);
}

#[tokio::test]
async fn a_filter_that_does_not_read_comes_back_with_what_was_typed() {
    let shop = shop();
    let (_, path) = used(&shop).await;
    let page = shop.get(&format!("{path}/calls?min_ms=soon&endpoint=/orders")).await;
    assert_eq!(page.status, 422);
    assert!(page.html.contains(r#"value="soon""#) && page.html.contains(r#"value="/orders""#));
    page.shows("without its method");
}

#[tokio::test]
async fn whoever_may_not_see_addresses_cannot_find_them_by_asking() {
    let shop = shop();
    let (_, path) = used(&shop).await;
    let access = || may(|may| may.view_addresses = false);
    let page = shop.get_as(access(), &format!("{path}/calls?ip=203.0.113.7")).await;
    assert_eq!(page.status, 403);
    shop.get_as(access(), &format!("{path}/calls")).await.does_not_show("203.0.113.7").shows("sync/2.3");
    for path in [format!("{path}/calls?format=ndjson"), format!("{path}/events?after=0")] {
        let pieces = shop.stream(access(), &path, 2).await;
        assert!(pieces.contains("sync/2.3") && !pieces.contains("203.0.113.7"), "{pieces}");
        assert!(shop.stream(manager(), &path, 2).await.contains("203.0.113.7"));
    }
}

#[tokio::test]
async fn the_live_tail_goes_on_behind_the_newest_call_of_the_page() {
    let shop = shop();
    let (text, path) = used(&shop).await;
    let page = shop.get(&path).await;
    let live = page.html.split("data-live=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    shop.call(&text, "orders:read", "POST /orders", 201).await;
    let pieces = shop.stream(manager(), &format!("/{live}"), 2).await;
    assert_eq!(pieces.matches("event: call").count(), 1, "{pieces}");
    assert!(pieces.contains("POST /orders"));
}
