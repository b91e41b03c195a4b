//! Revoking by hand, with SQL.

use chrono::Utc;
use tokenward::conformance::sample_id;
use tokenward::{Action, TokenStore, Via, block_on};

use crate::kit::{assert_whole, change, history, one, opened, put, schema};

#[test]
fn a_token_that_is_revoked_by_hand_is_revoked_as_by_a_node() {
    let Some(schema) = schema() else { return };
    block_on(async {
        let store = opened(&schema);
        let before = put(&store, 1).await;
        put(&store, 2).await;
        let began = Utc::now();
        let revoke = format!("SELECT tokenward.revoke_token('{}', '  found on a page ')", sample_id(1));
        assert_eq!(schema.execute(&revoke), ["t"]);
        let token = one(&store, 1).await;
        let at = token.record.revoked_at.expect("it is revoked");
        assert!((at - began).num_seconds().abs() < 60, "{at}");
        assert_eq!(token.record.revoked_because.as_deref(), Some("found on a page"));
        assert_eq!(token.record.version, before.record.version + 1);
        assert_eq!(token.record.sequence, 3);

        let told = &history(&store).await[2];
        assert_eq!((told.number, told.draft.action, told.draft.via), (3, Action::Revoked, Via::Code));
        assert_eq!(told.draft.actor(), Some("postgres"), "the role of the session");
        assert_eq!(told.draft.reason.as_deref(), Some("found on a page"));
        assert_eq!(told.draft.changes[0].field, "revoked_at");
        let shown = at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        assert_eq!(told.draft.changes[0].to.as_deref(), Some(&*shown));

        // Twice changes nothing, and the other form of the id names the same token.
        let again = format!("SELECT tokenward.revoke_token('{}')", sample_id(1).as_str());
        assert_eq!(schema.execute(&again), ["f"]);
        // A node goes on behind it in the chain.
        change(&store, one(&store, 2).await).await.unwrap();
        assert_eq!(history(&store).await.len(), 4);
        assert_whole(&schema, &store).await;
    });
}

#[test]
fn entries_of_nodes_and_of_hands_make_one_chain_for_each_tenant() {
    let Some(schema) = schema() else { return };
    block_on(async {
        let store = opened(&schema);
        for number in 0..6 {
            put(&store, number).await;
        }
        // Text of every script, and no tenant: what is hashed is bytes.
        schema.execute("UPDATE tokenward.tokens SET name = 'ß🦀''\\', tenant = NULL WHERE id LIKE '%1'");
        assert_eq!(schema.execute("SELECT tokenward.revoke_owner('owner-2', 'Grüße')"), ["1"]);
        assert_eq!(schema.execute("SELECT tokenward.revoke_tenant(NULL)"), ["1"]);
        assert_eq!(schema.execute("SELECT tokenward.revoke_tenant('acme', '')"), ["4"]);
        assert_eq!(schema.execute("SELECT tokenward.revoke_tenant('nobody')"), ["0"]);
        assert_eq!(schema.execute("SELECT tokenward.revoke_owner('owner-2')"), ["0"]);
        let entries = history(&store).await;
        assert_eq!(entries.len(), 12);
        assert_eq!(entries.iter().filter(|entry| entry.draft.tenant.is_none()).count(), 1);
        assert_eq!(entries[11].draft.reason, None);
        assert_whole(&schema, &store).await;
    });
}

#[test]
fn what_is_no_token_is_told_in_words() {
    let Some(schema) = schema() else { return };
    let store = opened(&schema);
    for (id, words) in [
        ("tok_Sample_00000000", "a token id reads tok_"),
        ("' OR true --", "a token id reads tok_"),
        ("tok_Sample_000000007", "there is no token tok_Sample_000000007"),
    ] {
        let sql = format!(
            "DO $$ BEGIN PERFORM tokenward.revoke_token({}); EXCEPTION WHEN OTHERS THEN \
             CREATE TABLE tokenward.said AS SELECT SQLERRM AS words; END $$; SELECT words FROM tokenward.said; \
             DROP TABLE tokenward.said",
            format_args!("'{}'", id.replace('\'', "''")),
        );
        let said = schema.execute(&sql);
        assert!(said[0].contains(words), "{said:?}");
    }
    assert_eq!(block_on(store.load(&[sample_id(7)])).unwrap().len(), 0);
}

#[test]
fn nodes_are_told_of_what_was_done_by_hand() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use tokenward::ChangeFeed;
    use tokenward::changes::{Hint, NodeId, Pulled};

    let Some(schema) = schema() else { return };
    block_on(async {
        let store = opened(&schema);
        put(&store, 1).await;
        let heard = Arc::new(AtomicBool::new(false));
        let ear = heard.clone();
        store.listen(Hint::new(move || {
            ear.store(true, Ordering::SeqCst);
            true
        }));
        crate::servers::eventually("a store that hears", || store.gives_hints().then_some(()));
        let start = store.join(NodeId(7), 5_000).await.unwrap();
        heard.store(false, Ordering::SeqCst);
        schema.execute(&format!("SELECT tokenward.revoke_token('{}')", sample_id(1)));
        crate::servers::eventually("a hint", || heard.load(Ordering::SeqCst).then_some(()));
        let Pulled::Changes { changes, .. } = store.pull(NodeId(7), start, 10).await.unwrap() else {
            panic!("nothing was missed")
        };
        assert_eq!(changes.len(), 1);
        assert_eq!((changes[0].token, changes[0].position.number), (sample_id(1), 2));
    });
}
