//! Promises of history.

use super::fixture::{at, entries, opened, put, sample_draft, sample_id, sample_token};
use crate::store::{Change, HistoryQuery, RevokeAll, TenantFilter, TokenStore, Updating};
use crate::{Action, Actor, HistoryDraft, HistoryEntry, StoredToken, verify_chain};

const TENANTS: [Option<&str>; 3] = [Some("acme"), Some("globex"), None];

/// Changes of every kind, across tenants, by two actors, over time.
async fn eventful(store: &impl TokenStore) {
    for number in 0..9 {
        let mut token = sample_token(number);
        token.record.tenant = TENANTS[number as usize % 3].map(str::to_owned);
        put(store, &token).await;
        let actions = [Action::Updated, Action::Rotated, Action::Paused, Action::Resumed];
        for (place, action) in actions.into_iter().enumerate().take(1 + number as usize % 4) {
            let expected = token.record.version;
            token.record.version += 1;
            let history = draft(&token, action, number as usize + place);
            let updated = store.update(&[Change::new(token.clone(), expected, history)]).await.unwrap();
            assert!(matches!(updated, Updating::Done(_)), "nobody else changes it");
        }
        if number == 8 {
            let history = draft(&token, Action::Purged, 8);
            store.purge(&token.record.id, token.record.version, &history).await.unwrap();
        }
    }
    let history = draft(&sample_token(0), Action::Revoked, 5);
    let tenant = TenantFilter::Only(Some("globex".into()));
    store.revoke_all(&RevokeAll::new(tenant, None, at(5), None, history)).await.unwrap();
}

fn draft(token: &StoredToken, action: Action, time: usize) -> HistoryDraft {
    let actor = Actor::new(if time.is_multiple_of(2) { "maria" } else { "jo" });
    let mut draft = HistoryDraft::new(action, &token.record, &actor, [time as u8; 16], at(time as i64));
    if time.is_multiple_of(5) {
        draft.personal = None;
    }
    draft
}

/// The entries of each tenant form one chain that verifies, whatever was changed in between.
pub async fn the_chain_of_each_tenant_holds<S: TokenStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = opened(fresh).await;
    eventful(&store).await;
    let mut of_tenants = 0;
    for tenant in TENANTS {
        let mut query = HistoryQuery::new(TenantFilter::Only(tenant.map(str::to_owned)));
        query.limit = 1_000;
        let told = store.history(&query).await.unwrap();
        assert!(told.len() > 4, "history of {tenant:?} was written");
        let verified = verify_chain(told.iter().rev(), None);
        let last =
            verified.unwrap_or_else(|broken| panic!("the chain of {tenant:?} does not hold: {broken}"));
        assert_eq!(last.as_ref(), Some(&told[0].seal), "the newest entry has the last seal");
        of_tenants += told.len();
    }
    assert_eq!(entries(&store).await.len(), of_tenants, "each entry is in its own tenant's chain");
    let first = &entries(&store).await.pop().expect("something was told").draft;
    assert_eq!(*first, sample_draft(&sample_token(0), Action::Issued), "every field of an entry comes back");
}

/// A query of history gives what it matches and nothing else, newest first.
pub async fn history_is_filtered<S: TokenStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = opened(fresh).await;
    eventful(&store).await;
    let all = entries(&store).await;
    assert!(all.is_sorted_by(|left, right| left.number > right.number), "history comes newest first");
    let any = || {
        let mut query = HistoryQuery::new(TenantFilter::Any);
        query.limit = 1_000;
        query
    };
    let mut queries = vec![any()];
    for tenant in TENANTS.into_iter().chain([Some("nobody")]) {
        queries.push(HistoryQuery { tenant: TenantFilter::Only(tenant.map(str::to_owned)), ..any() });
    }
    queries.extend((0..10).map(|number| any().token(sample_id(number))));
    queries.extend(Action::ALL.map(|action| HistoryQuery { actions: vec![action], ..any() }));
    queries.push(HistoryQuery { actions: vec![Action::Paused, Action::Purged], ..any() });
    queries
        .extend(["maria", "jo", "nobody"].map(|actor| HistoryQuery { actor: Some(actor.into()), ..any() }));
    for ms in 0..7 {
        queries.push(HistoryQuery { from: Some(at(ms)), ..any() });
        queries.push(HistoryQuery { to: Some(at(ms)), ..any() });
        queries.push(HistoryQuery {
            from: Some(at(ms)),
            to: Some(at(ms + 1)),
            actor: Some("jo".into()),
            ..any()
        });
    }
    for before in [0, 1, all[3].number, all[3].number + 1, u64::MAX] {
        queries.push(HistoryQuery { before: Some(before), ..any() });
    }
    let mut narrow = HistoryQuery { actions: vec![Action::Updated], before: Some(all[2].number), ..any() };
    narrow.tenant = TenantFilter::Only(Some("acme".into()));
    narrow.token = Some(sample_id(3));
    queries.push(narrow);
    for query in queries {
        let expected: Vec<&HistoryEntry> = all.iter().filter(|entry| query.matches(entry)).collect();
        let found = store.history(&query).await.unwrap();
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "history gives what it matches: {query:?}");
    }
}

/// Pages that go on before the last number of the page before give each entry once.
pub async fn history_comes_in_pages<S: TokenStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = opened(fresh).await;
    eventful(&store).await;
    let all = entries(&store).await;
    for tenant in [TenantFilter::Any, TenantFilter::Only(Some("acme".into()))] {
        let mut query = HistoryQuery::new(tenant);
        query.limit = 4;
        let mut found = Vec::new();
        loop {
            let page = store.history(&query).await.unwrap();
            assert!(page.len() <= 4, "a page is no longer than asked for");
            let Some(last) = page.last() else { break };
            query.before = Some(last.number);
            found.extend(page);
        }
        query.before = None;
        let expected: Vec<_> = all.iter().filter(|entry| query.matches(entry)).cloned().collect();
        assert_eq!(found, expected, "the pages of {:?} give each entry once", query.tenant);
    }
}
