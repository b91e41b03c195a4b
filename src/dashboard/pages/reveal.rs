//! The one page that shows a secret: the answer to the form that made it.

use askama::Template;
use chrono::{DateTime, Utc};

use crate::dashboard::frame::{Frame, Place};
use crate::dashboard::show::Time;
use crate::dashboard::visit::Visit;
use crate::web::{Reply, Request};
use crate::{Catalog, Token, TokenRecord};

/// A secret that was just made.
pub(in crate::dashboard) struct Revealed<'a> {
    pub(in crate::dashboard) record: &'a TokenRecord,
    pub(in crate::dashboard) secret: &'a Token,
    pub(in crate::dashboard) what: What,
    /// Until when the secret before still works; none where there was none, or where it is dead.
    pub(in crate::dashboard) grace_until: Option<DateTime<Utc>>,
}

/// What made it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::dashboard) enum What {
    Created,
    Rotated,
}

#[derive(Template)]
#[template(path = "reveal.html")]
struct RevealPage<'a> {
    frame: Frame<'a>,
    id: String,
    secret: &'a str,
    is_created: bool,
    grace_until: Option<Time>,
    /// Where a call can be tried.
    address: String,
    /// Whether the page may watch for the first call.
    watches: bool,
}

/// Shows it. From the moment when a secret is made nothing may fail: it is on this page or nowhere.
pub(in crate::dashboard) fn page(visit: &Visit<'_>, revealed: &Revealed<'_>) -> Reply {
    let Revealed { record, secret, what, grace_until } = *revealed;
    let is_created = what == What::Created;
    let heading = match what {
        What::Created => format!("“{}” is created", record.name),
        What::Rotated => format!("New secret for “{}”", record.name),
    };
    let now = visit.context.now();
    let page = RevealPage {
        frame: visit.frame(heading, Place::Tokens),
        id: record.id.to_string(),
        secret: secret.expose(),
        is_created,
        grace_until: grace_until.filter(|until| now < *until).map(|until| Time::of(until, now)),
        address: example_address(visit, record),
        watches: visit.context.permissions.view_calls,
    };
    visit.page_with_secret(200, &page)
}

/// Where a token can be tried, for a call to be pasted into a shell.
pub(in crate::dashboard) fn example_address(visit: &Visit<'_>, record: &TokenRecord) -> String {
    let set = visit.dashboard.settings.example_url.as_deref();
    address(set, &visit.context.http, resource_of(visit.context.tokens.catalog(), record))
}

fn address(set: Option<&str>, request: &Request<'_>, resource: Option<&str>) -> String {
    let Some(address) = set else { return "https://YOUR-SERVICE/…".to_owned() };
    let host = plain_host(request).unwrap_or("YOUR-SERVICE");
    address.replace("{host}", host).replace("{resource}", resource.unwrap_or("…"))
}

/// What a token may look at, or else may change: the first of it in the order of the catalogue.
fn resource_of<'c>(catalog: &'c Catalog, record: &TokenRecord) -> Option<&'c str> {
    let held = || {
        let named = catalog.declarations().filter_map(|declaration| declaration.scope.split_once(':'));
        named.filter(|(resource, action)| {
            record.scopes.iter().any(|scope| scope.as_str().split_once(':') == Some((*resource, *action)))
        })
    };
    let read = held().find(|(_, action)| *action == "read");
    read.or_else(|| held().next()).map(|(resource, _)| resource)
}

/// The host of a request, if there is nothing in it that a shell would take for something else.
fn plain_host<'r>(request: &Request<'r>) -> Option<&'r str> {
    let header = request.only_header("host").ok()?;
    let host = match request.authority {
        Some(authority) => authority,
        None => std::str::from_utf8(header?).ok()?,
    };
    let is_plain = (1..=260).contains(&host.len())
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte));
    is_plain.then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_host_comes_into_a_call_to_be_pasted() {
        let address = |host: &str| {
            let headers = [("host", host)];
            let request = Request::new("POST", "/new", &headers);
            super::address(Some("https://{host}/{resource}"), &request, Some("orders"))
        };
        assert_eq!(address("acme.example:8443"), "https://acme.example:8443/orders");
        assert_eq!(address("[::1]:3000"), "https://[::1]:3000/orders");
        for hostile in ["a.example/;rm -rf", "a.example\"", "$(id)", "`id`", "a b", ""] {
            assert_eq!(address(hostile), "https://YOUR-SERVICE/orders", "{hostile:?}");
        }
        let none: [(&str, &str); 0] = [];
        let nowhere = super::address(None, &Request::new("POST", "/new", &none), Some("orders"));
        assert_eq!(nowhere, "https://YOUR-SERVICE/…");
    }
}
