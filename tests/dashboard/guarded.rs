//! Who may see and do what, and what pages of other sites may not.

use tokenward::admin::{Access, Permissions};
use tokenward::{Actor, TokenId};

use super::kit::{Page, Shop, manager, shop};

/// Every page that is asked for, and the right it needs beyond being let in.
const PAGES: [(&str, Option<&str>); 17] = [
    ("/", None),
    ("/attention", None),
    ("/new", Some("create")),
    ("/t/ID", None),
    ("/t/ID/calls", Some("view_calls")),
    ("/t/ID/events", Some("view_calls")),
    ("/t/ID/history", Some("view_history")),
    ("/t/ID/settings", Some("edit")),
    ("/t/ID/rotate", Some("rotate")),
    ("/t/ID/pause", Some("pause")),
    ("/t/ID/revoke", Some("revoke")),
    ("/t/ID/purge", Some("revoke")),
    ("/bulk?action=pause&id=ID", Some("pause")),
    ("/usage", None),
    ("/history", Some("view_history")),
    ("/keys", None),
    ("/nothing-here", None),
];

/// Every form that is sent.
const FORMS: [(&str, Option<&str>); 13] = [
    ("/new", Some("create")),
    ("/t/ID/settings", Some("edit")),
    ("/t/ID/rotate", Some("rotate")),
    ("/t/ID/grace/extend", Some("rotate")),
    ("/t/ID/grace/end", Some("rotate")),
    ("/t/ID/pause", Some("pause")),
    ("/t/ID/resume", Some("pause")),
    ("/t/ID/revoke", Some("revoke")),
    ("/t/ID/purge", Some("revoke")),
    ("/find", None),
    ("/bulk", None),
    ("/preferences", None),
    ("/nothing-here", None),
];

fn path(template: &str, id: &TokenId) -> String {
    template.replace("ID", &id.to_string())
}

fn only(right: &str) -> Permissions {
    let mut permissions = Permissions::read_only();
    permissions.view_calls = false;
    permissions.view_history = false;
    match right {
        "create" => permissions.create = true,
        "edit" => permissions.edit = true,
        "rotate" => permissions.rotate = true,
        "pause" => permissions.pause = true,
        "revoke" => permissions.revoke = true,
        "view_calls" => permissions.view_calls = true,
        "view_history" => permissions.view_history = true,
        _ => {}
    }
    permissions
}

fn with(right: &str) -> Access {
    Access::Custom(Actor::new("maria").tenant("acme"), only(right))
}

/// A token that was never used, so that no dialog asks for its name.
async fn unused(shop: &Shop) -> TokenId {
    shop.token("Never used", &["orders:read"]).await.1.id
}

#[tokio::test]
async fn every_page_has_the_headers_that_keep_it_to_itself() {
    let shop = shop();
    let id = unused(&shop).await;
    for (template, _) in PAGES {
        let page = shop.get(&path(template, &id)).await;
        if template.ends_with("/events") {
            continue;
        }
        let header = |name| page.header(name).unwrap_or_else(|| panic!("{template} has no {name}"));
        let policy = header("content-security-policy");
        for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(part), "{template}: {policy}");
        }
        assert!(policy.contains("require-trusted-types-for 'script'; trusted-types tokenward"));
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(header("referrer-policy"), "same-origin");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin");
        assert!(["private, no-cache", "no-store"].contains(&header("cache-control")), "{template}");
        assert!(page.header("x-request-id").is_some());
    }
}

#[tokio::test]
async fn no_page_has_anything_that_the_policy_forbids_or_that_leads_out_of_the_mount() {
    let shop = shop();
    let (text, record) = shop.token("<script>alert(1)</script>", &["orders:read"]).await;
    shop.call(&text, "orders:read", "GET /orders", 200).await;
    for (template, _) in PAGES {
        if template.ends_with("/events") {
            continue;
        }
        let html = shop.get(&path(template, &record.id)).await.html;
        for forbidden in
            ["<script>", " style=", "<style", " onclick", " onload", " onerror", "javascript:", "http-equiv"]
        {
            assert!(!html.contains(forbidden), "{template} has {forbidden}");
        }
        for absolute in ["href=\"/", "src=\"/", "action=\"/", "href=\"http", "src=\"http", "action=\"http"] {
            assert!(!html.contains(absolute), "{template} has {absolute}");
        }
        assert_eq!(html.matches("<h1").count(), 1, "{template} has not one heading");
        assert_eq!(html.matches("<script ").count(), usize::from(html.contains("assets/dashboard-")));
    }
}

