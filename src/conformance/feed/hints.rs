//! Promises of hints.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::super::side_by_side::once_more;
use super::{opened, put_samples};
use crate::changes::{ChangeFeed, Hint};
use crate::store::TokenStore;

/// A feed that says that it gives hints is given this long for each.
const PATIENCE: Duration = Duration::from_secs(10);

/// A feed is given this long to find out whether it gives hints. Where it does not, nothing is promised.
const FINDING_OUT: Duration = Duration::from_secs(5);

/// How often a hint was given.
#[derive(Clone, Default)]
struct Heard(Arc<AtomicU64>);

impl Heard {
    fn times(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// A hint that is wanted so often.
    fn hint(&self, wanted: u64) -> Hint {
        let heard = self.0.clone();
        Hint::new(move || heard.fetch_add(1, Ordering::SeqCst) + 1 < wanted)
    }

    /// Changes tokens until the hint was given once more. Gives false where the feed has no hints.
    async fn once_more(&self, store: &impl TokenStore, feed: &impl ChangeFeed, sample: &mut u32) -> bool {
        let (before, begin) = (self.times(), Instant::now());
        let mut gave_hints = false;
        while begin.elapsed() < if gave_hints { PATIENCE } else { FINDING_OUT } {
            // The one before may have been lost.
            put_samples(store, *sample..*sample + 1).await;
            *sample += 1;
            for _ in 0..100 {
                gave_hints |= feed.gives_hints();
                if self.times() > before {
                    return true;
                }
                feed.roll_call().await.expect("the roll can be called");
                once_more().await;
            }
        }
        assert!(!gave_hints, "a feed that says that it gives hints gives one after a change");
        false
    }
}

/// A feed that says that it gives hints gives one to everybody who listens when a change was committed,
/// through whichever handle, again and again.
pub async fn changes_are_hinted<S: TokenStore + ChangeFeed, F: Future<Output = [Arc<S>; 2]>>(
    fresh: impl Fn() -> F,
) {
    let [store, feed] = opened(&fresh).await;
    let (first, second) = (Heard::default(), Heard::default());
    feed.listen(first.hint(u64::MAX));
    feed.listen(second.hint(u64::MAX));
    let mut sample = 0;
    for _ in 0..3 {
        for heard in [&first, &second] {
            if !heard.once_more(&*store, &*feed, &mut sample).await {
                return;
            }
        }
    }
}

/// A hint that nobody wants any more is not given again, and dropped.
pub async fn an_unwanted_hint_is_dropped<S: TokenStore + ChangeFeed, F: Future<Output = [Arc<S>; 2]>>(
    fresh: impl Fn() -> F,
) {
    let [store, feed] = opened(&fresh).await;
    let (once, always) = (Heard::default(), Heard::default());
    let hint = once.hint(1);
    feed.listen(hint);
    feed.listen(always.hint(u64::MAX));
    let mut sample = 0;
    for _ in 0..4 {
        if !always.once_more(&*store, &*feed, &mut sample).await {
            return;
        }
    }
    assert_eq!(once.times(), 1, "a hint that nobody wants any more is not given again");
    assert_eq!(Arc::strong_count(&once.0), 1, "and it is dropped");
}
