//! What a refusal says, and what it keeps to itself.

use axum::Router;
use axum::routing::get;
use chrono::TimeDelta;
use tokenward::web::{Guard, LimitHeaders, Rules};
use tokenward::{Actor, NewToken, Tokens, block_on};

use super::kit::{Answer, Kit, Server, kit, misspelt};

fn guard(kit: &Kit) -> Guard {
    kit.tokens.guard(Rules::new().resource("/orders", "orders")).tenant_from_subdomain_of("shop.example")
}

fn serve(guard: Guard) -> Server {
    Server::start(Router::new().route("/orders", get(|| async { "orders" })).route_layer(guard))
}

/// One token for each reason that a stranger must not learn.
fn tokens_of_strangers(kit: &Kit) -> Vec<(&'static str, String)> {
    let (known, id) = kit.issue(&["orders:read"]);
    let acme = || Actor::new("maria").tenant("acme");
    let foreign = NewToken::named("Foreign").tenant("globex").scopes(["orders:read"]);
    let (foreign, foreign_id) = kit.issue_as(foreign);
    let (of_none, _) = kit.issue_as(NewToken::named("Of none").scopes(["orders:read"]));
    let unknown = block_on(async {
        let asked = NewToken::named("Unknown").tenant("acme");
        // Twice: a secret that was replaced twice is known no more.
        kit.tokens.rotate(&id).by(acme()).await.unwrap();
        kit.tokens.rotate(&id).by(acme()).await.unwrap();
        kit.tokens.revoke(&foreign_id).by(Actor::new("otto").tenant("globex")).await.unwrap();
        Tokens::for_tests().0.issue(asked).by("maria").await.unwrap().secret.expose().to_owned()
    });
    let misspelt = misspelt(&known);
    vec![
        ("misspelt", misspelt),
        ("unknown", unknown),
        ("wrong secret", known),
        ("revoked, of a foreign tenant", foreign),
        ("of no tenant", of_none),
        ("too short", "tw_x".to_owned()),
    ]
}

#[test]
fn strangers_learn_nothing_from_the_answer() {
    let kit = kit();
    let server = serve(guard(&kit));
    let mut answers: Vec<(String, Answer)> = Vec::new();
    for (name, token) in tokens_of_strangers(&kit) {
        // Twice: the first time the store may be asked, the second time the table in memory.
        for _ in 0..2 {
            answers.push((name.to_owned(), server.get("/orders", &token)));
        }
    }
    let (good, _) = kit.issue(&["orders:read"]);
    for host in ["unknown.shop.example", "shop.example", "127.0.0.1", "other.example"] {
        let line = format!("Authorization: Bearer {good}");
        let answer = server.raw(format!("GET /orders HTTP/1.1\r\nHost: {host}\r\n{line}\r\n\r\n"));
        answers.push((host.to_owned(), answer));
    }
    let (_, first) = &answers[0];
    first.is(401, "token-invalid");
    assert!(first.headers.iter().all(|(name, _)| !name.contains("ratelimit")));
    for (name, answer) in &answers {
        assert_eq!(answer, first, "{name}");
    }
}

#[test]
fn the_answer_is_the_same_on_a_route_without_a_rule_and_for_a_scope_that_is_missing() {
    let kit = kit();
    let rules = Rules::new().resource("/orders", "orders").public("/open").never_by_token("/session");
    let app = Router::new()
        .route("/orders", get(|| async { "" }).post(|| async { "" }))
        .route("/forgotten", get(|| async { "" }))
        .route("/open", get(|| async { "" }))
        .route("/session", get(|| async { "" }));
    let guard = kit.tokens.guard(rules).tenant_from_subdomain_of("shop.example");
    let server = Server::start(app.route_layer(guard));
    for (name, token) in tokens_of_strangers(&kit) {
        let answer = server.get("/orders", &token);
        for path in ["/forgotten", "/open", "/session"] {
            assert_eq!(server.get(path, &token), answer, "{name} {path}");
        }
    }
    assert_eq!(server.lines_with("no rule says"), Vec::<String>::new(), "strangers do not fill the log");
}

#[test]
fn a_store_that_is_down_is_neither_a_yes_nor_a_no() {
    let kit = kit();
    let (known, id) = kit.issue(&["orders:read"]);
    let (other, _) = kit.issue(&["orders:read"]);
    let server = serve(guard(&kit).refusal_body(|_| ("text/plain", b"no".to_vec())));
    server.get("/orders", &known).is(200, "");
    kit.store.go_down();
    // A fresh engine over the same store has nothing in memory.
    let cold = Tokens::builder(kit.store.clone()).catalog(kit.tokens.catalog().clone()).build().unwrap();
    let cold = Kit { tokens: cold, store: kit.store.clone() };
    let cold_server = serve(guard(&cold));
    for token in [&known, &other] {
        let answer = cold_server.get("/orders", token);
        answer.is(503, "store-unavailable");
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert_eq!(answer.header("www-authenticate"), None);
        assert!(!answer.text().contains("10.0.0.7") && !answer.text().contains("refused"));
    }
    cold_server.get("/orders", &misspelt(&known)).is(401, "token-invalid");
    cold_server.ask("GET", "/orders", &[]).is(401, "token-missing");
    // What is in memory goes on, also where a refusal would like to say the token's name.
    server.get("/orders", &known).is(200, "");
    let answer = server.ask("POST", "/orders", &[&format!("Authorization: Bearer {known}")]);
    assert_eq!((answer.status, answer.text()), (403, "no"));
    _ = id;
}