#[tokio::test]
async fn each_right_opens_its_own_pages_and_no_others() {
    let rights = ["create", "edit", "rotate", "pause", "revoke", "view_calls", "view_history"];
    for right in rights {
        let shop = shop();
        let id = unused(&shop).await;
        for (template, needed) in PAGES {
            let page = shop.get_as(with(right), &path(template, &id)).await;
            match needed {
                Some(needed) if needed != right => assert_eq!(page.status, 403, "{right}: GET {template}"),
                _ => assert_ne!(page.status, 403, "{right}: GET {template}"),
            }
        }
        for (template, needed) in FORMS {
            if needed.is_some_and(|needed| needed != right) {
                let page = shop.post_as(with(right), &path(template, &id), "confirm=on").await;
                assert_eq!(page.status, 403, "{right}: POST {template}");
            }
        }
        let record = shop.tokens.find(&id).await.unwrap().unwrap();
        assert_eq!(record.version, 1, "{right}: something was changed");
    }
}

#[tokio::test]
async fn a_read_only_dashboard_is_read_only_for_everybody() {
    let mut shop = shop();
    let id = unused(&shop).await;
    shop.dashboard = shop.dashboard.read_only();
    for (template, needed) in FORMS {
        if needed.is_some() {
            assert_eq!(shop.post(&path(template, &id), "").await.status, 403, "{template}");
        }
    }
    assert!(!shop.get("/").await.html.contains("./new"));
}

#[tokio::test]
async fn the_tokens_of_another_shop_are_not_there() {
    let shop = shop();
    let asked = tokenward::NewToken::named("Theirs").tenant("globex").scopes(["orders:read"]);
    let theirs = shop.tokens.issue(asked).by(Actor::new("it").tenant("globex")).await.unwrap().record.id;
    let nobodys: TokenId = "tok_AAAAAAAAAAAAAAAA".parse().unwrap();
    for (template, _) in PAGES.iter().filter(|(template, _)| template.starts_with("/t/")) {
        let (one, other) =
            (shop.get(&path(template, &theirs)).await, shop.get(&path(template, &nobodys)).await);
        assert_eq!((one.status, other.status), (404, 404), "{template}");
        assert_eq!(one.text().replace(&theirs.to_string(), ""), one.text(), "its id is told");
    }
    for (template, _) in FORMS.iter().filter(|(template, _)| template.starts_with("/t/")) {
        let form = "version=1&name=x&confirm=Theirs&key=0123456789abcdef&for=600";
        let one = shop.post(&path(template, &theirs), form).await;
        let other = shop.post(&path(template, &nobodys), form).await;
        assert!(one.status >= 400 && one.status == other.status, "{template}: {}", one.status);
    }
    let record = shop.tokens.find(&theirs).await.unwrap().unwrap();
    assert_eq!((record.version, record.revoked_at), (1, None));
    for template in ["/", "/attention", "/usage", "/history"] {
        let html = shop.get(template).await.html;
        assert!(!html.contains("Theirs") && !html.contains(&theirs.to_string()), "{template}");
    }
}

#[tokio::test]
async fn whoever_is_not_let_in_learns_nothing() {
    let shop = shop();
    let id = unused(&shop).await;
    let assets = asset_names(&shop.get("/").await);
    for access in [Access::Nobody, Access::Forbidden] {
        for (template, _) in PAGES {
            let page = shop.get_as(access.clone(), &path(template, &id)).await;
            assert_eq!(page.status, 404, "{access:?} {template}");
            assert!(!page.html.contains("Acme") && !page.html.contains("token"), "{}", page.html);
        }
    }
    assert_eq!(shop.get_as(Access::Forbidden, &format!("/{}", assets[0])).await.status, 404);
    // Somebody who acts in another shop.
    let stranger = || Access::manage(Actor::new("it").tenant("globex"));
    assert_eq!(shop.get_as(stranger(), "/").await.status, 404);
    let vague = || Access::manage(Actor::new("vague"));
    assert_eq!(shop.get_as(vague(), "/").await.status, 404);
    let login = shop.get_as(Access::login("/login?next=1"), "/t/x?range=7d").await;
    let there = "/login?next=1&return_to=%2Ft%2Fx%3Frange%3D7d";
    assert_eq!((login.status, login.header("location")), (303, Some(there)));
}

fn asset_names(page: &Page) -> Vec<String> {
    let parts = page.html.split("./assets/").skip(1);
    parts.map(|part| format!("assets/{}", part.split(['"', '#']).next().unwrap())).collect()
}

#[tokio::test]
async fn the_assets_may_be_kept_for_good_and_their_names_tell_what_is_in_them() {
    let shop = shop();
    let names = asset_names(&shop.get("/").await);
    assert!(names.len() >= 3, "{names:?}");
    for name in names {
        let asset = shop.get(&format!("/{name}")).await;
        assert_eq!(asset.status, 200, "{name}");
        assert_eq!(asset.header("cache-control"), Some("public, max-age=31536000, immutable"));
        assert!(asset.header("content-type").is_some() && !asset.html.is_empty());
        assert!(!asset.html.contains("http://") || asset.html.contains("www.w3.org"), "{name} names a host");
    }
    for wrong in ["/assets/dashboard.css", "/assets/..%2f..%2fCargo.toml", "/assets/"] {
        let page = shop.get(wrong).await;
        assert!([400, 404].contains(&page.status), "{wrong}: {}", page.status);
    }
}

