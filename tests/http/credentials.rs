//! How a token may come, and all the ways in which it may not.

use axum::Router;
use axum::extract::Request;
use axum::routing::get;
use tokenward::web::{Guard, Rules, Source};
use tokenward::{Caller, Tokens};

use super::kit::{Kit, Server, kit, misspelt, request};

async fn read(caller: Caller) -> String {
    format!("read by {}", caller.token_id())
}

fn guard(kit: &Kit) -> Guard {
    kit.tokens.guard(Rules::new().resource("/orders", "orders")).tenant_from_subdomain_of("shop.example")
}

fn serve(guard: Guard) -> Server {
    Server::start(Router::new().route("/orders", get(read).post(read)).route_layer(guard))
}

#[test]
fn a_bearer_token_comes_in_any_case_and_behind_any_number_of_spaces() {
    let kit = kit();
    let (token, _) = kit.issue(&["orders:read"]);
    let server = serve(guard(&kit));
    for line in [
        format!("Authorization: Bearer {token}"),
        format!("AUTHORIZATION:bearer {token}"),
        format!("authorization:   BEARER {token}   "),
        format!("authorization:\tbEaReR     {token}\t "),
    ] {
        server.ask("GET", "/orders", &[&line]).is(200, "");
    }
}

#[test]
fn what_is_no_token_of_ours_is_no_credential() {
    let kit = kit();
    let (token, _) = kit.issue(&["orders:read"]);
    let server = serve(guard(&kit));
    let bare = r#"Bearer realm="api""#;
    let mut cases = vec![Vec::new()];
    for value in [
        "".to_owned(),
        "Bearer".to_owned(),
        "Basic dXNlcjpwYXNz".to_owned(),
        "Digest username=\"x\"".to_owned(),
        format!("Token {token}"),
        format!("Bearer{token}"),
        format!("Bearer\t{token}"),
        format!("Bearer \t{token}"),
        format!("Bearer \"{token}\""),
        format!("Bearer secret-token:{token}"),
        "Bearer ghp_0123456789abcdefghijklmnopqrstuvwxyz".to_owned(),
        format!("Bearer acme_test_{}", &token[3..]),
        format!("Bearer {}", token.to_uppercase()),
        format!("Bearer \u{ff54}{}", &token[1..]),
        format!("Bearer \u{200b}{token}"),
        token.clone(),
    ] {
        cases.push(vec![format!("Authorization: {value}")]);
    }
    cases.push(vec![format!("Proxy-Authorization: Bearer {token}")]);
    cases.push(vec![format!("Cookie: access_token={token}; Authorization=Bearer {token}")]);
    cases.push(vec![format!("X-Api-Key: {token}")]);
    cases.push(vec![format!("X-Authorization: Bearer {token}")]);
    for lines in cases {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let answer = server.ask("GET", "/orders", &lines);
        answer.is(401, "token-missing");
        assert_eq!(answer.header("www-authenticate"), Some(bare), "{lines:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    assert_eq!(kit.store.loads(), 0, "nobody asked the store");
}

#[test]
fn a_token_in_query_or_body_alone_is_not_looked_at() {
    let kit = kit();
    let (token, _) = kit.issue(&["orders:read", "orders:write"]);
    let server = serve(guard(&kit));
    server.ask("GET", &format!("/orders?access_token={token}"), &[]).is(401, "token-missing");
    let form = format!("access_token={token}");
    let length = format!("Content-Length: {}", form.len());
    let lines = ["Content-Type: application/x-www-form-urlencoded", &length];
    server.raw(request("POST", "/orders", &lines) + &form).is(401, "token-missing");
    // Beside one in the header, the query is looked at and the body is not.
    let line = format!("Authorization: Bearer {token}");
    for query in ["access_token=x", "access%5ftoken=x", "a=1&access_token"] {
        let answer = server.ask("GET", &format!("/orders?{query}"), &[&line]);
        answer.is(400, "invalid-request");
        let challenge = r#"Bearer realm="api", error="invalid_request""#;
        assert_eq!(answer.header("www-authenticate"), Some(challenge));
    }
    let lines = [lines[0], lines[1], &line];
    server.raw(request("POST", "/orders", &lines) + &form).is(200, "");
}

#[test]
fn two_authorization_lines_are_refused_in_every_order() {
    let kit = kit();
    let (good, _) = kit.issue(&["orders:read"]);
    let (other, _) = kit.issue(&["orders:read"]);
    let bad = misspelt(&good);
    let server = serve(guard(&kit));
    let values = [
        format!("Bearer {good}"),
        format!("Bearer {other}"),
        format!("Bearer {bad}"),
        "Bearer ghp_x".to_owned(),
        "Basic dXNlcjpwYXNz".to_owned(),
        String::new(),
    ];
    for first in &values {
        for second in &values {
            let lines = [format!("Authorization: {first}"), format!("authorization: {second}")];
            server.ask("GET", "/orders", &[&lines[0], &lines[1]]).is(400, "invalid-request");
        }
    }
    // In one line they are one text, which is no token.
    let line = format!("Authorization: Bearer {good}, Bearer {good}");
    server.ask("GET", "/orders", &[&line]).is(401, "token-invalid");
}

#[test]
fn no_bytes_in_the_header_do_harm() {
    let kit = kit();
    let (token, _) = kit.issue(&["orders:read"]);
    let server = serve(guard(&kit));
    let with = |value: &[u8]| {
        let mut bytes = b"GET /orders HTTP/1.1\r\nHost: acme.shop.example\r\nAuthorization: Bearer ".to_vec();
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"\r\n\r\n");
        server.raw(bytes)
    };
    for tail in [&b"\x80\xff"[..], b"\xc3\x28", b"\xe2\x80\x8b", b" x", b"\tx", b"=", b"\xed\xa0\x80"] {
        let mut value = token.clone().into_bytes();
        value.extend_from_slice(tail);
        let answer = with(&value);
        answer.is(401, "token-invalid");
        assert!(!answer.text().contains(&token), "nothing is echoed");
    }
    with(b"\xff\xfe\xfd").is(401, "token-missing");
    for length in [0, 1, 57, 59, 512, 513, 8_000] {
        with(format!("tw_{}", "a".repeat(length)).as_bytes()).is(401, "token-invalid");
    }
    // What the protocol does not allow the server refuses by itself.
    for tail in [&b"\0"[..], b"\x01", b"\x7f"] {
        let mut value = token.clone().into_bytes();
        value.extend_from_slice(tail);
        assert_eq!(with(&value).status, 400);
    }
    let folded = format!("tw_\r\n {token}");
    assert_eq!(with(folded.as_bytes()).status, 400);
    assert_eq!(kit.store.loads(), 0, "nobody asked the store");
    // The server still stands.
    server.get("/orders", &token).is(200, "");
}

#[test]
fn a_header_of_a_megabyte_is_refused() {
    let kit = kit();
    let server = serve(guard(&kit));
    let huge = format!("Authorization: Bearer tw_{}", "a".repeat(1_000_000));
    let mut connection = server.connect();
    connection.send(request("GET", "/orders", &[&huge]));
    // The server closes on what it has not read, so that its 431 may be lost on the way.
    if let Some(answer) = connection.head() {
        assert_eq!(answer.status, 431);
    }
    server.ask("GET", "/orders", &[]).is(401, "token-missing");
}

#[test]
fn a_misspelt_token_never_reaches_the_store() {
    let kit = kit();
    let (token, _) = kit.issue(&["orders:read"]);
    let server = serve(guard(&kit));
    for _ in 0..20 {
        server.get("/orders", &misspelt(&token)).is(401, "token-invalid");
    }
    assert_eq!(kit.store.loads(), 0);
    assert_eq!(kit.tokens.strangers().malformed, 20);
}

#[test]
fn head_is_a_get_and_options_is_a_request_like_any_other() {
    let kit = kit();
    let (token, id) = kit.issue(&["orders:read"]);
    let (powerless, _) = kit.issue(&["products:read"]);
    let server = serve(guard(&kit));
    let with = |token: &str| format!("Authorization: Bearer {token}");
    assert_eq!(server.ask("HEAD", "/orders", &[&with(&token)]).status, 200);
    let refused = server.ask("HEAD", "/orders", &[&with(&powerless)]);
    assert_eq!((refused.status, refused.body.len()), (403, 0));
    assert!(refused.header("content-length").unwrap().parse::<usize>().unwrap() > 100, "as for a GET");
    assert_eq!(server.ask("HEAD", "/orders", &[]).status, 401);
    server.ask("OPTIONS", "/orders", &[]).is(401, "token-missing");
    server.ask("OPTIONS", "/orders", &[&with(&token)]).is(405, "");
    assert_eq!(kit.counted(&id).0, 2);
}

#[test]
fn a_preflight_passes_only_where_that_was_asked_for() {
    let kit = kit();
    let (token, id) = kit.issue(&["orders:read"]);
    kit.limit(&id, 1);
    let preflight = ["Origin: https://app.example", "Access-Control-Request-Method: GET"];
    serve(guard(&kit)).ask("OPTIONS", "/orders", &preflight).is(401, "token-missing");
    let server = serve(guard(&kit).let_preflight_pass());
    for _ in 0..3 {
        server.ask("OPTIONS", "/orders", &preflight).is(405, "");
    }
    // Nothing else passes with it: no other method, and no half of a preflight.
    server.ask("GET", "/orders", &preflight).is(401, "token-missing");
    server.ask("OPTIONS", "/orders", &preflight[..1]).is(401, "token-missing");
    server.ask("OPTIONS", "/orders", &preflight[1..]).is(401, "token-missing");
    server.get("/orders", &token).is(200, "");
    assert_eq!(kit.counted(&id), (1, 1, 1));
}

#[test]
fn other_sources_take_our_tokens_and_leave_the_rest_alone() {
    let kit = kit();
    let (token, _) = kit.issue(&["orders:read"]);
    let sources = [Source::Bearer, Source::Scheme("token"), Source::Header("x-api-key")];
    let server = serve(guard(&kit).sources(sources));
    let (bearer, scheme) =
        (format!("Authorization: Bearer {token}"), format!("Authorization: Token {token}"));
    let key = format!("X-API-Key: {token}");
    server.ask("GET", "/orders", &[&bearer]).is(200, "");
    server.ask("GET", "/orders", &[&scheme]).is(200, "");
    server.ask("GET", "/orders", &[&key]).is(200, "");
    server.ask("GET", "/orders", &[&key, "Authorization: Basic dXNlcjpwYXNz"]).is(200, "");
    server.ask("GET", "/orders", &[&bearer, "X-API-Key: the key of somebody else"]).is(200, "");
    server.ask("GET", "/orders", &[&bearer, &key]).is(400, "invalid-request");
    server.ask("GET", "/orders", &[&scheme, &key]).is(400, "invalid-request");
    server.ask("GET", "/orders", &[&key, &key]).is(400, "invalid-request");
    server.ask("GET", "/orders", &[&bearer, &scheme]).is(400, "invalid-request");
    server.ask("GET", "/orders", &[&format!("X-API-Key: Bearer {token}")]).is(401, "token-missing");
    server.ask("GET", "/orders", &[&format!("X-API-Key: {}", misspelt(&token))]).is(401, "token-invalid");
    // Only what is named is looked at.
    let server = serve(guard(&kit).sources([Source::Header("x-api-key")]));
    server.ask("GET", "/orders", &[&bearer]).is(401, "token-missing");
}

#[test]
fn token_or_own_login_hands_on_what_is_not_ours() {
    async fn own_login(caller: Option<Caller>, request: Request) -> String {
        let mut all = request.headers().get_all("authorization").iter();
        let seen: Vec<_> = all.by_ref().map(|value| value.to_str().unwrap()).collect();
        format!("{} {seen:?}", if caller.is_some() { "token" } else { "own" })
    }
    let kit = kit();
    let (token, _) = kit.issue(&["orders:read"]);
    let app = Router::new().route("/orders", get(own_login)).route("/other", get(own_login));
    let server = Server::start(app.route_layer(guard(&kit).token_or_own_login()));
    let ours = format!("Authorization: Bearer {token}");
    let basic = "Authorization: Basic dXNlcjpwYXNz";
    for (path, lines, expected) in [
        ("/orders", vec![], "own []"),
        ("/orders", vec![basic], r#"own ["Basic dXNlcjpwYXNz"]"#),
        (
            "/orders",
            vec![basic, "Authorization: Bearer eyJ.x.y"],
            r#"own ["Basic dXNlcjpwYXNz", "Bearer eyJ.x.y"]"#,
        ),
        ("/other", vec!["Authorization: Bearer eyJ.x.y"], r#"own ["Bearer eyJ.x.y"]"#),
    ] {
        let answer = server.ask("GET", path, &lines);
        assert_eq!((answer.status, answer.text()), (200, expected), "{path} {lines:?}");
    }
    assert!(server.ask("GET", "/orders", &[&ours]).text().starts_with("token "));
    assert!(server.ask("GET", "/orders", &[basic, &ours]).text().starts_with("token "));
    server.get("/orders", &misspelt(&token)).is(401, "token-invalid");
    server.get("/orders", "tw_").is(401, "token-invalid");
    server.get("/other", &token).is(403, "not-for-tokens");
    server.ask("GET", "/orders", &[&ours, &ours]).is(400, "invalid-request");
    // Neither a host that does not read nor a bad path is our business without a token of ours.
    assert_eq!(server.raw("GET /orders HTTP/1.1\r\nHost: a, b\r\n\r\n").status, 200);
    server.raw(format!("GET /orders HTTP/1.1\r\nHost: a, b\r\n{ours}\r\n\r\n")).is(400, "invalid-request");
}

#[test]
fn the_handler_sees_the_token_marked_as_sensitive() {
    async fn sensitive(request: Request) -> String {
        let is = |name| request.headers()[name].is_sensitive();
        format!("{} {}", is("authorization"), is("x-api-key"))
    }
    let kit = kit();
    let app = Router::new().route("/orders", get(sensitive));
    let sources = [Source::Bearer, Source::Header("X-API-Key")];
    let server = Server::start(app.route_layer(guard(&kit).sources(sources)));
    let (token, _) = kit.issue(&["orders:read"]);
    let line = format!("Authorization: Bearer {token}");
    assert_eq!(server.ask("GET", "/orders", &[&line, "X-API-Key: theirs"]).text(), "true true");
    let line = format!("X-API-Key: {token}");
    assert_eq!(server.ask("GET", "/orders", &["Authorization: Basic x", &line]).text(), "true true");
}

#[test]
fn no_token_is_ever_logged() {
    let kit = kit();
    let (token, _) = kit.issue(&["orders:read"]);
    let stranger = Tokens::for_tests().0;
    let unknown = tokenward::block_on(async {
        stranger
            .issue(tokenward::NewToken::named("Other"))
            .by("maria")
            .await
            .unwrap()
            .secret
            .expose()
            .to_owned()
    });
    let server = serve(guard(&kit));
    for text in [&token, &unknown, &misspelt(&token)] {
        server.get("/orders", text);
        server.ask("POST", "/orders", &[&format!("Authorization: Bearer {text}")]);
        server.get(&format!("/nowhere/{text}"), text);
    }
    let lines = server.lines_with("");
    assert!(!lines.is_empty());
    for text in [token, unknown] {
        assert!(lines.iter().all(|line| !line.contains(&text[20..40])), "{lines:?}");
    }
}
