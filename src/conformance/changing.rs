//! Promises of `update` and `purge`, and of the order of changes.

use super::fixture::{assert_same, entries, one, opened, put, sample_draft, sample_id, sample_token};
use super::side_by_side::{on_threads, side_by_side};
use crate::store::{Change, TokenStore, Updating};
use crate::{Action, StoredToken};

/// A token with another name and the next version, and the change that makes it.
fn renamed(token: &StoredToken, name: &str) -> (StoredToken, Change) {
    let mut next = token.clone();
    next.record.name = name.into();
    next.record.version += 1;
    let change = Change::new(next.clone(), token.record.version, sample_draft(&next, Action::Updated));
    (next, change)
}

/// A token that still has the version that is expected is replaced, every field of it.
pub async fn update_replaces_what_has_the_version<S: TokenStore, F: Future<Output = S>>(
    fresh: impl Fn() -> F,
) {
    let store = opened(fresh).await;
    let first = sample_token(1);
    put(&store, &first).await;
    put(&store, &sample_token(2)).await;
    let mut next = super::fixture::bare_token(1);
    next.record.version = 8;
    next.record.tenant = first.record.tenant.clone();
    let change = Change::new(next.clone(), 7, sample_draft(&next, Action::Updated));
    let Updating::Done(numbers) = store.update(&[change]).await.unwrap() else {
        panic!("a token that has the version that is expected is replaced");
    };
    let found = one(&store, next.record.id).await;
    assert_same(&found, &next);
    assert_eq!(numbers, [found.record.sequence], "the number of the change is the record's sequence");
    assert_same(&one(&store, sample_id(2)).await, &sample_token(2));
    let newest = &entries(&store).await[0];
    assert_eq!((newest.number, newest.draft.action), (numbers[0], Action::Updated), "history tells of it");
    assert_eq!(store.update(&[]).await.unwrap(), Updating::Done(vec![]), "no changes are done at once");
}

/// A token with another version, or that is not there, is a conflict, and nothing is written.
pub async fn update_refuses_another_version<S: TokenStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = opened(fresh).await;
    let token = sample_token(1);
    put(&store, &token).await;
    let (_, change) = renamed(&token, "Other");
    let stranger = Change { token: sample_token(2), ..change.clone() };
    let changes = [6, 8, 0].map(|expected_version| Change { expected_version, ..change.clone() });
    for change in changes.into_iter().chain([stranger]) {
        let refused = store.update(&[change]).await.unwrap();
        assert_eq!(refused, Updating::Conflict, "another version, or no token, is a conflict");
    }
    assert_same(&one(&store, token.record.id).await, &token);
    assert_eq!(entries(&store).await.len(), 1, "a conflict writes no history");
}

/// Of several changes all are made or none, wherever the one stands that cannot be.
pub async fn update_does_all_or_nothing<S: TokenStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = opened(fresh).await;
    let tokens = [1, 2, 3].map(sample_token);
    for token in &tokens {
        put(&store, token).await;
    }
    let good = || tokens.iter().map(|token| renamed(token, "Other").1).collect::<Vec<_>>();
    for bad in 0..3 {
        let mut changes = good();
        changes[bad].expected_version = 99;
        assert_eq!(
            store.update(&changes).await.unwrap(),
            Updating::Conflict,
            "one of them has another version"
        );
    }
    let mut twice = good();
    let (after, _) = renamed(&twice[0].token, "Again");
    twice.push(Change::new(after, twice[0].token.record.version, twice[0].history.clone()));
    assert_eq!(store.update(&twice).await.unwrap(), Updating::Conflict, "one of them is named twice");
    for token in &tokens {
        assert_same(&one(&store, token.record.id).await, token);
    }
    assert_eq!(entries(&store).await.len(), 3, "a conflict writes no history, of none of the changes");
    let Updating::Done(numbers) = store.update(&good()).await.unwrap() else {
        panic!("all of them have the version that is expected");
    };
    for (token, number) in tokens.iter().zip(numbers) {
        let found = one(&store, token.record.id).await;
        assert_eq!(found.record.sequence, number, "the numbers stand in the order of the changes");
    }
}