/// What a browser says of where a form comes from, and whether it counts as ours.
#[tokio::test]
async fn only_a_page_of_this_site_sends_forms() {
    const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
    let site = |value| ("sec-fetch-site", value);
    let origin = |value| ("origin", value);
    let cases: [(&[(&str, &str)], bool); 13] = [
        (&[site("same-origin")], true),
        (&[site("none")], true),
        (&[site("same-site")], false),
        (&[site("cross-site")], false),
        (&[site("cross-site"), origin("http://acme.localhost:3000")], false),
        (&[site("same-origin"), origin("http://acme.localhost:3000")], true),
        // A browser that does not say it: over plain HTTP on a local network.
        (&[origin("http://acme.localhost:3000")], true),
        (&[origin("http://acme.localhost:3001")], false),
        (&[origin("http://globex.localhost:3000")], false),
        (&[origin("http://localhost:3000")], false),
        (&[origin("null")], false),
        (&[], false),
        (&[site("same-origin"), site("cross-site")], false),
    ];
    for (headers, is_ours) in cases {
        let shop = shop();
        let id = unused(&shop).await;
        let headers = [headers, &[FORM]].concat();
        let target = path("/t/ID/pause", &id);
        let page = shop.send(manager(), "POST", &target, &headers, "for=600&version=1").await;
        let paused = shop.tokens.find(&id).await.unwrap().unwrap().version > 1;
        match is_ours {
            true => assert_ne!(page.status, 403, "{headers:?}"),
            false => assert_eq!((page.status, paused), (403, false), "{headers:?}"),
        }
    }
}

#[tokio::test]
async fn nothing_is_changed_by_asking_for_a_page() {
    let shop = shop();
    let id = unused(&shop).await;
    for method in ["GET", "HEAD"] {
        for (template, _) in PAGES.iter().chain(&FORMS) {
            shop.send(manager(), method, &path(template, &id), &[], "confirm=on&version=1").await;
        }
    }
    let record = shop.tokens.find(&id).await.unwrap().unwrap();
    assert_eq!((record.version, record.revoked_at, record.paused_until), (1, None, None));
    assert!(shop.tokens.find(&id).await.unwrap().is_some());
}

#[tokio::test]
async fn another_method_is_told_which_there_are() {
    let shop = shop();
    let id = unused(&shop).await;
    for (method, template, allow) in [
        ("DELETE", "/t/ID", "GET, HEAD"),
        ("PUT", "/t/ID/settings", "GET, POST, HEAD"),
        ("GET", "/preferences", "POST"),
        ("POST", "/usage", "GET, HEAD"),
    ] {
        let page = shop
            .send(manager(), method, &path(template, &id), &[("sec-fetch-site", "same-origin")], "")
            .await;
        assert_eq!((page.status, page.header("allow")), (405, Some(allow)), "{method} {template}");
    }
}

#[tokio::test]
async fn a_body_that_is_no_form_is_refused_and_changes_nothing() {
    let shop = shop();
    let id = unused(&shop).await;
    let target = path("/t/ID/pause", &id);
    let ours = ("sec-fetch-site", "same-origin");
    let form = ("content-type", "application/x-www-form-urlencoded");
    for (kind, body, status) in [
        (("content-type", "application/json"), "{\"for\":600}".to_owned(), 415),
        (("content-type", "text/plain"), "for=600".to_owned(), 415),
        (form, "for=%ff".to_owned(), 400),
        (form, "reason=%00".to_owned(), 400),
        (form, format!("reason={}", "a".repeat(70_000)), 413),
    ] {
        let page = shop.send(manager(), "POST", &target, &[ours, kind], &body).await;
        assert_eq!(page.status, status, "{kind:?} {}", &body[..body.len().min(20)]);
    }
    assert_eq!(shop.tokens.find(&id).await.unwrap().unwrap().version, 1);
}

#[tokio::test]
async fn addresses_are_hidden_from_whoever_may_not_see_them() {
    let shop = shop();
    let (text, record) = shop.token("Used", &["orders:read"]).await;
    shop.call(&text, "orders:read", "GET /orders", 200).await;
    let mut permissions = Permissions::all();
    permissions.view_addresses = false;
    let access = || Access::Custom(Actor::new("maria").tenant("acme"), permissions);
    let mut shown = 0;
    for (template, _) in PAGES {
        if template.ends_with("/events") {
            continue;
        }
        let target = path(template, &record.id);
        shown += usize::from(shop.get(&target).await.html.contains("203.0.113.7"));
        let page = shop.get_as(access(), &target).await;
        assert!(!page.html.contains("203.0.113.7") && !page.html.contains("198.51.100.9"), "{template}");
    }
    assert!(shown > 0, "no page shows an address to anybody: the test proves nothing");
}
