//! Promises of `pull`.

use std::sync::Arc;

use super::{changes_after, joined, node, numbers, opened, put_samples, row};
use crate::changes::{ChangeFeed, Mark, Position, Pulled};
use crate::store::TokenStore;

/// Each pull raises the counter of its node, and of no other; nothing else of the row changes.
pub async fn a_pull_raises_the_counter<S: TokenStore + ChangeFeed, F: Future<Output = [Arc<S>; 2]>>(
    fresh: impl Fn() -> F,
) {
    let [store, feed] = opened(&fresh).await;
    put_samples(&*store, 0..2).await;
    let after = joined(&*store, node(1)).await;
    joined(&*store, node(2)).await;
    let other = row(&*feed, node(2)).await;
    let mut before = row(&*feed, node(1)).await.expect("it has joined");
    for _ in 0..3 {
        changes_after(&*store, node(1), after).await;
        let now = row(&*feed, node(1)).await.expect("a pull does not delete the row");
        assert!(now.counter > before.counter, "a pull raises the counter");
        let rest = crate::changes::NodeRow { counter: before.counter, ..now };
        assert_eq!(rest, before, "a pull changes nothing but the counter");
        before = now;
    }
    assert_eq!(row(&*feed, node(2)).await, other, "the counter of another node stays");
}

/// A pull gives no more than it was asked for, oldest first, and says whether there are more; from
/// the last of them it goes on.
pub async fn a_pull_keeps_to_its_limit<S: TokenStore + ChangeFeed, F: Future<Output = [Arc<S>; 2]>>(
    fresh: impl Fn() -> F,
) {
    let [store, feed] = opened(&fresh).await;
    put_samples(&*store, 0..3).await;
    let start = joined(&*feed, node(1)).await;
    put_samples(&*store, 3..9).await;
    for limit in [1, 2, 3, 4, 6, 7, u32::MAX] {
        let (mut after, mut told, mut left) = (start, Vec::new(), true);
        while left {
            let pulled = feed.pull(node(1), after, limit).await.unwrap();
            let Pulled::Changes { changes, more } = pulled else {
                panic!("each change that was told can be asked from");
            };
            assert!(changes.len() <= limit as usize, "no more are given than were asked for");
            assert!(!more || changes.len() == limit as usize, "as many are given as there are");
            after = changes.last().map_or(after, |change| change.position);
            told.extend(numbers(&changes));
            left = more;
            assert_eq!(more, told.len() < 6, "{limit} at a time: it is said whether there are more");
        }
        assert_eq!(told, [4, 5, 6, 7, 8, 9], "{limit} at a time, in order and without holes");
    }
}

/// A node without a row finds a gap, whatever it asks from, and gets no row by asking.
pub async fn a_pull_without_a_row_is_a_gap<S: TokenStore + ChangeFeed, F: Future<Output = [Arc<S>; 2]>>(
    fresh: impl Fn() -> F,
) {
    let [store, feed] = opened(&fresh).await;
    put_samples(&*store, 0..2).await;
    joined(&*feed, node(2)).await;
    let known = changes_after(&*feed, node(2), Position::default()).await[0].position;
    for after in [Position::default(), known] {
        let pulled = feed.pull(node(1), after, 10).await.unwrap();
        assert_eq!(pulled, Pulled::Gap, "a node that never joined finds a gap");
    }
    let after = joined(&*feed, node(1)).await;
    store.leave(node(1)).await.unwrap();
    assert_eq!(feed.pull(node(1), after, 10).await.unwrap(), Pulled::Gap, "and so does one that has left");
    let after = joined(&*feed, node(1)).await;
    let counter = row(&*feed, node(1)).await.expect("it has joined").counter;
    assert!(store.strike(node(1), counter).await.unwrap(), "its counter is still this");
    assert_eq!(feed.pull(node(1), after, 10).await.unwrap(), Pulled::Gap, "and one that was struck");
    assert_eq!(row(&*feed, node(1)).await, None, "asking makes no row");
}

/// Whoever asks from a change that is not there finds a gap: another had its number, or it was never
/// given.
pub async fn a_pull_from_an_unknown_change_is_a_gap<
    S: TokenStore + ChangeFeed,
    F: Future<Output = [Arc<S>; 2]>,
>(
    fresh: impl Fn() -> F,
) {
    let [store, feed] = opened(&fresh).await;
    put_samples(&*store, 0..4).await;
    joined(&*feed, node(1)).await;
    let told = changes_after(&*feed, node(1), Position::default()).await;
    let (second, last) = (told[1].position, told[3].position);
    let other = Mark(second.mark.0.map(|byte| !byte));
    let unknown = [
        Position { mark: other, ..second },
        Position { mark: Mark::default(), ..second },
        Position { mark: last.mark, ..second },
        Position { mark: other, ..last },
        Position { number: 0, mark: other },
        Position { number: last.number + 1, ..last },
        Position { number: last.number + 2, mark: other },
        Position { number: u64::MAX, ..last },
        Position { number: i64::MAX as u64, ..last },
    ];
    for after in unknown {
        let pulled = feed.pull(node(1), after, 10).await.unwrap();
        assert_eq!(pulled, Pulled::Gap, "{after:?} is not the place of a change");
    }
    assert_eq!(numbers(&changes_after(&*feed, node(1), second).await), [3, 4], "one that is known is none");
    assert!(changes_after(&*feed, node(1), last).await.is_empty(), "and so is the last");
}

/// From before the first change nothing is missed where nothing was dropped, with changes or none.
pub async fn nothing_is_missed_from_the_first_change_on<
    S: TokenStore + ChangeFeed,
    F: Future<Output = [Arc<S>; 2]>,
>(
    fresh: impl Fn() -> F,
) {
    let [store, feed] = opened(&fresh).await;
    assert_eq!(joined(&*feed, node(1)).await, Position::default(), "nothing was changed yet");
    for number in 0..3 {
        let told = changes_after(&*feed, node(1), Position::default()).await;
        assert_eq!(numbers(&told), (1..=u64::from(number)).collect::<Vec<_>>(), "from the first on");
        put_samples(&*store, number..number + 1).await;
    }
}
