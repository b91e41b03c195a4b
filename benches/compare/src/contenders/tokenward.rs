//! This crate, through its public interface, with everything on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokenward::{Clock, Need, Reading, Requirement, SystemClock, Tokens, Verdict, block_on};

use crate::contender::{Contender, pass};
use crate::sample::{self, Sample, Texts};

/// Tenant, life, address, scopes, an exact window, counts, and the flush in the background.
struct Tokenward {
    tokens: Tokens,
    requirement: Requirement,
    ahead_us: Arc<AtomicU64>,
}

pub fn build(sample: &Sample) -> Box<dyn Contender> {
    let ahead_us = Arc::new(AtomicU64::new(0));
    let clock = AcceleratedClock { machine: SystemClock::new(), ahead_us: ahead_us.clone() };
    let tokens = sample::builder(sample.store())
        .usage_store(Arc::new(sample::Forgetful))
        .clock(clock)
        .live_capacity(sample.size() * 2)
        .build()
        .expect("these tokens were built before");
    let requirement = tokens.requirement([sample::SCOPE]).expect("the scope is declared");
    let need = Need::of(&requirement).tenant(sample::TENANT);
    for text in sample.texts().iter().take(sample.size()) {
        let verdict = block_on(tokens.verify(text, &need)).expect("the store is in memory");
        assert!(verdict.is_granted(), "the sample's texts are tokens");
    }
    block_on(tokens.flush()).expect("the store forgets everything");
    Box::new(Tokenward { tokens, requirement, ahead_us })
}

impl Contender for Tokenward {
    fn name(&self) -> &'static str {
        "tokenward"
    }

    fn pass(&self, texts: Texts<'_>) -> usize {
        pass(texts, |text| {
            let need = Need::of(&self.requirement).tenant(sample::TENANT);
            matches!(self.tokens.try_verify(text, &need), Ok(Some(Verdict::Granted(_))))
        })
    }

    fn let_time_pass(&self, time: Duration) {
        self.ahead_us.fetch_add(time.as_micros() as u64, Ordering::Relaxed);
    }
}

/// The machine's clock, and one load and an addition more: the requests of a millisecond stand for
/// those of minutes, so that windows hold as many times as they do in life, and forget them too. The
/// wall clock goes at its own pace: what is counted by its minutes is flushed by its seconds.
struct AcceleratedClock {
    machine: SystemClock,
    ahead_us: Arc<AtomicU64>,
}

impl Clock for AcceleratedClock {
    fn now(&self) -> Reading {
        let ahead_ms = self.ahead_us.load(Ordering::Relaxed) / 1_000;
        let now = self.machine.now();
        Reading { monotonic_ms: now.monotonic_ms + ahead_ms, ..now }
    }

    fn granularity_ms(&self) -> u32 {
        self.machine.granularity_ms()
    }
}
