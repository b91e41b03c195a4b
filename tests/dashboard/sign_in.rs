//! The dashboard's own sign-in.

use chrono::TimeDelta;
use tokenward::admin::Access;
use tokenward::{Actor, TOKENS_MANAGE, TOKENS_READ};

use super::kit::{Page, Shop, shop};

const FORM: [(&str, &str); 3] = [
    ("sec-fetch-site", "same-origin"),
    ("content-type", "application/x-www-form-urlencoded"),
    ("origin", "http://acme.localhost:3000"),
];

async fn sign_in(shop: &Shop, text: &str, return_to: &str) -> Page {
    let form = format!("token={text}&return_to={return_to}");
    shop.send(Access::SignIn, "POST", "/sign-in", &FORM, &form).await
}

/// The cookie that an answer sets, as a browser sends it back.
fn session(page: &Page) -> String {
    let cookie = page.header("set-cookie").expect("a cookie is set");
    cookie.split(';').next().unwrap().to_owned()
}

async fn with(shop: &Shop, cookie: &str, path: &str) -> Page {
    shop.send(Access::SignIn, "GET", path, &[("cookie", cookie)], "").await
}

#[tokio::test]
async fn a_stranger_is_led_to_the_sign_in_and_back_to_where_it_wanted() {
    let shop = shop();
    let (text, record) = shop.token("Boss", &[TOKENS_MANAGE]).await;
    let away = shop.get_as(Access::SignIn, &format!("/t/{}", record.id)).await;
    assert_eq!(away.status, 303);
    let id = record.id.to_string().replace('_', "%5F").replace('-', "%2D");
    assert_eq!(away.header("location"), Some(&*format!("../sign-in?return_to=t%2F{id}")));
    let form = shop.get_as(Access::SignIn, &format!("/sign-in?return_to=t%2F{}", record.id)).await;
    assert_eq!(form.status, 200);
    assert!(form.html.contains(&format!("value=\"t/{}\"", record.id)), "{}", form.html);
    let signed_in = sign_in(&shop, &text, &format!("t/{}", record.id)).await;
    assert_eq!(signed_in.header("location"), Some(&*format!("./t/{}", record.id)));
    assert!(!signed_in.header("set-cookie").unwrap().contains("Secure"), "this host has no TLS");
    let cookie = session(&signed_in);
    assert_eq!(with(&shop, &cookie, "/").await.status, 200);
}

#[tokio::test]
async fn the_cookie_holds_no_secret_and_is_hidden_from_scripts() {
    let shop = shop();
    let (text, _) = shop.token("Boss", &[TOKENS_MANAGE]).await;
    let tls = [FORM[0], FORM[1], ("origin", "https://acme.localhost:3000")];
    let signed_in = shop.send(Access::SignIn, "POST", "/sign-in", &tls, &format!("token={text}")).await;
    let cookie = signed_in.header("set-cookie").unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && cookie.contains("Secure"));
    let secret = &text[text.len() - 42..];
    assert!(!cookie.contains(secret) && !cookie.contains(&secret[..12]));
}

#[tokio::test]
async fn a_session_dies_with_its_token() {
    for end in ["rotated", "revoked", "paused", "narrowed", "over", "forged", "foreign"] {
        let shop = shop();
        let (text, record) = shop.token("Boss", &[TOKENS_MANAGE]).await;
        let mut cookie = session(&sign_in(&shop, &text, "").await);
        assert_eq!(with(&shop, &cookie, "/").await.status, 200, "{end}");
        let by = || Actor::new("maria").tenant("acme");
        match end {
            "rotated" => drop(shop.tokens.rotate(&record.id).by(by()).await.unwrap()),
            "revoked" => drop(shop.tokens.revoke(&record.id).by(by()).await.unwrap()),
            "paused" => drop(shop.tokens.pause(&record.id).by(by()).await.unwrap()),
            "narrowed" => {
                let update = tokenward::Update::new().scopes(["orders:read"]);
                drop(shop.tokens.update(&record.id, update).by(by()).await.unwrap());
            }
            "over" => shop.clock.advance(TimeDelta::hours(12)),
            "forged" => cookie = cookie.replace(&record.id.to_string(), "tok_AAAAAAAAAAAAAAAA"),
            _ => cookie = format!("{}x", cookie),
        }
        let page = with(&shop, &cookie, "/").await;
        assert_eq!((page.status, page.header("location")), (303, Some("./sign-in?return_to=")), "{end}");
    }
}

#[tokio::test]
async fn whoever_may_only_read_is_shown_no_way_to_change() {
    let shop = shop();
    let (text, _) = shop.token("Reader", &[TOKENS_READ]).await;
    let cookie = session(&sign_in(&shop, &text, "").await);
    let page = with(&shop, &cookie, "/").await;
    assert_eq!(page.status, 200);
    assert!(!page.html.contains("./new"), "{}", page.html);
    assert_eq!(with(&shop, &cookie, "/new").await.status, 403);
}

#[tokio::test]
async fn a_refused_sign_in_says_why_and_keeps_nothing_of_the_text() {
    let shop = shop();
    let (weak, _) = shop.token("Weak", &["orders:read"]).await;
    let (wrong, _) = shop.token("Boss", &[TOKENS_MANAGE]).await;
    shop.clock.advance(TimeDelta::seconds(1));
    for (text, status) in [("nonsense", 401), (&*weak, 403), (&wrong[..wrong.len() - 1], 401)] {
        let page = sign_in(&shop, text, "").await;
        assert_eq!(page.status, status, "{}", page.text());
        assert!(page.header("set-cookie").is_none());
        assert!(!page.html.contains(text), "what was typed is on the page");
        assert!(page.html.contains("role=\"alert\""));
        assert_eq!(page.header("cache-control"), Some("no-store"));
    }
}

#[tokio::test]
async fn a_token_of_another_shop_opens_nothing_here() {
    let shop = shop();
    let asked = tokenward::NewToken::named("Boss").tenant("globex").scopes([TOKENS_MANAGE]);
    let issued = shop.tokens.issue(asked).by(Actor::new("it").tenant("globex")).await.unwrap();
    assert_eq!(sign_in(&shop, issued.secret.expose(), "").await.status, 401);
}

#[tokio::test]
async fn the_way_back_leads_nowhere_else() {
    let shop = shop();
    let (text, _) = shop.token("Boss", &[TOKENS_MANAGE]).await;
    for away in ["//evil.example", "https:%2F%2Fevil.example", "%2Fadmin", "..%2F..%2Fx", "t%2F%2Fx", "%5Cx"]
    {
        let page = sign_in(&shop, &text, away).await;
        assert_eq!((page.status, page.header("location")), (303, Some("./")), "{away}");
    }
}

#[tokio::test]
async fn a_page_of_another_site_signs_nobody_in_or_out() {
    let shop = shop();
    let (text, _) = shop.token("Boss", &[TOKENS_MANAGE]).await;
    for path in ["/sign-in", "/sign-out"] {
        let headers = [("sec-fetch-site", "cross-site"), FORM[1]];
        let page = shop.send(Access::SignIn, "POST", path, &headers, &format!("token={text}")).await;
        assert_eq!(page.status, 403, "{path}");
        assert!(page.header("set-cookie").is_none());
    }
    let out = shop.send(Access::SignIn, "POST", "/sign-out", &FORM, "").await;
    assert_eq!(out.status, 303);
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
}

#[tokio::test]
async fn without_the_own_sign_in_its_pages_are_not_there() {
    let shop = shop();
    assert_eq!(shop.get("/sign-in").await.status, 404);
    assert_eq!(shop.post("/sign-out", "").await.status, 404);
}
