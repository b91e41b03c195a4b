//! Changing a token in place.

use std::time::Duration;

use chrono::TimeDelta;
use tokenward::admin::{Access, Permissions};
use tokenward::{
    Actor, Catalog, HistoryQuery, NewToken, Quota, RateLimit, TenantFilter, TokenId, TokenRecord, Update,
};

use super::filled::Filled;
use super::kit::{Page, Shop, shop};

async fn now(shop: &Shop, id: TokenId) -> TokenRecord {
    shop.tokens.find(&id).await.unwrap().unwrap()
}

async fn settings(shop: &Shop, id: TokenId) -> Filled {
    Filled::of(&shop.get(&format!("/t/{id}/settings")).await)
}

async fn save(shop: &Shop, id: TokenId, form: &Filled) -> Page {
    shop.post(&format!("/t/{id}/settings"), &form.text()).await
}

fn maria() -> Actor {
    Actor::new("maria").tenant("acme")
}

#[tokio::test]
async fn saving_what_was_not_touched_changes_nothing() {
    let shop = shop();
    let asked = NewToken::named("Warehouse sync")
        .description("Box 2\nask Maria")
        .tenant("acme")
        .owner("maria")
        .scopes(["orders:read", "orders:write", "customers:read", "tokens:read"])
        .rate_limit(RateLimit::per_minute(60).unwrap().and(Quota::per_day(5_000).unwrap()).unwrap())
        .addresses(["203.0.113.0/24"])
        .environment("live")
        .metadata("team", "red = blue")
        .not_before("2026-11-01T00:00:00Z".parse().unwrap())
        .expires_in(TimeDelta::days(90));
    let record = shop.tokens.issue(asked).by(maria()).await.unwrap().record;
    let odd = NewToken::named("Odd")
        .tenant("acme")
        .rate_limit(RateLimit::of(Quota::new(5, Duration::from_secs(2)).unwrap()));
    let odd = shop.tokens.issue(odd).by(maria()).await.unwrap().record;
    for record in [record, odd] {
        let form = settings(&shop, record.id).await;
        let page = save(&shop, record.id, &form).await;
        assert_eq!(page.status, 303, "{}", page.text());
        assert_eq!(page.header("location"), Some(format!("../../t/{}", record.id).as_str()));
        assert!(page.header("set-cookie").unwrap().contains("=same;"));
        assert_eq!(now(&shop, record.id).await, record);
    }
}

#[tokio::test]
async fn what_breaks_nothing_is_saved_at_once() {
    let shop = shop();
    let (_, record) = shop.token("Warehouse sync", &["orders:read"]).await;
    let form = settings(&shop, record.id)
        .await
        .with("name", &["Warehouse"])
        .with("description", &["Box 3"])
        .with("level.orders", &["orders:read orders:write"])
        .with("per_minute", &["240"])
        .with("per_hour", &["9000"])
        .with("environment", &["live"])
        .with("owner", &["maria"])
        .with("metadata", &["team = red"])
        .with("reason", &["Moved to box 3"]);
    let page = save(&shop, record.id, &form).await;
    assert_eq!(page.status, 303, "{}", page.text());
    let after = now(&shop, record.id).await;
    assert_eq!((after.name.as_str(), after.description.as_str()), ("Warehouse", "Box 3"));
    assert_eq!(after.scopes.len(), 2);
    assert_eq!(after.rate_limit.to_string(), "240 requests per minute and 9,000 requests per hour");
    assert_eq!((after.environment.as_deref(), after.owner.as_deref()), (Some("live"), Some("maria")));
    assert_eq!(after.metadata["team"], "red");
    assert_eq!((after.version, after.secret), (2, record.secret));
    let entries = shop.tokens.history(&HistoryQuery::new(TenantFilter::Any)).await.unwrap();
    assert_eq!(entries[0].draft.reason.as_deref(), Some("Moved to box 3"));
    assert_eq!(entries[0].draft.actor(), Some("maria@acme.example"));
}