/// Of many updates of one version at once, one wins.
pub async fn one_of_many_updates_wins<S: TokenStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = opened(fresh).await;
    put(&store, &sample_token(1)).await;
    let outcomes = side_by_side((0..64).map(|number| rename_first(&store, number))).await;
    assert_one_won(&store, &outcomes).await;
}

/// [`one_of_many_updates_wins`], from 64 threads.
pub async fn one_of_many_updates_wins_on_threads<S: TokenStore, F: Future<Output = S>>(
    fresh: impl Fn() -> F,
) {
    let store = opened(fresh).await;
    put(&store, &sample_token(1)).await;
    let outcomes = on_threads(64, |number| crate::block_on(rename_first(&store, number)));
    assert_one_won(&store, &outcomes).await;
}

async fn rename_first(store: &impl TokenStore, number: u32) -> Updating {
    let (_, change) = renamed(&sample_token(1), &format!("By {number}"));
    store.update(&[change]).await.unwrap()
}

async fn assert_one_won(store: &impl TokenStore, outcomes: &[Updating]) {
    let winners: Vec<_> =
        (0..outcomes.len()).filter(|place| outcomes[*place] != Updating::Conflict).collect();
    assert_eq!(winners.len(), 1, "of 64 updates of one version exactly one is done");
    let found = one(store, sample_id(1)).await;
    assert_eq!(
        found.record.name,
        format!("By {}", winners[0]),
        "the one that was done is the one that is read"
    );
    assert_eq!(entries(store).await.len(), 2, "those that lost write no history");
}

/// Each change draws a number above all before it, which becomes the sequence of the record and
/// the number of its entry.
pub async fn numbers_follow_the_commits<S: TokenStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = opened(fresh).await;
    let mut numbers = Vec::new();
    let mut tokens: Vec<_> = (0..5).map(sample_token).collect();
    for token in &mut tokens {
        token.record.tenant = (token.record.id != sample_id(3)).then(|| "acme".into());
        numbers.push(put(&store, token).await);
    }
    for round in 0..5 {
        let changes: Vec<_> = tokens
            .iter_mut()
            .map(|token| {
                let (next, change) = renamed(token, &format!("Round {round}"));
                *token = next;
                change
            })
            .collect();
        let Updating::Done(drawn) = store.update(&changes).await.unwrap() else {
            panic!("nobody else changes them");
        };
        numbers.extend(drawn);
    }
    assert!(
        numbers.is_sorted_by(|left, right| left < right),
        "later commits have greater numbers: {numbers:?}"
    );
    let mut told: Vec<_> = entries(&store).await.iter().map(|entry| entry.number).collect();
    told.reverse();
    assert_eq!(told, numbers, "the number of a change is the number of its entry");
    for (token, number) in tokens.iter().zip(&numbers[25..]) {
        let found = one(&store, token.record.id).await;
        assert_eq!(found.record.sequence, *number, "the last number is the record's sequence");
    }
}

/// A purge deletes a token that still has the version, and nothing of its history.
pub async fn purge_needs_the_version_and_keeps_history<S: TokenStore, F: Future<Output = S>>(
    fresh: impl Fn() -> F,
) {
    let store = opened(fresh).await;
    let token = sample_token(1);
    let issued = put(&store, &token).await;
    put(&store, &sample_token(2)).await;
    let history = sample_draft(&token, Action::Purged);
    let id = token.record.id;
    assert_eq!(store.purge(&id, 6, &history).await.unwrap(), Updating::Conflict, "it has another version");
    assert_same(&one(&store, id).await, &token);
    assert_eq!(entries(&store).await.len(), 2, "a conflict writes no history");
    let Updating::Done(numbers) = store.purge(&id, 7, &history).await.unwrap() else {
        panic!("it has the version that is expected");
    };
    assert!(store.load(&[id]).await.unwrap().is_empty(), "what was purged is gone");
    assert_same(&one(&store, sample_id(2)).await, &sample_token(2));
    let query = crate::HistoryQuery::new(crate::TenantFilter::Any).token(id);
    let told: Vec<_> = store.history(&query).await.unwrap().iter().map(|entry| entry.number).collect();
    assert_eq!(told, [numbers[0], issued], "the history of what was purged stays, the purge included");
    assert_eq!(store.purge(&id, 7, &history).await.unwrap(), Updating::Conflict, "it is not there any more");
    put(&store, &token).await;
}
