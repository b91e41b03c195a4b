//! A shop with a dashboard, and what a browser would send to it.

use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokenward::admin::{Access, AdminRequest};
use tokenward::dashboard::Dashboard;
use tokenward::web::{Reply, Request};
use tokenward::{
    Actor, Call, Catalog, Declaration, ManualClock, MemoryStore, Need, NewToken, Preset, TokenRecord,
    TokenStore, Tokens, UsageStore, Verdict,
};

/// Two shops' tokens behind one dashboard, at a moment that stands still.
pub struct Shop {
    pub tokens: Tokens,
    pub clock: ManualClock,
    pub dashboard: Dashboard,
}

#[derive(Debug)]
pub struct Page {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub html: String,
}

pub fn shop() -> Shop {
    let store = Arc::new(MemoryStore::new());
    shop_over(store.clone(), store)
}

/// The same with stores of the test's own.
pub fn shop_over(store: Arc<dyn TokenStore>, usage: Arc<dyn UsageStore>) -> Shop {
    let clock = ManualClock::at("2026-11-24T14:00:00Z".parse::<DateTime<Utc>>().unwrap());
    let tokens = Tokens::builder(store)
        .usage_store(usage)
        .catalog(catalog())
        .clock(clock.clone())
        .without_background()
        .build()
        .unwrap();
    let dashboard = Dashboard::new(tokens.clone())
        .title("Acme Store")
        .tenant_from_subdomain_of("localhost")
        .example_url("https://{host}/{resource}");
    Shop { tokens, clock, dashboard }
}

pub fn catalog() -> Catalog {
    Catalog::new()
        .group("orders", "Orders")
        .scope("orders:read", "Look at orders")
        .scope("orders:write", "Change orders")
        .declare(Declaration::new("orders:refund", "Give money back").sensitive())
        .group("customers", "Customers")
        .declare(Declaration::new("customers:read", "Look at customers").sensitive())
        .preset(
            Preset::new("export", "Nightly export")
                .description("Reads orders at night")
                .scopes(["orders:read"])
                .per_minute(30)
                .expires_in(TimeDelta::days(90)),
        )
}

/// Whoever may do everything in the shop `acme`.
pub fn manager() -> Access {
    Access::manage(Actor::new("maria@acme.example").tenant("acme"))
}

impl Shop {
    /// A token of `acme`, and its whole text.
    pub async fn token(&self, name: &str, scopes: &[&str]) -> (String, TokenRecord) {
        let asked = NewToken::named(name).tenant("acme").scopes(scopes.iter().copied());
        let issued = self.tokens.issue(asked).by(Actor::new("maria").tenant("acme")).await.unwrap();
        (issued.secret.expose().to_owned(), issued.record)
    }

    pub fn moment(&self) -> DateTime<Utc> {
        self.tokens.clock().now().wall()
    }

    /// Uses a token once, and writes it down.
    pub async fn call(&self, text: &str, scope: &str, route: &str, status: u16) -> Option<u16> {
        let address: IpAddr = "203.0.113.7".parse().unwrap();
        let need =
            Need::scope(scope).tenant("acme").on_route(route).from_address(address).from_agent("sync/2.3");
        let refused = match self.tokens.verify(text, &need).await.unwrap() {
            Verdict::Granted(grant) => {
                let mut call = Call::new(route, status, std::time::Duration::from_millis(31));
                call.address = Some(address);
                call.agent = Some("sync/2.3");
                grant.record_call(&call);
                None
            }
            Verdict::Denied(denied) => Some(denied.status()),
        };
        self.tokens.flush().await.unwrap();
        refused
    }

    pub async fn get(&self, path: &str) -> Page {
        self.get_as(manager(), path).await
    }

    pub async fn get_as(&self, access: Access, path: &str) -> Page {
        self.send(access, "GET", path, &[], "").await
    }

    /// Sends a form, as a browser does from a page of the dashboard.
    pub async fn post(&self, path: &str, form: &str) -> Page {
        self.post_as(manager(), path, form).await
    }

