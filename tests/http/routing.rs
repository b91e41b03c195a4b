//! Where the guard stands among axum's routers, and which rule decides there.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::{get, post};
use tokenward::web::{Guard, Rules};
use tokenward::{Caller, TokenId};

use super::kit::{Kit, Server, kit};

async fn who(caller: Caller) -> String {
    caller.token_id().to_string()
}

async fn anybody() -> &'static str {
    "reached"
}

fn guard(kit: &Kit, rules: Rules) -> Guard {
    kit.tokens.guard(rules).tenant_from_subdomain_of("shop.example")
}

/// A service that is no router, such as one for files.
fn files() -> tower::util::BoxCloneSyncService<Request, Response, Infallible> {
    let answer = async |_: Request| Ok(Response::new(Body::from("a file")));
    tower::util::BoxCloneSyncService::new(tower::service_fn(answer))
}

fn reader(kit: &Kit) -> (String, TokenId) {
    kit.issue(&["orders:read"])
}

#[test]
fn nested_routes_are_known_by_their_full_template() {
    let kit = kit();
    let (token, _) = reader(&kit);
    let rules = || Rules::new().resource("/api/v1/orders", "orders").public("/orders");
    let orders = || Router::new().route("/orders", get(who)).route("/orders/{id}", get(who).post(who));
    let outside = Router::new().nest("/api/{version}", Router::new()).nest("/api/v1", orders());
    let inside = Router::new().nest("/api/v1", orders().route_layer(guard(&kit, rules())));
    let between =
        Router::new().nest("/api", Router::new().nest("/v1", orders()).route_layer(guard(&kit, rules())));
    for app in [outside.route_layer(guard(&kit, rules())), inside, between] {
        let server = Server::start(app);
        server.get("/api/v1/orders/7", &token).is(200, "");
        assert_eq!(server.recorded(), ("GET /api/v1/orders/{id}".to_owned(), 200));
        let answer = server.ask("POST", "/api/v1/orders/7", &[&format!("Authorization: Bearer {token}")]);
        answer.is(403, "insufficient-scope");
        assert!(answer.text().contains("POST /api/v1/orders/{id} needs orders:write"), "{}", answer.text());
        server.ask("GET", "/api/v1/orders", &[]).is(401, "token-missing");
        assert_eq!(server.get("/orders", &token).status, 404);
    }
}

#[test]
fn below_a_nested_service_the_table_is_the_router_and_sees_the_full_path() {
    let kit = kit();
    let (token, _) = reader(&kit);
    let rules = || {
        Rules::new()
            .resource("/api/orders", "orders")
            .never_by_token("/api/orders/login")
            .public("/public/{*rest}")
    };
    let app = Router::new().nest_service("/api", files()).route_layer(guard(&kit, rules()));
    let server = Server::start(app);
    server.get("/api/orders/7", &token).is(200, "");
    assert_eq!(server.recorded(), ("GET /api/orders".to_owned(), 200));
    server.get("/api/orders/login", &token).is(403, "not-for-tokens");
    server.get("/api/elsewhere", &token).is(403, "not-for-tokens");
    server.get("/api/orders/../elsewhere", &token).is(400, "invalid-request");
    server.ask("GET", "/api/orders", &[]).is(401, "token-missing");
    // A rule for /public says nothing of /admin/public, whatever the routers cut off.
    let inner = || Router::new().nest_service("/public", files());
    for app in [
        Router::new().nest("/admin", inner().route_layer(guard(&kit, rules()))),
        Router::new().nest("/admin", inner()).route_layer(guard(&kit, rules())),
    ] {
        let server = Server::start(app);
        server.ask("GET", "/admin/public/secret", &[]).is(401, "token-missing");
        server.get("/admin/public/secret", &token).is(403, "not-for-tokens");
    }
}

#[test]
fn below_a_template_that_ends_in_a_catch_all_every_rule_holds() {
    let kit = kit();
    let (token, _) = reader(&kit);
    let rules = Rules::new()
        .live("/files/{*rest}")
        .never_by_token("/files/private")
        .route("/files/orders/{id}", "orders:write")
        .public("/open/{name}");
    let app = Router::new()
        .route("/files/{*path}", get(anybody))
        .route("/open/{*path}", get(anybody))
        .route_layer(guard(&kit, rules));
    let server = Server::start(app);
    server.get("/files/a/b", &token).is(200, "");
    assert_eq!(server.recorded(), ("GET /files/{*path}".to_owned(), 200));
    server.get("/files/private/keys", &token).is(403, "not-for-tokens");
    server.get("/files/%70rivate/keys", &token).is(403, "not-for-tokens");
    server.get("/files/a/../private/keys", &token).is(400, "invalid-request");
    server.get("/files/a//private", &token).is(400, "invalid-request");
    server.get("/files/orders/7", &token).is(403, "insufficient-scope");
    assert_eq!(server.ask("GET", "/open/a", &[]).status, 200);
    server.ask("GET", "/open/a/b", &[]).is(401, "token-missing");
}

