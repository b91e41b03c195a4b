//! Promises of `revoke_all`.

use super::fixture::{assert_same, at, entries, one, opened, put, sample_draft, sample_id, sample_token};
use crate::store::{RevokeAll, TenantFilter, TokenStore};
use crate::{Action, StoredToken};

const TENANTS: [Option<&str>; 3] = [Some("acme"), Some("globex"), None];
const OWNERS: [Option<&str>; 3] = [Some("7"), Some("8"), None];

/// Tokens of every tenant and owner, of each pair one that is alive and one that is revoked.
async fn populated(store: &impl TokenStore) -> Vec<StoredToken> {
    let mut tokens = Vec::new();
    for tenant in TENANTS {
        for owner in OWNERS {
            for revoked_at in [None, Some(at(-500))] {
                let mut token = sample_token(tokens.len() as u32);
                token.record.tenant = tenant.map(str::to_owned);
                token.record.owner = owner.map(str::to_owned);
                token.record.revoked_at = revoked_at;
                put(store, &token).await;
                tokens.push(token);
            }
        }
    }
    tokens
}

fn revocation(tenant: TenantFilter, owner: Option<&str>) -> RevokeAll {
    let mut stand_in = sample_token(500);
    stand_in.record.name = "stands in".into();
    let history = sample_draft(&stand_in, Action::Revoked);
    RevokeAll::new(tenant, owner.map(str::to_owned), at(5), Some("they left".into()), history)
}

/// Every token of the tenant and owner that was named is revoked unless it was before, and no
/// other; those that were changed are given.
pub async fn revoke_all_takes_what_is_chosen<S: TokenStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let tenants = TENANTS.map(|tenant| TenantFilter::Only(tenant.map(str::to_owned)));
    for tenant in tenants.into_iter().chain([TenantFilter::Any, TenantFilter::Only(Some("nobody".into()))]) {
        for owner in [Some("7"), None, Some("nobody")] {
            let store = opened(&fresh).await;
            let tokens = populated(&store).await;
            let revocation = revocation(tenant.clone(), owner);
            let mut given = store.revoke_all(&revocation).await.unwrap();
            given.sort_by_key(|token| token.record.id);
            let mut expected = Vec::new();
            for token in &tokens {
                let mut token = token.clone();
                if revocation.chooses(&token) {
                    revocation.apply(&mut token);
                    expected.push(token.clone());
                }
                assert_same(&one(&store, token.record.id).await, &token);
            }
            assert_eq!(
                given.len(),
                expected.len(),
                "of {tenant:?} and {owner:?}: those that were changed are given"
            );
            for (given, expected) in given.iter().zip(&expected) {
                assert_same(given, expected);
            }
        }
    }
}

/// Each token that was revoked has an entry of its own, with a number of its own; asked again,
/// nothing is left to do.
pub async fn revoke_all_writes_history_for_each<S: TokenStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = opened(fresh).await;
    let before = populated(&store).await.len();
    let revocation = revocation(TenantFilter::Any, None);
    let revoked = store.revoke_all(&revocation).await.unwrap();
    assert_eq!(revoked.len(), before / 2, "half of them were revoked before");
    let told = entries(&store).await;
    assert_eq!(told.len(), before + revoked.len(), "each revocation has an entry, and nothing else has");
    for token in &revoked {
        let entry = told.iter().find(|entry| entry.number == token.record.sequence);
        let entry = entry.expect("the number of the entry is the record's sequence");
        let expected = revocation.history.about(&token.record);
        assert_eq!(entry.draft, expected, "an entry is about its token, with the rest as it was given");
    }
    assert!(store.revoke_all(&revocation).await.unwrap().is_empty(), "what is revoked is not revoked again");
    assert_eq!(entries(&store).await.len(), told.len(), "where nothing is revoked nothing is told");
    let first = one(&store, sample_id(0)).await.record;
    assert_eq!((first.revoked_at, first.version), (Some(at(5)), 8), "the first revocation stands");
}
