//! Text that PostgreSQL cannot keep.

use tokenward::conformance::{sample_draft, sample_id, sample_token};
use tokenward::store::{Change, HistoryQuery, Query, TenantFilter};
use tokenward::{Action, Filter, HistoryDraft, StoreError, StoredToken, TokenStore, block_on};

use crate::kit::{assert_whole, one, opened, put, schema, why};

fn assert_refused<T: std::fmt::Debug>(outcome: Result<T, StoreError>) {
    let error = outcome.unwrap_err();
    assert!(!error.is_transient() && why(&error).contains("the character NUL"), "{error:?}");
}

#[test]
fn a_text_with_nul_is_refused_before_it_is_sent() {
    let Some(schema) = schema() else { return };
    let nul = || "a\0b".to_owned();
    type Harm = fn(&mut StoredToken, String);
    let harms: [Harm; 10] = [
        |token, nul| token.record.name = nul,
        |token, nul| token.record.description = nul,
        |token, nul| token.record.tenant = Some(nul),
        |token, nul| token.record.owner = Some(nul),
        |token, nul| token.record.environment = Some(nul),
        |token, nul| token.record.created_by = nul,
        |token, nul| token.record.revoked_because = Some(nul),
        |token, nul| token.record.secret.last4 = nul,
        |token, nul| _ = token.record.metadata.insert(nul, String::new()),
        |token, nul| _ = token.record.metadata.insert("key".into(), nul),
    ];
    block_on(async {
        let store = opened(&schema);
        put(&store, 1).await;
        for harm in harms {
            let mut token = sample_token(2);
            harm(&mut token, nul());
            let history = sample_draft(&sample_token(2), Action::Issued);
            assert_refused(store.insert(&token, &history, None).await);
            let mut token = one(&store, 1).await;
            harm(&mut token, nul());
            let history = sample_draft(&sample_token(1), Action::Updated);
            assert_refused(store.update(&[Change::new(token.clone(), token.record.version, history)]).await);
        }
        type Told = fn(&mut HistoryDraft, String);
        let told: [Told; 4] = [
            |draft, nul| draft.token_name = nul,
            |draft, nul| draft.tenant = Some(nul),
            |draft, nul| draft.reason = Some(nul),
            |draft, nul| draft.personal.as_mut().unwrap().actor = nul,
        ];
        for harm in told {
            let mut history = sample_draft(&sample_token(1), Action::Purged);
            harm(&mut history, nul());
            let version = one(&store, 1).await.record.version;
            assert_refused(store.purge(&sample_id(1), version, &history).await);
        }
        assert_whole(&schema, &store).await;
    });
}

#[test]
fn nothing_is_found_by_nul() {
    let Some(schema) = schema() else { return };
    block_on(async {
        let store = opened(&schema);
        put(&store, 1).await;
        let tenant = || TenantFilter::Only(Some("acme\0".into()));
        let new = Filter::new;
        for (tenant, filter) in [
            (tenant(), new()),
            (TenantFilter::Any, new().owner("\0")),
            (TenantFilter::Any, new().metadata("a\0", "b")),
            (TenantFilter::Any, new().text("Sample\0")),
        ] {
            let mut query = Query::new(tenant, chrono::Utc::now());
            (query.filter, query.count_up_to) = (filter, 10);
            let listing = store.list(&query).await.unwrap();
            assert!(listing.records.is_empty() && listing.counted == 0, "{query:?}");
        }
        assert!(store.history(&HistoryQuery::new(tenant())).await.unwrap().is_empty());
    });
}
