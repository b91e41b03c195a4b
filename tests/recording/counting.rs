//! Each request counts once, for whom and for what it was.

use std::thread;
use std::time::Duration;

use chrono::TimeDelta;
use tokenward::usage::{Call, Outcome};
use tokenward::{Need, Subject, Update, Verdict, block_on};

use super::Watched;
use super::support::text_with;

#[test]
fn a_call_is_told_with_all_that_was_recorded() {
    let watched = Watched::new();
    let issued = watched.issue(Some("acme"));
    let id = issued.record.id;
    let granted_at = tokenward::Clock::now(&watched.clock).wall();
    let grant = watched.grant(&issued);
    watched.advance(250);
    let call = Call::new("GET /orders/{id}", 200, Duration::from_millis(250)).bytes(5_120);
    grant.record_call(&call.address("203.0.113.7".parse().unwrap()).agent("wh-sync/2.3"));
    watched.flush();

    let usage = block_on(watched.tokens.usage(&id)).unwrap();
    assert_eq!((usage.total(), usage.finished, usage.succeeded, usage.duration_us), (1, 1, 1, 250_000));
    assert_eq!(usage.last_used_at, Some(granted_at));
    let client = usage.last_client.clone().unwrap();
    assert_eq!((client.address.as_str(), client.agent.as_str()), ("203.0.113.7", "wh-sync/2.3"));
    assert_eq!(usage.last_24_hours.calls(), 1);
    assert_eq!(usage.trend.iter().sum::<u64>(), 1);
    assert_eq!(usage.peak_of_last_hour.unwrap().granted, 1);

    for subject in [Subject::Token(id), Subject::Tenant(Some("acme".into())), Subject::All] {
        let told = watched.last_24_hours(subject.clone());
        assert_eq!(
            (told.calls(), told.finished, told.succeeded(), told.bytes),
            (1, 1, 1, 5_120),
            "{subject:?}"
        );
        assert_eq!(told.success_rate(), Some(1.0));
        let endpoint = told.detail.endpoints.get(&"GET /orders/{id}".to_owned()).unwrap();
        assert_eq!((endpoint.calls, endpoint.errors, endpoint.duration_us), (1, 0, 250_000));
        assert_eq!(told.detail.scopes.get(&"orders:read".to_owned()).unwrap().used, 1);
        assert_eq!(told.clients.get(&client).unwrap().calls, 1);
        let of_token = told.detail.tokens.get(&id).map(|token| token.calls);
        assert_eq!(of_token, (subject != Subject::Token(id)).then_some(1));
    }
    assert_eq!(watched.last_24_hours(Subject::Tenant(None)).calls(), 0);

    let calls = watched.recent(id);
    let [call] = &calls[..] else { panic!("{calls:?}") };
    assert_eq!((call.route.as_str(), call.status, call.outcome), ("GET /orders/{id}", 200, Outcome::Granted));
    assert_eq!((call.scopes.as_str(), call.duration_us, call.bytes), ("orders:read", 250_000, Some(5_120)));
    assert_eq!((call.tenant.as_deref(), call.secret_version, call.left_out), (Some("acme"), 1, 0));
    assert_eq!(call.at, granted_at + TimeDelta::milliseconds(250));
    assert_eq!(call.client, Some(client));
}

#[test]
fn a_request_counts_once_however_often_it_is_recorded() {
    let watched = Watched::new();
    let issued = watched.issue(None);
    let grant = watched.grant(&issued);
    grant.record("GET /orders", 200, Duration::ZERO);
    grant.record("GET /orders", 500, Duration::ZERO);
    let caller = grant.into_caller();
    caller.record("GET /orders", 500, Duration::ZERO);
    let caller = watched.grant(&issued).into_caller();
    let clone = caller.clone();
    clone.record("GET /orders", 201, Duration::ZERO);
    caller.record("GET /orders", 500, Duration::ZERO);
    watched.flush();
    let told = watched.last_24_hours(Subject::All);
    assert_eq!((told.granted, told.finished, told.statuses.success), (2, 2, 2));
}

#[test]
fn a_request_whose_end_nobody_records_is_a_call_without_an_outcome() {
    let watched = Watched::new();
    let issued = watched.issue(None);
    drop(watched.grant(&issued));
    watched.flush();
    let told = watched.last_24_hours(Subject::Token(issued.record.id));
    assert_eq!((told.calls(), told.finished, told.success_rate(), told.mean_ms()), (1, 0, None, None));
}

