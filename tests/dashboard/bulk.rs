//! Several tokens at once.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use chrono::TimeDelta;
use tokenward::admin::{Access, Permissions};
use tokenward::{Actor, HistoryQuery, MemoryStore, NewToken, Status, TenantFilter, TokenId};

use super::kit::{Page, Shop, manager, shop, shop_over};
use super::watched_usage::WatchedUsage;

fn maria() -> Actor {
    Actor::new("maria").tenant("acme")
}

async fn status(shop: &Shop, id: &TokenId) -> Status {
    shop.tokens.find(id).await.unwrap().unwrap().status(shop.moment())
}

/// The place of the first of these texts that a page shows.
fn place(page: &Page, text: &str) -> usize {
    page.text().find(text).unwrap_or_else(|| panic!("{text:?} is not there"))
}

#[tokio::test]
async fn revoking_shows_those_in_use_first_and_asks_for_their_number() {
    let shop = shop();
    let (_, idle) = shop.token("Idle", &["orders:read"]).await;
    let (text, busy) = shop.token("Busy", &["orders:read"]).await;
    for _ in 0..3 {
        shop.call(&text, "orders:read", "GET /orders", 200).await;
    }
    let chosen = format!("action=revoke&id={}&id={}", idle.id, busy.id);
    let page = shop.get(&format!("/bulk?{chosen}")).await;
    assert_eq!(page.status, 200);
    page.shows("Revoke 2 tokens?").shows("3 calls in the last 24 hours were made with them.");
    page.shows("Revoking cannot be undone.").shows("1 of them was used in the last 7 days: it stands first.");
    assert!(place(&page, "Busy") < place(&page, "Idle"));
    for typed in ["", "&confirm=1", "&confirm=two"] {
        let page = shop.post("/bulk", &format!("{chosen}&reason=leaked{typed}")).await;
        assert_eq!(page.status, 422);
        page.shows("Nothing was changed yet.").shows("Type 2: so many tokens are revoked, for good.");
        assert!(page.html.contains(r#"name="reason" maxlength="500" value="leaked""#));
        assert!(
            page.html.contains(r##"href="#confirm""##)
                && page.html.contains(r#"aria-describedby="confirm-error""#)
        );
    }
    assert_eq!(status(&shop, &busy.id).await, Status::Active);
    let page = shop.post("/bulk", &format!("{chosen}&reason=leaked&confirm=+2+")).await;
    assert_eq!((page.status, page.header("location")), (303, Some("./")));
    for id in [&idle.id, &busy.id] {
        assert_eq!(status(&shop, id).await, Status::Revoked);
        let query = HistoryQuery::new(TenantFilter::Only(Some("acme".into()))).token(*id);
        let entries = shop.tokens.history(&query).await.unwrap();
        assert_eq!(entries[0].draft.reason.as_deref(), Some("leaked"));
    }
    assert_eq!(shop.call(&text, "orders:read", "GET /orders", 200).await, Some(401));
}

#[tokio::test]
async fn revoking_what_nobody_uses_asks_for_nothing() {
    let shop = shop();
    let (text, record) = shop.token("Once used", &["orders:read"]).await;
    shop.call(&text, "orders:read", "GET /orders", 200).await;
    shop.clock.advance(TimeDelta::days(7));
    let chosen = format!("action=revoke&id={}", record.id);
    let page = shop.get(&format!("/bulk?{chosen}")).await;
    page.shows("Revoke 1 token?").shows("None was used in the last 7 days.").hides("to confirm");
    assert_eq!(shop.post("/bulk", &chosen).await.status, 303);
    assert_eq!(status(&shop, &record.id).await, Status::Revoked);
}

#[tokio::test]
async fn where_use_cannot_be_read_each_may_be_in_use() {
    let usage = Arc::new(WatchedUsage::default());
    let shop = shop_over(Arc::new(MemoryStore::new()), usage.clone());
    let (_, record) = shop.token("Warehouse sync", &["orders:read"]).await;
    usage.is_away.store(true, Ordering::SeqCst);
    let chosen = format!("action=revoke&id={}", record.id);
    let page = shop.get(&format!("/bulk?{chosen}")).await;
    assert_eq!(page.status, 200);
    page.shows("Any of them may be in use.")
        .shows("Type 1, the number of tokens, to confirm")
        .hides("0 calls");
    assert_eq!(shop.post("/bulk", &chosen).await.status, 422);
    assert_eq!(shop.post("/bulk", &format!("{chosen}&confirm=1")).await.status, 303);
    assert_eq!(status(&shop, &record.id).await, Status::Revoked);
}

#[tokio::test]
async fn a_pause_ends_by_itself_when_it_is_asked_to_and_can_be_ended_before() {
    let shop = shop();
    let (_, first) = shop.token("First", &[]).await;
    let (_, second) = shop.token("Second", &[]).await;
    let chosen = format!("id={}&id={}", first.id, second.id);
    let page = shop.get(&format!("/bulk?action=pause&{chosen}")).await;
    page.shows("Pause 2 tokens?").shows("10 minutes, then they resume by themselves").hides("to confirm");
    assert_eq!(shop.post("/bulk", &format!("action=pause&pause=600&{chosen}")).await.status, 303);
    assert_eq!(status(&shop, &first.id).await, Status::Paused);
    shop.clock.advance(TimeDelta::minutes(10));
    assert_eq!(status(&shop, &first.id).await, Status::Active);
    assert_eq!(shop.post("/bulk", &format!("action=pause&{chosen}")).await.status, 303);
    shop.clock.advance(TimeDelta::days(100));
    assert_eq!(status(&shop, &second.id).await, Status::Paused);
    assert_eq!(shop.post("/bulk", &format!("action=resume&{chosen}")).await.status, 303);
    assert_eq!(status(&shop, &second.id).await, Status::Active);
    let page = shop.post("/bulk", &format!("action=pause&pause=7&{chosen}")).await;
    assert_eq!(page.status, 422);
    page.shows("Choose for how long.");
}

#[tokio::test]
async fn extending_counts_from_the_present_end_and_revives_what_is_over() {
    let shop = shop();
    let asked = |name: &str, days| NewToken::named(name).tenant("acme").expires_in(TimeDelta::days(days));
    let long = shop.tokens.issue(asked("Long", 30)).by(maria()).await.unwrap().record;
    let short = shop.tokens.issue(asked("Short", 1)).by(maria()).await.unwrap().record;
    let (_, never) = shop.token("Never ends", &[]).await;
    shop.clock.advance(TimeDelta::days(2));
    let chosen = format!("action=extend&id={}&id={}&id={}", long.id, short.id, never.id);
    let page = shop.get(&format!("/bulk?{chosen}")).await;
    page.shows("Extend 3 tokens?").shows("24 Dec 2026, 14:00 UTC 24 Mar 2027, 14:00 UTC");
    page.shows("Expired 25 Nov 2026, 14:00 UTC 24 Feb 2027, 14:00 UTC").shows("never as it is");
    for days in ["0", "3651", "ten", ""] {
        let page = shop.post("/bulk", &format!("{chosen}&days={days}")).await;
        assert_eq!(page.status, 422, "{days}");
        page.shows("Type a number of days, from 1 to 3650.");
    }
    assert_eq!(shop.post("/bulk", &format!("{chosen}&days=10")).await.status, 303);
    let end = async |id: &TokenId| shop.tokens.find(id).await.unwrap().unwrap().expires_at;
    assert_eq!(end(&long.id).await, Some(long.expires_at.unwrap() + TimeDelta::days(10)));
    assert_eq!(end(&short.id).await, Some(shop.moment() + TimeDelta::days(10)));
    assert_eq!(end(&never.id).await, None);
    assert_eq!(status(&shop, &short.id).await, Status::Active);
}

#[tokio::test]
async fn a_form_that_is_sent_twice_extends_once() {
    let shop = shop();
    let asked = NewToken::named("Feed").tenant("acme").expires_in(TimeDelta::days(30));
    let record = shop.tokens.issue(asked).by(maria()).await.unwrap().record;
    let page = shop.get(&format!("/bulk?action=extend&id={}", record.id)).await;
    let version = format!("name=\"version\" value=\"{}:{}\"", record.id, record.version);
    assert!(page.html.contains(&version));
    let form = format!("action=extend&days=10&id={0}&version={0}%3A{1}", record.id, record.version);
    assert_eq!(shop.post("/bulk", &form).await.status, 303);
    let page = shop.post("/bulk", &form).await;
    assert_eq!(page.status, 200);
    page.shows("1 token not extended").shows("Nothing was changed.").shows("changed at the same time");
    let now = shop.tokens.find(&record.id).await.unwrap().unwrap();
    assert_eq!(now.expires_at, Some(record.expires_at.unwrap() + TimeDelta::days(10)));
}

#[tokio::test]
async fn what_fails_for_one_is_done_to_the_others_and_told_with_its_reason() {
    let shop = shop();
    let (_, dead) = shop.token("Dead", &[]).await;
    let (_, alive) = shop.token("Alive", &[]).await;
    shop.tokens.revoke(&dead.id).by(maria()).await.unwrap();
    let page = shop.post("/bulk", &format!("action=pause&id={}&id={}", dead.id, alive.id)).await;
    assert_eq!(page.status, 200);
    page.shows("1 token not paused")
        .shows("1 token paused.")
        .shows("The token is revoked, which is for good.");
    assert_eq!(page.link("Dead"), format!("./t/{}", dead.id));
    assert_eq!(status(&shop, &alive.id).await, Status::Paused);
    // Revoking what is revoked is no failure.
    let page = shop.post("/bulk", &format!("action=revoke&id={}&id={}", dead.id, alive.id)).await;
    assert_eq!(page.status, 303);
}

#[tokio::test]
async fn each_action_needs_its_own_right() {
    let shop = shop();
    let (_, record) = shop.token("Warehouse sync", &[]).await;
    let allowed = |allow: fn(&mut Permissions)| {
        let mut permissions = Permissions::read_only();
        allow(&mut permissions);
        Access::Custom(maria(), permissions)
    };
    let pausing = allowed(|may| may.pause = true);
    let editing = allowed(|may| may.edit = true);
    let revoking = allowed(|may| may.revoke = true);
    for (access, may) in [
        (Access::read_only(maria()), &[][..]),
        (pausing, &["pause", "resume"]),
        (editing, &["extend"]),
        (revoking, &["revoke"]),
        (manager(), &["pause", "resume", "extend", "revoke"]),
    ] {
        for action in ["pause", "resume", "extend", "revoke"] {
            let asked = format!("action={action}&id={}&days=1", record.id);
            let shown = shop.get_as(access.clone(), &format!("/bulk?{asked}")).await.status;
            assert_eq!(shown, if may.contains(&action) { 200 } else { 403 }, "{action} {may:?}");
            if !may.contains(&action) {
                assert_eq!(shop.post_as(access.clone(), "/bulk", &asked).await.status, 403);
            }
        }
    }
    assert_eq!(status(&shop, &record.id).await, Status::Active);
    assert_eq!(shop.tokens.find(&record.id).await.unwrap().unwrap().version, record.version);
}

#[tokio::test]
async fn tokens_out_of_reach_are_not_there() {
    let shop = shop();
    let (_, own) = shop.token("Own", &[]).await;
    let other = NewToken::named("Of another shop").tenant("globex");
    let other = shop.tokens.issue(other).by(Actor::new("root").all_tenants()).await.unwrap().record;
    let chosen = format!("action=revoke&id={}&id={}&id=nonsense", own.id, other.id);
    let page = shop.get(&format!("/bulk?{chosen}")).await;
    page.shows("Revoke 1 token?").shows("2 of the chosen are no longer here.").hides("Of another shop");
    assert_eq!(shop.post("/bulk", &chosen).await.status, 303);
    assert_eq!(status(&shop, &other.id).await, Status::Active);
    assert_eq!(shop.post("/bulk", &format!("action=revoke&id={}", other.id)).await.status, 404);
}

#[tokio::test]
async fn choosing_nothing_or_too_much_is_said() {
    let shop = shop();
    let (_, record) = shop.token("Warehouse sync", &[]).await;
    for (page, location) in [
        (shop.get("/bulk?action=revoke&back=%3Fstatus%3Dpaused").await, "./?status=paused"),
        (shop.get("/bulk").await, "./"),
        (shop.post("/bulk", "action=revoke&back=https://evil.example").await, "./"),
    ] {
        assert_eq!((page.status, page.header("location")), (303, Some(location)));
        assert!(page.header("set-cookie").unwrap().contains("none-chosen"));
    }
    let many: String = (0..201).map(|number| format!("&id=tok_{number:016}")).collect();
    let page = shop.post("/bulk", &format!("action=revoke{many}")).await;
    assert_eq!(page.status, 400);
    page.shows("At most 200 tokens are changed at once.");
    assert_eq!(shop.get(&format!("/bulk?action=purge&id={}", record.id)).await.status, 400);
    let long = "x".repeat(501);
    let page = shop.post("/bulk", &format!("action=pause&id={}&reason={long}", record.id)).await;
    assert_eq!(page.status, 422);
    page.shows("Make the reason shorter");
}

#[tokio::test]
async fn after_it_is_done_the_list_is_as_it_was() {
    let shop = shop();
    let (_, record) = shop.token("Warehouse sync", &[]).await;
    let form = format!("action=pause&id={}&back=%3Fq%3Da%252Bb%26sort%3Dname", record.id);
    let page = shop.post("/bulk", &form).await;
    assert_eq!(page.header("location"), Some("./?q=a%2Bb&sort=name"));
    let flash = page.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let page = shop.send(manager(), "GET", "/", &[("cookie", &flash)], "").await;
    page.shows("Done for every token that was chosen.");
}
