//! Tokens and history entries to check with.

use chrono::{DateTime, TimeDelta, Utc};

use crate::store::{Insertion, TokenStore};
use crate::{
    Action, Actor, Digest, FieldChange, HistoryDraft, PreviousSecret, Quota, RateLimit, SecretInfo,
    StoredToken, TokenId, TokenRecord, Via,
};

/// The moment around which everything happens: 2027-01-15T08:00:00Z.
pub(super) const NOW_MS: i64 = 1_800_000_000_000;

/// So many milliseconds after (or before) that moment.
pub(super) fn at(ms: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::milliseconds(NOW_MS + ms)
}

/// The id of the sample with this number, below a thousand million.
pub fn sample_id(number: u32) -> TokenId {
    let text = format!("Sample_{:09}", number % 1_000_000_000);
    TokenId::from_characters(text.as_bytes()).expect("sixteen characters of ids")
}

/// A digest that differs from that of any other number, but 0.
pub(super) fn digest(number: u32) -> Digest {
    let mut bytes = [1; 33];
    bytes[1..5].copy_from_slice(&number.to_be_bytes());
    Digest::from_bytes(&bytes)
}

/// A living token of the tenant `acme` with something in every field, unlike that of any other
/// number: what a store has to give back.
pub fn sample_token(number: u32) -> StoredToken {
    let scope = |name: &str| name.parse().expect("a scope");
    let address = |text: &str| text.parse().expect("an address");
    let daily = Quota::per_day(5_000).expect("more than none");
    let record = TokenRecord {
        id: sample_id(number),
        name: format!("Sample {number}"),
        description: "First line\nsecond line".into(),
        tenant: Some("acme".into()),
        owner: Some(format!("owner-{number}")),
        parent: Some(sample_id(number + 1)),
        scopes: [scope("orders:read"), scope("products.v2:write")].into(),
        rate_limit: RateLimit::per_minute(120).and_then(|limit| limit.and(daily)).expect("a limit"),
        addresses: vec![address("203.0.113.0/24"), address("2001:db8::1")],
        environment: Some("live".into()),
        metadata: [("plan".into(), "gold".into()), ("seat".into(), number.to_string())].into(),
        not_before: Some(at(-86_400_000)),
        expires_at: Some(at(86_400_000 + i64::from(number))),
        paused_at: Some(at(-7)),
        paused_until: Some(at(-5)),
        revoked_at: None,
        revoked_because: Some("kept, although it is not revoked".into()),
        created_at: at(-100_000_000 + i64::from(number)),
        created_by: "maria@acme.example".into(),
        secret: SecretInfo { version: 3, start: "tw_Samp".into(), last4: "aB3_".into(), created_at: at(-11) },
        previous_secret: Some(PreviousSecret {
            version: 2,
            last4: "zzzz".into(),
            created_at: at(-22),
            ends_at: at(33),
        }),
        version: 7,
        sequence: 0,
    };
    StoredToken {
        record,
        digest: digest(2 * number + 1),
        previous_digest: Some(digest(2 * number + 2)),
        rotation_keys: vec![
            StoredToken::used_key("hash-1".into(), at(-2)),
            StoredToken::used_key("hash-2".into(), at(-1)),
        ],
    }
}

/// A token that has nothing that it need not have.
pub(super) fn bare_token(number: u32) -> StoredToken {
    let record = TokenRecord { name: "Bare".into(), ..TokenRecord::stand_in(sample_id(number), at(0)) };
    StoredToken { record, digest: digest(number + 1), previous_digest: None, rotation_keys: Vec::new() }
}

/// What history tells of a change of this token, with something in every field.
pub fn sample_draft(token: &StoredToken, action: Action) -> HistoryDraft {
    let actor = Actor::new("maria@acme.example")
        .via(Via::Dashboard)
        .address([203, 0, 113, 7].into())
        .request_id("request-1");
    let mut draft = HistoryDraft::new(action, &token.record, &actor, [7; 16], at(i64::from(action as u8)));
    draft.actor_token = Some(sample_id(999));
    draft.reason = Some("Because \"reasons\", and 💡".into());
    draft.changes = vec![
        FieldChange::new("name", Some("Old".into()), Some(token.record.name.clone())),
        FieldChange::new("expires_at", None, None),
    ];
    draft
}

/// Two tokens are the same in every field, but for the `sequence`, which is the store's.
pub(super) fn assert_same(found: &StoredToken, given: &StoredToken) {
    let expected = TokenRecord { sequence: found.record.sequence, ..given.record.clone() };
    assert_eq!(found.record, expected, "every field of a record comes back as it went in");
    assert_eq!(found.digest.to_bytes(), given.digest.to_bytes(), "the digest comes back as it went in");
    let previous = |token: &StoredToken| token.previous_digest.map(|digest| digest.to_bytes());
    assert_eq!(previous(found), previous(given), "the digest before comes back as it went in");
    assert_eq!(found.rotation_keys, given.rotation_keys, "the keys of rotations come back as they went in");
}

/// A fresh store, opened.
pub(super) async fn opened<S: TokenStore, F: Future<Output = S>>(fresh: impl Fn() -> F) -> S {
    let store = fresh().await;
    store.open().await.expect("an empty store can be opened");
    store
}

/// Inserts a token without a cap, and gives its number.
pub(super) async fn put(store: &impl TokenStore, token: &StoredToken) -> u64 {
    let inserted = store.insert(token, &sample_draft(token, Action::Issued), None).await;
    match inserted.expect("a token can be inserted") {
        Insertion::Inserted(number) => number,
        other => panic!("a token whose id is free, without a cap, is inserted; it was {other:?}"),
    }
}

/// The token, which must be there.
pub(super) async fn one(store: &impl TokenStore, id: TokenId) -> StoredToken {
    let mut found = store.load(&[id]).await.expect("tokens can be loaded");
    assert_eq!(found.len(), 1, "one id of a token that is there loads one token");
    found.remove(0)
}

/// How many entries of history there are.
pub(super) async fn entries(store: &impl TokenStore) -> Vec<crate::HistoryEntry> {
    let mut query = crate::HistoryQuery::new(crate::TenantFilter::Any);
    query.limit = 10_000;
    store.history(&query).await.expect("history can be read")
}
