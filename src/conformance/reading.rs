//! Promises of `open`, `service_key`, `load` and `load_settled`.

use super::fixture::{assert_same, bare_token, one, opened, put, sample_id, sample_token};
use crate::store::TokenStore;
use crate::{Digest, StoredToken, TokenId};

/// Opening a store that is open changes nothing.
pub async fn opening_twice_is_harmless<S: TokenStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = opened(fresh).await;
    let token = sample_token(1);
    put(&store, &token).await;
    store.open().await.expect("a store that is open can be opened again");
    assert_same(&one(&store, token.record.id).await, &token);
    assert_eq!(store.changes_by_others().await.unwrap(), 0, "one's own changes are not others'");
}

/// The service key is made with the data, never changes, and is not the same in any two.
pub async fn the_service_key_stays_the_same<S: TokenStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = opened(&fresh).await;
    let key = store.service_key().await.unwrap();
    put(&store, &sample_token(1)).await;
    store.open().await.unwrap();
    assert_eq!(store.service_key().await.unwrap(), key, "the service key never changes");
    let other = opened(&fresh).await.service_key().await.unwrap();
    assert_ne!(other, key, "the service key of other data is another");
}

/// Every field comes back as it went in, set or not.
pub async fn every_field_comes_back<S: TokenStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = opened(fresh).await;
    let mut only_digest = bare_token(3);
    only_digest.previous_digest = sample_token(3).previous_digest;
    let mut only_record = bare_token(4);
    only_record.record.previous_secret = sample_token(4).record.previous_secret;
    let mut unlimited = sample_token(5);
    unlimited.record.rate_limit = crate::RateLimit::unlimited();
    unlimited.record.revoked_at = unlimited.record.expires_at;
    unlimited.record.version = u64::MAX >> 1;
    unlimited.record.secret.version = u32::MAX;
    let tokens = [sample_token(1), bare_token(2), only_digest, only_record, unlimited];
    for token in &tokens {
        let number = put(&store, token).await;
        let found = one(&store, token.record.id).await;
        assert_same(&found, token);
        assert_eq!(found.record.sequence, number, "the number of the insertion is the record's sequence");
    }
    let ids: Vec<_> = tokens.iter().map(|token| token.record.id).collect();
    assert_eq!(store.load(&ids).await.unwrap().len(), tokens.len(), "several ids load several tokens");
}

/// Text of every kind survives: quotes, what other languages take for commands, every script and
/// direction, a thousand characters.
pub async fn awkward_text_survives<S: TokenStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = opened(fresh).await;
    let long = "🦀".repeat(1_000);
    let texts = [
        "'",
        "\"",
        "\\",
        "`",
        "'; DROP TABLE tokens; --",
        "%",
        "_",
        "${x}",
        "{{x}}",
        "\u{feff}bom",
        "\r\n\t",
        "\u{1}\u{7f}",
        "e\u{301}",
        "é",
        "ß",
        "İ",
        "سلام",
        "\u{202e}rtl",
        "👩‍👩‍👧",
        "\u{10ffff}",
        "null",
        "0",
        "1e9",
        " ",
        &long,
    ];
    for (place, text) in texts.into_iter().enumerate() {
        let mut token = sample_token(place as u32);
        let record = &mut token.record;
        record.name = text.into();
        record.description = text.into();
        record.owner = Some(text.into());
        record.environment = Some(text.into());
        record.created_by = text.into();
        record.revoked_because = Some(text.into());
        record.metadata = [(text.into(), text.into()), ("plain".into(), text.into())].into();
        put(&store, &token).await;
        assert_same(&one(&store, token.record.id).await, &token);
        let mut query = crate::Query::new(crate::TenantFilter::Any, super::fixture::at(0));
        query.filter = crate::Filter::new().owner(text).metadata(text, text);
        let listing = store.list(&query).await.unwrap();
        assert_eq!(listing.records.len(), 1, "a listing finds the owner and the attribute {text:?}");
        let entry = &super::fixture::entries(&store).await[0];
        assert_eq!(entry.draft.token_name, text, "history keeps the name as it was");
    }
}

/// A digest that cannot be read comes back as one that matches nothing, itself included.
pub async fn a_digest_that_cannot_be_read_matches_nothing<S: TokenStore, F: Future<Output = S>>(
    fresh: impl Fn() -> F,
) {
    let store = opened(fresh).await;
    for (place, bytes) in [&[][..], &[1], &[0; 33], &[2; 33], &[1; 40]].into_iter().enumerate() {
        let unreadable = Digest::from_bytes(bytes);
        let token = StoredToken {
            digest: unreadable,
            previous_digest: Some(unreadable),
            ..sample_token(place as u32)
        };
        put(&store, &token).await;
        let found = one(&store, token.record.id).await;
        let previous = found.previous_digest.expect("a digest that cannot be read is not a missing one");
        for digest in [found.digest, previous] {
            assert!(!digest.matches(&digest), "a digest that cannot be read matches nothing");
        }
    }
}

/// Ids that nobody has are left out; no ids load nothing.
pub async fn unknown_ids_are_left_out<S: TokenStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = opened(fresh).await;
    put(&store, &sample_token(1)).await;
    put(&store, &sample_token(3)).await;
    let ids: Vec<TokenId> = (0..200).map(sample_id).collect();
    let mut found: Vec<_> = store.load(&ids).await.unwrap().iter().map(|token| token.record.id).collect();
    found.sort();
    assert_eq!(found, [sample_id(1), sample_id(3)], "only those are loaded that are there");
    assert!(store.load(&[]).await.unwrap().is_empty(), "no ids load nothing");
}

/// What is settled is what was written, and nothing where nothing was.
pub async fn the_settled_state_is_read<S: TokenStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = opened(fresh).await;
    let token = sample_token(1);
    assert!(store.load_settled(&token.record.id).await.unwrap().is_none(), "nobody has this id yet");
    put(&store, &token).await;
    let settled = store.load_settled(&token.record.id).await.unwrap();
    assert_same(&settled.expect("what was written is settled"), &token);
}
