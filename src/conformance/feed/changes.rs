//! Promises of what is told: every change, in order, and nothing else.

use std::collections::HashSet;
use std::sync::Arc;

use super::super::fixture::{at, put, sample_draft, sample_id, sample_token};
use super::{changes_after, joined, node, numbers, opened, put_samples, raised, tokens};
use crate::Action;
use crate::changes::{ChangeFeed, Mark, Position};
use crate::store::{Cap, Change, Insertion, RevokeAll, TenantFilter, TokenStore, Updating};

/// Each write is told through every handle as soon as it has answered, with each token that it has
/// changed, under the number that it has drawn for it, in their order.
pub async fn every_write_is_told<S: TokenStore + ChangeFeed, F: Future<Output = [Arc<S>; 2]>>(
    fresh: impl Fn() -> F,
) {
    let [store, feed] = opened(&fresh).await;
    let start = joined(&*feed, node(1)).await;
    let mut samples = [3, 1, 2].map(sample_token);
    let (mut drawn, mut ids) = (Vec::new(), Vec::new());
    for (place, sample) in samples.iter().enumerate() {
        drawn.push(put(&*store, sample).await);
        ids.push(sample.record.id);
        let told = changes_after(&*feed, node(1), start).await;
        assert_eq!(numbers(&told), drawn, "the issue of token {place} is told when it has answered");
    }
    drawn.extend(raised(&*store, &mut samples).await);
    ids.extend(samples.iter().map(|sample| sample.record.id));
    let told = changes_after(&*feed, node(1), start).await;
    assert_eq!((numbers(&told), tokens(&told)), (drawn.clone(), ids.clone()), "an update of three is told");

    let history = sample_draft(&samples[0], Action::Revoked);
    let revocation = RevokeAll::new(TenantFilter::Any, None, at(5), None, history);
    let mut revoked = store.revoke_all(&revocation).await.unwrap();
    assert_eq!(revoked.len(), 3, "all of them are revoked");
    revoked.sort_by_key(|token| token.record.sequence);
    drawn.extend(revoked.iter().map(|token| token.record.sequence));
    ids.extend(revoked.iter().map(|token| token.record.id));
    let told = changes_after(&*feed, node(1), start).await;
    assert_eq!((numbers(&told), tokens(&told)), (drawn.clone(), ids.clone()), "each revocation is told");

    let purged = &revoked[1].record;
    let history = sample_draft(&revoked[1], Action::Purged);
    let Updating::Done(number) = store.purge(&purged.id, purged.version, &history).await.unwrap() else {
        panic!("it has the version that is expected");
    };
    drawn.extend(number);
    ids.push(purged.id);
    let told = changes_after(&*feed, node(1), start).await;
    assert_eq!((numbers(&told), tokens(&told)), (drawn.clone(), ids), "a purge is told");
    assert_eq!(drawn, (1..=10).collect::<Vec<_>>(), "the numbers begin with 1 and are without holes");
    assert_eq!(feed.roll_call().await.unwrap().last_number, 10, "the last number is that of the last change");
}

/// A write that was refused, and one that changes nothing, is not told, and leaves no hole.
pub async fn what_is_refused_is_not_told<S: TokenStore + ChangeFeed, F: Future<Output = [Arc<S>; 2]>>(
    fresh: impl Fn() -> F,
) {
    let [store, feed] = opened(&fresh).await;
    put_samples(&*store, 0..3).await;
    let after = joined(&*feed, node(1)).await;
    let issued = sample_draft(&sample_token(0), Action::Issued);
    let taken = store.insert(&sample_token(0), &issued, None).await.unwrap();
    assert_eq!(taken, Insertion::Exists, "the id is taken");
    let cap = Some(Cap { greatest: 1, now: at(0) });
    let full = store.insert(&sample_token(9), &issued, cap).await.unwrap();
    assert_eq!(full, Insertion::Full, "there are three already");
    let change = |number, expected| {
        let mut next = sample_token(number);
        next.record.version += 1;
        Change::new(next.clone(), expected, sample_draft(&next, Action::Updated))
    };
    // The first of them could be made.
    let refused = store.update(&[change(0, 7), change(1, 7), change(2, 99)]).await.unwrap();
    assert_eq!(refused, Updating::Conflict, "the last of them has another version");
    let refused = store.purge(&sample_id(0), 6, &issued).await.unwrap();
    assert_eq!(refused, Updating::Conflict, "it has another version");
    let nobody = TenantFilter::Only(Some("nobody".into()));
    let revocation = RevokeAll::new(nobody, None, at(5), None, issued.clone());
    assert!(store.revoke_all(&revocation).await.unwrap().is_empty(), "nobody has no tokens");
    store.update(&[]).await.unwrap();
    assert!(changes_after(&*feed, node(1), after).await.is_empty(), "nothing of it is told");
    let number = put(&*store, &sample_token(9)).await;
    assert_eq!(number, after.number + 1, "it leaves no hole");
    assert_eq!(numbers(&changes_after(&*feed, node(1), after).await), [number], "the next one is told");
}

/// No two changes have the same mark, also where they have the same number in other data.
pub async fn marks_differ<S: TokenStore + ChangeFeed, F: Future<Output = [Arc<S>; 2]>>(
    fresh: impl Fn() -> F,
) {
    let mut seen = HashSet::from([Mark::default()]);
    for _ in 0..2 {
        let [store, feed] = opened(&fresh).await;
        joined(&*feed, node(1)).await;
        let mut samples = [1, 2, 3].map(sample_token);
        put_samples(&*store, 1..4).await;
        raised(&*store, &mut samples).await;
        let told = changes_after(&*feed, node(1), Position::default()).await;
        assert_eq!(told.len(), 6, "each change is told");
        for change in &told {
            assert!(seen.insert(change.position.mark), "a mark is never used again: {change:?}");
        }
        assert_eq!(
            changes_after(&*feed, node(1), Position::default()).await,
            told,
            "a change keeps its mark, whoever asks"
        );
    }
}
