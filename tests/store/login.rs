//! The store's own login, and the dashboard behind it.

use crate::client::{Answer, Client};
use crate::program::Folder;

const DASHBOARD: &str = "/admin/tokens/";

fn log_in(client: &Client, shop: &str, form: &str) -> Answer {
    client.browse(shop, "", "/login", Some(form))
}

/// The cookie that a login sets, as a browser sends it back.
fn session(answer: &Answer) -> String {
    let cookie = answer.header("set-cookie").expect("a cookie is set");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    cookie.split(';').next().unwrap().to_owned()
}

#[test]
fn whoever_has_the_admin_token_of_a_shop_sees_its_dashboard_and_no_other() {
    let folder = Folder::new();
    let store = folder.start();
    let (client, admin) = (&store.client, folder.admin_tokens());

    let start = client.browse("acme", "", "/", None);
    assert_eq!((start.status, start.header("location")), (303, Some("/admin/tokens")));
    let away = client.browse("acme", "", DASHBOARD, None);
    let login = "/login?return_to=%2Fadmin%2Ftokens%2F";
    assert_eq!((away.status, away.header("location")), (303, Some(login)));
    let form = client.browse("acme", "", login, None);
    assert!(form.status == 200 && form.body.contains("value=\"/admin/tokens/\""), "{}", form.body);

    let entered = log_in(client, "acme", &format!("token={}&return_to=/admin/tokens/new", admin.acme));
    assert_eq!((entered.status, entered.header("location")), (303, Some("/admin/tokens/new")));
    let cookie = session(&entered);
    let page = client.browse("acme", &cookie, DASHBOARD, None);
    assert!(page.status == 200 && page.body.contains("Demo mobile app"), "{}", page.body);
    assert!(client.browse("globex", &cookie, DASHBOARD, None).status == 404, "the cookie opens another shop");

    client.browse("acme", &cookie, "/logout", Some(""));
    assert_eq!(client.browse("acme", &cookie, DASHBOARD, None).status, 303);
}

#[test]
fn a_login_ends_with_its_token() {
    let folder = Folder::new();
    let store = folder.start();
    let (client, admin) = (&store.client, folder.admin_tokens());
    let me = client.admin("acme", &admin.acme, "GET", "/me", None).json();
    let id = me["actor"]["token"].as_str().unwrap().to_owned();
    let cookie = session(&log_in(client, "acme", &format!("token={}", admin.acme)));
    assert_eq!(client.browse("acme", &cookie, DASHBOARD, None).status, 200);
    let rotated = client.admin("acme", &admin.acme, "POST", &format!("/tokens/{id}/rotate"), None);
    assert_eq!(rotated.status, 201);
    assert_eq!(client.browse("acme", &cookie, DASHBOARD, None).status, 303);
    // The old text opens nothing, and the page says what became of it.
    let refused = log_in(client, "acme", &format!("token={}", admin.acme));
    assert!(refused.status == 401 && refused.body.contains("role=\"alert\""), "{}", refused.body);
}

#[test]
fn what_is_no_admin_token_of_this_shop_logs_nobody_in() {
    let folder = Folder::new();
    let store = folder.start();
    let (client, admin) = (&store.client, folder.admin_tokens());
    for (token, status) in [(&*admin.globex, 401), ("nonsense", 401), (&*store.demo_token(), 403), ("", 401)]
    {
        let refused = log_in(client, "acme", &format!("token={token}"));
        assert_eq!((refused.status, refused.header("set-cookie")), (status, None), "{}", refused.body);
        assert!(token.is_empty() || !refused.body.contains(token));
    }
    for away in ["//evil.example", "https://evil.example", "/%5Cevil"] {
        let entered = log_in(client, "acme", &format!("token={}&return_to={away}", admin.acme));
        assert!(entered.header("location").unwrap().starts_with("/admin/tokens"), "{away}");
    }
}
