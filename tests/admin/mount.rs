//! Where the API is mounted.

use axum::Router;
use axum::routing::get;
use tokenward::admin::AdminApi;

use super::support::{send, shop};

#[tokio::test]
async fn it_answers_wherever_it_is_mounted() {
    let shop = shop().await;
    let api = || AdminApi::new(shop.tokens.clone()).tenant_from_subdomain_of("localhost");
    let bearer = format!("Bearer {}", shop.manager);
    let headers = [("host", "acme.localhost"), ("authorization", &*bearer)];
    let own: Router = Router::new().route("/orders", get(|| async { "orders" }));
    let rooted = own.clone().merge(api().at("/"));
    let slashed = own.clone().merge(api().at("/admin/"));
    let nested = own.clone().nest("/shop", Router::new().merge(api().at("/admin")));
    let deep = own.clone().nest("/a", Router::new().nest("/b", Router::new().merge(api().at("/admin"))));
    let service = own.clone().nest_service("/s", Router::new().merge(api().at("/admin")));
    for (app, start) in [
        (rooted, ""),
        (slashed, "/admin"),
        (nested, "/shop/admin"),
        (deep, "/a/b/admin"),
        (service, "/s/admin"),
    ] {
        for path in ["/tokens", "/tokens/", "/me"] {
            let answer = send(&app, "GET", &format!("{start}{path}"), &headers, Vec::new()).await;
            assert_eq!(answer.status, 200, "{start}{path} {}", answer.text);
        }
        for path in ["", "/", "/nothing"] {
            if start.is_empty() && path.is_empty() {
                continue;
            }
            let answer = send(&app, "GET", &format!("{start}{path}"), &headers, Vec::new()).await;
            assert_eq!(answer.status, 404, "{start}{path}");
        }
        assert_eq!(send(&app, "GET", "/orders", &[], Vec::new()).await.text, "orders");
    }
    let beside = own.merge(api().at("/admin"));
    assert_eq!(send(&beside, "GET", "/administration", &headers, Vec::new()).await.text, "");
}

#[test]
#[should_panic(expected = "a path such as /admin/tokens is needed")]
fn a_path_without_a_slash_is_a_mistake() {
    let (tokens, _clock) = tokenward::Tokens::for_tests();
    AdminApi::new(tokens).at("admin");
}

#[tokio::test]
async fn an_application_with_a_state_takes_it() {
    let (tokens, _clock) = tokenward::Tokens::for_tests();
    let app: Router = Router::new()
        .route(
            "/",
            get(|axum::extract::State(number): axum::extract::State<u8>| async move { number.to_string() }),
        )
        .merge(AdminApi::new(tokens).at("/admin"))
        .with_state(7);
    assert_eq!(send(&app, "GET", "/", &[], Vec::new()).await.text, "7");
    assert_eq!(send(&app, "GET", "/admin/me", &[("host", "x")], Vec::new()).await.status, 401);
}
