//! Any path, and proxies that rewrite it.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::routing::get;
use tokenward::admin::Access;
use tokenward::dashboard::Dashboard;
use tokenward::{Actor, Tokens};
use tower::ServiceExt;

use super::kit::{Shop, shop};

fn mounted(shop: &Shop, at: &str) -> Router {
    let dashboard = shop.dashboard.clone().authorize(|parts| async move {
        match parts.headers.get("cookie") {
            Some(_) => Access::manage(Actor::new("maria").tenant("acme")),
            None => Access::login("/login"),
        }
    });
    Router::new().merge(dashboard.at(at))
}

async fn ask(app: &Router, path: &str, headers: &[(&str, &str)]) -> (u16, String, String) {
    let mut request = Request::builder().uri(path).header("host", "acme.localhost:3000");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let location = response.headers().get("location").map(|value| value.to_str().unwrap().to_owned());
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, location.unwrap_or_default(), String::from_utf8(body.to_vec()).unwrap())
}

const COOKIE: (&str, &str) = ("cookie", "session=1");

/// Where a relative address leads, as a browser resolves it.
fn resolved(page: &str, address: &str) -> String {
    let mut parts: Vec<_> = page.split('/').collect();
    parts.pop();
    for part in address.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[tokio::test]
async fn every_link_of_every_page_leads_somewhere_under_any_mount() {
    for at in ["/", "/admin/tokens", "/a/b/c/"] {
        let shop = shop();
        let (_, record) = shop.token("Here", &["orders:read"]).await;
        let app = mounted(&shop, at);
        let root = at.trim_end_matches('/');
        for page in
            ["/", "/usage", "/new", &format!("/t/{}", record.id), &format!("/t/{}/settings", record.id)]
        {
            let path = format!("{root}{page}");
            let (status, _, html) = ask(&app, &path, &[COOKIE]).await;
            assert_eq!(status, 200, "{path}");
            let addresses = html.split(" href=\"").skip(1).map(|part| part.split('"').next().unwrap());
            let mut followed = 0;
            for address in addresses.filter(|address| !address.starts_with('#')) {
                let address = address.split(['#']).next().unwrap().replace("&#38;", "&");
                let (there, query) = address.split_once('?').unwrap_or((&address, ""));
                let there = if there.is_empty() { path.clone() } else { resolved(&path, there) };
                let (status, ..) = ask(&app, &format!("{there}?{query}"), &[COOKIE]).await;
                assert_eq!(status, 200, "{path} links to {address}, which is {there}");
                followed += 1;
            }
            assert!(followed > 4, "{path} has no links");
        }
    }
}

#[tokio::test]
async fn the_mount_without_its_slash_leads_to_the_list() {
    let shop = shop();
    let app = mounted(&shop, "/admin/tokens");
    let (status, location, _) = ask(&app, "/admin/tokens?q=x", &[COOKIE]).await;
    assert_eq!((status, resolved("/admin/tokens", &location)), (308, "/admin/tokens/?q=x".to_owned()));
    let (status, location, _) = ask(&app, "/admin/tokens/usage/", &[COOKIE]).await;
    assert_eq!(
        (status, resolved("/admin/tokens/usage/", &location)),
        (308, "/admin/tokens/usage".to_owned())
    );
}

#[tokio::test]
async fn a_proxy_that_renames_the_path_needs_one_line() {
    let mut shop = shop();
    shop.dashboard = shop.dashboard.public_path("/shop/keys/");
    let app = mounted(&shop, "/admin/tokens");
    let (_, location, _) = ask(&app, "/admin/tokens", &[COOKIE]).await;
    assert_eq!(resolved("/shop/keys", &location), "/shop/keys/");
    let (_, location, _) = ask(&app, "/admin/tokens/usage?range=7d", &[]).await;
    assert_eq!(location, "/login?return_to=%2Fshop%2Fkeys%2Fusage%3Frange%3D7d");
}

#[tokio::test]
async fn a_forwarded_prefix_counts_only_where_it_is_trusted() {
    let prefix = ("x-forwarded-prefix", "/eu");
    let mut shop = shop();
    let (_, location, _) = ask(&mounted(&shop, "/t"), "/t/usage", &[prefix]).await;
    assert_eq!(location, "/login?return_to=%2Ft%2Fusage");
    shop.dashboard = shop.dashboard.trust_forwarded_prefix();
    let (_, location, _) = ask(&mounted(&shop, "/t"), "/t/usage", &[prefix]).await;
    assert_eq!(location, "/login?return_to=%2Feu%2Ft%2Fusage");
    for wrong in ["//evil.example", "evil", "/a b", "/\\evil", "/eu?x", "https://evil.example"] {
        let (_, location, _) = ask(&mounted(&shop, "/t"), "/t/usage", &[("x-forwarded-prefix", wrong)]).await;
        assert_eq!(location, "/login?return_to=%2Ft%2Fusage", "{wrong}");
    }
}

#[tokio::test]
async fn it_stands_beside_other_routes_with_assets_of_their_own() {
    let shop = shop();
    let others = Router::new().route("/assets/{name}", get(|| async { "theirs" }));
    let app = others.merge(mounted(&shop, "/admin/tokens"));
    let (_, _, theirs) = ask(&app, "/assets/dashboard.css", &[]).await;
    assert_eq!(theirs, "theirs");
    let (_, _, html) = ask(&app, "/admin/tokens/", &[COOKIE]).await;
    let name = html.split("./assets/").nth(1).unwrap().split('"').next().unwrap();
    let (status, _, style) = ask(&app, &format!("/admin/tokens/assets/{name}"), &[COOKIE]).await;
    assert!(status == 200 && style != "theirs");
}

#[tokio::test]
async fn nested_in_another_router_it_works_as_well() {
    let shop = shop();
    let app = Router::new().nest("/office", mounted(&shop, "/tokens"));
    let (status, _, html) = ask(&app, "/office/tokens/", &[COOKIE]).await;
    assert_eq!(status, 200);
    let name = html.split("./assets/").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(ask(&app, &format!("/office/tokens/assets/{name}"), &[COOKIE]).await.0, 200);
    let (_, location, _) = ask(&app, "/office/tokens/usage", &[]).await;
    assert_eq!(location, "/login?return_to=%2Foffice%2Ftokens%2Fusage", "the way back is the whole path");
}

#[test]
#[should_panic(expected = "a path such as /admin/tokens is needed")]
fn a_mount_that_is_no_path_is_refused_at_once() {
    let (tokens, _clock) = Tokens::for_tests();
    let dashboard = Dashboard::new(tokens).authorize(|_| async { Access::Nobody });
    _ = Router::<()>::new().merge(dashboard.at("admin"));
}
