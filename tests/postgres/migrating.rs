//! How the schema comes to be, and which schemas are refused.

use std::thread;

use tokenward::{PostgresStore, TokenStore, block_on};

use crate::kit::{Other, end_sessions, opened, put, schema, store, until_one_waits, why};
use crate::on_postgres::{OwnSchema, execute};

fn refusal(schema: &OwnSchema) -> String {
    let error = block_on(store(schema).open()).unwrap_err();
    assert!(!error.is_transient(), "{error:?}");
    why(&error)
}

#[test]
fn nodes_that_start_together_make_one_schema() {
    let Some(schema) = schema() else { return };
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| block_on(store(&schema).open()).unwrap());
        }
    });
    assert_eq!(schema.execute("SELECT count(*) FROM tokenward.state"), ["1"]);
}

#[test]
fn a_schema_that_is_there_and_empty_is_used() {
    let Some(schema) = schema() else { return };
    execute(&schema.address, &format!("CREATE SCHEMA {}", schema.name));
    let store = opened(&schema);
    block_on(put(&store, 1));
}

#[test]
fn a_kill_between_two_statements_undoes_the_step() {
    let Some(schema) = schema() else { return };
    execute(&schema.address, &format!("CREATE SCHEMA {}", schema.name));
    // Some statements into the first step, its author has to wait for this one, and is then killed.
    let other = Other::begin(&schema, "CREATE TABLE tokenward.token_scopes (a int)");
    thread::scope(|scope| {
        let opening = scope.spawn(|| block_on(store(&schema).patience(crate::kit::SHORT).open()));
        for _ in 0..2 {
            until_one_waits(&schema);
            end_sessions(&schema);
        }
        until_one_waits(&schema);
        assert_eq!(tables(&schema), 0, "nothing is left of what was begun");
        drop(other);
        opening.join().unwrap().expect("whoever was killed begins anew");
    });
    assert!(tables(&schema) > 5);
    block_on(put(&opened(&schema), 1));
}

fn tables(schema: &OwnSchema) -> usize {
    let sql = format!("SELECT tablename FROM pg_tables WHERE schemaname = '{}'", schema.name);
    execute(&schema.address, &sql).len()
}

#[test]
fn a_newer_schema_is_used_where_it_says_that_it_may_be() {
    let Some(schema) = schema() else { return };
    opened(&schema);
    let newer = |number: u32, usable_by: u32| {
        format!(
            "INSERT INTO tokenward.migrations SELECT {number}, 'x', {usable_by}, objects FROM tokenward.migrations \
             ORDER BY number DESC LIMIT 1"
        )
    };
    schema.execute(&newer(1_001, 3));
    block_on(put(&opened(&schema), 1));
    schema.execute(&newer(1_002, 1_001));
    let words = refusal(&schema);
    assert!(words.contains("a newer version of tokenward") && words.contains("step 1002"), "{words}");
}

#[test]
fn an_altered_a_half_and_a_foreign_schema_are_refused() {
    let Some(schema) = schema() else { return };
    opened(&schema);
    // Each harm is mended by what follows it.
    let harms = [
        (
            "DROP INDEX tokenward.tokens_by_owner",
            "index tokens_by_owner",
            "CREATE INDEX tokens_by_owner ON tokenward.tokens (owner, created_at, id)",
        ),
        (
            "ALTER TABLE tokenward.tokens DISABLE TRIGGER tokens_scoped",
            "trigger tokens_scoped",
            "ALTER TABLE tokenward.tokens ENABLE TRIGGER tokens_scoped",
        ),
        (
            "ALTER TABLE tokenward.tokens DROP CONSTRAINT tokens_version_check",
            "constraint tokens_version_check",
            "ALTER TABLE tokenward.tokens ADD CONSTRAINT tokens_version_check CHECK (version >= 0)",
        ),
        (
            "ALTER TABLE tokenward.nodes RENAME counter TO count",
            "column nodes.counter",
            "ALTER TABLE tokenward.nodes RENAME count TO counter",
        ),
        (
            "ALTER FUNCTION tokenward.keep_scopes() RENAME TO kept",
            "function keep_scopes",
            "ALTER FUNCTION tokenward.kept() RENAME TO keep_scopes",
        ),
        (
            "UPDATE tokenward.migrations SET checksum = 'x' || checksum WHERE number = 1",
            "was not made by",
            "UPDATE tokenward.migrations SET checksum = substr(checksum, 2) WHERE number = 1",
        ),
        (
            "ALTER TABLE tokenward.migrations RENAME TO moved",
            "does not say which version",
            "ALTER TABLE tokenward.moved RENAME TO migrations",
        ),
        ("DELETE FROM tokenward.state", "state is missing", ""),
    ];
    for (harm, words, mended) in harms {
        schema.execute(harm);
        let said = refusal(&schema);
        assert!(said.contains(words), "{harm}: {said}");
        if !mended.is_empty() {
            schema.execute(mended);
            opened(&schema);
        }
    }
}

#[test]
fn what_an_operator_adds_is_left_alone() {
    let Some(schema) = schema() else { return };
    opened(&schema);
    schema.execute(
        "CREATE INDEX mine ON tokenward.tokens (created_by); CREATE TABLE tokenward.notes (a int); \
         ALTER TABLE tokenward.tokens ADD COLUMN note text",
    );
    block_on(put(&opened(&schema), 1));
    assert_eq!(schema.execute("SELECT count(*) FROM tokenward.notes"), ["0"]);
}

/// A role that is gone when this is dropped.
struct Role<'a>(&'a OwnSchema);

impl Role<'_> {
    fn name(&self) -> String {
        format!("{}_role", self.0.name)
    }

    fn store(&self) -> PostgresStore {
        let address = self.0.address.replacen("postgres@", &format!("{}@", self.name()), 1);
        PostgresStore::at(&address).unwrap().schema(&self.0.name).unwrap()
    }
}

impl Drop for Role<'_> {
    fn drop(&mut self) {
        execute(&self.0.address, &format!("DROP OWNED BY {0} CASCADE; DROP ROLE {0}", self.name()));
    }
}

#[test]
fn a_missing_right_is_told_with_what_to_do() {
    let Some(schema) = schema() else { return };
    let role = Role(&schema);
    let (address, name) = (&schema.address, role.name());
    execute(address, &format!("CREATE ROLE {name} LOGIN"));
    let refusal = || why(&block_on(role.store().open()).unwrap_err());

    let words = refusal();
    let create = format!("CREATE SCHEMA {} AUTHORIZATION {name}", schema.name);
    assert!(words.contains(&create), "{words}");

    execute(address, &format!("CREATE SCHEMA {}", schema.name));
    let words = refusal();
    let grant = format!("GRANT USAGE, CREATE ON SCHEMA {} TO {name}", schema.name);
    assert!(words.contains(&grant), "{words}");

    // Somebody else has made the tables: what is told is what helps.
    opened(&schema);
    let words = refusal();
    let (_, grants) = words.split_once("have it run ").expect(&words);
    execute(address, grants);
    let store = role.store();
    block_on(async {
        store.open().await.unwrap();
        put(&store, 1).await;
    });
}