#[test]
fn refusals_of_the_right_secret_count_by_reason() {
    let watched = Watched::new();
    let tokens = &watched.tokens;
    let issued = watched.issue(None);
    let id = issued.record.id;
    let text = issued.secret.expose();
    let refused =
        |need: &Need<'_>| match block_on(tokens.verify(text, &need.on_route("POST /orders"))).unwrap() {
            Verdict::Denied(denied) => denied.status(),
            Verdict::Granted(_) => panic!("it was let in"),
        };
    assert_eq!(refused(&Need::scopes(&["orders:read", "orders:write"])), 403);
    assert_eq!(refused(&Need::closed()), 403);
    block_on(tokens.update(&id, Update::new().per_minute(1)).by("maria")).unwrap();
    watched.call(&issued, "GET /orders", 200);
    assert_eq!(refused(&Need::live()), 429);
    block_on(tokens.pause(&id).by("maria")).unwrap();
    assert_eq!(refused(&Need::live()), 403);
    block_on(tokens.resume(&id).by("maria")).unwrap();
    block_on(tokens.update(&id, Update::new().addresses(["192.0.2.1"])).by("maria")).unwrap();
    assert_eq!(refused(&Need::live()), 403);
    block_on(tokens.revoke(&id).by("maria")).unwrap();
    assert_eq!(refused(&Need::live()), 401);
    watched.flush();

    let told = watched.last_24_hours(Subject::Token(id));
    assert_eq!((told.granted, told.limited, told.missing_scope), (1, 1, 1));
    let refusals = told.refusals;
    assert_eq!((refusals.not_for_tokens, refusals.paused, refusals.address, refusals.revoked), (1, 1, 1, 1));
    assert_eq!((told.calls(), told.denied(), refusals.total()), (7, 5, 4));
    // One success, and five refusals that are not the limit's.
    assert_eq!(told.success_rate(), Some(1.0 / 6.0));
    let endpoint = told.detail.endpoints.get(&"POST /orders".to_owned()).unwrap();
    assert_eq!((endpoint.calls, endpoint.limited, endpoint.errors), (6, 1, 5));
    // Only what was missing is told to be missing.
    let scopes: Vec<_> =
        told.detail.scopes.iter().map(|(name, of)| (name.as_str(), of.used, of.missing)).collect();
    assert_eq!(scopes, [("orders:read", 1, 0), ("orders:write", 0, 1)]);
    assert_eq!(told.minutes_limited, 1);
    let usage = block_on(tokens.usage(&id)).unwrap();
    assert_eq!((usage.total(), usage.refused, usage.missing_scope, usage.limited), (7, 4, 1, 1));
    let statuses: Vec<_> = watched.recent(id).iter().rev().map(|call| call.status).collect();
    assert_eq!(statuses, [403, 403, 200, 429, 403, 403, 401]);
}

#[test]
fn whoever_proves_no_secret_counts_for_the_service_and_for_no_call() {
    let watched = Watched::new();
    let issued = watched.issue(Some("acme"));
    let id = issued.record.id;
    let text = issued.secret.expose();
    let guess = text_with(id.as_str(), &"s".repeat(36));
    let unknown = text_with("AAAAAAAAAAAAAAAA", &"s".repeat(36));
    for (text, need) in [
        (guess.as_str(), Need::live().tenant("acme")),
        (&guess, Need::live().tenant("acme")),
        (&unknown, Need::live()),
        (text, Need::live().tenant("globex")),
        (&text[..text.len() - 1], Need::live()),
    ] {
        assert!(block_on(watched.tokens.verify(text, &need)).unwrap().denied().is_some());
    }
    watched.flush();
    watched.flush();
    let told = watched.last_24_hours(Subject::All);
    let strangers = told.strangers;
    assert_eq!(
        (strangers.unknown, strangers.wrong_secret, strangers.foreign_tenant, strangers.malformed),
        (1, 2, 1, 1)
    );
    assert_eq!((told.calls(), told.wrong_secret), (0, 2));
    let of_token = watched.last_24_hours(Subject::Token(id));
    assert_eq!((of_token.calls(), of_token.wrong_secret, of_token.strangers), (0, 2, Default::default()));
    assert!(watched.recent(id).is_empty());
}

#[test]
fn each_secret_counts_apart_during_a_grace_period() {
    let watched = Watched::new();
    let issued = watched.issue(None);
    let id = issued.record.id;
    let rotated = block_on(watched.tokens.rotate(&id).grace(TimeDelta::hours(1)).by("maria")).unwrap();
    for _ in 0..3 {
        watched.call(&issued, "GET /orders", 200);
    }
    let new = match block_on(watched.tokens.verify(rotated.secret.expose(), &Need::live())).unwrap() {
        Verdict::Granted(grant) => grant,
        Verdict::Denied(denied) => panic!("{}", denied.detail()),
    };
    new.record("GET /orders", 200, Duration::ZERO);
    // Refused by the old secret, for its scope.
    let denied =
        block_on(watched.tokens.verify(issued.secret.expose(), &Need::scope("orders:write"))).unwrap();
    assert!(denied.denied().is_some());
    watched.clock.advance(TimeDelta::hours(1));
    let denied = block_on(watched.tokens.verify(issued.secret.expose(), &Need::live())).unwrap().denied();
    assert_eq!(denied.unwrap().code(), "token-rotated");
    watched.flush();
    let told = watched.last_24_hours(Subject::Token(id));
    let secrets: Vec<_> = told.detail.secrets.iter().map(|(version, of)| (*version, of.calls)).collect();
    assert_eq!(secrets, [(1, 5), (2, 1)]);
    assert_eq!(told.refusals.rotated, 1);
}

