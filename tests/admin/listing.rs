//! Lists: filters, order, pages there and back, cursors that lead nowhere else.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde_json::{Value, json};
use tokenward::{NewToken, Status};

use super::support::{Answer, Shop, by_root, shop};

fn names(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let data = answer.json["data"].as_array().unwrap();
    data.iter().map(|token| token["name"].as_str().unwrap().to_owned()).collect()
}

fn cursor<'a>(answer: &'a Answer, which: &str) -> Option<&'a str> {
    answer.json["page"][which].as_str()
}

/// 500 tokens, ten of which share each moment.
async fn five_hundred(shop: &Shop) {
    for number in 0..500 {
        if number % 10 == 0 {
            shop.clock.advance(TimeDelta::seconds(1));
        }
        let environment = if number % 2 == 0 { "live" } else { "test" };
        let mut asked = NewToken::named(format!("t{number:03}")).tenant("acme").environment(environment);
        if number % 3 == 0 {
            asked = asked.expires_in(TimeDelta::days(1 + number));
        }
        shop.issue(asked).await;
    }
}

#[tokio::test]
async fn pages_lead_there_and_back() {
    let shop = shop().await;
    five_hundred(&shop).await;
    for (query, expected) in [
        ("limit=37", 501),
        ("limit=37&sort=name&env=live", 250),
        ("limit=50&sort=-name&env=test&status=active", 250),
        ("limit=41&sort=expires_at&q=TW_", 501),
        ("limit=41&sort=-expires_at&q=tw_&status=active&status=paused", 501),
        ("limit=200&sort=created_at&created_by=root", 501),
    ] {
        let first = shop.get(&format!("/tokens?{query}")).await;
        assert_eq!(cursor(&first, "prev"), None, "{query}");
        assert_eq!(first.json["page"]["total"], expected);
        assert_eq!(first.json["page"]["total_is_estimate"], false);
        let mut pages = vec![first];
        while let Some(next) = cursor(pages.last().unwrap(), "next") {
            let link = pages.last().unwrap().header("link").unwrap();
            assert!(link.contains(&format!("<?{query}&cursor={next}>; rel=\"next\"")), "{link}");
            let page = shop.get(&format!("/tokens?{query}&cursor={next}")).await;
            pages.push(page);
        }
        let forth: Vec<_> = pages.iter().map(names).collect();
        let distinct: BTreeSet<_> = forth.iter().flatten().collect();
        assert_eq!((distinct.len(), forth.iter().flatten().count()), (expected, expected), "{query}");

        let mut back = vec![forth.last().unwrap().clone()];
        let mut page = pages.pop().unwrap();
        while let Some(prev) = cursor(&page, "prev").map(str::to_owned) {
            page = shop.get(&format!("/tokens?{query}&cursor={prev}")).await;
            assert!(cursor(&page, "next").is_some());
            back.push(names(&page));
        }
        back.reverse();
        assert_eq!(back, forth, "{query}");
    }
}

