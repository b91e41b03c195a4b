//! What the threads of a run share: the clock, the tokens, and what was recorded.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokenward::{Issued, Tokens};

use crate::history::{Change, Fault, History, Moment, Verification};

/// The scopes that tokens may have, each with a route that needs it.
pub const ROUTES: [(&str, &str); 4] = [
    ("settings:read", "/settings"),
    ("webhooks:read", "/webhooks?limit=1"),
    ("products:read", "/products?limit=1"),
    ("customers:read", "/customers?limit=1"),
];

/// Shared by all threads.
pub struct Board {
    begin: Instant,
    is_over: AtomicBool,
    pub nodes: Vec<SocketAddr>,
    /// The text of a token that may manage.
    pub manager: String,
    /// The library over the same database, which is no node of the fleet.
    pub library: Tokens,
    next_change: AtomicU32,
    next_token: AtomicU32,
    /// Tokens that are changed, and those that no longer are.
    pub live: Mutex<Vec<Arc<Known>>>,
    pub past: Mutex<Vec<Arc<Known>>>,
    /// Tokens whose limit is to be hit.
    pub limited: Vec<Arc<Known>>,
    pub history: Mutex<History>,
    /// What is broken now.
    pub broken: Mutex<Vec<Fault>>,
}

/// A token that the test has made.
pub struct Known {
    pub number: u32,
    pub id: String,
    /// The changes that made its secrets, with their texts.
    pub secrets: Mutex<Vec<(u32, String)>>,
}

impl Known {
    /// One that the library has issued, by this change.
    pub fn new(number: u32, change: u32, issued: &Issued) -> Known {
        let secrets = Mutex::new(vec![(change, issued.secret.expose().to_owned())]);
        Known { number, id: issued.record.id.to_string(), secrets }
    }
}

/// So many that are over are still tried.
const PAST: usize = 12;

impl Board {
    pub fn new(
        begin: Instant,
        nodes: Vec<SocketAddr>,
        manager: String,
        library: Tokens,
        limited: Vec<Arc<Known>>,
    ) -> Board {
        let first = limited.len() as u32;
        Board {
            begin,
            is_over: AtomicBool::new(false),
            nodes,
            manager,
            library,
            next_change: AtomicU32::new(first),
            next_token: AtomicU32::new(first),
            live: Mutex::default(),
            past: Mutex::default(),
            limited,
            history: Mutex::default(),
            broken: Mutex::default(),
        }
    }

    pub fn now(&self) -> Moment {
        u64::try_from(self.begin.elapsed().as_micros()).expect("not in this life")
    }

    pub fn end(&self) {
        self.is_over.store(true, Ordering::Release);
    }

    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    pub fn next_change(&self) -> u32 {
        self.next_change.fetch_add(1, Ordering::Relaxed)
    }

    pub fn next_token(&self) -> u32 {
        self.next_token.fetch_add(1, Ordering::Relaxed)
    }

    /// The token will not be changed any more.
    pub fn retire(&self, known: &Arc<Known>) {
        lock(&self.live).retain(|live| live.number != known.number);
        let mut past = lock(&self.past);
        if past.iter().any(|past| past.number == known.number) {
            return;
        }
        if past.len() == PAST {
            past.remove(0);
        }
        past.push(known.clone());
    }

    pub fn record(&self, mut verifications: Vec<Verification>, mut changes: Vec<Change>) {
        let mut history = lock(&self.history);
        history.verifications.append(&mut verifications);
        history.changes.append(&mut changes);
    }
}

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