#[tokio::test]
async fn what_may_break_something_is_shown_before_it_is_saved() {
    let shop = shop();
    let (text, record) = shop.token("Warehouse sync", &["orders:read", "orders:write"]).await;
    for _ in 0..3 {
        assert_eq!(shop.call(&text, "orders:write", "POST /orders/{id}/fulfil", 200).await, None);
    }
    let form = settings(&shop, record.id)
        .await
        .with("level.orders", &["orders:read"])
        .with("ends", &["30d"])
        .with("addresses", &["198.51.100.0/24"]);
    let held = save(&shop, record.id, &form).await;
    assert_eq!(held.status, 200);
    assert_eq!(now(&shop, record.id).await, record);
    held.shows("Nothing is saved yet").shows("Save anyway");
    held.shows("Without orders:write").shows("3 times").shows("POST /orders/{id}/fulfil");
    held.shows("Ending earlier").shows("It is still in use");
    held.shows("From fewer addresses").shows("3 calls in the last 24 hours came from elsewhere");
    held.shows("They came from 203.0.113.7.");
    held.shows("never Thu 24 Dec 2026, 14:00 UTC");
    let seen = Filled::of(&held);
    assert_eq!(seen.one("level.orders"), "orders:read");
    // Time passes while somebody reads.
    shop.clock.advance(TimeDelta::minutes(2));
    // What was not seen is shown first.
    let more = seen.clone().with("per_minute", &["1"]);
    save(&shop, record.id, &more).await.shows("Nothing is saved yet").shows("With 1 request per minute");
    assert_eq!(save(&shop, record.id, &seen).await.status, 303);
    let after = now(&shop, record.id).await;
    assert_eq!(after.scopes.len(), 1);
    assert_eq!(after.addresses.len(), 1);
    assert_eq!(after.expires_at, Some("2026-12-24T14:02:00Z".parse().unwrap()));
}

#[tokio::test]
async fn the_effect_of_a_lower_limit_is_what_a_recount_says() {
    let shop = shop();
    let (text, record) = shop.token("Warehouse sync", &["orders:read"]).await;
    let minutes = [10_u32, 5, 2, 1];
    for calls in minutes {
        for _ in 0..calls {
            assert_eq!(shop.call(&text, "orders:read", "GET /orders", 200).await, None);
        }
        shop.clock.advance(TimeDelta::minutes(1));
    }
    for limit in [1, 2, 4, 9, 10] {
        let over = minutes.iter().filter(|calls| **calls > limit).count();
        let cut: u32 = minutes.iter().map(|calls| calls.saturating_sub(limit)).sum();
        let form = settings(&shop, record.id).await.with("per_minute", &[&limit.to_string()]);
        let page = save(&shop, record.id, &form.with("check", &["1"])).await;
        assert_eq!(page.status, 200);
        if cut == 0 {
            page.shows("none of the last 1,440 minutes would have been cut");
        } else {
            page.shows(&format!("{over} of the last 1,440 minutes")).shows(&format!("{cut} call"));
        }
    }
    assert_eq!(now(&shop, record.id).await, record);
}

#[tokio::test]
async fn checking_shows_the_effect_and_saves_nothing() {
    let shop = shop();
    let (_, record) = shop.token("Warehouse sync", &["orders:read"]).await;
    let form = settings(&shop, record.id).await.with("name", &["Warehouse"]).with("check", &["1"]);
    let page = save(&shop, record.id, &form).await;
    assert_eq!(page.status, 200);
    page.shows("Name Warehouse sync Warehouse").shows("Nothing that works now stops working by it.");
    assert!(page.html.contains("id=\"effect\"") && page.html.contains("id=\"in-words\""));
    assert_eq!(now(&shop, record.id).await, record);
}

#[tokio::test]
async fn mistakes_keep_every_value() {
    let shop = shop();
    let (_, record) = shop.token("Warehouse sync", &["orders:read"]).await;
    let form = settings(&shop, record.id)
        .await
        .with("name", &[""])
        .with("description", &["kept"])
        .with("per_minute", &[""])
        .with("ends", &["date"])
        .with("ends_at", &["tomorrow"])
        .with("scopes", &["orders:refund", "no:such"]);
    let page = save(&shop, record.id, &form).await;
    assert_eq!(page.status, 422);
    for field in ["name", "per_minute", "ends", "scopes"] {
        assert!(page.html.contains(&format!("href=\"#{field}\"")), "{field}");
        assert!(page.html.contains(&format!("id=\"{field}-error\"")), "{field}");
    }
    page.shows("\"no:such\" is not a scope of this service");
    let (mut kept, mut sent) = (Filled::of(&page).0, form.0);
    kept.sort();
    sent.sort();
    assert_eq!(kept, sent);
    assert_eq!(now(&shop, record.id).await, record);
}

