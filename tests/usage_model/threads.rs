//! Threads that record while others flush, rotate, revoke, purge and shut down.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use chrono::TimeDelta;
use tokenward::usage::{Call, CallQuery, MemoryUsage};
use tokenward::{
    Actor, Catalog, Issued, ManualClock, MemoryStore, Need, NewToken, Period, Subject, Tokens, Verdict,
    block_on,
};

use super::custom::BareStore;
use super::support::catalog;

const THREADS: u64 = 4;
const CALLS: u64 = 400;

fn issue(tokens: &Tokens) -> Issued {
    let asked = NewToken::named("Export").scopes(["orders:read"]).per_minute(1_000_000);
    block_on(tokens.issue(asked).by("maria")).unwrap()
}

/// Whether the call was let in.
fn call(tokens: &Tokens, issued: &Issued) -> bool {
    let need = Need::scope("orders:read").on_route("GET /orders");
    match block_on(tokens.verify(issued.secret.expose(), &need)).unwrap() {
        Verdict::Granted(grant) => {
            grant.record_call(&Call::new("GET /orders", 200, Duration::from_millis(1)).agent("curl/8"));
            true
        }
        Verdict::Denied(_) => false,
    }
}

#[test]
fn nothing_is_lost_or_counted_twice_whatever_others_do() {
    let clock = ManualClock::new();
    let builder = Tokens::builder(Arc::new(MemoryStore::new()))
        .usage_store(Arc::new(MemoryUsage::new()))
        .catalog(catalog())
        .clock(clock.clone())
        .flush_every(Duration::from_millis(10));
    let tokens = builder.build().unwrap();
    let issued: Vec<_> = (0..4).map(|_| issue(&tokens)).collect();
    let (granted, refused, done) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let callers: Vec<_> = (0..THREADS)
            .map(|_| {
                scope.spawn(|| {
                    for number in 0..CALLS {
                        // The last one is used, revoked, and used all the same.
                        let is_granted = call(&tokens, &issued[number as usize % 4]);
                        let counter = if is_granted { &granted } else { &refused };
                        counter.fetch_add(1, Ordering::Relaxed);
                        clock.advance(TimeDelta::milliseconds(50));
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                block_on(tokens.flush()).unwrap();
                _ = block_on(tokens.usage(&issued[0].record.id)).unwrap();
            }
        });
        scope.spawn(|| {
            let id = issued[1].record.id;
            while !done.load(Ordering::SeqCst) {
                _ = block_on(tokens.rotate(&id).grace(TimeDelta::days(1)).by("maria"));
                _ = block_on(tokens.pause(&issued[2].record.id).by("maria"));
                _ = block_on(tokens.resume(&issued[2].record.id).by("maria"));
                _ = block_on(tokens.forget_clients(&id));
            }
        });
        block_on(tokens.revoke(&issued[3].record.id).by("maria")).unwrap();
        callers.into_iter().for_each(|caller| caller.join().unwrap());
        done.store(true, Ordering::SeqCst);
    });
    block_on(tokens.shutdown()).unwrap();
    block_on(tokens.shutdown()).unwrap();
    let period = Period::new(chrono::DateTime::UNIX_EPOCH, tokenward::Clock::now(&clock).wall());
    let told = block_on(tokens.statistics(Subject::All, period)).unwrap();
    let granted = granted.into_inner();
    assert_eq!((told.granted, told.finished), (granted, granted));
    // A predecessor of a predecessor is a stranger's try.
    assert_eq!(told.denied() + told.wrong_secret, refused.into_inner());
    let endpoint = told.detail.endpoints.get(&"GET /orders".to_owned()).unwrap();
    assert_eq!(endpoint.calls, granted + told.denied());
}

#[test]
fn a_purge_in_the_middle_of_calls_leaves_nothing_of_the_token() {
    let (usage, clock) = (Arc::new(MemoryUsage::new()), ManualClock::new());
    let builder = Tokens::builder(Arc::new(MemoryStore::new())).usage_store(usage).catalog(catalog());
    let tokens = builder.clock(clock).without_background().build().unwrap();
    for _ in 0..20 {
        let issued = issue(&tokens);
        let id = issued.record.id;
        thread::scope(|scope| {
            scope.spawn(|| (0..100).for_each(|_| _ = call(&tokens, &issued)));
            scope.spawn(|| (0..10).for_each(|_| block_on(tokens.flush()).unwrap()));
            let actor = || Actor::new("maria");
            block_on(tokens.revoke(&id).by(actor())).unwrap();
            block_on(tokens.purge(&id).by(actor())).unwrap();
        });
        block_on(tokens.flush()).unwrap();
        let told = block_on(tokens.usage_of(&[id])).unwrap();
        assert_eq!(told[&id].counts, Default::default());
        assert!(block_on(tokens.recent_calls(&CallQuery::new(Subject::Token(id)))).unwrap().calls.is_empty());
    }
}

#[test]
fn what_was_counted_is_written_when_the_last_clone_goes() {
    let (usage, (written, heard)) = (Arc::new(BareStore::default()), channel());
    usage.while_adding(move || _ = written.send(()));
    let builder = Tokens::builder(Arc::new(MemoryStore::new())).usage_store(usage.clone()).catalog(catalog());
    let tokens = builder.flush_every(Duration::from_secs(86_400)).build().unwrap();
    let issued = issue(&tokens);
    let other = tokens.clone();
    assert!(call(&tokens, &issued));
    let Verdict::Granted(grant) = block_on(other.verify(issued.secret.expose(), &Need::live())).unwrap()
    else {
        panic!("refused")
    };
    let caller = grant.into_caller();
    drop((tokens, other));
    assert!(heard.try_recv().is_err(), "a request is still under way");
    caller.record("GET /orders", 200, Duration::ZERO);
    drop(caller);
    heard.recv_timeout(Duration::from_secs(10)).expect("it is never written");
}

#[test]
fn a_runtime_of_one_thread_can_flush_and_shut_down() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let tokens = Tokens::in_memory(Catalog::new().scope("orders:read", "Look at orders")).unwrap();
        let asked = NewToken::named("Export").scopes(["orders:read"]);
        let issued = tokens.issue(asked).by("maria").await.unwrap();
        let verdict = tokens.verify(issued.secret.expose(), &Need::live()).await.unwrap();
        verdict.granted().unwrap().record("GET /orders", 200, Duration::ZERO);
        for _ in 0..3 {
            tokens.flush().await.unwrap();
        }
        tokens.shutdown().await.unwrap();
        tokens.shutdown().await.unwrap();
        assert_eq!(tokens.usage(&issued.record.id).await.unwrap().finished, 1);
        let verdict = tokens.verify(issued.secret.expose(), &Need::live()).await.unwrap();
        verdict.granted().unwrap().record("GET /orders", 200, Duration::ZERO);
        tokens.shutdown().await.unwrap();
        assert_eq!(tokens.usage(&issued.record.id).await.unwrap().finished, 2);
    });
}