#[test]
fn a_service_writes_its_own_refusals_and_the_headers_stay_ours() {
    let kit = kit();
    let (token, id) = kit.issue(&["orders:read"]);
    kit.limit(&id, 1);
    let own = |denied: &tokenward::Denied| {
        ("application/json", format!("{{\"oops\":{:?}}}", denied.code()).into_bytes())
    };
    let server = serve(guard(&kit).refusal_body(own).realm("a \"quoted\\\r\n realm"));
    let answer = server.ask("GET", "/orders", &[]);
    assert_eq!(answer.text(), r#"{"oops":"token-missing"}"#);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("www-authenticate"), Some(r#"Bearer realm="a quoted realm""#));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    server.get("/orders", &token);
    let answer = server.get("/orders", &token);
    assert_eq!((answer.status, answer.text()), (429, r#"{"oops":"rate-limited"}"#));
    assert_eq!(answer.header("retry-after"), Some("60"));
    assert_eq!(answer.header("ratelimit"), Some(r#""default";r=0;t=60"#));
}

#[test]
fn what_a_holder_is_told_depends_on_what_it_holds() {
    let (tokens, clock) = Tokens::for_tests();
    let guard =
        tokens.guard(Rules::new().resource("/orders", "orders")).tenant_from_subdomain_of("shop.example");
    let server = serve(guard);
    let acme = || Actor::new("maria").tenant("acme");
    let new = || NewToken::named("Trial").tenant("acme").scopes(["orders:read"]);
    let issue = |asked: NewToken| {
        let issued = block_on(async { tokens.issue(asked).by("maria").await.unwrap() });
        (issued.secret.expose().to_owned(), issued.record.id)
    };
    let (revoked, id) = issue(new());
    block_on(async { tokens.revoke(&id).by(acme()).await.unwrap() });
    let (paused, id) = issue(new());
    block_on(async { tokens.pause(&id).by(acme()).await.unwrap() });
    let (rotated, id) = issue(new());
    block_on(async { tokens.rotate(&id).by(acme()).await.unwrap() });
    let (expired, _) = issue(new().expires_in(TimeDelta::minutes(1)));
    let (early, _) = issue(new().not_before(tokenward::Clock::now(&clock).wall() + TimeDelta::days(1)));
    clock.advance(TimeDelta::minutes(1));
    for (token, status, code) in [
        (revoked, 401, "token-revoked"),
        (paused, 403, "token-paused"),
        (rotated, 401, "token-rotated"),
        (expired, 401, "token-expired"),
        (early, 401, "token-not-yet-valid"),
    ] {
        let answer = server.get("/orders", &token);
        answer.is(status, code);
        assert_eq!(answer.header("www-authenticate").is_some(), status == 401, "{code}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

#[test]
fn limit_headers_are_a_choice_and_those_of_the_service_stay() {
    let names = |answer: &Answer| -> Vec<String> {
        let is_limit = |(name, _): &&(String, String)| name.contains("ratelimit");
        answer.headers.iter().filter(is_limit).map(|(name, _)| name.clone()).collect()
    };
    let kit = kit();
    let (token, _) = kit.issue(&["orders:read"]);
    let draft = ["ratelimit-policy", "ratelimit"];
    let legacy = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"];
    for (choice, expected) in [
        (LimitHeaders::Off, Vec::new()),
        (LimitHeaders::Draft, draft.to_vec()),
        (LimitHeaders::Legacy, legacy.to_vec()),
        (LimitHeaders::Both, [&draft[..], &legacy].concat()),
    ] {
        let server = serve(guard(&kit).limit_headers(choice));
        assert_eq!(names(&server.get("/orders", &token)), expected);
        assert!(names(&server.ask("GET", "/orders", &[])).is_empty(), "never without a token");
    }
    // What the service tells of a limit of its own is not mixed with ours.
    for (own, expected) in [
        ("ratelimit", [&["ratelimit"], &legacy[..]].concat()),
        ("ratelimit-policy", [&["ratelimit-policy"], &legacy[..]].concat()),
        ("x-ratelimit-limit", [&["x-ratelimit-limit"], &draft[..]].concat()),
        ("x-ratelimit-used", [&["x-ratelimit-used"], &draft[..], &legacy].concat()),
    ] {
        let orders = get(move || async move { [(own, "7")] });
        let server = Server::start(Router::new().route("/orders", orders).route_layer(guard(&kit)));
        let answer = server.get("/orders", &token);
        assert_eq!(
            (names(&answer), answer.header(own)),
            (expected.iter().map(|name| name.to_string()).collect(), Some("7"))
        );
    }
}