#[tokio::test]
async fn filters_choose() {
    let shop = shop().await;
    shop.issue(
        NewToken::named("Alpha").tenant("acme").owner(7).scopes(["orders:read"]).metadata("box", "wh-2"),
    )
    .await;
    let (_, beta) = shop
        .issue(NewToken::named("Beta").tenant("acme").environment("live").expires_in(TimeDelta::days(3)))
        .await;
    let (_, gamma) = shop.token("Gamma & co", &[]).await;
    shop.tokens.revoke(&gamma.id).by(by_root()).await.unwrap();
    assert_eq!(gamma.status(shop.tokens.clock().now().wall()), Status::Active);
    let until =
        (beta.expires_at.unwrap() + TimeDelta::seconds(1)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    for (query, expected) in [
        ("owner=7".to_owned(), vec!["Alpha"]),
        ("scope=orders:read&metadata.box=wh-2".to_owned(), vec!["Alpha"]),
        ("metadata.box=wh-3".to_owned(), vec![]),
        ("env=live".to_owned(), vec!["Beta"]),
        ("status=revoked".to_owned(), vec!["Gamma & co"]),
        ("q=gamma+%26".to_owned(), vec!["Gamma & co"]),
        (format!("expires_before={until}"), vec!["Beta"]),
        ("created_by=nobody".to_owned(), vec![]),
        ("status=active&status=revoked&sort=name".to_owned(), vec!["Alpha", "Beta", "Gamma & co", "Manager"]),
    ] {
        assert_eq!(names(&shop.get(&format!("/tokens?{query}")).await), expected, "{query}");
    }
    for (query, parameter) in [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=%2B5", "limit"),
        ("limit=x", "limit"),
        ("limit=", "limit"),
        ("limit=5&limit=6", "limit"),
        ("sort=tenant", "sort"),
        ("sort=name;drop", "sort"),
        ("status=alive", "status"),
        ("status=", "status"),
        ("include=secrets", "include"),
        ("expires_before=soon", "expires_before"),
        ("unused_since=1", "unused_since"),
        ("scope=*", "scope"),
        ("metadata.=x", "metadata."),
        ("metadata.a=x&metadata.a=y", "metadata.a"),
        ("tenant=globex", "tenant"),
        ("Status=active", "Status"),
    ] {
        let answer = shop.get(&format!("/tokens?{query}")).await;
        assert_eq!(answer.code(), (400, "malformed"), "{query}");
        assert_eq!(answer.json["parameter"], parameter, "{query}");
    }
    for query in ["q=%ff", "q=%00"] {
        assert_eq!(shop.get(&format!("/tokens?{query}")).await.code(), (400, "malformed"), "{query}");
    }
}

#[tokio::test]
async fn a_cursor_is_bound_to_its_listing() {
    let shop = shop().await;
    for number in 0..5 {
        shop.token(&format!("t{number}"), &[]).await;
        shop.issue(NewToken::named(format!("g{number}")).tenant("globex")).await;
    }
    let (theirs, _) =
        shop.issue(NewToken::named("Their manager").tenant("globex").scopes(["tokens:manage"])).await;
    let page = shop.get("/tokens?limit=2").await;
    let cursor = cursor(&page, "next").unwrap().to_owned();
    let own = shop.get(&format!("/tokens?limit=4&cursor={cursor}")).await;
    assert_eq!(own.status, 200, "another limit is no other listing");

    let mut altered = Vec::new();
    for place in [0, 5, cursor.len() / 2, cursor.len() - 2] {
        let mut bytes = cursor.clone().into_bytes();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        altered.push(String::from_utf8(bytes).unwrap());
    }
    altered.extend([
        "".into(),
        "x".into(),
        "!!".into(),
        cursor[..cursor.len() - 4].to_owned(),
        format!("{cursor}AAAA"),
    ]);
    for text in altered {
        let answer = shop.get(&format!("/tokens?limit=2&cursor={text}")).await;
        assert_eq!(answer.code(), (400, "invalid-cursor"), "{text}");
    }
    for query in ["sort=name", "status=active", "q=t", "metadata.a=b", "unused_since=2020-01-01T00:00:00Z"] {
        let answer = shop.get(&format!("/tokens?{query}&cursor={cursor}")).await;
        assert_eq!(answer.code(), (400, "invalid-cursor"), "{query}");
    }
    let host = [("host", "globex.localhost")];
    let bearer = format!("Bearer {theirs}");
    let headers = [host[0], ("authorization", &*bearer)];
    let uri = format!("/admin/api/v1/tokens?limit=2&cursor={cursor}");
    let foreign = super::support::send(&shop.app, "GET", &uri, &headers, Vec::new()).await;
    assert_eq!(foreign.code(), (400, "invalid-cursor"));
    let audit = shop.get(&format!("/tokens/{}/audit?cursor={cursor}", shop.manager_id)).await;
    assert_eq!(audit.code(), (400, "invalid-cursor"));
}

#[tokio::test]
async fn what_was_not_used_is_listed_in_pages() {
    let shop = shop().await;
    let mut texts = Vec::new();
    for number in 0..20 {
        texts.push(shop.token(&format!("t{number:02}"), &["orders:read"]).await.0);
        shop.clock.advance(TimeDelta::seconds(1));
    }
    shop.clock.advance(TimeDelta::days(1));
    let since = shop.tokens.clock().now().wall().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    for text in texts.iter().step_by(4) {
        let need = tokenward::Need::scope("orders:read").tenant("acme");
        assert!(shop.tokens.verify(text, &need).await.unwrap().is_granted());
    }
    assert_eq!(shop.get("/me").await.status, 200);
    shop.tokens.flush().await.unwrap();
    let expected: Vec<_> =
        (0..20).filter(|number| number % 4 != 0).map(|number| format!("t{number:02}")).collect();
    let query = format!("sort=name&limit=4&unused_since={since}");
    let mut page = shop.get(&format!("/tokens?{query}")).await;
    let mut forth = vec![names(&page)];
    while let Some(next) = cursor(&page, "next").map(str::to_owned) {
        page = shop.get(&format!("/tokens?{query}&cursor={next}")).await;
        if !names(&page).is_empty() {
            forth.push(names(&page));
        }
    }
    assert_eq!(forth.concat(), expected);
    assert_eq!(page.json["page"]["total"], Value::Null);
    let whole = shop.get(&format!("/tokens?sort=name&limit=100&unused_since={since}")).await;
    assert_eq!(
        (&whole.json["page"]["total"], &whole.json["page"]["total_is_estimate"]),
        (&json!(15), &json!(false))
    );
    // Back from the second page is the first one.
    let first = shop.get(&format!("/tokens?{query}")).await;
    let second = shop.get(&format!("/tokens?{query}&cursor={}", cursor(&first, "next").unwrap())).await;
    let back = shop.get(&format!("/tokens?{query}&cursor={}", cursor(&second, "prev").unwrap())).await;
    assert_eq!(names(&back), names(&first));
}

#[tokio::test]
async fn use_is_included_when_asked_for() {
    let shop = shop().await;
    let (text, _) = shop.token("Used", &["orders:read"]).await;
    let need = tokenward::Need::scope("orders:read").tenant("acme");
    shop.tokens.verify(&text, &need).await.unwrap().granted().unwrap().record(
        "GET /",
        200,
        std::time::Duration::from_millis(4),
    );
    shop.tokens.flush().await.unwrap();
    let plain = shop.get("/tokens?q=Used").await;
    assert!(plain.json["data"][0].get("usage").is_none());
    assert!(plain.json["data"][0]["last_used_at"].is_string());
    let full = shop.get("/tokens?q=Used&include=usage").await;
    let usage = &full.json["data"][0]["usage"];
    assert_eq!(
        (&usage["calls_total"], &usage["success_rate_total"], &usage["mean_ms_total"]),
        (&json!(1), &json!(1.0), &json!(4.0))
    );
}

#[tokio::test]
async fn the_first_page_is_found_again_when_all_before_is_gone() {
    let shop = shop().await;
    let mut ids = Vec::new();
    for number in 0..4 {
        let asked = NewToken::named(format!("t{number}")).tenant("acme").environment("x");
        ids.push(shop.issue(asked).await.1.id);
    }
    let first = shop.get("/tokens?sort=name&limit=2&env=x").await;
    let second = shop
        .get(&format!("/tokens?sort=name&limit=2&env=x&cursor={}", cursor(&first, "next").unwrap()))
        .await;
    for id in &ids[..2] {
        shop.tokens.revoke(id).by(by_root()).await.unwrap();
        shop.tokens.purge(id).by(by_root()).await.unwrap();
    }
    let prev = cursor(&second, "prev").unwrap();
    let page = shop.get(&format!("/tokens?sort=name&limit=2&env=x&cursor={prev}")).await;
    assert_eq!(names(&page), ["t2", "t3"]);
    assert_eq!(cursor(&page, "prev"), None);
}

#[tokio::test]
async fn long_lists_are_not_counted_to_their_end() {
    let shop = shop().await;
    for number in 0..998 {
        shop.token(&format!("t{number}"), &[]).await;
    }
    for (more, total, estimate) in [(1, 1_000, false), (1, 1_000, true)] {
        for _ in 0..more {
            shop.token("more", &[]).await;
        }
        let page = shop.get("/tokens?limit=1").await;
        assert_eq!(
            (&page.json["page"]["total"], &page.json["page"]["total_is_estimate"]),
            (&json!(total), &json!(estimate))
        );
    }
}
