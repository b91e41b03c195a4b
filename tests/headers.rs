//! The headers of our answers, read by parsers that are not ours: structured fields (RFC 9651) and challenges
//! (RFC 7235).
#![cfg(feature = "axum")]

#[path = "clients/python.rs"]
mod python;
#[path = "support/tools.rs"]
mod tools;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use axum::routing::get;
use chrono::TimeDelta;
use sfv::{BareItem, List, ListEntry, Parser};
use tokenward::web::{Rules, TenantSource};
use tokenward::{Actor, Catalog, ManualClock, MemoryStore, NewToken, Policy, Quota, RateLimit, Tokens};
use tower::ServiceExt;

fn app(tokens: &Tokens, realm: &str) -> Router {
    let rules =
        Rules::new().resource("/orders", "orders").route_with("PUT /both", &["orders:read", "orders:write"]);
    let answer = || async { "" };
    Router::new()
        .route("/orders", get(answer).post(answer))
        .route("/both", axum::routing::put(answer))
        .route_layer(tokens.guard(rules).realm(realm))
}

async fn send(app: &Router, method: &str, path: &str, token: &str) -> Response<Body> {
    let request =
        Request::builder().method(method).uri(path).header("authorization", format!("Bearer {token}"));
    app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

fn quotas() -> [RateLimit; 3] {
    let one = RateLimit::of(Quota::new(3, Duration::from_millis(2_500)).unwrap());
    let three = RateLimit::of(Quota::per_minute(2).unwrap());
    let three =
        three.and(Quota::per_hour(100).unwrap()).unwrap().and(Quota::per_day(u32::MAX).unwrap()).unwrap();
    let odd = RateLimit::of(Quota::new(2, Duration::from_secs(1)).unwrap());
    [one, three, odd.and(Quota::new(5, Duration::from_secs(7)).unwrap()).unwrap()]
}

/// A token with this limit, asked until it is refused: the pairs of the two fields, from each answer.
async fn fields(limit: RateLimit) -> Vec<(u16, String, String)> {
    let (tokens, clock) = Tokens::for_tests();
    let app = app(&tokens, "api");
    let asked = NewToken::named("Trial").scopes(["orders:read"]).rate_limit(limit);
    let token = tokens.issue(asked).by("maria").await.unwrap().secret;
    let mut fields = Vec::new();
    loop {
        let response = send(&app, "GET", "/orders", token.expose()).await;
        let field = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        fields.push((response.status().as_u16(), field("ratelimit-policy"), field("ratelimit")));
        if response.status() == 429 {
            return fields;
        }
        clock.advance(TimeDelta::milliseconds(3));
    }
}

/// Name and integer parameters of each member.
fn members(field: &str) -> Vec<(String, Vec<(String, i64)>)> {
    let list: List = Parser::new(field).parse().unwrap_or_else(|error| panic!("{field}: {error}"));
    let member = |entry: &ListEntry| {
        let ListEntry::Item(item) = entry else { panic!("{field}: an inner list") };
        let BareItem::String(name) = &item.bare_item else { panic!("{field}: a name that is no string") };
        let number = |value: &BareItem| i64::from(value.as_integer().unwrap());
        let parameters = item.params.iter().map(|(key, value)| (key.as_str().to_owned(), number(value)));
        (name.as_str().to_owned(), parameters.collect())
    };
    list.iter().map(member).collect()
}

#[tokio::test]
async fn the_limit_fields_are_lists_of_structured_fields() {
    for limit in quotas() {
        let quotas: Vec<Quota> = limit.quotas().collect();
        for (status, policy, standing) in fields(limit).await {
            let (policies, standings) = (members(&policy), members(&standing));
            assert_eq!(policies.len(), quotas.len());
            for ((quota, (name, policy)), (same, standing)) in quotas.iter().zip(&policies).zip(&standings) {
                assert_eq!(name, same, "one name in both fields");
                let window = i64::from(quota.window_ms().div_ceil(1_000));
                let expected = [("q".to_owned(), quota.limit().into()), ("w".to_owned(), window)];
                assert_eq!(policy[..], expected);
                let [(r, left), (t, back)] = &standing[..] else { panic!("{standing:?}") };
                assert_eq!((r.as_str(), t.as_str()), ("r", "t"));
                assert!(
                    (0..=quota.limit().into()).contains(left) && (0..=window).contains(back),
                    "{standing:?}"
                );
            }
            let mut names: Vec<_> = policies.iter().map(|(name, _)| name).collect();
            names.dedup();
            assert_eq!(names.len(), quotas.len(), "names are unique");
            assert!(standings.iter().any(|(_, standing)| standing[0].1 == 0) || status == 200);
        }
    }
}

#[tokio::test]
async fn a_limit_that_all_tokens_of_a_tenant_share_has_a_name_of_its_own() {
    let shared = RateLimit::per_minute(1).unwrap().and(Quota::per_hour(9).unwrap()).unwrap();
    let tokens = Tokens::builder(Arc::new(MemoryStore::new()))
        .catalog(Catalog::new().scope("orders:read", "Look at orders").scope("orders:write", "Change orders"))
        .policy(Policy::new().shared_limit_per_tenant(shared))
        .clock(ManualClock::new())
        .without_background()
        .build()
        .unwrap();
    let rules = Rules::new().resource("/orders", "orders");
    let guard = tokens.guard(rules).tenant(TenantSource::fixed("acme"));
    let app = Router::new().route("/orders", get(|| async { "" })).route_layer(guard);
    let asked = NewToken::named("Trial").tenant("acme").scopes(["orders:read"]);
    let token = tokens.issue(asked).by("maria").await.unwrap().secret;
    let granted = send(&app, "GET", "/orders", token.expose()).await;
    assert_eq!(granted.headers()["ratelimit"], "\"default\";r=59;t=60");
    let refused = send(&app, "GET", "/orders", token.expose()).await;
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (429, &"60".parse().unwrap()));
    let standing = members(refused.headers()["ratelimit"].to_str().unwrap());
    let names: Vec<_> = standing.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["account", "hour"]);
    assert_eq!(refused.headers()["x-ratelimit-limit"], "1");
}

