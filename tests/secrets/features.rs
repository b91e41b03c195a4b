//! What needs a feature shows no secret either: real requests with real tokens go through the
//! guard, the admin API and a file, and whatever any of them shows, logs or writes is looked at.

use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request as HttpRequest, Response};
use axum::response::IntoResponse;
use axum::routing::any;
use serde_json::{Value, json};
use tokenward::admin::{Access, AdminApi, AdminRequest, BODY_LIMIT, Permissions};
use tokenward::dashboard::Dashboard;
use tokenward::web::tower::{ClientAddress, GuardBody, NotGuarded, caller};
use tokenward::web::{
    Admission, BrokenOff, Guard, LimitHeaders, Reply, Request, Rules, Source, TenantSource,
};
use tokenward::{
    Actor, Caller, Denied, NewToken, PostgresStore, RateLimit, RedisLimiter, SqliteStore, Tokens, block_on,
    conformance,
};
use tower::{Layer, Service, ServiceExt};

use super::seen::{Hidden, Log, Shown, log};
use super::source::{Needs, public_types};
use super::support::catalog;

const HOST: &str = "acme.shop.example";

/// A service with everything on, and what was seen of it.
struct Shop {
    tokens: Tokens,
    guard: Guard,
    api: AdminApi,
    router: Router,
    /// What the service's own login and its handlers have written of their requests.
    noted: Arc<Mutex<Vec<String>>>,
    hidden: Hidden,
    shown: Shown,
}

fn rules() -> Rules {
    Rules::new()
        .resource("/orders", "orders")
        .live("/me")
        .live("/twice")
        .public("/health")
        .never_by_token("/session")
}

impl Shop {
    async fn open(store: Arc<SqliteStore>) -> Shop {
        let tokens =
            Tokens::builder(store.clone()).usage_store(store).catalog(catalog()).without_background();
        let tokens = tokens.build().unwrap();
        tokens.open().await.unwrap();
        let guard = tokens
            .guard(rules())
            .tenant_from_subdomain_of("shop.example")
            .sources([Source::Bearer, Source::Scheme("Token"), Source::Header("x-api-key")])
            .token_or_own_login();
        let api = AdminApi::new(tokens.clone()).tenant_from_subdomain_of("shop.example");
        let noted = Arc::<Mutex<Vec<String>>>::default();
        let (by_handler, by_login) = (noted.clone(), noted.clone());
        let orders = any(move |caller: Caller, request: HttpRequest<Body>| {
            by_handler.lock().unwrap().push(format!("{request:?} {caller:?}"));
            async { "the orders" }
        });
        let authorized = api.clone().authorize(move |parts| {
            // Where the token belongs. What a client puts anywhere else, nobody can tell from the rest.
            by_login.lock().unwrap().push(format!("login: {:?}", parts.headers.get("authorization")));
            async { Access::Nobody }
        });
        let mut shown = Shown::default();
        shown.debug(&authorized);
        let mount = authorized.at("/admin");
        shown.debug(&mount);
        let twice = Router::new().route("/twice", orders.clone());
        let twice = twice.route_layer(guard.clone()).route_layer(guard.clone());
        let router = Router::new()
            .route("/orders", orders.clone())
            .route("/orders/{id}", orders.clone())
            .route("/products", orders.clone())
            .route_layer(guard.clone())
            .merge(twice)
            .route("/outside/{id}", orders)
            .merge(mount);
        Shop { tokens, guard, api, router, noted, hidden: Hidden::default(), shown }
    }

