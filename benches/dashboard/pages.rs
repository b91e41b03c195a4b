//! The pages that are asked for, and how long each takes.

use std::time::{Duration, Instant};

use tokenward::admin::{Access, AdminRequest};
use tokenward::dashboard::Dashboard;
use tokenward::web::Request;
use tokenward::{Actor, Tokens};

use crate::data::{IssuedToken, SHOP};

/// So many times each.
const TIMES: usize = 500;

pub async fn measure(store: &str, tokens: &Tokens, issued: &[IssuedToken]) {
    let dashboard = Dashboard::new(tokens.clone());
    let of_shop: Vec<_> = issued.iter().filter(|token| token.tenant == SHOP).collect();
    // The busiest hundred, in turns: their pages have the most to read.
    let busy = |turn: usize| format!("/t/{}", of_shop[turn % 100].id);
    // All over the shop, most of them hardly used.
    let any = |turn: usize| format!("/t/{}", of_shop[turn * 7_919 % of_shop.len()].id);
    let ranged = |range: &'static str| move |path: String| format!("{path}?range={range}");
    let mut second = String::new();
    let first = page(&dashboard, "/").await.1;
    if let Some(link) = first.split("href=\"").find(|link| link.contains("cursor=")) {
        second = format!("/{}", link.split('"').next().unwrap_or_default().trim_start_matches("./"))
            .replace("&#38;", "&");
    }
    let same = |path: &str| {
        let path = path.to_owned();
        move |_: usize| path.clone()
    };
    println!("{store}: median, 99 %, worst of {TIMES}, in ms; length of the page in KB");
    let mut shown = Shown { dashboard };
    shown.of("list", TIMES, same("/")).await;
    shown.of("list, its second page", TIMES, same(&second)).await;
    shown.of("list, the active ones", TIMES, same("/?status=active")).await;
    shown.of("list, the revoked ones", TIMES, same("/?status=revoked")).await;
    shown.of("list, by name", TIMES, same("/?sort=name")).await;
    shown.of("list, with a text in its names", 100, same("/?q=Token+79")).await;
    shown.of("list, with a text that none has", 50, same("/?q=nowhere")).await;
    shown.of("token, a busy one, 24 h", TIMES, busy).await;
    shown.of("token, a busy one, 7 days", TIMES, |turn| ranged("7d")(busy(turn))).await;
    shown.of("token, any, 24 h", TIMES, any).await;
    shown.of("token, any, 30 days", TIMES, |turn| ranged("30d")(any(turn))).await;
    shown.of("calls of a busy one", TIMES, |turn| format!("{}/calls", busy(turn))).await;
    shown.of("revoke a busy one (what would break)", 100, |turn| format!("{}/revoke", busy(turn))).await;
    shown.of("attention", 50, same("/attention")).await;
    shown.of("usage of all, 24 h", 50, same("/usage")).await;
    shown.of("history", 100, same("/history")).await;
}

struct Shown {
    dashboard: Dashboard,
}

impl Shown {
    async fn of(&mut self, name: &str, times: usize, path: impl Fn(usize) -> String) {
        let (mut taken, mut longest) = (Vec::new(), 0);
        for turn in 0..times {
            let (time, html) = page(&self.dashboard, &path(turn)).await;
            taken.push(time);
            longest = longest.max(html.len());
        }
        taken.sort();
        let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
        let at = |share: f64| ms(taken[((taken.len() - 1) as f64 * share) as usize]);
        let length = longest as f64 / 1_024.0;
        println!("  {name:<40} {:>8.1} {:>8.1} {:>8.1} {length:>8.1}", at(0.5), at(0.99), at(1.0));
    }
}

async fn page(dashboard: &Dashboard, path: &str) -> (Duration, String) {
    let headers = [("host", "acme.localhost")];
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    let mut http = Request::new("GET", path, &headers);
    http.query = query;
    let access = Access::manage(Actor::new("maria").tenant(SHOP));
    let begun = Instant::now();
    let reply = dashboard.handle(access, AdminRequest::new(http, b"")).await;
    let took = begun.elapsed();
    assert_eq!(reply.status, 200, "{path}?{query:?}: {}", String::from_utf8_lossy(&reply.body));
    (took, String::from_utf8(reply.body).expect("a page is text"))
}
