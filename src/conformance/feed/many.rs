//! Promises that hold while many write at once.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::super::fixture::{put, sample_id, sample_token};
use super::super::side_by_side::{on_threads, once_more, side_by_side};
use super::{joined, node, opened, raised};
use crate::TokenId;
use crate::changes::{ChangeFeed, Position, Pulled};
use crate::store::TokenStore;

const WRITERS: u32 = 12;
const ROUNDS: u32 = 5;

/// The numbers that were drawn, each with its token.
type Drawn = Vec<(u64, TokenId)>;
type Boxed<'a> = Pin<Box<dyn Future<Output = Drawn> + 'a>>;

/// While many write at once, whoever follows is told every change once, in the order of the numbers
/// and without holes, none before it can be read, and none later than it has answered.
pub async fn many_are_followed_without_holes<S: TokenStore + ChangeFeed, F: Future<Output = [Arc<S>; 2]>>(
    fresh: impl Fn() -> F,
) {
    let [store, feed] = opened(&fresh).await;
    let mut reader = Reader::joined(&*feed).await;
    let writing = AtomicU32::new(WRITERS);
    let drawn = {
        let write = |writer| -> Boxed<'_> {
            let (store, feed, writing) = (&*store, &*feed, &writing);
            Box::pin(async move {
                let drawn = write(store, feed, writer).await;
                writing.fetch_sub(1, Ordering::SeqCst);
                drawn
            })
        };
        let follow: Boxed<'_> = Box::pin(async {
            reader.follow(&*store, &*feed, &writing).await;
            Vec::new()
        });
        side_by_side((0..WRITERS).map(write).chain([follow])).await
    };
    reader.assert_told(drawn.concat());
}

/// [`many_are_followed_without_holes`], from a thread for each.
pub async fn many_are_followed_without_holes_on_threads<
    S: TokenStore + ChangeFeed,
    F: Future<Output = [Arc<S>; 2]>,
>(
    fresh: impl Fn() -> F,
) {
    let [store, feed] = opened(&fresh).await;
    let mut reader = Reader::joined(&*feed).await;
    let writing = AtomicU32::new(WRITERS);
    let drawn = std::thread::scope(|scope| {
        let follow = scope.spawn(|| {
            crate::block_on(reader.follow(&*store, &*feed, &writing));
            reader
        });
        let drawn = on_threads(WRITERS, |writer| {
            let drawn = crate::block_on(write(&*store, &*feed, writer));
            writing.fetch_sub(1, Ordering::SeqCst);
            drawn
        });
        (drawn, follow.join().expect("whoever follows finds the promise kept"))
    });
    drawn.1.assert_told(drawn.0.concat());
}

/// Issues two tokens and changes both together, again and again; gives what it has drawn. Each time it
/// looks whether it is told.
async fn write(store: &impl TokenStore, feed: &impl ChangeFeed, writer: u32) -> Drawn {
    let mut tokens = [2 * writer, 2 * writer + 1].map(sample_token);
    let mut drawn = Vec::new();
    for token in &tokens {
        drawn.push((put(store, token).await, token.record.id));
    }
    for _ in 0..ROUNDS {
        let numbers = raised(store, &mut tokens).await;
        assert_eq!(numbers[1], numbers[0] + 1, "the numbers of one change stand side by side");
        let last = feed.roll_call().await.unwrap().last_number;
        assert!(last >= numbers[1], "a change that has answered is told: {numbers:?} of {last}");
        drawn.extend(numbers.into_iter().zip(tokens.iter().map(|token| token.record.id)));
    }
    drawn
}

/// A node that follows the changes.
struct Reader {
    after: Position,
    told: Drawn,
}

impl Reader {
    async fn joined(feed: &impl ChangeFeed) -> Reader {
        Reader { after: joined(feed, node(1)).await, told: Vec::new() }
    }

    /// Pulls until nobody writes any more and nothing is left.
    async fn follow(&mut self, store: &impl TokenStore, feed: &impl ChangeFeed, writing: &AtomicU32) {
        loop {
            let is_over = writing.load(Ordering::SeqCst) == 0;
            let Pulled::Changes { changes, more } = feed.pull(node(1), self.after, 7).await.unwrap() else {
                panic!("whoever follows finds no gap");
            };
            for change in &changes {
                let expected = self.after.number + 1;
                assert_eq!(change.position.number, expected, "changes are told in order, without holes");
                self.after = change.position;
                self.told.push((change.position.number, change.token));
            }
            self.assert_readable(store, changes.len()).await;
            if is_over && changes.is_empty() && !more {
                return;
            }
            once_more().await;
        }
    }

    /// What was told last can be read as it was told, or as it became later.
    async fn assert_readable(&self, store: &impl TokenStore, number: usize) {
        let last: HashMap<TokenId, u64> =
            self.told[self.told.len() - number..].iter().map(|(number, token)| (*token, *number)).collect();
        let ids: Vec<_> = last.keys().copied().collect();
        let found = store.load(&ids).await.unwrap();
        assert_eq!(found.len(), ids.len(), "each token whose issue is told can be read");
        for token in found {
            let (read, told) = (token.record.sequence, last[&token.record.id]);
            assert!(read >= told, "change {told} is told before it is committed; {read} is read");
        }
    }

    fn assert_told(&self, mut drawn: Drawn) {
        drawn.sort();
        assert_eq!(self.told, drawn, "what was drawn is told, each with its token, and nothing else");
        assert!(drawn.iter().any(|(_, token)| *token == sample_id(0)), "there was something to tell");
    }
}