#[tokio::test]
async fn of_two_who_change_it_the_second_sees_what_the_first_has_saved() {
    let shop = shop();
    let (_, record) = shop.token("Warehouse sync", &["orders:read"]).await;
    let form = settings(&shop, record.id).await.with("name", &["Mine"]).with("per_minute", &["90"]);
    let other = Actor::new("nadia").tenant("acme");
    shop.tokens.update(&record.id, Update::new().name("Theirs")).by(other).await.unwrap();
    let page = save(&shop, record.id, &form).await;
    assert_eq!(page.status, 409);
    page.shows("nadia changed it").shows("Nothing was saved by you");
    page.shows("Name Mine Theirs").shows("How much 90 per minute 60 per minute");
    assert_eq!(now(&shop, record.id).await.name, "Theirs");
    // Saving again is meant.
    let again = Filled::of(&page);
    assert_eq!((again.one("name"), again.one("version")), ("Mine", "2"));
    assert_eq!(save(&shop, record.id, &again).await.status, 303);
    assert_eq!(now(&shop, record.id).await.name, "Mine");
    // Whoever may not look at history is not told who it was.
    let mut permissions = Permissions::all();
    permissions.view_history = false;
    let blind = Access::Custom(Actor::new("bo").tenant("acme"), permissions);
    let page = shop.post_as(blind, &format!("/t/{}/settings", record.id), &form.text()).await;
    assert_eq!(page.status, 409);
    assert!(!page.html.contains("maria@acme.example") && !page.html.contains("nadia"));
}

#[tokio::test]
async fn a_scope_that_the_catalogue_no_longer_has_is_kept_until_it_is_unticked() {
    let shop = shop();
    let store = std::sync::Arc::new(tokenward::MemoryStore::new());
    let build = |catalog: Catalog| {
        let builder = tokenward::Tokens::builder(store.clone()).usage_store(store.clone()).catalog(catalog);
        builder.clock(shop.clock.clone()).without_background().build().unwrap()
    };
    let before = build(super::kit::catalog().scope("gone:read", "Look at what is gone"));
    let asked = NewToken::named("Old").tenant("acme").scopes(["gone:read", "orders:read"]);
    let record = before.issue(asked).by(maria()).await.unwrap().record;
    drop(before);
    let tokens = build(super::kit::catalog());
    let dashboard =
        tokenward::dashboard::Dashboard::new(tokens.clone()).tenant_from_subdomain_of("localhost");
    let shop = Shop { tokens, clock: shop.clock.clone(), dashboard };
    let page = shop.get(&format!("/t/{}/settings", record.id)).await;
    page.shows("This service no longer knows it: it has no effect.");
    let form = Filled::of(&page).with("name", &["Older"]);
    assert_eq!(form.all("scopes"), ["gone:read"]);
    assert_eq!(save(&shop, record.id, &form).await.status, 303);
    assert_eq!(now(&shop, record.id).await.scopes, record.scopes);
    let form = settings(&shop, record.id).await.with("scopes", &[]);
    let held = save(&shop, record.id, &form).await;
    assert_eq!(held.status, 200, "{}", held.text());
    assert_eq!(save(&shop, record.id, &Filled::of(&held)).await.status, 303);
    assert_eq!(now(&shop, record.id).await.scopes.len(), 1);
}

