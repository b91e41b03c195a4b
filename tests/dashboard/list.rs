//! The list, its search and its filters.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use chrono::TimeDelta;
use tokenward::admin::{Access, Permissions};
use tokenward::{Actor, MemoryStore, NewToken, Update};

use super::kit::{Page, Shop, manager, shop, shop_over};
use super::watched_usage::WatchedUsage;

fn maria() -> Actor {
    Actor::new("maria").tenant("acme")
}

/// The rows of the table, as a person reads them.
fn rows(page: &Page) -> Vec<String> {
    let body = page.html.split("<tbody>").nth(1).unwrap_or_default();
    let body = body.split("</tbody>").next().unwrap_or_default();
    let text = |row: &str| {
        Page { status: 0, headers: Vec::new(), html: row.to_owned() }
            .text()
            .trim_start_matches("> ")
            .to_owned()
    };
    body.split("<tr").skip(1).map(text).collect()
}

fn names(page: &Page) -> Vec<String> {
    let between = |row: &str| row.split("</bdi>").next().map(str::to_owned);
    let table = page.html.split("<tbody>").nth(1).and_then(|rest| rest.split("</tbody>").next());
    table.unwrap_or_default().split("<bdi>").skip(1).filter_map(between).collect()
}

async fn list(shop: &Shop, query: &str) -> Page {
    let page = shop.get(&format!("/{query}")).await;
    assert_eq!(page.status, 200, "{query}: {}", page.text());
    page
}

#[tokio::test]
async fn a_row_tells_how_a_token_is_used() {
    let shop = shop();
    let (text, record) = shop.token("Warehouse sync", &["orders:read"]).await;
    for status in [200, 200, 200, 500] {
        shop.call(&text, "orders:read", "GET /orders", status).await;
    }
    shop.clock.advance(TimeDelta::seconds(12));
    let page = list(&shop, "").await;
    let start = format!("{}…{}", record.secret.start, record.secret.last4);
    assert_eq!(
        rows(&page)[0].replace("Choose ", ""),
        format!(
            "Warehouse sync {start} Active 12 s ago 4 Calls by the hour: busiest from 14:00 to 15:00 UTC, 4 calls. 75.0 % 4 / 60 never"
        )
    );
    page.shows("1 token · use as of 14:00:00 UTC");
    assert_eq!(page.link("Warehouse sync"), format!("./t/{}", record.id));
}

#[tokio::test]
async fn a_token_that_runs_near_its_limit_says_so_in_words() {
    let shop = shop();
    let asked = NewToken::named("Busy").tenant("acme").scopes(["orders:read"]).per_minute(10);
    let issued = shop.tokens.issue(asked).by(maria()).await.unwrap();
    for _ in 0..9 {
        shop.call(issued.secret.expose(), "orders:read", "GET /orders", 200).await;
    }
    list(&shop, "").await.shows("Near the limit: 9 / 10");
}

#[tokio::test]
async fn tokens_of_other_shops_are_not_there() {
    let shop = shop();
    let other = NewToken::named("Of another shop").tenant("globex");
    shop.tokens.issue(other).by(Actor::new("root").all_tenants()).await.unwrap();
    list(&shop, "?status=any").await.hides("Of another shop").shows("No tokens yet");
}

