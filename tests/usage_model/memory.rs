//! Memory while the store is away: crowds of tokens, floods of refusals and of strangers.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use allocation_counter::measure;
use tokenward::usage::Call;
use tokenward::{
    Issued, ManualClock, MemoryStore, Need, NewToken, Recording, Subject, Tokens, Verdict, block_on,
};

use super::support::{WatchedUsage, catalog, text_of, text_with};

struct Away {
    tokens: Tokens,
    usage: Arc<WatchedUsage>,
    issued: Vec<Issued>,
}

impl Away {
    /// So many tokens that were all used before, and a store that is away from now on.
    fn new(memory: usize, number: usize) -> Away {
        let usage = Arc::new(WatchedUsage::default());
        let tokens = Tokens::builder(Arc::new(MemoryStore::new()))
            .usage_store(usage.clone())
            .catalog(catalog())
            .clock(ManualClock::new())
            .recording(Recording { memory, ..Recording::default() })
            .without_background()
            .build()
            .unwrap();
        let issue = |number: usize| {
            let asked = NewToken::named(number.to_string()).scopes(["orders:read"]).per_minute(1_000);
            block_on(tokens.issue(asked).by("maria")).unwrap()
        };
        let issued = (0..number).map(issue).collect();
        let away = Away { tokens, usage, issued };
        away.issued.iter().for_each(|issued| away.call(issued, "GET /orders"));
        away.issued.iter().for_each(|issued| away.call(issued, "GET /orders"));
        block_on(away.tokens.flush()).unwrap();
        away.usage.is_away.store(true, Ordering::SeqCst);
        away
    }

    fn call(&self, issued: &Issued, route: &str) {
        let need = Need::scope("orders:read").on_route(route);
        if let Verdict::Granted(grant) = block_on(self.tokens.verify(issued.secret.expose(), &need)).unwrap()
        {
            let call = Call::new(route, 200, Duration::from_millis(10)).agent("curl/8");
            grant.record_call(&call.address([203, 0, 113, 7].into()));
        }
    }

    /// The store is back: what it was not told of waits no more, and nothing stays claimed.
    fn back(&self) {
        self.usage.is_away.store(false, Ordering::SeqCst);
        block_on(self.tokens.flush()).unwrap();
        assert_eq!(self.tokens.recording_health().waiting_bytes, 0);
    }
}

#[test]
fn a_crowd_of_tokens_takes_a_bounded_amount_of_memory() {
    const MEMORY: usize = 20 << 20;
    const TOKENS: usize = 8_000;
    let away = Away::new(MEMORY, TOKENS);
    let live_before = away.tokens.live_heap_bytes();
    let claimed = measure(|| {
        for _ in 0..2 {
            away.issued.iter().for_each(|issued| away.call(issued, "GET /orders"));
            block_on(away.tokens.flush()).unwrap_err();
        }
    });
    let live = away.tokens.live_heap_bytes() - live_before;
    // What a token takes for its totals, which are never given up, in the tables of both.
    let totals = 700 * TOKENS;
    assert!(claimed.bytes_max < (MEMORY + live + totals) as u64, "{claimed:?}, {live}");
    away.back();
    for issued in away.issued.iter().step_by(997) {
        let usage = block_on(away.tokens.usage(&issued.record.id)).unwrap();
        assert_eq!((usage.granted, usage.finished), (4, 4));
    }
    let period = tokenward::Period::last_24_hours(tokenward::Clock::now(away.tokens.clock()).wall());
    let told = block_on(away.tokens.statistics(Subject::All, period)).unwrap();
    let given_up = away.tokens.recording_health().given_up;
    assert!(told.finished <= 4 * TOKENS as u64 && told.finished + given_up.figures >= 4 * TOKENS as u64);
}

#[test]
fn floods_of_refusals_and_strangers_take_a_bounded_amount_of_memory() {
    let away = Away::new(16 << 20, 1);
    let issued = &away.issued[0];
    let wrong = text_with(&issued.secret.expose()[3..19], &"w".repeat(36));
    let claimed = measure(|| {
        for round in 0..40 {
            for number in 0..1_000 {
                let route = format!("GET /{round}/{number}/{}", "x".repeat(150));
                let agent = format!("agent {round} {number} {}", "y".repeat(150));
                let address = std::net::Ipv4Addr::from(round * 1_000 + number);
                let need = |need: Need<'static>| need;
                for (text, need) in [
                    (issued.secret.expose(), need(Need::closed())),
                    (issued.secret.expose(), need(Need::scope("orders:write"))),
                    (&wrong, need(Need::live())),
                    (&text_of(u64::from(number)), need(Need::live())),
                    ("tw_nonsense", need(Need::live())),
                ] {
                    let need = need.on_route(&route).from_agent(&agent).from_address(address.into());
                    assert!(block_on(away.tokens.verify(text, &need)).unwrap().denied().is_some());
                }
            }
            block_on(away.tokens.flush()).unwrap_err();
        }
    });
    assert!(claimed.bytes_max < 16 << 20, "{claimed:?}");
    away.back();
    let usage = block_on(away.tokens.usage(&issued.record.id)).unwrap();
    assert_eq!((usage.refused, usage.missing_scope, usage.wrong_secret), (40_000, 40_000, 40_000));
    let strangers = away.tokens.strangers();
    assert_eq!((strangers.unknown, strangers.malformed, strangers.wrong_secret), (40_000, 40_000, 40_000));
}