    /// A request with these headers, through the guard as it is and as a service, and through the
    /// router.
    async fn call(&mut self, method: &str, path: &str, headers: &[(&str, &str)]) {
        let headers = [headers, &[("host", HOST)]].concat();
        let (plain, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let request = Request { query, ..Request::new(method, plain, &headers) };
        self.shown.debug(&request);
        if let Err(several) = request.only_header("authorization") {
            self.shown.debug(&several);
        }
        let admission = self.guard.admit(&request).await;
        self.shown.debug(&admission);
        match admission {
            Admission::Admitted(mut admitted) => {
                self.shown.debug(&admitted);
                self.shown.debug(admitted.caller());
                self.shown.debug(&admitted.headers(|_| false));
                admitted.responded(200);
            }
            Admission::Refused(reply) => self.look_at(&reply, false),
            Admission::Anonymous => {}
        }

        // A service whose body repeats the token: what stands in a body is the service's own affair,
        // and still nothing that Debug shows.
        let said = format!("{headers:?}").into_bytes();
        let repeats = tower::service_fn(move |_: HttpRequest<Body>| {
            let body = http_body_util::Full::new(axum::body::Bytes::from(said.clone()));
            async { Ok::<_, std::convert::Infallible>(Response::new(body)) }
        });
        let mut service = self.guard.layer(repeats);
        let answer = service.ready().await.unwrap().call(as_http(method, path, &headers, Vec::new())).await;
        let answer = answer.unwrap();
        self.shown.debug(answer.body());
        self.shown.debug(&answer);

        let answer = self.router.clone().oneshot(as_http(method, path, &headers, Vec::new())).await.unwrap();
        self.look_at_response(answer, false).await;
    }

    /// A request of the admin API, once as it is and once through the router; those that make a
    /// secret are sent as they are.
    async fn manage(&mut self, token: &str, method: &str, path: &str, extra: &[(&str, &str)], body: &str) {
        let bearer = format!("Bearer {token}");
        let usual =
            [("host", HOST), ("authorization", bearer.as_str()), ("content-type", "application/json")];
        let headers = [&usual, extra].concat();
        let answer = self.answered(method, path, &headers, body).await;
        self.look_at(&answer, false);
        let request = as_http(method, &format!("/admin{path}"), &headers, body.into());
        let answer = self.router.clone().oneshot(request).await.unwrap();
        self.look_at_response(answer, false).await;
    }

    async fn answered(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let headers = headers.to_vec();
        let http = Request { query, ..Request::new(method, path, &headers) };
        let request = AdminRequest::new(http, body.as_bytes());
        self.shown.debug(&request);
        self.shown.debug(&request.http);
        self.api.handle(Access::Nobody, request).await
    }

    /// Makes a secret, and gives it with the id of its token.
    async fn reveal(&mut self, token: &str, path: &str, body: &str) -> (String, String) {
        let bearer = format!("Bearer {token}");
        let headers =
            [("host", HOST), ("authorization", bearer.as_str()), ("content-type", "application/json")];
        let reply = self.answered("POST", path, &headers, body).await;
        assert_eq!(reply.status, 201, "{}", String::from_utf8_lossy(&reply.body));
        let said: Value = serde_json::from_slice(&reply.body).unwrap();
        let secret = said["secret"].as_str().unwrap().to_owned();
        self.hidden.add_text(&secret);
        self.look_at(&reply, true);
        (said["token"]["id"].as_str().unwrap().to_owned(), secret)
    }

    /// A reply, in every form that it takes on its way out.
    fn look_at(&mut self, reply: &Reply, reveals: bool) {
        self.shown.debug(reply);
        self.shown.debug(&Admission::Refused(reply.clone()));
        let body = GuardBody::<Body>::from(reply.body.clone());
        self.shown.debug(&body);
        let response: Response<GuardBody<Body>> = reply.clone().into_response();
        self.shown.debug(&response);
        let response = IntoResponse::into_response(reply.clone());
        self.shown.debug(&response);
        for (_, value) in &reply.headers {
            self.hidden.assert_absent("a header", value);
        }
        if !reveals {
            self.hidden.assert_absent("a body", &String::from_utf8_lossy(&reply.body));
        }
    }

    async fn look_at_response(&mut self, response: Response<Body>, reveals: bool) {
        self.shown.debug(&response);
        let body = to_bytes(response.into_body(), 10 * BODY_LIMIT).await.unwrap();
        if !reveals {
            self.hidden.assert_absent("a body", &String::from_utf8_lossy(&body));
        }
    }
}

fn as_http(method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> HttpRequest<Body> {
    let mut request =
        HttpRequest::builder().method(method).uri(path).extension(ClientAddress([203, 0, 113, 7].into()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(body)).unwrap()
}

/// The file and what SQLite and we keep beside it.
fn assert_no_secret_in_files(hidden: &Hidden, folder: &Path, expected: &[&str]) {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let content = std::fs::read(&path).unwrap();
        hidden.assert_no_secret(&path.display().to_string(), &String::from_utf8_lossy(&content));
        names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
    }
    assert!(expected.iter().all(|name| names.iter().any(|found| found == name)), "{names:?}");
}

#[test]
fn nothing_that_needs_a_feature_shows_a_secret() {
    let log: &Log = log();
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::at(folder.path().join("tokens.db")));
    block_on(async {
        let mut shop = Shop::open(store.clone()).await;
        let asked = NewToken::named("Manager")
            .tenant("acme")
            .scopes(["tokens:manage", "orders:read", "orders:write"])
            .rate_limit(RateLimit::per_minute(100_000).unwrap());
        let manager = shop.tokens.issue(asked).by(Actor::new("maria").tenant("acme")).await.unwrap();
        shop.hidden.add(&manager.secret);
        let manager = manager.secret.expose();

        for number in 0..5 {
            let body = json!({
                "name": format!("Export {number}"), "scopes": ["orders:read"], "rate_limit": {"per_minute": 20},
            });
            let (id, first) = shop.reveal(manager, "/tokens", &body.to_string()).await;
            through_the_guard(&mut shop, &first).await;
            through_the_admin_api(&mut shop, manager, &id, &first).await;
            let (_, second) = shop.reveal(manager, &format!("/tokens/{id}/rotate"), "").await;
            through_the_guard(&mut shop, &first).await;
            through_the_guard(&mut shop, &second).await;
            let asked = json!({"token": second}).to_string();
            shop.manage(manager, "POST", "/introspect", &[], &asked).await;
            let many = json!({"action": "resume", "ids": [id, second]}).to_string();
            shop.manage(manager, "POST", "/tokens/bulk", &[], &many).await;
            shop.manage(manager, "POST", &format!("/tokens/{id}/revoke"), &[], r#"{"reason": "lost"}"#).await;
            through_the_guard(&mut shop, &second).await;
            let rows = ["/usage", "/timeseries", "/endpoints", "/clients", "/scopes", "/calls", "/audit"];
            let rows = rows.into_iter().chain(["/secrets", "/impact?action=revoke", "/impact?action=rotate"]);
            for path in ["", "?include=usage"].into_iter().chain(rows) {
                shop.manage(manager, "GET", &format!("/tokens/{id}{path}"), &[], "").await;
            }
        }
        shop.tokens.flush().await.unwrap();
        let of_all = ["/usage?group_by=token", "/usage?group_by=endpoint", "/usage/timeseries"];
        let of_all =
            of_all.into_iter().chain(["/audit", "/audit/verify", "/attention", "/tokens?attention=true"]);
        let others = ["/tokens?limit=1", "/tokens?include=usage", "/scopes", "/presets", "/me", "/nothing"];
        for path in of_all.into_iter().chain(others) {
            shop.manage(manager, "GET", path, &[], "").await;
        }

        // Everything that was called, as a stream tells it.
        let bearer = format!("Bearer {manager}");
        let headers = [("host", HOST), ("authorization", bearer.as_str()), ("last-event-id", "0")];
        let reply = shop.answered("GET", "/calls/stream", &headers, "").await;
        shop.shown.debug(&reply);
        shop.shown.debug(&reply.clone().into_streaming_response());
        let mut stream = reply.stream.unwrap();
        shop.shown.debug(&stream);
        for _ in 0..2 {
            let piece = stream.next().await.unwrap().unwrap();
            assert!(!piece.is_empty());
            shop.hidden.assert_absent("a stream", &String::from_utf8_lossy(&piece));
        }
        drop(stream);
        shop.shown.debug(&Reply::empty(204).into_streaming_response().into_body());
        shop.shown.error(&BrokenOff);

        // What carries no token, and is public all the same.
        let own_shape =
            shop.guard.clone().refusal_body(|denied| ("text/plain", denied.detail().into_bytes()));
        let shown = &mut shop.shown;
        shown.debug(&shop.guard);
        shown.debug(&own_shape);
        shown.debug(&own_shape.token_missing());
        shown.debug(&own_shape.layer(shop.router.clone()));
        shown.debug(&shop.api);
        shown.debug(&shop.router);
        shown.debug(&rules());
        for wrong in [rules().live("me"), rules().route("/x", "x:read"), rules().public("/me")] {
            shown.error(&shop.tokens.try_guard(wrong).unwrap_err());
        }
        shown.debug(&LimitHeaders::default());
        shop.guard.token_sources().iter().for_each(|source| shown.debug(source));
        for source in [TenantSource::fixed("acme"), TenantSource::by(|_| None), TenantSource::own_of_token()]
        {
            shown.debug(&source);
        }
        let actor = || Actor::new("maria").tenant("acme");
        for access in [
            Access::Nobody,
            Access::login("/login"),
            Access::SignIn,
            Access::Forbidden,
            Access::read_only(actor()),
            Access::manage(actor()),
            Access::Custom(actor(), Permissions::all()),
        ] {
            shown.debug(&access);
        }
        shown.debug(&Permissions::read_only());
        shown.debug(&Dashboard::new(shop.tokens.clone()).title("Acme").example_url("https://{host}/"));
        shown.debug(&ClientAddress([203, 0, 113, 7].into()));
        shown.error::<NotGuarded>(&caller(&axum::http::Extensions::new()).unwrap_err());
        shown.debug(&Denied::Missing);
        shown.json(&conformance::sample_token(7));
        shown.debug(&store);
        shown.debug(&*store);
        shown.debug(&PostgresStore::at("postgres://shop:the-password@127.0.0.1:1/shop").unwrap());
        shown.debug(&RedisLimiter::at("redis://:the-password@127.0.0.1:1").unwrap());
        for name in ["PostgresStore", "RedisLimiter"] {
            assert!(shown.debugged[name].iter().all(|text| !text.contains("the-password")), "{name}");
        }

        shop.tokens.flush().await.unwrap();
        assert_no_secret_in_files(&shop.hidden, folder.path(), &["tokens.db", "tokens.db-wal"]);
        shop.tokens.shutdown().await.unwrap();
        let Shop { noted, hidden, shown, .. } = shop;
        drop(store);
        assert_no_secret_in_files(&hidden, folder.path(), &["tokens.db"]);

        let types = public_types(Needs::Features);
        let named = ["Reply", "GuardBody", "AdminRequest", "Mount", "SqliteStore"];
        assert!(named.iter().all(|name| types.contains_key(*name)), "the source was read: {types:?}");
        shown.assert_complete(&types);
        shown.assert_hidden(&hidden);
        let noted = noted.lock().unwrap().join("\n");
        assert!(noted.contains("login: Some(") && noted.contains("x-api-key"), "{noted}");
        hidden.assert_absent("what a login and a handler have noted", &noted);
        // The search does find a body that is shown as a list of bytes.
        for told in [format!("{:?}", manager.as_bytes()), format!("{:#?}", manager.as_bytes())] {
            assert!(hidden.stands_in(&told), "{told}");
        }
        let logged = log.text();
        for line in
            ["a request with a token is finished", "no rule says", "two guards", "no guard has looked"]
        {
            assert!(logged.contains(line), "nothing was logged that says {line:?}");
        }
        hidden.assert_absent("the log", &logged);
    });
}

/// A token in each place where one may stand, and in some where none should.
async fn through_the_guard(shop: &mut Shop, token: &str) {
    let bearer = format!("Bearer {token}");
    let mistyped = format!("Bearer {}", &token[..token.len() - 1]);
    let scheme = format!("Token {token}");
    let authorization = [("authorization", bearer.as_str())];
    shop.call(token, "/products", &authorization).await;
    shop.call(token, "/twice", &authorization).await;
    for path in ["/orders", "/orders/7", "/products", "/me", "/health", "/session", "/twice", "/outside/7"] {
        shop.call("GET", path, &authorization).await;
    }
    shop.call("POST", "/orders", &authorization).await;
    shop.call("GET", "/orders", &[("x-api-key", token)]).await;
    shop.call("GET", "/orders", &[("authorization", &scheme)]).await;
    shop.call("GET", "/orders", &[("authorization", &mistyped)]).await;
    shop.call("GET", "/orders", &[("authorization", &bearer), ("x-api-key", token)]).await;
    shop.call("GET", "/orders", &[authorization[0], authorization[0]]).await;
    shop.call("GET", &format!("/orders?access_token={token}"), &authorization).await;
    shop.call("GET", &format!("/outside/{token}"), &authorization).await;
    shop.call("GET", &format!("/nothing/{token}"), &authorization).await;
}

/// The same for the admin API: sent by its holder, looked for, and put where something else belongs.
async fn through_the_admin_api(shop: &mut Shop, manager: &str, id: &str, token: &str) {
    let one = format!("/tokens/{id}");
    shop.manage(token, "GET", "/tokens", &[], "").await;
    shop.manage(manager, "POST", "/tokens/find", &[], &json!({"secret": token}).to_string()).await;
    for body in [
        json!({"name": "x", "secret": token}),
        json!({"name": "x", "scopes": [token]}),
        json!({"name": "x", "preset": token}),
        json!({"name": "x", "ip_allow": [token]}),
        json!({"name": "x", "expires_at": token}),
        json!({"name": "x", "rate_limit": token}),
        json!(token),
    ] {
        shop.manage(manager, "POST", "/tokens", &[], &body.to_string()).await;
    }
    shop.manage(manager, "POST", "/tokens", &[], token).await;
    shop.manage(manager, "PATCH", &one, &[("if-match", token)], r#"{"description": "y"}"#).await;
    // A request id is written down, and a key is kept: both may be anything.
    let ids = [("x-request-id", token), ("idempotency-key", token)];
    shop.manage(manager, "PATCH", &one, &ids, r#"{"description": "z"}"#).await;
    shop.manage(manager, "POST", &format!("{one}/pause"), &ids, "").await;
    shop.manage(manager, "POST", &format!("{one}/resume"), &ids, "").await;
    shop.manage(manager, "GET", &format!("/tokens?cursor={token}"), &[], "").await;
    shop.manage(manager, "GET", &format!("/tokens?status={token}&scope={token}"), &[], "").await;
    shop.manage(manager, "GET", &format!("/tokens/{token}"), &[], "").await;
    shop.manage(manager, token, "/tokens", &[], "").await;
}