#[test]
fn what_route_layer_does_not_cover_is_outside_and_a_caller_there_is_a_mistake() {
    let kit = kit();
    let (token, id) = reader(&kit);
    let rules = Rules::new().resource("/", "orders");
    let app = Router::new()
        .route("/orders", get(who).fallback(anybody))
        .route_layer(guard(&kit, rules))
        .route("/late", get(who))
        .merge(Router::new().route("/merged", get(who)))
        .fallback(anybody);
    let server = Server::start(app);
    server.get("/orders", &token).is(200, "");
    // Of its own route, what serves other methods as well is inside.
    server.ask("PUT", "/orders", &[]).is(401, "token-missing");
    for path in ["/late", "/merged"] {
        for answer in [server.get(path, &token), server.ask("GET", path, &[])] {
            assert_eq!((answer.status, answer.body.len()), (500, 0), "{path}");
            assert!(server.logged("no guard has looked at this request").contains(path));
        }
    }
    assert_eq!(server.get("/nowhere", &token).text(), "reached");
    assert_eq!(kit.counted(&id).0, 1);
}

#[test]
fn a_layer_over_everything_guards_fallbacks_too() {
    let kit = kit();
    let (token, _) = reader(&kit);
    let app = Router::new().route("/orders", get(who)).fallback(anybody);
    let server =
        Server::start(app.layer(guard(&kit, Rules::new().resource("/orders", "orders").public("/"))));
    server.get("/orders", &token).is(200, "");
    server.ask("GET", "/nowhere", &[]).is(401, "token-missing");
    server.get("/nowhere", &token).is(403, "not-for-tokens");
    assert_eq!(server.ask("GET", "/", &[]).text(), "reached");
}

#[test]
fn a_wrong_method_is_authenticated_first() {
    let kit = kit();
    let (token, id) = reader(&kit);
    let app = Router::new().route("/orders", post(who));
    let server = Server::start(app.route_layer(guard(&kit, Rules::new().resource("/orders", "orders"))));
    server.ask("GET", "/orders", &[]).is(401, "token-missing");
    let answer = server.get("/orders", &token);
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
    assert_eq!(server.recorded(), ("GET /orders".to_owned(), 405));
    let line = format!("Authorization: Bearer {token}");
    server.ask("DELETE", "/orders", &[&line]).is(403, "insufficient-scope");
    assert_eq!(kit.counted(&id), (1, 1, 0));
}

#[test]
fn paths_that_only_look_like_a_route_reach_nothing() {
    let kit = kit();
    let (token, _) = reader(&kit);
    let rules = Rules::new().resource("/orders", "orders").public("/health");
    let app = Router::new().route("/orders/{id}", get(who)).route("/health", get(anybody));
    let server = Server::start(app.route_layer(guard(&kit, rules)));
    for path in ["//orders/7", "/order%73/7", "/orders/7/", "/ORDERS/7", "/health/../orders/7", "/./orders/7"]
    {
        assert_eq!(server.get(path, &token).status, 404, "{path}");
        assert_eq!(server.ask("GET", path, &[]).status, 404, "{path}");
    }
    // A parameter may hold anything: the template decides.
    for path in ["/orders/%2e%2e", "/orders/..", "/orders/a%2fb", "/orders/%00"] {
        server.ask("GET", path, &[]).is(401, "token-missing");
        server.get(path, &token).is(200, "");
        assert_eq!(server.recorded(), ("GET /orders/{id}".to_owned(), 200));
    }
}

#[test]
fn a_route_without_a_rule_is_told_of_once_and_only_by_a_good_token() {
    let kit = kit();
    let (token, id) = reader(&kit);
    let app = Router::new().route("/orders/{id}", get(who)).route("/session", get(anybody));
    let rules = Rules::new().never_by_token("/session");
    let server = Server::start(app.route_layer(guard(&kit, rules)));
    server.get("/orders/1", &super::kit::misspelt(&token)).is(401, "token-invalid");
    assert!(server.lines_with("no rule says").is_empty());
    for number in 0..5 {
        server.get(&format!("/orders/{number}"), &token).is(403, "not-for-tokens");
        server.get("/session", &token).is(403, "not-for-tokens");
    }
    let lines = server.lines_with("no rule says");
    assert!(lines.len() == 1 && lines[0].contains("GET /orders/{id}"), "{lines:?}");
    // Anybody can make methods up: they are one.
    for number in 0..5 {
        let line = format!("Authorization: Bearer {token}");
        server.ask(&format!("MADEUP{number}"), "/orders/7", &[&line]).is(403, "not-for-tokens");
    }
    let lines = server.lines_with("no rule says");
    assert!(lines.len() == 1 && lines[0].contains("OTHER /orders/{id}"), "{lines:?}");
    assert_eq!(kit.counted(&id), (0, 0, 0));
}
