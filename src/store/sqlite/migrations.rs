//! The tables of ours in the file, and how they come to be.

use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::failure::failed;
use crate::StoreError;
use crate::randomness::{Randomness, SystemRandomness};

/// One step from schema to schema. Its text never changes once it was released: files remember
/// its checksum.
struct Migration {
    number: i64,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, sql: include_str!("0001_first.sql") },
    Migration { number: 2, sql: include_str!("0002_usage.sql") },
];

const OWN_TABLE: &str =
    "CREATE TABLE IF NOT EXISTS tokenward_migrations (number INTEGER PRIMARY KEY, checksum TEXT NOT NULL)";

/// Brings our tables up to date, each step in a transaction of its own, and makes sure that they
/// are what they should be. Touches nothing else in the file, `user_version` included: that is the
/// service's.
///
/// # Errors
/// Broken where the tables are of a newer version, or were altered, or are not whole.
pub(super) fn migrate(connection: &Connection) -> Result<(), StoreError> {
    migrate_with(connection, MIGRATIONS)
}

fn migrate_with(connection: &Connection, migrations: &[Migration]) -> Result<(), StoreError> {
    let applied = applied(connection, migrations)?;
    for migration in &migrations[applied..] {
        apply(connection, migration)?;
    }
    compare(connection, migrations)
}

fn applied(connection: &Connection, migrations: &[Migration]) -> Result<usize, StoreError> {
    let present = objects(connection).map_err(failed)?;
    if !present.iter().any(|(name, _)| name == "tokenward_migrations") {
        return match present.first() {
            None => Ok(0),
            Some((name, _)) => Err(StoreError::broken(format!(
                "the file has {name} but does not say which version of tokenward made it: restore a backup, \
                 or give the tokens a file of their own"
            ))),
        };
    }
    let mut statement = connection
        .prepare("SELECT number, checksum FROM tokenward_migrations ORDER BY number")
        .map_err(failed)?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)));
    let rows = rows.and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(failed)?;
    for (place, (number, sum)) in rows.iter().enumerate() {
        let Some(migration) = migrations.get(place) else {
            return Err(StoreError::broken(format!(
                "a newer version of tokenward has used this file: it has schema {}, this version knows {}. \
                 Go back to the newer version, or restore the backup from before the update",
                rows.last().map_or(0, |(last, _)| *last),
                migrations.last().map_or(0, |last| last.number)
            )));
        };
        if migration.number != *number || checksum(migration.sql) != *sum {
            return Err(StoreError::broken(format!(
                "schema {number} in the file was not made by what this version of tokenward calls schema {}",
                migration.number
            )));
        }
    }
    Ok(rows.len())
}

fn apply(connection: &Connection, migration: &Migration) -> Result<(), StoreError> {
    let mut service_key = [0; 32];
    SystemRandomness.fill(&mut service_key).map_err(StoreError::unavailable)?;
    let run = || {
        connection.execute_batch(OWN_TABLE)?;
        connection.execute_batch(migration.sql)?;
        connection.execute(
            "INSERT OR IGNORE INTO tokenward_state (one, last_number, touched, service_key) VALUES (1, 0, 0, ?1)",
            [&service_key[..]],
        )?;
        connection.execute(
            "INSERT INTO tokenward_migrations (number, checksum) VALUES (?1, ?2)",
            params![migration.number, checksum(migration.sql)],
        )?;
        connection.execute_batch("COMMIT")
    };
    connection.execute_batch("BEGIN IMMEDIATE").map_err(failed)?;
    run().map_err(|error| {
        // Where it fails as well, the connection is closed next, which undoes the same.
        _ = connection.execute_batch("ROLLBACK");
        failed(error)
    })
}

/// Tables, indices and triggers of ours must read as we wrote them: a trigger that somebody
/// dropped is one that no longer notices changes.
fn compare(connection: &Connection, migrations: &[Migration]) -> Result<(), StoreError> {
    let expected = || {
        let model = Connection::open_in_memory()?;
        model.execute_batch(OWN_TABLE)?;
        migrations.iter().try_for_each(|migration| model.execute_batch(migration.sql))?;
        objects(&model)
    };
    let (expected, present) = (expected().map_err(failed)?, objects(connection).map_err(failed)?);
    match expected.iter().find(|object| !present.contains(object)) {
        None => {}
        Some((name, _)) => {
            return Err(StoreError::broken(format!(
                "{name} is missing from the file or was altered: restore a backup"
            )));
        }
    }
    let state = "SELECT 1 FROM tokenward_state WHERE one = 1";
    match connection.query_row(state, [], |_| Ok(())).optional().map_err(failed)? {
        Some(()) => Ok(()),
        None => Err(StoreError::broken("the row of tokenward_state is missing: restore a backup")),
    }
}