    pub async fn post_as(&self, access: Access, path: &str, form: &str) -> Page {
        let headers =
            [("sec-fetch-site", "same-origin"), ("content-type", "application/x-www-form-urlencoded")];
        self.send(access, "POST", path, &headers, form).await
    }

    pub async fn send(
        &self,
        access: Access,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Page {
        Page::of(self.reply(access, method, path, headers, body).await)
    }

    /// The first so many pieces of an answer that comes piece by piece.
    pub async fn stream(&self, access: Access, path: &str, pieces: usize) -> String {
        let reply = self.reply(access, "GET", path, &[], "").await;
        assert_eq!(reply.status, 200, "{path}");
        let mut stream = reply.stream.expect("it comes piece by piece");
        let mut text = String::new();
        for _ in 0..pieces {
            let Some(piece) = stream.next().await else { break };
            text += std::str::from_utf8(&piece.unwrap()).unwrap();
        }
        text
    }

    async fn reply(
        &self,
        access: Access,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let mut all = vec![("host", "acme.localhost:3000")];
        all.extend(headers);
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let mut http = Request::new(method, path, &all);
        http.query = query;
        http.address = Some("198.51.100.9".parse().unwrap());
        let request = AdminRequest::new(http, body.as_bytes());
        self.dashboard.handle(access, request).await
    }
}

impl Page {
    fn of(reply: Reply) -> Page {
        Page {
            status: reply.status,
            headers: reply.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            html: String::from_utf8(reply.body).unwrap(),
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(is, _)| is == name).map(|(_, value)| value.as_str())
    }

    /// What a person reads: the page without its tags, spaces drawn together.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut in_tag = false;
        for sign in self.html.chars() {
            match sign {
                '<' => in_tag = true,
                '>' => {
                    in_tag = false;
                    text.push(' ');
                }
                sign if !in_tag => text.push(sign),
                _ => {}
            }
        }
        let text = text.replace("&#38;", "&").replace("&#60;", "<").replace("&#62;", ">");
        let text = text.replace("&#34;", "\"").replace("&#39;", "'");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The page of a link with this text, its ampersands as they are.
    #[track_caller]
    pub fn link(&self, text: &str) -> String {
        let mut links = self.html.split("<a ").skip(1);
        let link = links.find(|link| {
            let inside = link.split_once('>').map_or("", |(_, inside)| inside);
            Page { status: 0, headers: Vec::new(), html: inside.split("</a>").next().unwrap().to_owned() }
                .text()
                == text
        });
        let link = link.unwrap_or_else(|| panic!("no link says {text:?}:\n{}", self.text()));
        let address = link.split("href=\"").nth(1).and_then(|rest| rest.split('"').next());
        address.expect("a link leads somewhere").replace("&#38;", "&")
    }

    #[track_caller]
    pub fn hides(&self, text: &str) -> &Page {
        assert!(!self.text().contains(text), "{text:?} is on the page:\n{}", self.text());
        self
    }

    #[track_caller]
    pub fn shows(&self, text: &str) -> &Page {
        assert!(self.text().contains(text), "{text:?} is not on the page:\n{}", self.text());
        self
    }

    #[track_caller]
    pub fn does_not_show(&self, text: &str) -> &Page {
        assert!(!self.text().contains(text), "{text:?} is on the page:\n{}", self.text());
        self
    }

    /// What stands in an input of this name, such as a hidden one.
    #[track_caller]
    pub fn value(&self, name: &str) -> String {
        let start = format!("name=\"{name}\" value=\"");
        let (_, rest) = self
            .html
            .split_once(&start)
            .unwrap_or_else(|| panic!("there is no {name} in a form of the page:\n{}", self.html));
        rest.split('"').next().unwrap().to_owned()
    }

    /// Where it leads to, below the mount, and the word that is told there.
    #[track_caller]
    pub fn leads_to(&self) -> (&str, Option<&str>) {
        assert_eq!(self.status, 303, "{}", self.text());
        let address = self.header("location").unwrap().trim_start_matches("../").trim_start_matches("./");
        let flash = self.header("set-cookie").and_then(|cookie| cookie.split_once('='));
        (address, flash.map(|(_, value)| value.split(';').next().unwrap()))
    }
}
