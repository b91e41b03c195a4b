//! What several test files share: a store that can be paused and made to fail, futures and changes
//! that are polled by hand, and texts that read like tokens and were never issued.
#![allow(dead_code, unused_imports, reason = "each test file uses a part of this")]

mod by_hand;
mod paused_store;
mod texts;
mod watched_usage;

pub use by_hand::{ByHand, Changes};
pub use paused_store::{At, Call, Gate, PausedStore};
pub use texts::{text_of, text_with};
pub use watched_usage::{Fate, WatchedUsage};

use std::sync::Arc;

use tokenward::{Catalog, Error, ManualClock, MemoryStore, Need, Tokens, TokensBuilder, Verdict, block_on};

/// Tokens over a store that can be paused, whose changes are polled by hand: a test decides in
/// which order everything happens, on one thread.
pub struct Stage {
    pub tokens: Tokens,
    pub clock: ManualClock,
    pub store: Arc<PausedStore>,
    pub changes: Changes,
}

impl Stage {
    pub fn new() -> Stage {
        Stage::with(|builder| builder)
    }

    pub fn with(set: impl FnOnce(TokensBuilder) -> TokensBuilder) -> Stage {
        Stage::over(PausedStore::new(), set)
    }

    pub fn over(store: Arc<PausedStore>, set: impl FnOnce(TokensBuilder) -> TokensBuilder) -> Stage {
        let (clock, changes) = (ManualClock::new(), Changes::default());
        let builder = Tokens::builder(store.clone())
            .usage_store(store.memory())
            .catalog(catalog())
            .clock(clock.clone())
            .spawner(changes.spawner())
            .without_background();
        Stage { tokens: set(builder).build().unwrap(), clock, store, changes }
    }

    /// Polls a future and the changes in turn until it is done.
    pub fn run<'a, T>(&self, future: impl Future<Output = T> + 'a) -> T {
        self.finish(ByHand::new(future))
    }

    pub fn finish<T>(&self, mut future: ByHand<'_, T>) -> T {
        for _ in 0..10_000 {
            if let Some(output) = future.poll() {
                return output;
            }
            self.changes.poll();
        }
        panic!("it waits for something that never comes");
    }

    /// Polls the future and the changes until nothing moves any more.
    pub fn run_until_it_waits<T>(&self, future: &mut ByHand<'_, T>) {
        for _ in 0..10 {
            assert!(future.poll().is_none(), "it was to wait");
            self.changes.poll();
        }
    }

    pub fn code(&self, text: &str, need: &Need<'_>) -> &'static str {
        code(self.run(self.tokens.verify(text, need)))
    }
}

pub fn catalog() -> Catalog {
    Catalog::new().scope("orders:read", "Look at orders").scope("orders:write", "Change orders")
}

/// What a verification came to, in one word.
pub fn code(verdict: Result<Verdict<'_>, Error>) -> &'static str {
    match verdict {
        Ok(Verdict::Granted(_)) => "granted",
        Ok(Verdict::Denied(denied)) => denied.code(),
        Err(Error::Overloaded(_)) => "overloaded",
        Err(Error::Store(_)) => "store failed",
        Err(_) => "failed",
    }
}

/// Tokens in memory with the usual spawner, for tests with real threads.
pub fn tokens_of_threads(set: impl FnOnce(TokensBuilder) -> TokensBuilder) -> (Tokens, ManualClock) {
    let (clock, store) = (ManualClock::new(), Arc::new(MemoryStore::new()));
    let builder = Tokens::builder(store.clone())
        .usage_store(store)
        .catalog(catalog())
        .clock(clock.clone())
        .without_background();
    (set(builder).build().unwrap(), clock)
}

/// What a verification comes to, waited for on this thread.
pub fn verified(tokens: &Tokens, text: &str, need: &Need<'_>) -> &'static str {
    code(block_on(tokens.verify(text, need)))
}
