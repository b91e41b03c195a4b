//! What a record costs beyond time: claims of the heap, when all is warm.

use std::sync::Arc;
use std::time::Duration;

use allocation_counter::measure;
use tokenward::usage::{Call, MemoryUsage};
use tokenward::{ManualClock, MemoryStore, Need, NewToken, Tokens, Verdict, block_on};

use super::support::catalog;

#[test]
fn a_recorded_call_claims_next_to_nothing_when_all_is_warm() {
    let builder = Tokens::builder(Arc::new(MemoryStore::new())).usage_store(Arc::new(MemoryUsage::new()));
    let builder = builder.catalog(catalog()).clock(ManualClock::new()).without_background();
    let tokens = builder.build().unwrap();
    let asked = NewToken::named("Export").scopes(["orders:read"]).per_minute(1_000_000);
    let issued = block_on(tokens.issue(asked).by("maria")).unwrap();
    let calls = |number: u32| {
        for number in 0..number {
            let Ok(Some(Verdict::Granted(grant))) =
                tokens.try_verify(issued.secret.expose(), &Need::scope("orders:read"))
            else {
                panic!("refused")
            };
            let call = Call::new(["GET /orders", "POST /orders"][number as usize % 2], 200, Duration::ZERO);
            grant.record_call(&call.address([203, 0, 113, 7].into()).agent("curl/8"));
        }
    };
    block_on(tokens.verify(issued.secret.expose(), &Need::live())).unwrap().granted().unwrap();
    for _ in 0..3 {
        calls(2_000);
        block_on(tokens.flush()).unwrap();
    }
    let of_calls = measure(|| calls(2_000));
    assert!(of_calls.count_total < 20, "{of_calls:?}");
    let of_flush = measure(|| block_on(tokens.flush()).unwrap());
    assert!(of_flush.count_total < 2_000, "for 2,000 calls: {of_flush:?}");
    // What is written gives its memory back, but for the calls of each round that the store keeps.
    let of_rounds = measure(|| {
        for _ in 0..20 {
            calls(500);
            block_on(tokens.flush()).unwrap();
        }
    });
    assert!(of_rounds.bytes_current < 20 * 500 * 100, "{of_rounds:?}");
}
