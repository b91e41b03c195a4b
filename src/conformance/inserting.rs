//! Promises of `insert`.

use super::fixture::{
    assert_same, at, bare_token, digest, entries, one, opened, put, sample_draft, sample_token,
};
use super::side_by_side::{on_threads, side_by_side};
use crate::store::{Cap, Insertion, TokenStore};
use crate::{Action, StoredToken};

/// A token whose id is taken is not inserted, and the one that is there stays as it is.
pub async fn insert_refuses_a_taken_id<S: TokenStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = opened(fresh).await;
    let first = sample_token(1);
    put(&store, &first).await;
    let second = StoredToken { digest: digest(77), ..bare_token(1) };
    for cap in [None, Some(Cap { greatest: 0, now: at(0) })] {
        let refused = store.insert(&second, &sample_draft(&second, Action::Issued), cap).await;
        assert_eq!(refused.unwrap(), Insertion::Exists, "an id that is taken answers that it exists");
    }
    assert_same(&one(&store, first.record.id).await, &first);
    assert_eq!(entries(&store).await.len(), 1, "an insertion that was refused writes no history");
}

/// A cap counts the tokens of the same tenant that are neither revoked nor expired at its moment,
/// and no others.
pub async fn a_cap_counts_living_tokens_of_the_tenant<S: TokenStore, F: Future<Output = S>>(
    fresh: impl Fn() -> F,
) {
    let store = opened(fresh).await;
    let tenants = [Some("acme".to_owned()), Some("globex".to_owned()), None];
    let mut number = 0;
    let mut token = |tenant: &Option<String>, change: fn(&mut StoredToken)| {
        number += 1;
        let mut token = bare_token(number);
        token.record.tenant = tenant.clone();
        change(&mut token);
        token
    };
    for tenant in &tenants {
        // Dead at the moment of the cap: revoked, expired, and expired exactly then.
        put(&store, &token(tenant, |token| token.record.revoked_at = Some(at(-1)))).await;
        put(&store, &token(tenant, |token| token.record.expires_at = Some(at(-1)))).await;
        put(&store, &token(tenant, |token| token.record.expires_at = Some(at(0)))).await;
        // Alive: for a millisecond more, paused, and not yet valid.
        put(&store, &token(tenant, |token| token.record.expires_at = Some(at(1)))).await;
        put(&store, &token(tenant, |token| token.record.paused_at = Some(at(-1)))).await;
        put(&store, &token(tenant, |token| token.record.not_before = Some(at(1)))).await;
    }
    for tenant in &tenants {
        let newcomer = token(tenant, |_| {});
        let history = sample_draft(&newcomer, Action::Issued);
        let before = entries(&store).await.len();
        for (greatest, now) in [(0, at(0)), (2, at(0)), (3, at(0)), (4, at(-1)), (2, at(1))] {
            let full = store.insert(&newcomer, &history, Some(Cap { greatest, now })).await.unwrap();
            assert_eq!(full, Insertion::Full, "{greatest} tokens of {tenant:?} are alive at {now} already");
        }
        assert!(store.load(&[newcomer.record.id]).await.unwrap().is_empty(), "nothing was written");
        assert_eq!(entries(&store).await.len(), before, "a full tenant's insertion writes no history");
        let inserted =
            store.insert(&newcomer, &history, Some(Cap { greatest: 4, now: at(0) })).await.unwrap();
        assert!(matches!(inserted, Insertion::Inserted(_)), "three of {tenant:?} are alive, a fourth fits");
    }
}

/// Of many insertions at once as many succeed as the cap has room for.
pub async fn a_cap_holds_against_many_at_once<S: TokenStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = opened(fresh).await;
    let outcomes = side_by_side((0..64).map(|number| insert_capped(&store, number))).await;
    assert_capped(&store, &outcomes).await;
}

/// [`a_cap_holds_against_many_at_once`], from 64 threads.
pub async fn a_cap_holds_against_threads<S: TokenStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = opened(fresh).await;
    let outcomes = on_threads(64, |number| crate::block_on(insert_capped(&store, number)));
    assert_capped(&store, &outcomes).await;
}

async fn insert_capped(store: &impl TokenStore, number: u32) -> Insertion {
    let token = sample_token(number);
    let cap = Some(Cap { greatest: 10, now: at(0) });
    store.insert(&token, &sample_draft(&token, Action::Issued), cap).await.unwrap()
}

async fn assert_capped(store: &impl TokenStore, outcomes: &[Insertion]) {
    let inserted = outcomes.iter().filter(|outcome| matches!(outcome, Insertion::Inserted(_))).count();
    assert_eq!(inserted, 10, "a cap of 10 lets exactly 10 of 64 through, however they meet");
    assert_eq!(entries(store).await.len(), 10, "each of them, and no other, has its history");
}