#[test]
fn a_batch_that_the_store_has_not_taken_counts_once_when_it_has() {
    let watched = Watched::new();
    let issued = watched.issue(None);
    watched.call(&issued, "GET /orders", 200);
    watched.usage.lose(2);
    block_on(watched.tokens.flush()).unwrap_err();
    watched.call(&issued, "GET /orders", 200);
    block_on(watched.tokens.flush()).unwrap_err();
    let waiting = watched.tokens.recording_health();
    assert!(waiting.waiting_bytes > 0);
    watched.flush();
    let told = watched.last_24_hours(Subject::Token(issued.record.id));
    assert_eq!((told.granted, told.finished), (2, 2));
    let numbers: Vec<_> = watched.usage.batches.lock().unwrap().iter().map(|batch| batch.number).collect();
    assert_eq!(numbers, [1, 2]);
    assert_eq!(watched.tokens.recording_health().waiting_bytes, 0);
}

#[test]
fn a_purged_token_leaves_nothing_behind() {
    let watched = Watched::new();
    let (issued, other) = (watched.issue(None), watched.issue(None));
    let id = issued.record.id;
    let late = watched.grant(&issued);
    watched.call(&issued, "GET /orders", 200);
    watched.call(&other, "GET /orders", 200);
    block_on(watched.tokens.revoke(&id).by("maria")).unwrap();
    block_on(watched.tokens.purge(&id).by("maria")).unwrap();
    late.record("GET /orders", 200, Duration::ZERO);
    watched.flush();
    assert!(watched.usage.batches.lock().unwrap().iter().all(|batch| {
        batch.counts.iter().all(|(counted, _)| *counted != id)
            && batch.calls.iter().all(|call| call.token != id)
            && batch.slices.iter().all(|slice| slice.subject != Subject::Token(id))
    }));
    assert_eq!(watched.last_24_hours(Subject::Token(other.record.id)).calls(), 1);
}

#[test]
fn of_many_calls_the_newest_are_told_and_the_others_counted() {
    let watched = Watched::new();
    let (busy, quiet) = (watched.issue(None), watched.issue(None));
    for number in 0..500 {
        watched.advance(1);
        watched.call(&busy, "GET /orders", if number == 499 { 500 } else { 200 });
    }
    watched.call(&quiet, "GET /orders", 200);
    watched.flush();
    watched.call(&busy, "GET /orders", 200);
    watched.flush();
    let calls = watched.recent(busy.record.id);
    assert!(calls.len() < 500 && calls[0].left_out == 0 && calls[1].status == 500, "{calls:?}");
    let told: u64 = calls.iter().map(|call| 1 + call.left_out).sum();
    assert_eq!(told, 501);
    assert!(calls.is_sorted_by_key(|call| std::cmp::Reverse(call.at)));
    assert!(calls.is_sorted_by_key(|call| std::cmp::Reverse(call.id)));
    assert_eq!(watched.recent(quiet.record.id).len(), 1);
}

#[test]
fn threads_lose_nothing_and_count_nothing_twice() {
    const CALLS: u64 = 20_000;
    let watched = Watched::new();
    let issued: Vec<_> = (0..8).map(|_| watched.issue(None)).collect();
    thread::scope(|scope| {
        for thread in 0..4 {
            let (watched, issued) = (&watched, &issued);
            scope.spawn(move || {
                for number in 0..CALLS {
                    let issued = &issued[(number + thread) as usize % issued.len()];
                    watched.call(issued, "GET /orders", if number % 4 == 0 { 500 } else { 200 });
                }
            });
        }
        for _ in 0..50 {
            watched.flush();
        }
    });
    watched.flush();
    let told = watched.last_24_hours(Subject::All);
    assert_eq!((told.granted, told.finished, told.succeeded()), (4 * CALLS, 4 * CALLS, 3 * CALLS));
    for issued in &issued {
        let usage = block_on(watched.tokens.usage(&issued.record.id)).unwrap();
        assert_eq!((usage.granted, usage.finished), (CALLS / 2, CALLS / 2));
        assert_eq!(usage.last_24_hours.granted, CALLS / 2);
    }
}