type Object = (String, Option<String>);

fn objects(connection: &Connection) -> rusqlite::Result<Vec<Object>> {
    let sql = "SELECT name, sql FROM sqlite_master WHERE name GLOB 'tokenward_*' ORDER BY name";
    let mut statement = connection.prepare(sql)?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn checksum(sql: &str) -> String {
    // A checkout may turn the ends of lines into those of its system.
    let sum = Sha256::digest(sql.replace("\r\n", "\n"));
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A file as the first schema had it.
#[cfg(test)]
pub(super) fn migrate_to_first(connection: &Connection) {
    migrate_with(connection, &MIGRATIONS[..1]).unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(connection: &Connection) -> String {
        let error = migrate(connection).unwrap_err();
        assert!(!error.is_transient(), "{error:?}");
        std::error::Error::source(&error).unwrap().to_string()
    }

    fn fresh() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        migrate(&connection).unwrap();
        connection
    }

    #[test]
    fn once_is_as_good_as_twice() {
        let connection = fresh();
        let before = objects(&connection).unwrap();
        migrate(&connection).unwrap();
        assert_eq!(objects(&connection).unwrap(), before);
    }

    #[test]
    fn a_step_that_fails_half_way_leaves_the_step_before() {
        let first = Migration { number: 1, sql: MIGRATIONS[0].sql };
        let bad =
            Migration { number: 2, sql: "CREATE TABLE tokenward_more (a); CREATE TABLE nonsense nonsense" };
        let connection = Connection::open_in_memory().unwrap();
        assert!(migrate_with(&connection, &[first, bad]).is_err());
        assert!(objects(&connection).unwrap().iter().all(|(name, _)| name != "tokenward_more"));
        migrate(&connection).unwrap();
    }

    #[test]
    fn a_kill_between_two_statements_undoes_the_step() {
        let directory = tempfile::tempdir().unwrap();
        let (path, copy) = (directory.path().join("a.db"), directory.path().join("b.db"));
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("PRAGMA journal_mode = WAL; BEGIN IMMEDIATE").unwrap();
        let half = MIGRATIONS[0].sql.split("CREATE UNIQUE INDEX").next().unwrap();
        connection.execute_batch(&format!("{OWN_TABLE}; {half}")).unwrap();
        for end in ["", "-wal"] {
            let name = |path: &std::path::Path| format!("{}{end}", path.display());
            std::fs::copy(name(&path), name(&copy)).unwrap();
        }
        migrate(&Connection::open(&copy).unwrap()).unwrap();
    }

    #[test]
    fn a_newer_an_altered_and_a_half_schema_are_refused() {
        let connection = fresh();
        connection.execute("INSERT INTO tokenward_migrations VALUES (3, 'x')", []).unwrap();
        assert!(refusal(&connection).contains("a newer version of tokenward"));

        let connection = fresh();
        connection.execute("UPDATE tokenward_migrations SET checksum = 'x'", []).unwrap();
        assert!(refusal(&connection).contains("was not made by"));

        for harm in [
            "DROP TRIGGER tokenward_tokens_updated",
            "DROP INDEX tokenward_tokens_by_owner",
            "ALTER TABLE tokenward_tokens ADD COLUMN mine",
        ] {
            let connection = fresh();
            connection.execute_batch(harm).unwrap();
            assert!(refusal(&connection).contains("is missing from the file or was altered"), "{harm}");
        }
        let connection = fresh();
        connection.execute_batch("DROP TABLE tokenward_migrations").unwrap();
        assert!(refusal(&connection).contains("does not say which version"));
        let connection = fresh();
        connection.execute_batch("DELETE FROM tokenward_state").unwrap();
        assert!(refusal(&connection).contains("tokenward_state"));
    }
}
