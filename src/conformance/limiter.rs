//! The promises of a limiter.
//!
//! A limiter goes by its own clock, which nobody can move. So these use the shortest windows, and wait
//! where they must: they keep the thread that polls them for about a second each.

use std::thread;
use std::time::{Duration, Instant};

use super::side_by_side::side_by_side;
use crate::limit::{Limited, Quota, RateLimit, Standing};
use crate::limiter::{Take, Taken};
use crate::randomness::SystemRandomness;
use crate::{Limiter, TokenId};

/// By so much may a clock of its own lag behind.
const LAG: Duration = Duration::from_millis(100);

/// Requests under a limit pass, and each one is told what is left; then none does.
pub async fn a_limit_is_used_up<L: Limiter, F: Future<Output = L>>(fresh: impl Fn() -> F) {
    let (limiter, token) = (fresh().await, token());
    let limit = limit(&[(3, 60_000)]);
    for left in [2, 1, 0] {
        let standing = admitted(&limiter, &Take::new(token, limit)).await;
        let quotas: Vec<_> = standing.quotas().collect();
        assert_eq!(quotas.len(), 1, "one standing for each quota");
        assert_eq!(quotas[0].quota, limit.quotas().next().unwrap());
        assert_eq!(quotas[0].remaining, left, "what is left after this request");
        assert!((59_000..=60_100).contains(&quotas[0].reset_ms), "all is back after one window");
    }
    let limited = limited(&limiter, &Take::new(token, limit)).await;
    assert_eq!((limited.by.remaining, limited.by.quota.limit()), (0, 3));
    assert_eq!(limited.standing.quotas().next(), Some(limited.by));
    assert!(limited.retry_after_ms > 0 && limited.retry_after_ms <= 60_100);
    admitted(&limiter, &Take::new(self::token(), limit)).await;
}

/// A place is free again one window after it was taken: not earlier, and not later.
pub async fn a_place_is_free_after_one_window<L: Limiter, F: Future<Output = L>>(fresh: impl Fn() -> F) {
    let (limiter, token) = (fresh().await, token());
    let request = Take::new(token, limit(&[(2, 1_000)]));
    let begun = Instant::now();
    admitted(&limiter, &request).await;
    let taken = Instant::now();
    admitted(&limiter, &request).await;
    loop {
        let asked = taken.elapsed();
        match take(&limiter, &request).await {
            Taken::Admitted(_) => break,
            _ => assert!(asked < Duration::from_secs(1) + LAG, "refused {asked:?} after it was taken"),
        }
        thread::sleep(Duration::from_millis(1));
    }
    let passed = begun.elapsed();
    assert!(passed >= Duration::from_secs(1), "admitted three requests within {passed:?}");
}

/// A refusal says when the next request passes, and what is refused until then costs nothing.
pub async fn refused_requests_do_not_count<L: Limiter, F: Future<Output = L>>(fresh: impl Fn() -> F) {
    let (limiter, token) = (fresh().await, token());
    let request = Take::new(token, limit(&[(1, 1_000), (2, 60_000)]));
    admitted(&limiter, &request).await;
    let first = limited(&limiter, &request).await;
    assert_eq!(first.by.quota.window_ms(), 1_000, "told which quota is used up");
    for _ in 0..20 {
        limited(&limiter, &request).await;
    }
    wait(first.retry_after_ms);
    let standing = admitted(&limiter, &request).await;
    let left: Vec<_> = standing.quotas().map(|quota| quota.remaining).collect();
    assert_eq!(left, [0, 0], "a request counts under all quotas");
    let second = limited(&limiter, &request).await;
    assert_eq!(second.by.quota.window_ms(), 60_000, "of two that are used up the one with the longer wait");
}

/// A request takes from the own limit and from the shared one, or from neither.
pub async fn a_shared_limit_is_taken_with_the_own_one<L: Limiter, F: Future<Output = L>>(
    fresh: impl Fn() -> F,
) {
    let limiter = fresh().await;
    let (first, second) = (token(), token());
    let tenant = format!("{{tenant}} of {first}");
    let own = limit(&[(2, 60_000)]);
    let of = |token, shared| Take::new(token, own).shared(Some(&tenant), limit(&[(shared, 60_000)]));
    for left in [1, 0] {
        let standing = admitted(&limiter, &of(first, 3)).await;
        assert_eq!(
            standing.quotas().next().unwrap().remaining,
            left,
            "the standing is that of the own limit"
        );
    }
    for _ in 0..3 {
        limited(&limiter, &of(first, 3)).await;
    }
    admitted(&limiter, &of(second, 3)).await;
    for _ in 0..3 {
        match take(&limiter, &of(second, 3)).await {
            Taken::SharedLimited(limited) => {
                assert_eq!((limited.by.quota.limit(), limited.by.remaining), (3, 0))
            }
            other => panic!("the shared limit is used up, and not {other:?}"),
        }
    }
    admitted(&limiter, &of(second, 4)).await;
    limited(&limiter, &of(second, 9)).await;
    let foreign = format!("another of {first}");
    admitted(&limiter, &Take::new(token(), own).shared(Some(&foreign), limit(&[(3, 60_000)]))).await;
    let only_shared = Take::new(second, RateLimit::unlimited()).shared(Some(&tenant), limit(&[(5, 60_000)]));
    assert_eq!(admitted(&limiter, &only_shared).await.quotas().count(), 0);
    assert!(matches!(take(&limiter, &only_shared).await, Taken::SharedLimited(_)));
}