#[tokio::test]
async fn search_finds_by_name_scope_start_and_end() {
    let shop = shop();
    let (_, record) = shop.token("Warehouse sync", &["orders:read"]).await;
    shop.token("Newsletter", &["customers:read"]).await;
    for (query, found) in [
        ("warehouse".to_owned(), "Warehouse sync"),
        ("customers%3Aread".to_owned(), "Newsletter"),
        (record.secret.last4.clone(), "Warehouse sync"),
        (record.secret.start.clone(), "Warehouse sync"),
    ] {
        let page = list(&shop, &format!("?q={query}")).await;
        assert!(names(&page).contains(&found.to_owned()), "{query}");
        assert_eq!(page.link("Clear"), "./");
    }
    assert_eq!(names(&list(&shop, "?q=WAREHOUSE+SYNC").await), ["Warehouse sync"]);
    let page = list(&shop, "?q=a%22%3E%3Cb%3E").await;
    page.shows("Nothing found").shows("No token fits “ a\"><b> ”");
    assert!(page.html.contains(r#"value="a&#34;&#62;&#60;b&#62;""#));
}

#[tokio::test]
async fn filters_are_kept_in_the_address_and_in_the_form() {
    let shop = shop();
    shop.token("Reads", &["orders:read"]).await;
    shop.token("Writes", &["orders:write"]).await;
    let live = NewToken::named("Live").tenant("acme").environment("live").scopes(["orders:read"]);
    shop.tokens.issue(live).by(Actor::new("otto").tenant("acme")).await.unwrap();
    assert_eq!(names(&list(&shop, "?scope=orders%3Awrite").await), ["Writes"]);
    assert_eq!(names(&list(&shop, "?created_by=otto").await), ["Live"]);
    assert_eq!(names(&list(&shop, "?env=live").await), ["Live"]);
    let page = list(&shop, "?q=&scope=orders%3Aread&created_by=&env=&sort=name").await;
    assert_eq!(names(&page), ["Live", "Reads"]);
    assert!(page.html.contains(r#"<option value="orders:read" selected>"#));
    assert!(page.html.contains(r#"<option value="name" selected>"#));
    assert!(page.html.contains(r#"<details class="more" open>"#));
    assert_eq!(page.link("Paused"), "./?status=paused&scope=orders%3Aread&sort=name");
    for query in ["?status=dead", "?scope=nonsense", "?sort=colour", "?expires=soon"] {
        assert_eq!(shop.get(&format!("/{query}")).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn each_status_has_its_tab_and_revoked_ones_are_not_mixed_in() {
    let shop = shop();
    shop.token("Works", &[]).await;
    let (_, paused) = shop.token("Stands still", &[]).await;
    let (_, revoked) = shop.token("Is dead", &[]).await;
    let (_, expired) = shop.token("Is over", &[]).await;
    let later = NewToken::named("Comes later").tenant("acme").not_before(shop.moment() + TimeDelta::days(1));
    shop.tokens.issue(later).by(maria()).await.unwrap();
    shop.tokens.pause(&paused.id).by(maria()).await.unwrap();
    shop.tokens.revoke(&revoked.id).by(maria()).await.unwrap();
    shop.tokens.update(&expired.id, Update::new().expires_at(shop.moment())).by(maria()).await.unwrap();
    let page = list(&shop, "?sort=name").await;
    assert_eq!(names(&page), ["Comes later", "Is over", "Stands still", "Works"]);
    page.shows("All 4").shows("Revoked tokens are not among these. Show them");
    assert_eq!(page.link("Show them"), "./?status=revoked&sort=name");
    for (tab, name) in [
        ("Active", "Works"),
        ("Paused", "Stands still"),
        ("Not yet valid", "Comes later"),
        ("Expired", "Is over"),
        ("Revoked", "Is dead"),
    ] {
        let page = list(&shop, page.link(tab).trim_start_matches("./")).await;
        assert_eq!(names(&page), [name]);
        page.shows(&format!("{tab} 1"));
        assert_eq!(page.html.contains(r#"<tr class="over">"#), ["Revoked", "Expired"].contains(&tab));
    }
    assert_eq!(
        names(&list(&shop, "?status=revoked&status=paused&sort=name").await),
        ["Is dead", "Stands still"]
    );
    assert_eq!(names(&list(&shop, "?status=any").await).len(), 5);
    let page = list(&shop, "?q=dead").await;
    page.shows("Nothing found");
    let page = list(&shop, page.link("Search the revoked ones too").trim_start_matches("./")).await;
    assert_eq!(names(&page), ["Is dead"]);
}

#[tokio::test]
async fn what_expires_soon_comes_first_and_in_its_order() {
    let shop = shop();
    for (name, days) in [("In a year", 365), ("In ten days", 10), ("In two days", 2)] {
        let asked = NewToken::named(name).tenant("acme").expires_in(TimeDelta::days(days));
        shop.tokens.issue(asked).by(maria()).await.unwrap();
    }
    shop.token("Never", &[]).await;
    let over = NewToken::named("Yesterday").tenant("acme").expires_in(TimeDelta::hours(1));
    shop.tokens.issue(over).by(maria()).await.unwrap();
    shop.clock.advance(TimeDelta::hours(2));
    let page = list(&shop, "?expires=14").await;
    assert_eq!(names(&page), ["In two days", "In ten days"]);
    page.shows("26 Nov 2026, 14:00 UTC in 1 day");
    assert_eq!(names(&list(&shop, "?expires=14&sort=-expires_at").await), ["In ten days", "In two days"]);
    assert_eq!(names(&list(&shop, "?expires=14&status=expired").await), ["Yesterday"]);
}

#[tokio::test]
async fn pages_lead_forth_and_back_and_belong_to_their_filter() {
    let shop = shop();
    for number in 0..120 {
        shop.token(&format!("Token {number:03}"), &[]).await;
    }
    let first = list(&shop, "?sort=name").await;
    first.shows("120 tokens").hides("Previous page");
    let second = list(&shop, first.link("Next page").trim_start_matches("./")).await;
    let third = list(&shop, second.link("Next page").trim_start_matches("./")).await;
    assert_eq!((names(&first).len(), names(&second).len(), names(&third).len()), (50, 50, 20));
    assert_eq!((&*names(&second)[0], &*names(&third)[19]), ("Token 050", "Token 119"));
    third.hides("Next page").shows("120 tokens");
    let back = list(&shop, third.link("Previous page").trim_start_matches("./")).await;
    assert_eq!(names(&back), names(&second));
    let next = first.link("Next page");
    let elsewhere = next.trim_start_matches("./").replace("sort=name", "sort=-name");
    assert_eq!(shop.get(&format!("/{elsewhere}")).await.status, 400);
}

#[tokio::test]
async fn a_page_asks_the_stores_as_often_for_fifty_tokens_as_for_one() {
    let mut asked = Vec::new();
    for number in [1, 50] {
        let usage = Arc::new(WatchedUsage::default());
        let shop = shop_over(Arc::new(MemoryStore::new()), usage.clone());
        for number in 0..number {
            let (text, _) = shop.token(&format!("Token {number}"), &["orders:read"]).await;
            shop.call(&text, "orders:read", "GET /orders", 200).await;
        }
        // What needs attention is looked up once a minute.
        list(&shop, "").await;
        usage.questions.store(0, Ordering::SeqCst);
        assert_eq!(names(&list(&shop, "").await).len(), number);
        asked.push(usage.questions.load(Ordering::SeqCst));
    }
    assert_eq!(asked, [2, 2], "one question for the totals and one for the last day");
}

#[tokio::test]
async fn tokens_are_listed_while_their_use_cannot_be_read() {
    let usage = Arc::new(WatchedUsage::default());
    let shop = shop_over(Arc::new(MemoryStore::new()), usage.clone());
    shop.token("Warehouse sync", &["orders:read"]).await;
    usage.is_away.store(true, Ordering::SeqCst);
    let page = list(&shop, "").await;
    page.shows(
        "How tokens are used cannot be read right now. The tokens themselves work, and can be changed.",
    );
    assert!(rows(&page)[0].ends_with("Active – – – – – never"), "{:?}", rows(&page));
    page.hides("as of").hides("100 %");
}

#[tokio::test]
async fn a_whole_token_in_the_address_is_neither_searched_for_nor_shown_again() {
    let shop = shop();
    let (text, _) = shop.token("Warehouse sync", &["orders:read"]).await;
    let secret_part = &text[text.len() - 30..];
    let mut wrong = text.clone();
    wrong.replace_range(text.len() - 1.., if text.ends_with('a') { "b" } else { "a" });
    for query in [
        format!("q={text}"),
        format!("q=+{text}%0A"),
        format!("q=Bearer+{text}"),
        format!("q={wrong}"),
        format!("created_by={text}"),
        format!("status=revoked&q={text}"),
    ] {
        let page = shop.get(&format!("/?{query}")).await;
        assert_eq!((page.status, page.header("location")), (303, Some("./")));
        let headers = format!("{:?}", page.headers);
        assert!(!headers.contains(secret_part) && !page.html.contains(secret_part));
        let flash = page.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        let list = shop.send(manager(), "GET", "/", &[("cookie", &flash)], "").await;
        list.shows("A whole token stood in the address").shows("use “Which token is this?”");
    }
}

#[tokio::test]
async fn a_whole_token_is_found_by_a_form_whose_text_is_in_no_answer() {
    let shop = shop();
    let (text, record) = shop.token("Warehouse sync", &["orders:read"]).await;
    let other = NewToken::named("Of another shop").tenant("globex");
    let other = shop.tokens.issue(other).by(Actor::new("root").all_tenants()).await.unwrap();
    for said in [text.clone(), format!("  {text}%0D%0A"), format!("Authorization%3A+Bearer+{text}%22")] {
        let page = shop.post("/find", &format!("token={said}")).await;
        assert_eq!(page.status, 303);
        assert_eq!(page.header("location"), Some(&*format!("./t/{}", record.id)));
        assert!(!format!("{:?}{}", page.headers, page.html).contains(&text));
    }
    for said in ["", "nonsense", other.secret.expose(), &text[..text.len() - 1]] {
        let page = shop.post("/find", &format!("token={said}")).await;
        assert_eq!((page.status, page.header("location")), (303, Some("./")), "{said}");
        let flash = page.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        shop.send(manager(), "GET", "/", &[("cookie", &flash)], "")
            .await
            .shows("No token here has this text.");
    }
}

#[tokio::test]
async fn names_that_look_like_html_are_names() {
    let shop = shop();
    let names = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "{{ 7 * 7 }} &lt;b&gt;",
        "שלום עולם",
        &"W".repeat(100),
    ];
    let mut ids = String::new();
    for name in names {
        let (_, record) = shop.token(name, &["orders:read"]).await;
        ids += &format!("&id={}", record.id);
    }
    for path in ["/".to_owned(), format!("/bulk?action=revoke{ids}"), format!("/bulk?action=extend{ids}")] {
        let page = shop.get(&path).await;
        assert_eq!(page.status, 200);
        for name in names {
            page.shows(name);
        }
        let lower = page.html.to_lowercase();
        for bad in ["<script>", "<img", "\" onmouseover", "' onmouseover"] {
            assert!(!lower.contains(bad), "{path} has {bad}");
        }
        assert!(page.html.contains("<bdi>שלום עולם</bdi>"));
    }
}

#[tokio::test]
async fn whoever_may_only_look_is_offered_nothing_else() {
    let shop = shop();
    shop.token("Warehouse sync", &["orders:read"]).await;
    let maria = maria().tenant("acme");
    let page = shop.get_as(Access::read_only(maria.clone()), "/").await;
    page.shows("Warehouse sync")
        .shows("you may look, and change nothing")
        .hides("Create token")
        .hides("Revoke…");
    assert!(!page.html.contains("type=\"checkbox\""));
    let mut desk = Permissions::read_only();
    desk.pause = true;
    let page = shop.get_as(Access::Custom(maria, desk), "/").await;
    page.shows("Pause…").shows("Resume…").hides("Revoke…").hides("Extend…").hides("Create token");
    assert!(page.html.contains("type=\"checkbox\""));
}

#[tokio::test]
async fn an_empty_list_says_what_to_do() {
    let shop = shop();
    let page = list(&shop, "").await;
    page.shows("No tokens yet").shows("A token is a long secret text.").hides("Revoked tokens are not among");
    assert_eq!(page.link("Create the first token"), "./new");
    let page = shop.get_as(Access::read_only(maria()), "/").await;
    page.shows("No tokens yet").hides("Create the first token");
    let (_, record) = shop.token("Dead", &[]).await;
    shop.tokens.revoke(&record.id).by(maria()).await.unwrap();
    list(&shop, "").await.shows("Every token here is revoked.");
    list(&shop, "?status=paused").await.shows("No token is like this at the moment.");
}

#[tokio::test]
async fn a_choice_of_colours_leads_back_to_the_same_search() {
    let shop = shop();
    let page = list(&shop, "?q=a+b&status=paused").await;
    let back = page.html.split("name=\"back\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(back.replace("&#38;", "&"), "?q=a+b&status=paused");
    let form = "theme=dark&back=%3Fq%3Da%2Bb%26status%3Dpaused";
    let page = shop.post("/preferences", form).await;
    assert_eq!((page.status, page.header("location")), (303, Some("./?q=a+b&status=paused")));
    for elsewhere in
        ["https://evil.example/", "//evil.example", "/admin", "../..", "t?x=https://a", "a\r\nb: c"]
    {
        let page = shop.post("/preferences", &format!("theme=dark&back={elsewhere}")).await;
        assert_eq!(page.header("location"), Some("./"), "{elsewhere}");
    }
    let page =
        shop.send(manager(), "GET", "/", &[("cookie", "tokenward_theme=dark; tokenward_zone=utc")], "").await;
    assert!(page.html.contains(r#"data-theme="dark" data-zone="utc""#));
    assert!(page.html.contains(r#"value="dark" aria-pressed="true""#));
}

#[tokio::test]
async fn help_tells_what_the_words_mean_and_turns_keys_off() {
    let shop = shop();
    let page = shop.get("/keys").await;
    assert_eq!(page.status, 200);
    page.shows("Limit peak")
        .shows("Revoked It is dead for good")
        .shows("the last 100")
        .shows("Turn them off");
    let page = shop.post("/preferences", "keys=off&back=keys").await;
    assert_eq!(page.header("location"), Some("./keys"));
    let page = shop.send(manager(), "GET", "/keys", &[("cookie", "tokenward_keys=off")], "").await;
    page.shows("Turn them on");
    assert!(page.html.contains(r#"data-keys="off""#));
}
