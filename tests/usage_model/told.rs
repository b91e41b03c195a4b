//! What the log tells of a store that is away: one line when it begins, and one when it ends.

use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use tokenward::{Clock, ManualClock, MemoryStore, Need, NewToken, Reading, Tokens, block_on};

use super::custom::BareStore;
use super::support::catalog;

/// A clock that counts how often it is looked at.
#[derive(Clone)]
struct Looked(ManualClock, Arc<AtomicUsize>);

impl Clock for Looked {
    fn now(&self) -> Reading {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.now()
    }

    fn granularity_ms(&self) -> u32 {
        0
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn lines_with(&self, part: &str) -> usize {
        let bytes = self.0.lock().unwrap();
        String::from_utf8_lossy(&bytes).lines().filter(|line| line.contains(part)).count()
    }
}

#[test]
fn a_store_that_is_slow_to_fail_is_told_of_once() {
    let log = Log::default();
    let written_to = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || written_to.clone()).finish();
    // Global, for the thread that writes; no other test of this file lets a store fail under it.
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let (usage, clock) = (Arc::new(BareStore::default()), Looked(ManualClock::new(), Arc::default()));
    let (is_away, (tried, heard)) = (Arc::new(AtomicBool::new(true)), channel());
    let (store, hands, away) = (Arc::downgrade(&usage), clock.0.clone(), is_away.clone());
    usage.while_adding(move || {
        if away.load(Ordering::SeqCst) {
            hands.advance(TimeDelta::seconds(1));
            store.upgrade().unwrap().fail_once();
        }
        _ = tried.send(());
    });
    let builder = Tokens::builder(Arc::new(MemoryStore::new())).usage_store(usage).catalog(catalog());
    let tokens = builder.clock(clock.clone()).flush_every(Duration::from_millis(10)).build().unwrap();
    let issued = block_on(tokens.issue(NewToken::named("Export")).by("maria")).unwrap();
    block_on(tokens.verify(issued.secret.expose(), &Need::live())).unwrap().granted().unwrap();

    let try_again = || {
        heard.recv_timeout(Duration::from_secs(10)).expect("it is not tried again");
        // The next one waits: some rounds go by in which nothing is tried.
        let looked = clock.1.load(Ordering::SeqCst);
        while clock.1.load(Ordering::SeqCst) < looked + 40 {
            std::thread::yield_now();
        }
        clock.0.advance(TimeDelta::seconds(20));
    };
    (0..3).for_each(|_| try_again());
    assert_eq!(log.lines_with("cannot be written"), 1);
    assert_eq!(log.lines_with("is written again"), 0);
    is_away.store(false, Ordering::SeqCst);
    clock.0.advance(TimeDelta::seconds(20));
    block_on(tokens.shutdown()).unwrap();
    assert_eq!((log.lines_with("cannot be written"), log.lines_with("is written again")), (1, 1));
}