/// A raised limit gives room at once, and a lowered one refuses at once.
pub async fn a_changed_limit_counts_at_once<L: Limiter, F: Future<Output = L>>(fresh: impl Fn() -> F) {
    let (limiter, token) = (fresh().await, token());
    let under = |number| Take::new(token, limit(&[(number, 60_000)]));
    admitted(&limiter, &under(1)).await;
    limited(&limiter, &under(1)).await;
    let left = |standing: Standing| standing.quotas().next().unwrap().remaining;
    assert_eq!(left(admitted(&limiter, &under(2)).await), 0);
    assert_eq!(left(admitted(&limiter, &under(5)).await), 2);
    let lowered = limited(&limiter, &under(2)).await;
    assert_eq!((lowered.by.remaining, lowered.by.quota.limit()), (0, 2));
    assert_eq!(left(admitted(&limiter, &under(20_000)).await), 19_996, "a limit of another size");
    limited(&limiter, &under(4)).await;
    assert_eq!(left(admitted(&limiter, &under(5)).await), 0);
}

/// What one handle counts, another one knows: the closure gives handles of one limiter.
pub async fn two_handles_count_together<L: Limiter, F: Future<Output = L>>(fresh: impl Fn() -> F) {
    let (one, other) = (fresh().await, fresh().await);
    let request = Take::new(token(), limit(&[(3, 60_000)]));
    admitted(&one, &request).await;
    admitted(&other, &request).await;
    admitted(&one, &request).await;
    limited(&one, &request).await;
    limited(&other, &request).await;
}

/// Of many requests at once exactly as many pass as the limit allows.
pub async fn many_at_once_get_the_limit<L: Limiter, F: Future<Output = L>>(fresh: impl Fn() -> F) {
    let limiters = [fresh().await, fresh().await];
    let request = Take::new(token(), limit(&[(20, 60_000)]));
    let takes = (0..64).map(|number| take(&limiters[number % 2], &request));
    let taken = side_by_side(takes).await;
    assert_eq!(taken.iter().filter(|taken| matches!(taken, Taken::Admitted(_))).count(), 20);
}

/// A limit that is too large for a log is never exceeded either.
pub async fn a_large_limit_is_never_exceeded<L: Limiter, F: Future<Output = L>>(fresh: impl Fn() -> F) {
    let limiter = fresh().await;
    let request = Take::new(token(), limit(&[(10_040, 3_600_000)]));
    let mut passed = 0;
    for _ in 0..160 {
        let taken = side_by_side((0..64).map(|_| take(&limiter, &request))).await;
        passed += taken.iter().filter(|taken| matches!(taken, Taken::Admitted(_))).count();
    }
    assert_eq!(passed, 10_040);
    assert!(limited(&limiter, &request).await.retry_after_ms > 0);
}

fn token() -> TokenId {
    TokenId::random(&SystemRandomness).expect("the system has randomness")
}

fn limit(quotas: &[(u32, u64)]) -> RateLimit {
    let quota =
        |(limit, window_ms): &(u32, u64)| Quota::new(*limit, Duration::from_millis(*window_ms)).unwrap();
    quotas.iter().map(quota).try_fold(RateLimit::unlimited(), RateLimit::and).unwrap()
}

async fn take(limiter: &impl Limiter, request: &Take<'_>) -> Taken {
    limiter.take(request).await.expect("the limiter works")
}

async fn admitted(limiter: &impl Limiter, request: &Take<'_>) -> Standing {
    match take(limiter, request).await {
        Taken::Admitted(standing) => standing,
        other => panic!("there is room, and not {other:?}"),
    }
}

async fn limited(limiter: &impl Limiter, request: &Take<'_>) -> Limited {
    match take(limiter, request).await {
        Taken::Limited(limited) => limited,
        other => panic!("the token's limit is used up, and not {other:?}"),
    }
}

/// Waits for so long, whatever clock the limiter goes by.
fn wait(ms: u32) {
    thread::sleep(Duration::from_millis(ms.into()) + LAG);
}
