//! What is recorded of requests, and what the statistics tell of it.

mod bounds;
mod counting;
mod findings;
mod impact;
mod privacy;
mod ranges;
#[path = "../support/mod.rs"]
mod support;

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use support::WatchedUsage;
use tokenward::usage::{CallQuery, RecordedCall};
use tokenward::{
    Grant, Issued, ManualClock, MemoryStore, Need, NewToken, Period, Recording, Statistics, Subject, TokenId,
    Tokens, Verdict, block_on,
};

/// Tokens whose use is looked at, and whose clock is moved by hand.
struct Watched {
    tokens: Tokens,
    clock: ManualClock,
    usage: Arc<WatchedUsage>,
}

impl Watched {
    fn new() -> Watched {
        Watched::with(Recording::default())
    }

    fn with(recording: Recording) -> Watched {
        let (clock, usage) = (ManualClock::new(), Arc::new(WatchedUsage::default()));
        let tokens = Tokens::builder(Arc::new(MemoryStore::new()))
            .usage_store(usage.clone())
            .catalog(support::catalog())
            .clock(clock.clone())
            .recording(recording)
            .without_background()
            .build()
            .unwrap();
        Watched { tokens, clock, usage }
    }

    fn issue(&self, tenant: Option<&str>) -> Issued {
        let asked = NewToken::named("Export").scopes(["orders:read"]).per_minute(100_000);
        let asked = match tenant {
            Some(tenant) => asked.tenant(tenant),
            None => asked,
        };
        block_on(self.tokens.issue(asked).by("maria")).unwrap()
    }

    fn grant(&self, issued: &Issued) -> Grant<'_> {
        let need = Need::scope("orders:read").any_tenant();
        match block_on(self.tokens.verify(issued.secret.expose(), &need)).unwrap() {
            Verdict::Granted(grant) => grant,
            Verdict::Denied(denied) => panic!("{}", denied.detail()),
        }
    }

    /// A call that takes 10 ms.
    fn call(&self, issued: &Issued, route: &str, status: u16) {
        self.grant(issued).record(route, status, Duration::from_millis(10));
    }

    fn advance(&self, ms: i64) {
        self.clock.advance(TimeDelta::milliseconds(ms));
    }

    fn flush(&self) {
        block_on(self.tokens.flush()).unwrap();
    }

    fn last_24_hours(&self, subject: Subject) -> Statistics {
        let now = tokenward::Clock::now(&self.clock).wall();
        block_on(self.tokens.statistics(subject, Period::last_24_hours(now))).unwrap()
    }

    fn recent(&self, id: TokenId) -> Vec<RecordedCall> {
        let mut query = CallQuery::new(Subject::Token(id));
        query.limit = 1_000;
        block_on(self.tokens.recent_calls(&query)).unwrap().calls
    }
}
