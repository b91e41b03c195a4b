//! Hooks on real threads.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use chrono::TimeDelta;
use tokenward::{Event, ManualClock, MemoryStore, NewToken, Spawner, Tokens, block_on};

#[test]
fn a_hook_may_block_and_runs_on_a_thread_of_its_own() {
    let (store, clock) = (Arc::new(MemoryStore::new()), ManualClock::new());
    let (tell, told) = channel();
    let (open, gate) = channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let tokens = Tokens::builder(store.clone())
        .usage_store(store)
        .clock(clock.clone())
        .on_event_blocking(move |event| {
            let thread = std::thread::current().id();
            tell.send((event, thread)).map_err(|error| error.to_string())?;
            gate.lock().unwrap().recv().map_err(|error| error.to_string())
        })
        .without_background()
        .build()
        .unwrap();
    let issue = || tokens.issue(NewToken::named("Export").expires_in(TimeDelta::days(20))).by("maria");
    let record = block_on(issue()).unwrap().record;
    clock.advance(TimeDelta::days(18));
    block_on(tokens.flush()).unwrap();
    let patience = Duration::from_secs(60);
    let (event, thread) = told.recv_timeout(patience).unwrap();
    assert_eq!(event.token, record.id);
    assert_ne!(thread, std::thread::current().id());
    // While it blocks, changes are made.
    block_on(tokens.revoke(&record.id).by("maria")).unwrap();
    open.send(()).unwrap();
}

#[test]
fn a_spawner_that_panics_ends_no_flush() {
    let (store, clock) = (Arc::new(MemoryStore::new()), ManualClock::new());
    let (tell, told) = channel();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let service = |spawner: Spawner| {
        let tell = tell.clone();
        let tokens = Tokens::builder(store.clone()).usage_store(store.clone()).clock(clock.clone());
        let hook = move |event| {
            let tell = tell.clone();
            async move {
                tokio::task::yield_now().await;
                tell.send((event, tokio::runtime::Handle::current().id()))
            }
        };
        tokens.spawner(spawner).on_event(hook).without_background().build().unwrap()
    };
    // It looks for a runtime on this thread, where there is none.
    let lost = service(Spawner::new(|task| _ = tokio::spawn(task)));
    let record = block_on(lost.issue(NewToken::named("Export").expires_in(TimeDelta::days(20))).by("maria"));
    let record = record.unwrap().record;
    clock.advance(TimeDelta::days(18));
    block_on(lost.flush()).unwrap();
    assert!(told.try_recv().is_err());

    clock.advance(TimeDelta::minutes(1));
    let handle = runtime.handle().clone();
    let found = service(Spawner::new(move |task| _ = handle.spawn(task)));
    block_on(found.flush()).unwrap();
    let (event, id) = told.recv_timeout(Duration::from_secs(60)).unwrap();
    assert_eq!((event.token, id), (record.id, runtime.handle().id()));
}

#[test]
fn a_service_with_threads_of_its_own_delivers_each_event_once() {
    let (store, clock) = (Arc::new(MemoryStore::new()), ManualClock::new());
    let (tell, told) = channel();
    let tokens = Tokens::builder(store.clone())
        .usage_store(store)
        .clock(clock.clone())
        .on_event(move |event: Event| std::future::ready(tell.send(event.id)))
        .flush_every(Duration::from_millis(10))
        .build()
        .unwrap();
    for number in 0..200 {
        let asked = NewToken::named(format!("Export {number}")).expires_in(TimeDelta::days(20));
        block_on(tokens.issue(asked).by("maria")).unwrap();
    }
    // The first round over everything may have begun before they were issued.
    clock.advance(TimeDelta::days(18));
    let ids: BTreeSet<_> = (0..200).map(|_| told.recv_timeout(Duration::from_secs(60)).unwrap()).collect();
    assert_eq!(ids.len(), 200);
    block_on(tokens.shutdown()).unwrap();
    drop(tokens);
    assert_eq!(told.iter().count(), 0, "none came a second time");
}