#[tokio::test]
async fn python_reads_the_limit_fields_too() {
    let Some(python) = python::find() else { return };
    let mut lines = String::new();
    for limit in quotas() {
        for (_, policy, standing) in fields(limit).await {
            lines.push_str(&format!("{policy}\n{standing}\n"));
        }
    }
    let read = python.run("fields.py", &[], &lines);
    let read: serde_json::Value = serde_json::from_str(&read).unwrap();
    let expected: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| {
            let pairs = members(line).into_iter().map(|(name, parameters)| {
                let parameters: serde_json::Map<_, _> =
                    parameters.into_iter().map(|(key, value)| (key, value.into())).collect();
                serde_json::json!([name, parameters])
            });
            pairs.collect()
        })
        .collect();
    assert_eq!(read, serde_json::Value::from(expected));
}

/// Every challenge that there is, under a realm.
async fn challenges(realm: &str) -> Vec<String> {
    let (tokens, clock): (Tokens, ManualClock) = Tokens::for_tests();
    let app = app(&tokens, realm);
    let issue = async |asked: NewToken| tokens.issue(asked).by("maria").await.unwrap();
    let maria = || Actor::new("maria");
    let new = || NewToken::named("A \"name\" \\ with, everything; in=it").scopes(["orders:read"]);
    let good = issue(new()).await;
    let powerless = issue(NewToken::named("Powerless").scopes(["products:read"])).await;
    let revoked = issue(new()).await;
    tokens.revoke(&revoked.record.id).by(maria()).await.unwrap();
    let rotated = issue(new()).await;
    tokens.rotate(&rotated.record.id).by(maria()).await.unwrap();
    let expired = issue(new().expires_in(TimeDelta::minutes(1))).await;
    let early = issue(new().not_before(tokenward::Clock::now(&clock).wall() + TimeDelta::days(1))).await;
    clock.advance(TimeDelta::minutes(2));
    let mut challenges = Vec::new();
    for (method, path, token, expected) in [
        ("GET", "/orders", "", r#"Bearer realm="R""#),
        ("GET", "/orders", "tw_x", r#"Bearer realm="R", error="invalid_token", error_description="#),
        ("GET", "/orders", revoked.secret.expose(), r#"Bearer realm="R", error="invalid_token", "#),
        ("GET", "/orders", rotated.secret.expose(), r#"Bearer realm="R", error="invalid_token", "#),
        ("GET", "/orders", expired.secret.expose(), r#"Bearer realm="R", error="invalid_token", "#),
        ("GET", "/orders", early.secret.expose(), r#"Bearer realm="R", error="invalid_token", "#),
        (
            "POST",
            "/orders",
            good.secret.expose(),
            r#"Bearer realm="R", error="insufficient_scope", scope="orders:write""#,
        ),
        (
            "PUT",
            "/both",
            powerless.secret.expose(),
            r#"error="insufficient_scope", scope="orders:read orders:write""#,
        ),
        (
            "GET",
            "/orders?access_token=x",
            good.secret.expose(),
            r#"Bearer realm="R", error="invalid_request""#,
        ),
    ] {
        let response = send(&app, method, path, token).await;
        let mut values = response.headers().get_all("www-authenticate").iter();
        let value = values.next().unwrap().to_str().unwrap().to_owned();
        assert_eq!(values.next(), None);
        let kept: String = realm
            .chars()
            .filter(|letter| (' '..='~').contains(letter) && !"\"\\".contains(*letter))
            .collect();
        assert!(value.contains(&expected.replace('R', &kept)), "{value}");
        challenges.push(value);
    }
    challenges
}

const REALMS: [&str; 4] = ["api", "acme shop", "", "a \"b\\\r\nX-Injected: c, Basic realm=d é\u{7f}"];

/// Reads one challenge by the letter of RFC 7235: a scheme, one space, and parameters between commas, each a
/// token, an equals sign and a quoted string without escapes.
fn strictly(text: &str) -> (String, Vec<(String, String)>) {
    let is_token = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
    };
    let (scheme, mut rest) = text.split_once(' ').unwrap();
    assert!(is_token(scheme), "{text}");
    let mut parameters = Vec::new();
    loop {
        let (name, value) = rest.split_once("=\"").unwrap_or_else(|| panic!("{text}"));
        assert!(is_token(name), "{text}");
        let (value, behind) = value.split_once('"').unwrap_or_else(|| panic!("{text}"));
        assert!(value.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'\\'), "{text}");
        parameters.push((name.to_owned(), value.to_owned()));
        if behind.is_empty() {
            return (scheme.to_owned(), parameters);
        }
        rest = behind.strip_prefix(", ").unwrap_or_else(|| panic!("{text}"));
    }
}

#[tokio::test]
async fn challenges_are_what_the_grammar_says_and_a_parser_of_others_agrees() {
    for realm in REALMS {
        for challenge in challenges(realm).await {
            let (scheme, parameters) = strictly(&challenge);
            assert_eq!(scheme, "Bearer");
            let mut names: Vec<_> = parameters.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names[0], "realm");
            names.sort();
            names.dedup();
            assert_eq!(names.len(), parameters.len(), "a parameter stands twice: {challenge}");
            // RFC 6750: scopes are tokens between single spaces.
            if let Some((_, scopes)) = parameters.iter().find(|(name, _)| name == "scope") {
                assert!(scopes.split(' ').all(|scope| !scope.is_empty()), "{challenge}");
            }
            let read = http_auth::parse_challenges(&challenge).unwrap();
            assert_eq!(read.len(), 1, "{challenge}");
            assert_eq!(read[0].scheme, scheme);
            let read: Vec<_> = read[0]
                .params
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.to_unescaped()))
                .collect();
            assert_eq!(read, parameters);
        }
    }
}
