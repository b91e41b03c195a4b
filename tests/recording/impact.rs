//! What a change would break: recounted from the calls themselves.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokenward::usage::Call;
use tokenward::{
    Catalog, Clock, Declaration, Impact, Intent, Issued, ManualClock, MemoryStore, MemoryUsage, Need,
    NewToken, Quota, RateLimit, Tokens, Verdict, block_on,
};

/// A token whose every call is written down beside it.
struct Shop {
    tokens: Tokens,
    clock: ManualClock,
    issued: Issued,
    /// When each call was let in, and the scope that it needed.
    calls: Vec<(DateTime<Utc>, &'static str)>,
}

impl Shop {
    fn new(scopes: &[&str]) -> Shop {
        let catalog = Catalog::new()
            .scope("orders:read", "Look at orders")
            .scope("customers:read", "Look at customers")
            .declare(Declaration::new("orders:write", "Change orders").implies("orders:read"))
            .declare(Declaration::new("customers:write", "Change customers").implies("customers:read"));
        let clock = ManualClock::new();
        let tokens = Tokens::builder(std::sync::Arc::new(MemoryStore::new()))
            .usage_store(std::sync::Arc::new(MemoryUsage::new()))
            .catalog(catalog)
            .clock(clock.clone())
            .without_background()
            .build()
            .unwrap();
        let asked = NewToken::named("Warehouse sync").scopes(scopes.iter().copied()).per_minute(100_000);
        let issued = block_on(tokens.issue(asked).by("maria")).unwrap();
        Shop { tokens, clock, issued, calls: Vec::new() }
    }

    fn now(&self) -> DateTime<Utc> {
        self.clock.now().wall()
    }

    fn call(&mut self, scope: &'static str, route: &str, host: u8) {
        let need = Need::scope(scope);
        match block_on(self.tokens.verify(self.issued.secret.expose(), &need)).unwrap() {
            Verdict::Granted(grant) => {
                let address = IpAddr::from([203, 0, 113, host]);
                let call = Call::new(route, 200, Duration::from_millis(5));
                grant.record_call(&call.address(address).agent("wh-sync/2.3"));
            }
            Verdict::Denied(denied) => panic!("{}", denied.detail()),
        }
        self.calls.push((self.now(), scope));
    }

    fn refused(&self, scope: &str) {
        let need = Need::scope(scope).on_route("GET /orders");
        let verdict = block_on(self.tokens.verify(self.issued.secret.expose(), &need)).unwrap();
        assert!(verdict.denied().is_some());
    }

    fn impact(&self, intent: &Intent) -> Impact {
        block_on(self.tokens.flush()).unwrap();
        block_on(self.tokens.impact(&self.issued.record, intent)).unwrap()
    }

    fn said(&self, intent: &Intent) -> Vec<String> {
        self.impact(intent).sentences(intent, self.now())
    }

    /// Uneven use over two days: a burst now and then, and some quiet.
    fn two_uneven_days(&mut self) {
        let mut dice = 7_u64;
        for minute in 0..2_880_u64 {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let calls = match dice >> 60 {
                0 => 40 + (dice >> 40) % 30,
                1..4 => 3,
                _ => 0,
            };
            for call in 0..calls {
                let scope = if (minute + call) % 3 == 0 { "orders:write" } else { "orders:read" };
                self.call(scope, if scope == "orders:write" { "POST /orders" } else { "GET /orders" }, 7);
            }
            if minute % 500 == 0 {
                block_on(self.tokens.flush()).unwrap();
            }
            self.clock.advance(TimeDelta::minutes(1));
        }
        // The minute that runs is one of the last 1,440.
        self.call("orders:read", "GET /orders", 8);
    }

