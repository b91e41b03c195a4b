//! The limiter of this crate, and one that a service could write, keep the contract of limiters.
#![cfg(feature = "conformance")]

#[path = "support/counting_limiter.rs"]
mod counting_limiter;
#[cfg(feature = "redis")]
#[path = "support/tools.rs"]
mod tools;

use std::sync::LazyLock;

use counting_limiter::CountingLimiter;
use tokenward::SystemClock;

static LIMITER: LazyLock<CountingLimiter> = LazyLock::new(|| CountingLimiter::new(SystemClock::new()));

tokenward::limiter_tests!(in_this_process, || async { LIMITER.clone() });

#[cfg(feature = "redis")]
mod redis {
    use std::time::Duration;

    use tokenward::limiter::RedisLimiter;
    use tokenward::{block_on, conformance};

    use crate::tools;

    /// Another prefix for each process of a test.
    fn limiter(address: &str) -> RedisLimiter {
        let prefix = format!("tokenward-test-{}", std::process::id());
        // A machine that is busy with other tests must not make one of these fail.
        RedisLimiter::at(address).unwrap().prefix(prefix).time_budget(Duration::from_secs(10))
    }

    macro_rules! promises {
        ($($promise:ident)*) => { $(
            #[test]
            fn $promise() {
                let Some(address) = tools::server("TOKENWARD_REDIS") else { return };
                block_on(conformance::$promise(|| async { limiter(&address) }));
            }
        )* };
    }

    promises! {
        a_limit_is_used_up
        a_place_is_free_after_one_window
        refused_requests_do_not_count
        a_shared_limit_is_taken_with_the_own_one
        a_changed_limit_counts_at_once
        two_handles_count_together
        many_at_once_get_the_limit
        a_large_limit_is_never_exceeded
    }

    #[test]
    fn every_promise_at_once_on_a_runtime_of_another() {
        let Some(address) = tools::server("TOKENWARD_REDIS") else { return };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(conformance::limiter(|| async { limiter(&address) }));
    }
}
