//! What is said of a store, and what an error tells of it.

use tokenward::{PostgresStore, TokenStore, block_on};

use crate::kit::{change, opened, put, schema, why};

const SECRET: &str = "geheim-4711";

#[test]
fn no_error_tells_a_password() {
    let good = format!("postgres://maria:{SECRET}@127.0.0.1:1/service");
    let store = PostgresStore::at(&good).unwrap();
    let shown = [format!("{store:?}"), format!("{store:#?}")];
    let error = block_on(store.open()).unwrap_err();
    let mut told = vec![format!("{error} {error:?} {}", why(&error))];
    for bad in [
        format!("postgres://maria:{SECRET}@127.0.0.1:port/service"),
        format!("postgres://maria:{SECRET}@127.0.0.1/service?{SECRET}=1"),
        format!("host=localhost password=a {SECRET}=b"),
        format!("host=localhost password='{SECRET}"),
    ] {
        let error = PostgresStore::at(&bad).expect_err("it cannot be read");
        assert!(!error.is_transient(), "{error:?}");
        told.push(format!("{error} {error:?} {error:#?} {}", why(&error)));
    }
    for text in shown.iter().chain(&told) {
        assert!(!text.contains(SECRET), "{text}");
    }
    assert!(told[1].contains("postgres://user:password@host"), "{}", told[1]);
}

#[test]
fn a_name_that_is_no_plain_one_is_no_schema() {
    for name in ["", "Tokens", "1a", "a-b", "a b", "a;b", "pg_tokens", "ä", &"a".repeat(49)] {
        let store = PostgresStore::at("postgres://127.0.0.1:1").unwrap();
        let error = store.schema(name).err().unwrap_or_else(|| panic!("{name:?} is taken"));
        assert!(why(&error).contains("lower-case"), "{error:?}");
    }
}

#[test]
fn a_change_that_was_answered_is_on_the_disk_whatever_is_set() {
    let Some(schema) = schema() else { return };
    let sign = if schema.address.contains('?') { '&' } else { '?' };
    block_on(async {
        let first = opened(&schema);
        put(&first, 1).await;
        schema.execute(
            "CREATE TABLE tokenward.seen (mode text); \
             CREATE FUNCTION tokenward.see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             INSERT INTO tokenward.seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$; \
             CREATE TRIGGER see AFTER UPDATE ON tokenward.tokens EXECUTE FUNCTION tokenward.see()",
        );
        for (set, kept) in [("off", "on"), ("on", "on"), ("local", "local"), ("remote_apply", "remote_apply")]
        {
            let address = format!("{}{sign}options=-c%20synchronous_commit%3D{set}", schema.address);
            let store = PostgresStore::at(&address).unwrap().schema(&schema.name).unwrap();
            change(&store, crate::kit::one(&store, 1).await).await.unwrap();
            assert_eq!(schema.execute("DELETE FROM tokenward.seen RETURNING mode"), [kept], "{set}");
        }
    });
}