    /// How many calls there were in each of the last 1,440 minutes that had any.
    fn by_minute(&self) -> BTreeMap<i64, u64> {
        let first = self.now().timestamp() / 60 - 1_439;
        let mut minutes = BTreeMap::new();
        for (at, _) in &self.calls {
            let minute = at.timestamp() / 60;
            if minute >= first {
                *minutes.entry(minute).or_default() += 1;
            }
        }
        minutes
    }
}

#[test]
fn what_a_lower_limit_would_have_cut_is_what_lies_above_it_in_each_minute() {
    let mut shop = Shop::new(&["orders:write"]);
    shop.two_uneven_days();
    let minutes = shop.by_minute();
    let all: u64 = minutes.values().sum();
    for limit in [1, 2, 3, 30, 45, 69, 70, 1_000] {
        let over = || minutes.values().filter(|calls| **calls > u64::from(limit));
        let (cut, number) =
            (over().map(|calls| calls - u64::from(limit)).sum::<u64>(), over().count() as u64);
        let intent = Intent::RateLimit(RateLimit::per_minute(limit).unwrap());
        let impact = shop.impact(&intent);
        assert_eq!((impact.would_fail_24h, impact.minutes_over), (cut, Some(number)), "{limit}");
        assert_eq!((impact.calls_24h, impact.granted_24h), (all, all));
        assert!((impact.would_fail_per_hour() - cut as f64 / 24.0).abs() < 1e-9);
        let said = &shop.said(&intent)[0];
        if limit == 30 {
            assert!(cut > 100 && number > 10, "{cut} {number}");
            let start = format!("At 30/min, {number} of the last 1,440 minutes would have been cut: ");
            assert!(said.starts_with(&start) && said.ends_with(" %)."), "{said}");
        }
        if limit == 1_000 {
            let busiest = minutes.values().max().unwrap();
            let none = format!(
                "At 1,000/min, none of the last 1,440 minutes would have been cut. The busiest had {busiest} calls."
            );
            assert_eq!(*said, none);
        }
    }
}

#[test]
fn a_limit_per_hour_counts_what_would_have_passed_in_the_hour_before() {
    let mut shop = Shop::new(&["orders:write"]);
    shop.two_uneven_days();
    let minutes = shop.by_minute();
    let limit = RateLimit::per_minute(50).unwrap().and(Quota::per_hour(60).unwrap()).unwrap();
    // By another way than the engine's: for each minute the hour before it is added up anew.
    let mut passed: BTreeMap<i64, u64> = BTreeMap::new();
    for (minute, calls) in &minutes {
        let before: u64 = passed.range(minute - 59..*minute).map(|(_, calls)| calls).sum();
        passed.insert(*minute, (*calls).min(50).min(60 - before.min(60)));
    }
    let cut: u64 = minutes.values().sum::<u64>() - passed.values().sum::<u64>();
    let over = minutes.iter().filter(|(minute, calls)| passed[*minute] < **calls).count() as u64;
    let impact = shop.impact(&Intent::RateLimit(limit));
    assert!(cut > 0);
    assert_eq!((impact.would_fail_24h, impact.minutes_over), (cut, Some(over)));
}

#[test]
fn what_a_scope_was_used_for_counts_with_what_only_it_implies() {
    let mut shop = Shop::new(&["orders:write", "customers:read"]);
    shop.two_uneven_days();
    shop.refused("customers:write");
    let used = |scope: &str| shop.calls.iter().filter(|(_, used)| *used == scope).count() as u64;
    let intent = Intent::RemoveScopes(vec!["orders:write".into()]);
    let impact = shop.impact(&intent);
    let scopes: Vec<_> = impact.scopes.iter().map(|scope| (&*scope.scope, scope.calls_30d)).collect();
    assert_eq!(scopes, [("orders:read", used("orders:read")), ("orders:write", used("orders:write"))]);
    let last = |scope: &str| shop.calls.iter().rfind(|(_, used)| *used == scope).map(|(at, _)| *at);
    assert_eq!(impact.scopes[0].last_used_at, last("orders:read"));
    assert_eq!(impact.scopes[1].last_used_at, last("orders:write"));
    assert_eq!(impact.scopes[1].endpoints, ["POST /orders"]);
    let said = impact.sentences(&intent, shop.now());
    assert!(said[0].contains(" times since the token was created on "), "{said:?}");
    assert!(said[1].ends_with("POST /orders will answer 403."), "{said:?}");

    let unused = Intent::RemoveScopes(vec!["customers:read".into()]);
    let impact = shop.impact(&unused);
    assert_eq!((impact.would_fail_24h, impact.scopes[0].calls_30d), (0, 0));
    assert!(shop.said(&unused)[0].starts_with("customers:read was not used since the token was created"));
}

#[test]
fn what_is_held_in_another_way_is_not_lost() {
    let mut shop = Shop::new(&["orders:write", "orders:read"]);
    shop.call("orders:read", "GET /orders", 7);
    let impact = shop.impact(&Intent::RemoveScopes(vec!["orders:read".into()]));
    assert_eq!((impact.scopes.len(), impact.would_fail_24h), (0, 0));
    let said = shop.said(&Intent::RemoveScopes(vec!["orders:read".into(), "gone:read".into()]));
    assert_eq!(said, ["Nothing is lost: what is taken away had no effect, or is held in another way."]);
    let impact = shop.impact(&Intent::RemoveScopes(vec!["orders:write".into()]));
    assert_eq!(impact.scopes.iter().map(|scope| &*scope.scope).collect::<Vec<_>>(), ["orders:write"]);
}

#[test]
fn a_revocation_says_who_called_what_and_when_it_holds() {
    let mut shop = Shop::new(&["orders:write"]);
    for host in [7, 7, 9] {
        shop.call("orders:read", "GET /orders", host);
    }
    shop.refused("customers:read");
    shop.clock.advance(TimeDelta::seconds(12));
    let impact = shop.impact(&Intent::Revoke);
    assert_eq!((impact.calls_24h, impact.granted_24h, impact.would_fail_24h), (4, 3, 3));
    assert_eq!((impact.calls_7d, impact.heeded_within_ms), (4, 0));
    let last = "Last used 12 seconds ago by wh-sync/2.3 (203.0.113.9), GET /orders.";
    let calls =
        "3 calls in the last 24 hours, from 2 clients on 1 endpoint, will start failing with 401 at once.";
    assert_eq!(impact.sentences(&Intent::Revoke, shop.now()), [last, calls]);
    let hidden = impact.without_addresses();
    assert_eq!((hidden.clients.len(), hidden.clients[0].1.calls), (1, 3));
    assert_eq!(
        hidden.sentences(&Intent::Revoke, shop.now())[0],
        "Last used 12 seconds ago by wh-sync/2.3, GET /orders."
    );
    let rotate = shop.said(&Intent::Rotate);
    let update = "2 clients used it in the last 24 hours: wh-sync/2.3 (203.0.113.7) and wh-sync/2.3 (203.0.113.9). Update both.";
    assert_eq!(rotate[2], update);

    shop.clock.advance(TimeDelta::days(2));
    assert!(
        shop.said(&Intent::Revoke)[1].starts_with("No call was let in during the last 24 hours. 4 calls")
    );
    shop.clock.advance(TimeDelta::days(30));
    let day = shop.calls[0].0.format("%-d %b %Y").to_string();
    assert_eq!(shop.said(&Intent::Revoke), [format!("Not used since {day}: nothing should break.")]);
    let unused = Shop::new(&[]);
    assert!(unused.said(&Intent::Pause)[0].starts_with("Never used since it was created on "));
}

#[test]
fn a_later_expiry_breaks_nothing() {
    let mut shop = Shop::new(&["orders:read"]);
    shop.call("orders:read", "GET /orders", 7);
    let soon = shop.now() + TimeDelta::days(3);
    let impact = shop.impact(&Intent::ExpireAt(soon));
    assert_eq!(impact.would_fail_24h, 1);
    let said = shop.said(&Intent::ExpireAt(soon));
    assert_eq!(said[0], "It is still in use (just now).");
    assert!(said[1].contains("will fail with 401 from "), "{said:?}");
    shop.issued.record.expires_at = Some(soon);
    let later = Intent::ExpireAt(soon + TimeDelta::days(1));
    assert_eq!(shop.impact(&later).would_fail_24h, 0);
    assert_eq!(shop.said(&later), ["It works for longer than before: no call will fail by this."]);
}
