//! Creating a token, and the page that shows its secret.

use std::sync::Arc;

use chrono::TimeDelta;
use tokenward::admin::Access;
use tokenward::dashboard::Dashboard;
use tokenward::{
    Actor, HistoryQuery, ManualClock, MemoryStore, Policy, Query, RateLimit, TenantFilter, TokenRecord,
    Tokens,
};

use super::filled::{Filled, encoded};
use super::kit::{Page, Shop, catalog, shop};

/// All tokens there are, whoever has them.
async fn all(shop: &Shop) -> Vec<TokenRecord> {
    let query = Query::new(TenantFilter::Any, shop.tokens.clock().now().wall());
    shop.tokens.list(&query).await.unwrap().records
}

fn secret_on(page: &Page) -> Option<String> {
    let start = page.html.find("id=\"secret\"")?;
    let value = page.html[start..].find("value=\"")? + start + 7;
    Some(page.html[value..value + page.html[value..].find('"')?].to_owned())
}

/// A shop with a policy.
fn shop_with(policy: Policy) -> Shop {
    let clock = ManualClock::at("2026-11-24T14:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap());
    let store = Arc::new(MemoryStore::new());
    let tokens = Tokens::builder(store.clone())
        .usage_store(store)
        .catalog(catalog())
        .policy(policy)
        .clock(clock.clone())
        .without_background()
        .build()
        .unwrap();
    let dashboard = Dashboard::new(tokens.clone()).tenant_from_subdomain_of("localhost");
    Shop { tokens, clock, dashboard }
}

#[tokio::test]
async fn each_preset_fills_the_form_and_creates_what_it_promises() {
    for preset in catalog().presets() {
        let shop = shop();
        let page = shop.get(&format!("/new?preset={}", preset.id)).await;
        page.shows(&preset.title).shows(&preset.description);
        assert!(page.html.contains("aria-current=\"true\""));
        let filled = Filled::of(&page).with("name", &["Warehouse sync"]);
        let created = shop.post("/new", &filled.text()).await;
        assert_eq!(created.status, 200, "{}", created.text());
        let records = all(&shop).await;
        let [record] = &*records else { panic!("{records:?}") };
        let scopes: Vec<_> = record.scopes.iter().map(|scope| scope.as_str()).collect();
        assert_eq!(scopes, preset.scopes);
        assert_eq!(record.rate_limit, RateLimit::per_minute(preset.per_minute.unwrap()).unwrap());
        assert_eq!(record.expires_at.unwrap() - record.created_at, preset.expires_in.unwrap());
        assert_eq!(record.tenant.as_deref(), Some("acme"));
    }
}

#[tokio::test]
async fn a_link_fills_each_field_and_sends_nothing() {
    let shop = shop();
    let page = shop
        .get("/new?name=Warehouse+sync&description=Box+2%2C+ask+Maria&scopes=orders:read+orders:refund&per_minute=42&expires_in=2592000")
        .await;
    assert_eq!(page.status, 200);
    let filled = Filled::of(&page);
    assert_eq!(filled.one("name"), "Warehouse sync");
    assert_eq!(filled.one("description"), "Box 2, ask Maria");
    assert_eq!(filled.one("level.orders"), "orders:read");
    assert!(filled.all("scopes").contains(&"orders:refund"));
    assert_eq!(filled.one("per_minute"), "42");
    assert_eq!(filled.one("ends"), "30d");
    page.shows("At most 42 calls a minute, until 24 Dec 2026.");
    // Ten days are none of the choices: they are a date.
    let filled = Filled::of(&shop.get("/new?expires_in=864000").await);
    assert_eq!((filled.one("ends"), filled.one("ends_at")), ("date", "2026-12-04T14:00"));
    // What is said beside a preset holds.
    let filled = Filled::of(&shop.get("/new?preset=export&per_minute=7&scopes=").await);
    assert_eq!((filled.one("per_minute"), filled.one("level.orders")), ("7", ""));
    assert_eq!(filled.one("ends"), "90d");
    assert!(all(&shop).await.is_empty());
}

#[tokio::test]
async fn a_link_that_asks_for_what_is_not_there_says_so() {
    let shop = shop();
    let page = shop.get("/new?preset=gone&like=tok_x&scopes=gone:read+orders:read&expires_in=soon").await;
    assert_eq!(page.status, 200);
    page.shows("There is no such use case here").shows("The token to be copied is not here any more");
    page.shows("Left out, since this service does not have it: gone:read.");
    page.shows("The link names no number of seconds to live");
    assert_eq!(Filled::of(&page).one("level.orders"), "orders:read");
}

#[tokio::test]
async fn a_token_can_be_made_like_another_within_reach_only() {
    let shop = shop();
    let (_, mine) = shop.token("Warehouse sync", &["orders:read", "orders:write"]).await;
    let page = shop.get(&format!("/new?like={}", mine.id)).await;
    let filled = Filled::of(&page);
    assert_eq!(filled.one("name"), "Warehouse sync (copy)");
    assert_eq!(filled.one("level.orders"), "orders:read orders:write");
    assert_eq!(filled.one("ends"), "never");
    let foreign = Access::manage(Actor::new("eve").tenant("globex"));
    let headers = [("host", "globex.localhost")];
    let other = tokenward::web::Request::new("GET", "/new", &headers);
    let query = format!("like={}", mine.id);
    let request = tokenward::web::Request { query: Some(&query), ..other };
    let reply = shop.dashboard.handle(foreign, tokenward::admin::AdminRequest::new(request, b"")).await;
    let html = String::from_utf8(reply.body).unwrap();
    assert!(!html.contains("Warehouse") && html.contains("not here any more"));
}

#[tokio::test]
async fn mistakes_are_told_at_their_fields_and_everything_typed_is_kept() {
    let shop = shop();
    let filled = Filled::of(&shop.get("/new").await)
        .with("description", &["It's <b>\"quoted\"</b>"])
        .with("level.orders", &["orders:read orders:write"])
        .with("scopes", &["orders:refund", "tokens:read"])
        .with("per_minute", &["many"])
        .with("per_hour", &["0"])
        .with("ends", &["date"])
        .with("ends_at", &["2026-02-30T00:00"])
        .with("addresses", &["203.0.113.0/24\nlocalhost"])
        .with("metadata", &["team = red\nno equals sign"])
        .with("environment", &["live"])
        .with("owner", &["maria"]);
    let page = shop.post("/new", &filled.text()).await;
    assert_eq!(page.status, 422);
    assert!(page.html.contains("role=\"alert\""));
    let told = [
        ("name", "Give it a name that people know it by."),
        ("per_minute", "A whole number of calls is needed here, at least 1."),
        ("per_hour", "A whole number of calls is needed here, at least 1."),
        ("ends", "Give a date and a time in UTC, such as 2027-02-01 00:00."),
        ("addresses", "\"localhost\" is neither an IP address nor a block such as 203.0.113.0/24."),
        ("metadata", "Each line reads key = value."),
    ];
    for (field, text) in told {
        page.shows(text);
        assert!(page.html.contains(&format!("href=\"#{field}\"")), "{field}");
        assert!(page.html.contains(&format!("id=\"{field}\"")), "{field}");
        assert!(page.html.contains(&format!("id=\"{field}-error\"")), "{field}");
    }
    // In the order of the form, which a person goes through.
    let places = ["name", "per_minute", "per_hour", "ends", "addresses", "metadata"]
        .map(|field| page.html.find(&format!("href=\"#{field}\"")).unwrap());
    assert!(places.is_sorted(), "{places:?}");
    let asked = shop.post("/new", &filled.clone().with("check", &["1"]).text()).await;
    assert_eq!(asked.status, 200);
    asked.shows("Give it a name that people know it by.");
    let mut kept = Filled::of(&page).0;
    let mut sent = filled.0;
    kept.sort();
    sent.sort();
    assert_eq!(kept, sent);
    assert!(all(&shop).await.is_empty());
}

#[tokio::test]
async fn checking_says_what_it_could_do_and_creates_nothing() {
    let shop = shop();
    let filled = Filled::of(&shop.get("/new?name=Export&scopes=orders:read").await);
    let page = shop.post("/new", &filled.clone().with("check", &["1"]).text()).await;
    assert_eq!(page.status, 200);
    page.shows("It can look at orders. It cannot change anything, and cannot reach customers.");
    page.shows("Ends Mon 22 Feb 2027, 14:00 UTC , in 90 days.");
    assert_eq!(Filled::of(&page).text(), filled.text());
    let empty = filled.with("level.orders", &[""]).with("check", &["1"]);
    shop.post("/new", &empty.text()).await.shows("Every call is answered 403");
    let all_read = Filled::of(&page).with("level.orders", &[""]).with("all_read", &["*"]);
    let page = shop.post("/new", &all_read.text()).await;
    assert_eq!(Filled::of(&page).one("level.orders"), "orders:read");
    // Nothing that is sensitive is ticked with the rest.
    assert!(!Filled::of(&page).all("scopes").contains(&"customers:read"));
    assert!(all(&shop).await.is_empty());
}

#[tokio::test]
async fn a_double_click_makes_one_token_and_a_reload_shows_no_secret() {
    let shop = shop();
    let form = Filled::of(&shop.get("/new?name=Export&scopes=orders:read").await).text();
    let first = shop.post("/new", &form).await;
    let secret = secret_on(&first).unwrap();
    shop.clock.advance(TimeDelta::minutes(5));
    let second = shop.post("/new", &form).await;
    assert_eq!(second.status, 409);
    let records = all(&shop).await;
    let [record] = &*records else { panic!("{records:?}") };
    second.shows("It created “Export” then, 5 min ago").shows("its secret was shown once");
    assert!(second.html.contains(&format!("href=\"./t/{}\"", record.id)));
    assert!(second.html.contains(&format!("href=\"./t/{}/rotate\"", record.id)));
    assert!(!second.html.contains(&secret));
    // Another form is another token.
    let other = Filled::of(&shop.get("/new?name=Export&scopes=orders:read").await);
    assert_eq!(shop.post("/new", &other.text()).await.status, 200);
    assert_eq!(all(&shop).await.len(), 2);
}

#[tokio::test]
async fn the_secret_stands_on_one_page_which_nobody_keeps() {
    let shop = shop();
    let form = Filled::of(&shop.get("/new?name=Export&scopes=orders:read").await).text();
    let created = shop.post("/new", &form).await;
    let secret = secret_on(&created).unwrap();
    assert_eq!(created.header("cache-control"), Some("no-store"));
    assert_eq!(created.header("location"), None);
    assert!(created.headers.iter().all(|(_, value)| !value.contains(&secret)));
    let title = &created.html[created.html.find("<title>").unwrap()..created.html.find("</title>").unwrap()];
    assert!(!title.contains(&secret), "{title}");
    created.shows("This is the only time that you see this token.").shows("“Export” is created");
    created
        .shows(&format!("curl -H \"Authorization: Bearer {secret}\" \"https://acme.localhost:3000/orders\""));
    // It works.
    assert_eq!(shop.call(&secret, "orders:read", "GET /orders", 200).await, None);
    let id = all(&shop).await[0].id;
    let pages = ["/", "/new", "/history", "/usage", "/attention"].map(str::to_owned);
    let of_token = ["", "/history", "/settings", "/rotate", "/revoke", "/calls"];
    for path in pages.into_iter().chain(of_token.map(|page| format!("/t/{id}{page}"))) {
        let page = shop.get(&path).await;
        assert!(!page.html.contains(&secret), "{path}");
    }
    let history = shop.tokens.history(&HistoryQuery::new(TenantFilter::Any)).await.unwrap();
    let history = serde_json::to_string(&history).unwrap();
    assert!(history.contains("Export") && !history.contains(&secret));
}

#[tokio::test]
async fn whoever_holds_little_grants_no_more() {
    let shop = shop();
    let little = || Access::manage(Actor::new("li").tenant("acme").may_grant(["orders:read"]));
    let page = shop.get_as(little(), "/new?preset=export").await;
    page.shows("You do not hold this yourself, so you may not grant it.");
    assert!(page.html.contains(
        "id=\"level-orders-write\" name=\"level.orders\" value=\"orders:read orders:write\" disabled"
    ));
    assert!(
        !page.html.contains("id=\"level-orders-read\" name=\"level.orders\" value=\"orders:read\" disabled")
    );
    page.shows("It can look at orders.");
    let linked = shop.get_as(little(), "/new?scopes=orders:read+customers:read").await;
    linked.shows("Left out, since you do not hold it yourself: customers:read.");
    // A form that was written by hand is refused, with what exceeds, and keeps what was typed.
    let filled =
        Filled::of(&page).with("name", &["Mine"]).with("scopes", &["customers:read", "tokens:manage"]);
    let refused = shop.post_as(little(), "/new", &filled.text()).await;
    assert_eq!(refused.status, 403);
    refused.shows("You may not grant customers:read, tokens:manage: you do not hold it yourself.");
    assert_eq!(Filled::of(&refused).one("name"), "Mine");
    assert!(all(&shop).await.is_empty());
    let plain = Filled::of(&page).with("name", &["Mine"]);
    assert_eq!(shop.post_as(little(), "/new", &plain.text()).await.status, 200);
}

#[tokio::test]
async fn fields_that_are_none_of_the_form_do_nothing() {
    let shop = shop();
    let form = Filled::of(&shop.get("/new?name=Export").await).text();
    let more =
        "&tenant=globex&id=tok_abcdefghijklmnop&created_by=eve&revoked_at=2020-01-01&version=9&parent=x";
    assert_eq!(shop.post("/new", &format!("{form}{more}")).await.status, 200);
    let records = all(&shop).await;
    let [record] = &*records else { panic!("{records:?}") };
    assert_eq!(record.tenant.as_deref(), Some("acme"));
    assert_eq!((record.created_by.as_str(), record.version), ("maria@acme.example", 1));
    assert_eq!((record.revoked_at, record.parent), (None, None));
}

#[tokio::test]
async fn what_never_ends_needs_a_reason_which_history_keeps() {
    let shop = shop();
    let filled = Filled::of(&shop.get("/new?name=Export").await).with("ends", &["never"]);
    let refused = shop.post("/new", &filled.text()).await;
    assert_eq!(refused.status, 422);
    refused.shows("Say why it shall never end");
    let reason = filled.with("reason", &["The till cannot be updated"]);
    assert_eq!(shop.post("/new", &reason.text()).await.status, 200);
    assert_eq!(all(&shop).await[0].expires_at, None);
    let history = shop.tokens.history(&HistoryQuery::new(TenantFilter::Any)).await.unwrap();
    assert_eq!(history[0].draft.reason.as_deref(), Some("The till cannot be updated"));
}

#[tokio::test]
async fn the_policy_of_the_service_bounds_the_choices() {
    let shop = shop_with(Policy::new().greatest_lifetime(TimeDelta::days(60)));
    let page = shop.get("/new?name=Export").await;
    page.shows("Every token here ends after at most 60 days.").shows("Longer than tokens may live here.");
    let filled = Filled::of(&page);
    assert_eq!(filled.one("ends"), "30d");
    for beyond in ["never", "90d"] {
        let filled = filled.clone().with("ends", &[beyond]).with("reason", &["why not"]);
        let refused = shop.post("/new", &filled.text()).await;
        assert_eq!(refused.status, 422, "{beyond}");
        assert!(refused.html.contains("href=\"#ends\""));
    }
    assert_eq!(shop.post("/new", &filled.text()).await.status, 200);
}

#[tokio::test]
async fn an_exact_moment_and_several_windows_come_out_as_typed() {
    let shop = shop();
    let filled = Filled::of(&shop.get("/new?name=Export&scopes=orders:read").await)
        .with("ends", &["date"])
        .with("ends_at", &["2027-02-01T09:30"])
        .with("per_minute", &["60"])
        .with("per_hour", &["1000"])
        .with("per_day", &["5000"])
        .with("addresses", &["203.0.113.0/24, 2001:db8::1"])
        .with("metadata", &["team = red"]);
    let page = shop.post("/new", &filled.clone().with("check", &["1"]).text()).await;
    page.shows("At most 60 calls a minute, 1,000 calls an hour and 5,000 calls a day, until 1 Feb 2027.");
    page.shows("Ends Mon 1 Feb 2027, 09:30 UTC").shows("Only from 203.0.113.0/24 or 2001:db8::1.");
    assert_eq!(shop.post("/new", &filled.text()).await.status, 200);
    let record = &all(&shop).await[0];
    assert_eq!(record.expires_at, Some("2027-02-01T09:30:00Z".parse().unwrap()));
    assert_eq!(
        record.rate_limit.to_string(),
        "60 requests per minute and 1,000 requests per hour and 5,000 requests per day"
    );
    assert_eq!(record.addresses.len(), 2);
    assert_eq!(record.metadata["team"], "red");
    let smaller = filled.with("key", &["0".repeat(32).as_str()]).with("per_hour", &["10"]);
    let refused = shop.post("/new", &smaller.text()).await;
    assert_eq!(refused.status, 422);
    assert!(refused.html.contains("href=\"#per_hour\""), "{}", refused.text());
}

#[tokio::test]
async fn names_with_marks_stay_text() {
    let shop = shop();
    let name = "<img src=x onerror=alert(1)> \"it\" & 'that'";
    let page =
        shop.get(&format!("/new?name={}&description={}", encoded(name), encoded("</textarea><b>"))).await;
    assert!(!page.html.contains("<img") && !page.html.contains("</textarea><b>"));
    assert_eq!(Filled::of(&page).one("name"), name);
    let created = shop.post("/new", &Filled::of(&page).text()).await;
    assert_eq!(created.status, 200);
    assert!(!created.html.contains("<img"));
    created.shows(name);
}

#[tokio::test]
async fn whoever_may_only_look_creates_nothing() {
    let shop = shop();
    let form = Filled::of(&shop.get("/new?name=Export").await).text();
    let reader = || Access::read_only(Actor::new("leo").tenant("acme"));
    assert_eq!(shop.get_as(reader(), "/new").await.status, 403);
    assert_eq!(shop.post_as(reader(), "/new", &form).await.status, 403);
    assert!(all(&shop).await.is_empty());
}

#[tokio::test]
async fn the_call_to_paste_is_one_that_the_token_may_make() {
    let shop = shop();
    for (scopes, resource) in [
        ("orders%3Aread", "orders"),
        ("customers%3Aread", "customers"),
        ("orders%3Arefund+customers%3Aread", "customers"),
    ] {
        let form = Filled::of(&shop.get(&format!("/new?name=Try&scopes={scopes}")).await).text();
        let page = shop.post("/new", &form).await;
        assert!(
            page.html.contains(&format!("https://acme.localhost:3000/{resource}")),
            "{scopes}: {}",
            page.text()
        );
    }
}
