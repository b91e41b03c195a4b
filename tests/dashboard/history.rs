//! The history of one token and of all, filtered, verified and exported.

use chrono::TimeDelta;
use tokenward::admin::{Access, AdminRequest, Permissions};
use tokenward::web::Request;
use tokenward::{Actor, NewToken, Quota, RateLimit, TokenRecord, Update};

use super::kit::{Page, Shop, shop};

fn maria() -> Actor {
    Actor::new("maria@acme.example")
        .tenant("acme")
        .address("198.51.100.4".parse().unwrap())
        .request_id("req-7")
}

fn path(record: &TokenRecord) -> String {
    format!("/t/{}/history", record.id)
}

/// The row of an entry by what was done, as a person reads it.
fn row(page: &Page, action: &str) -> String {
    let rows: Vec<_> = page.html.split("<tr id=").skip(1).collect();
    let row = rows.iter().find(|row| row.contains(&format!("<strong>{action}</strong>")));
    let row = row.unwrap_or_else(|| panic!("nothing was {action}:\n{}", page.text()));
    let html = format!("<tr {}", row.split("</tr>").next().unwrap());
    Page { status: page.status, headers: Vec::new(), html }.text()
}

impl Shop {
    async fn lived_token(&self) -> TokenRecord {
        let (_, record) = self.token("Warehouse sync", &["orders:read", "orders:write"]).await;
        let id = record.id;
        let update = Update::new()
            .name("Till")
            .remove_scope("orders:write")
            .add_scope("customers:read")
            .rate_limit(RateLimit::unlimited().and(Quota::per_minute(30).unwrap()).unwrap())
            .expires_at("2027-02-01T00:00:00Z".parse().unwrap())
            .description("By the door");
        let tokens = &self.tokens;
        self.clock.advance(TimeDelta::minutes(1));
        tokens.update(&id, update).by(maria()).await.unwrap();
        tokens.rotate(&id).by(maria()).await.unwrap();
        tokens.pause(&id).because("looking into it").by(maria()).await.unwrap();
        tokens.resume(&id).by(maria()).await.unwrap();
        tokens.revoke(&id).because("done with").by(maria()).await.unwrap();
        tokens.find(&id).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn each_action_is_told_with_what_it_changed() {
    let shop = shop();
    let record = shop.lived_token().await;
    let page = shop.get(&path(&record)).await;
    assert_eq!(page.status, 200);
    page.shows("History of “ Till ”").shows("Back to the token");

    let created = row(&page, "Created");
    assert!(created.contains("With these settings Name: Warehouse sync"), "{created}");
    assert!(created.contains("Scopes: orders:read , orders:write"), "{created}");
    let changed = row(&page, "Changed");
    for told in [
        "24 Nov 2026, 14:01 UTC",
        "Name: was Warehouse sync , now Till",
        "Description: now By the door",
        "Scopes: taken away orders:write , added customers:read",
        "Limit: was 60 requests per minute , now 30 requests per minute",
        "Expiry: now 1 Feb 2027, 00:00 UTC",
        "maria@acme.example",
        "Through the service's own code, from 198.51.100.4 , request req-7",
    ] {
        assert!(changed.contains(told), "{told}: {changed}");
    }
    let rotated = row(&page, "Rotated");
    assert!(rotated.contains("Secret: was version 1 ending in"), "{rotated}");
    let paused = row(&page, "Paused");
    assert!(paused.contains("Reason: looking into it Pause: now until resumed"), "{paused}");
    let resumed = row(&page, "Resumed");
    assert!(resumed.contains("Pause: was until resumed , now nothing"), "{resumed}");
    let revoked = row(&page, "Revoked");
    assert!(revoked.contains("Reason: done with Revocation: now 24 Nov 2026, 14:01 UTC"), "{revoked}");
    assert!(page.html.contains("<del>") && page.html.contains("<ins>"));
}

#[tokio::test]
async fn history_outlives_the_token() {
    let shop = shop();
    let record = shop.lived_token().await;
    shop.tokens.purge(&record.id).by(maria()).await.unwrap();
    let page = shop.get(&path(&record)).await;
    assert_eq!(page.status, 200);
    page.shows("is deleted. This is what is kept of it").does_not_show("Back to the token");
    row(&page, "Deleted");
    let all = shop.get("/history").await;
    assert!(all.html.contains(&format!("href=\"./t/{}/history\"", record.id)), "{}", all.html);
    assert!(!all.html.contains(&format!("href=\"./t/{}\"", record.id)));
}

#[tokio::test]
async fn filters_narrow_what_is_shown() {
    let shop = shop();
    let record = shop.lived_token().await;
    shop.clock.advance(TimeDelta::days(2));
    let (_, other) = shop.token("Other", &[]).await;
    let bruno = Actor::new("bruno").tenant("acme");
    shop.tokens.update(&other.id, Update::new().name("Another")).by(bruno).await.unwrap();
    let count = async |query: &str| {
        let page = shop.get(&format!("/history{query}")).await;
        assert_eq!(page.status, 200, "{query}: {}", page.text());
        page.html.matches("<tr id=").count()
    };
    for (query, expected) in [
        ("", 8),
        ("?actor=&action=&token=&from=&to=", 8),
        ("?actor=bruno", 1),
        ("?actor=brun", 0),
        ("?action=issued", 2),
        ("?action=revoked&action=paused", 2),
        ("?from=2026-11-25", 2),
        ("?to=2026-11-24", 6),
        ("?to=2026-11-23", 0),
        ("?from=2026-11-24&to=2026-11-24&actor=maria%40acme.example", 5),
        ("?to=2026-11-24T14:01:00Z", 1),
        (&format!("?token={}", other.id), 2),
        (&format!("?token={}&actor=bruno&action=updated", other.id), 1),
    ] {
        assert_eq!(count(query).await, expected, "{query}");
    }
    // A token's own history has no other token in it, whatever its address says.
    let page = shop.get(&format!("{}?token={}&action=issued", path(&record), other.id)).await;
    assert_eq!(page.html.matches("<tr id=").count(), 1);
    let page = shop.get("/history?actor=brun&action=revoked").await;
    page.shows("Nothing fits");
    assert_eq!(page.value("actor"), "brun");
    assert!(page.html.contains("value=\"revoked\" selected"));
}

#[tokio::test]
async fn filters_that_do_not_read_are_told_and_kept() {
    let shop = shop();
    shop.lived_token().await;
    for (query, field, says) in [
        ("from=yesterday", "history-from", "A day reads"),
        ("to=2026-13-01", "history-to", "A day reads"),
        ("to=99999-01-01", "history-to", "A day reads"),
        ("from=-262143-01-01", "history-from", "A day reads"),
        ("token=Till", "history-token", "tok_ and 16 characters"),
        ("action=exploded", "history-action", "no such action"),
    ] {
        for more in ["", "&format=ndjson", "&verify=1"] {
            let page = shop.get(&format!("/history?{query}{more}")).await;
            assert_eq!(page.status, 422, "{query}");
            page.shows(says).does_not_show("Nothing has happened");
            assert!(page.html.contains(&format!("href=\"#{field}\"")), "{query}");
            assert_eq!(page.html.matches("<tr id=").count(), 0);
        }
    }
    let page = shop.get("/history?token=%3Cb%3E").await;
    assert!(!page.html.contains("<b>") && page.html.contains("&#60;b&#62;"));
}

#[tokio::test]
async fn pages_lead_on_with_a_cursor_that_fits_nothing_else() {
    let shop = shop();
    let (_, record) = shop.token("Busy", &[]).await;
    for number in 0..59 {
        let update = Update::new().name(format!("Busy {number}"));
        shop.tokens.update(&record.id, update).by(maria()).await.unwrap();
    }
    let page = shop.get("/history?action=updated").await;
    assert_eq!(page.html.matches("<tr id=").count(), 50);
    let link = page.html.split("rel=\"next\"").next().unwrap().rsplit("href=\"").next().unwrap();
    let address = link.split('"').next().unwrap().replace("&#38;", "&");
    let older = shop.get(&format!("/{address}")).await;
    assert_eq!(older.status, 200);
    assert_eq!(older.html.matches("<tr id=").count(), 9);
    assert!(!older.html.contains("rel=\"next\""));
    let cursor = address.split("cursor=").nth(1).unwrap();
    for elsewhere in [
        format!("/history?cursor={cursor}"),
        format!("/history?action=issued&cursor={cursor}"),
        format!("{}?action=updated&cursor={cursor}", path(&record)),
        format!("/history?action=updated&cursor={cursor}x"),
    ] {
        assert_eq!(shop.get(&elsewhere).await.status, 400, "{elsewhere}");
    }
}

#[tokio::test]
async fn addresses_and_history_itself_are_for_whoever_may_see_them() {
    let shop = shop();
    let record = shop.lived_token().await;
    let access = |change: fn(&mut Permissions)| {
        let mut rights = Permissions::all();
        change(&mut rights);
        Access::Custom(Actor::new("support").tenant("acme"), rights)
    };
    for address in ["/history", &path(&record)] {
        let page = shop.get_as(access(|rights| rights.view_addresses = false), address).await;
        assert_eq!(page.status, 200);
        assert!(!page.html.contains("198.51.100.4"), "{}", page.text());
        page.shows("maria@acme.example");
        let page = shop.get_as(access(|rights| rights.view_history = false), address).await;
        assert_eq!(page.status, 403);
        let stranger = Access::manage(Actor::new("eve").tenant("other"));
        assert_eq!(shop.get_as(stranger, address).await.status, 404);
    }
}

#[tokio::test]
async fn other_tenants_have_histories_of_their_own() {
    let shop = shop();
    shop.lived_token().await;
    let asked = NewToken::named("Theirs").tenant("other");
    let theirs = shop.tokens.issue(asked).by(Actor::new("eve").tenant("other")).await.unwrap().record;
    shop.get("/history").await.does_not_show("Theirs").does_not_show("eve");
    assert_eq!(shop.get(&path(&theirs)).await.status, 404);
    assert_eq!(shop.get("/t/tok_AAAAAAAAAAAAAAAA/history").await.status, 404);
    let page = shop.get(&format!("/history?token={}", theirs.id)).await;
    page.shows("Nothing fits");
}

#[tokio::test]
async fn values_of_people_are_text_and_nothing_else() {
    let shop = shop();
    let (_, record) = shop.token("<i>Bold</i>", &[]).await;
    let actor = Actor::new("<script>alert(1)</script>\u{202e}").tenant("acme");
    let update = Update::new().description("\"><img src=x onerror=alert(1)>");
    shop.tokens.update(&record.id, update).by(actor).await.unwrap();
    shop.tokens.revoke(&record.id).because("<b>now</b>").by(maria()).await.unwrap();
    for address in ["/history", &path(&record)] {
        let page = shop.get(address).await;
        for markup in ["<i>", "<script>", "<img", "<b>", "\u{202e}"] {
            assert!(!page.html.contains(markup), "{markup}: {}", page.html);
        }
        page.shows("<script>alert(1)</script>[U+202E]").shows("Reason: <b>now</b>");
        assert!(!page.html.contains("href=\"/") && !page.html.contains("style=\""));
    }
}

#[tokio::test]
async fn the_history_is_verified_on_demand() {
    let shop = shop();
    shop.get("/history?verify=1").await.shows("There is nothing to verify yet");
    let record = shop.lived_token().await;
    shop.get("/history").await.does_not_show("Verified to").shows("Verify the whole history");
    shop.get("/history?verify=1").await.shows("Verified to entry 6: no entry was changed");
    let page = shop.get(&format!("{}?verify=1&action=paused", path(&record))).await;
    page.shows("Verified to entry 6");
    // Filters narrow what is shown, and not what is verified.
    assert_eq!(page.html.matches("<tr id=").count(), 1);
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn a_history_that_was_tampered_with_is_told_with_its_entry() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.db");
    let tokens = tokenward::Tokens::sqlite(&file, super::kit::catalog()).await.unwrap();
    let issued = tokens.issue(NewToken::named("Till")).by("maria").await.unwrap();
    for name in ["Till 2", "Till 3"] {
        tokens.update(&issued.record.id, Update::new().name(name)).by("maria").await.unwrap();
    }
    let dashboard = tokenward::dashboard::Dashboard::new(tokens.clone());
    let verified = async || {
        let headers: [(&str, &str); 0] = [];
        let mut http = Request::new("GET", "/history", &headers);
        http.query = Some("verify=1");
        let reply = dashboard.handle(Access::manage("maria"), AdminRequest::new(http, b"")).await;
        assert_eq!(reply.status, 200);
        String::from_utf8(reply.body).unwrap()
    };
    assert!(verified().await.contains("Verified to entry 3"));
    let database = rusqlite::Connection::open(&file).unwrap();
    let changed = database
        .execute("UPDATE tokenward_history SET reason = 'so it was not' WHERE number = 2", [])
        .unwrap();
    assert_eq!(changed, 1);
    let page = verified().await;
    assert!(page.contains("does not hold together at entry 2"), "{page}");
    assert!(page.contains("notice-danger"));
}

#[tokio::test]
async fn history_is_exported_line_by_line_with_the_same_filters() {
    let shop = shop();
    let record = shop.lived_token().await;
    let exported = async |access: Access, query: &str| {
        let headers = [("host", "acme.localhost:3000")];
        let mut http = Request::new("GET", "/history", &headers);
        http.query = Some(query);
        let mut reply = shop.dashboard.handle(access, AdminRequest::new(http, b"")).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header_value("content-type"), Some("application/x-ndjson"));
        assert!(reply.header_value("content-disposition").unwrap().starts_with("attachment"));
        assert_eq!(reply.header_value("x-content-type-options"), Some("nosniff"));
        let mut stream = reply.stream.take().unwrap();
        let mut text = Vec::new();
        while let Some(piece) = stream.next().await {
            text.extend(piece.unwrap());
        }
        let text = String::from_utf8(text).unwrap();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        lines
    };
    let lines = exported(super::kit::manager(), "format=ndjson").await;
    let actions: Vec<_> = lines.iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["revoked", "resumed", "paused", "rotated", "updated", "issued"]);
    assert_eq!(lines[0]["token"], record.id.to_string());
    assert_eq!(lines[0]["address"], "198.51.100.4");
    let lines =
        exported(super::kit::manager(), "format=ndjson&action=paused&actor=maria%40acme.example").await;
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["reason"], "looking into it");
    let mut rights = Permissions::all();
    rights.view_addresses = false;
    let hidden = Access::Custom(Actor::new("support").tenant("acme"), rights);
    assert_eq!(exported(hidden, "format=ndjson").await[0]["address"], serde_json::Value::Null);
}