#[tokio::test]
async fn whoever_holds_little_widens_no_further_and_may_narrow() {
    let shop = shop();
    let (_, record) = shop.token("Warehouse sync", &["orders:read", "orders:refund"]).await;
    let little = || Access::manage(Actor::new("li").tenant("acme").may_grant(["orders:read"]));
    let path = format!("/t/{}/settings", record.id);
    let form = Filled::of(&shop.get_as(little(), &path).await);
    assert_eq!(form.all("scopes"), ["orders:refund"]);
    let wider = form.clone().with("level.orders", &["orders:read orders:write"]);
    let refused = shop.post_as(little(), &path, &wider.text()).await;
    assert_eq!(refused.status, 403);
    refused.shows("You may not grant orders:refund, orders:write");
    assert_eq!(now(&shop, record.id).await, record);
    let narrower = form.with("scopes", &[]);
    let held = shop.post_as(little(), &path, &narrower.text()).await;
    assert_eq!(held.status, 200);
    assert_eq!(shop.post_as(little(), &path, &Filled::of(&held).text()).await.status, 303);
    assert_eq!(now(&shop, record.id).await.scopes.len(), 1);
}

#[tokio::test]
async fn fields_that_are_none_of_the_form_change_nothing() {
    let shop = shop();
    let (_, record) = shop.token("Warehouse sync", &["orders:read"]).await;
    let form = settings(&shop, record.id).await.text();
    let more = "&tenant=globex&id=tok_x&revoked_at=2020&created_by=eve&parent=x&paused_at=1&not_before=2030";
    let page = shop.post(&format!("/t/{}/settings", record.id), &format!("{form}{more}")).await;
    assert_eq!(page.status, 303);
    assert_eq!(now(&shop, record.id).await, record);
}

#[tokio::test]
async fn a_link_can_tick_or_untick_a_scope_and_saves_nothing() {
    let shop = shop();
    let (_, record) = shop.token("Warehouse sync", &["orders:read"]).await;
    let page = shop.get(&format!("/t/{}/settings?add=orders%3Arefund", record.id)).await;
    assert!(Filled::of(&page).all("scopes").contains(&"orders:refund"));
    page.shows("What it may do orders:read orders:read orders:refund");
    let page = shop.get(&format!("/t/{}/settings?remove=orders%3Aread", record.id)).await;
    assert_eq!(Filled::of(&page).one("level.orders"), "");
    page.shows("Without orders:read");
    let little = Access::manage(Actor::new("li").tenant("acme").may_grant(["orders:read"]));
    let page = shop.get_as(little, &format!("/t/{}/settings?add=orders:refund", record.id)).await;
    page.shows("The link adds something that you may not grant.");
    assert_eq!(now(&shop, record.id).await, record);
}

#[tokio::test]
async fn an_expired_token_comes_back_and_a_revoked_one_does_not() {
    let shop = shop();
    let asked = NewToken::named("Old").tenant("acme").scopes(["orders:read"]).expires_in(TimeDelta::hours(1));
    let issued = shop.tokens.issue(asked).by(maria()).await.unwrap();
    let id = issued.record.id;
    shop.clock.advance(TimeDelta::hours(2));
    let page = shop.get(&format!("/t/{id}/settings")).await;
    page.shows("This token has expired. It works again if you move its end.");
    let form = Filled::of(&page).with("ends", &["7d"]);
    assert_eq!(save(&shop, id, &form).await.status, 303);
    assert_eq!(shop.call(issued.secret.expose(), "orders:read", "GET /orders", 200).await, None);
    shop.tokens.revoke(&id).by(maria()).await.unwrap();
    let page = save(&shop, id, &form).await;
    assert_eq!(page.status, 409);
    assert_eq!(now(&shop, id).await.expires_at.unwrap().to_rfc3339(), "2026-12-01T16:00:00+00:00");
}

#[tokio::test]
async fn nobody_changes_what_is_out_of_reach() {
    let shop = shop();
    let (_, record) = shop.token("Warehouse sync", &["orders:read"]).await;
    let form = settings(&shop, record.id).await.with("name", &["Taken"]);
    let path = format!("/t/{}/settings", record.id);
    let reader = || Access::read_only(Actor::new("leo").tenant("acme"));
    assert_eq!(shop.get_as(reader(), &path).await.status, 403);
    assert_eq!(shop.post_as(reader(), &path, &form.text()).await.status, 403);
    let foreign = || Access::manage(Actor::new("eve").tenant("globex"));
    assert_eq!(shop.get_as(foreign(), &path).await.status, 404);
    assert_eq!(shop.post_as(foreign(), &path, &form.text()).await.status, 404);
    assert_eq!(now(&shop, record.id).await, record);
}
