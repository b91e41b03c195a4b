//! The schema, and how it comes to be.

use sha2::{Digest, Sha256};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;

use super::failure::Fault;
use super::session::Session;
use super::sql::Schema;
use crate::StoreError;
use crate::randomness::{Randomness, SystemRandomness};

/// One step from schema to schema. Its text never changes once it was released: databases remember
/// its checksum.
pub(super) struct Migration {
    number: i64,
    sql: &'static str,
    /// The oldest version of tokenward that works beside it, by the last step that it knows. Where the
    /// step only adds what older versions do not look at, nodes can be updated one after the other.
    usable_by: i64,
}

const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, sql: include_str!("0001_first.sql"), usable_by: 1 },
    Migration { number: 2, sql: include_str!("0002_usage.sql"), usable_by: 1 },
    Migration { number: 3, sql: include_str!("0003_by_hand.sql"), usable_by: 1 },
];

/// What was applied, and what there was in the schema afterwards, to tell by whether it was altered.
const OWN_TABLE: &str = "CREATE TABLE IF NOT EXISTS tokenward.migrations (\
     number bigint PRIMARY KEY, checksum text NOT NULL, usable_by bigint NOT NULL, objects text[] NOT NULL)";

const OBJECTS: &str = include_str!("objects.sql");

/// The oldest that has all that our statements use: `gen_random_uuid`.
const OLDEST_SERVER: i32 = 130_000;

/// Does the next step, if there is one, in a transaction of its own; says whether it did. After the
/// last one it makes sure that the schema is what it should be. Nodes that start together do it one
/// after the other, and whoever is stopped half way has done nothing.
///
/// # Errors
/// Broken where the schema cannot be made, is of a newer version that does not go together with this
/// one, was altered, or is not whole.
pub(super) async fn step(
    mut session: Session,
    schema: &Schema,
    migrations: &[Migration],
) -> Result<bool, Fault> {
    session.begin().await?;
    session.execute("SELECT pg_advisory_xact_lock($1)", &[(&lock_of(schema), Type::INT8)]).await?;
    let place = Place::look(&mut session, schema).await?;
    let objects = objects(&mut session, schema).await?;
    let applied = match objects.iter().any(|object| object == "table migrations") {
        true => applied(&mut session, &place, schema).await?,
        false => match objects.first() {
            None => Vec::new(),
            Some(object) => return Err(unversioned(schema, object).into()),
        },
    };
    check(&applied, migrations, schema)?;
    let Some(next) = migrations.get(applied.len()) else {
        if let Some(last) = applied.last() {
            compare(&last.objects, &objects, schema)?;
        }
        let state = schema.text("SELECT FROM tokenward.state");
        if session.row(&state, &[]).await?.is_none() {
            return Err(broken(format!("the row of {}.state is missing: restore a backup", schema.name())));
        }
        return Ok(false);
    };
    place.prepare(&mut session, schema).await?;
    apply(&mut session, schema, next).await?;
    session.commit().await?;
    Ok(true)
}

/// Steps that are there already.
struct Applied {
    number: i64,
    checksum: String,
    usable_by: i64,
    objects: Vec<String>,
}

/// Where the schema is to be, and what the role may do there. The names are quoted as SQL wants them.
struct Place {
    role: String,
    database: String,
    has_schema: bool,
    may_create_schema: bool,
    may_create_tables: bool,
}

impl Place {
    async fn look(session: &mut Session, schema: &Schema) -> Result<Place, Fault> {
        let sql = "SELECT current_setting('server_version_num')::int, current_setting('server_encoding'), \
             quote_ident(current_user), quote_ident(current_database()), to_regnamespace($1) IS NOT NULL, \
             has_database_privilege(current_database(), 'CREATE'), \
             coalesce(has_schema_privilege(to_regnamespace($1)::oid, 'CREATE'), false)";
        let row = session.row(sql, &[(&schema.name(), Type::TEXT)]).await?;
        let row = row.ok_or_else(|| broken("the database gives no row for a plain question"))?;
        let (version, encoding): (i32, String) = (row.try_get(0)?, row.try_get(1)?);
        if version < OLDEST_SERVER {
            return Err(broken("the database is older than PostgreSQL 13, the oldest that serves"));
        }
        if encoding != "UTF8" {
            // Names would sort by other bytes than everywhere else, or could not be kept.
            return Err(broken(format!(
                "the database keeps text as {encoding}: give the tokens one that was made with ENCODING 'UTF8'"
            )));
        }
        Ok(Place {
            role: row.try_get(2)?,
            database: row.try_get(3)?,
            has_schema: row.try_get(4)?,
            may_create_schema: row.try_get(5)?,
            may_create_tables: row.try_get(6)?,
        })
    }

    /// Makes the schema, unless it is there.
    async fn prepare(&self, session: &mut Session, schema: &Schema) -> Result<(), Fault> {
        let (schema, role) = (schema.name(), &self.role);
        match (self.has_schema, self.may_create_schema, self.may_create_tables) {
            (true, _, true) => Ok(()),
            (true, _, false) => Err(broken(format!(
                "the role {role} may not create tables in the schema {schema}: have an administrator run \
                 GRANT USAGE, CREATE ON SCHEMA {schema} TO {role}"
            ))),
            (false, true, _) => session.batch(&format!("CREATE SCHEMA {schema}")).await,
            (false, false, _) => Err(broken(format!(
                "the schema {schema} is not there, and the role {role} may not create it: have an administrator \
                 run CREATE SCHEMA {schema} AUTHORIZATION {role} in the database {}",
                self.database
            ))),
        }
    }
}

async fn objects(session: &mut Session, schema: &Schema) -> Result<Vec<String>, Fault> {
    let rows = session.rows(OBJECTS, &[(&schema.name(), Type::TEXT)]).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

async fn applied(session: &mut Session, place: &Place, schema: &Schema) -> Result<Vec<Applied>, Fault> {
    let sql = "SELECT number, checksum, usable_by, objects FROM tokenward.migrations ORDER BY number";
    let rows = session.rows(&schema.text(sql), &[]).await.map_err(|fault| match fault.code() {
        Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
            let (schema, role) = (schema.name(), &place.role);
            broken(format!(
                "the role {role} may not use the tables of the schema {schema}: let the nodes connect with the role \
                 that made them, or have it run GRANT USAGE ON SCHEMA {schema} TO {role}; GRANT SELECT, INSERT, \
                 UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}; GRANT USAGE ON ALL SEQUENCES IN SCHEMA \
                 {schema} TO {role}"
            ))
        }
        _ => fault,
    })?;
    let rows = rows.iter().map(|row| {
        Ok(Applied {
            number: row.try_get(0)?,
            checksum: row.try_get(1)?,
            usable_by: row.try_get(2)?,
            objects: row.try_get(3)?,
        })
    });
    rows.collect()
}

/// Whether the steps that were done are the first of ours, and whatever others have done since goes
/// together with us.
fn check(applied: &[Applied], migrations: &[Migration], schema: &Schema) -> Result<(), Fault> {
    let schema = schema.name();
    let known = migrations.last().map_or(0, |last| last.number);
    for (place, done) in applied.iter().enumerate() {
        match migrations.get(place) {
            Some(migration)
                if migration.number == done.number && checksum(migration.sql) == done.checksum => {}
            Some(migration) => {
                return Err(broken(format!(
                    "step {} of the schema {schema} was not made by what this version of tokenward calls step {}",
                    done.number, migration.number
                )));
            }
            None if done.usable_by <= known => {}
            None => {
                return Err(broken(format!(
                    "a newer version of tokenward has used the schema {schema}: its step {} needs a version that \
                     knows step {}, and this one knows {known}. Go back to the newer version, or restore the \
                     backup from before the update",
                    done.number, done.usable_by
                )));
            }
        }
    }
    Ok(())
}

async fn apply(session: &mut Session, schema: &Schema, migration: &Migration) -> Result<(), Fault> {
    let mut service_key = [0; 32];
    SystemRandomness.fill(&mut service_key).map_err(StoreError::unavailable)?;
    session.batch(&schema.text(OWN_TABLE)).await?;
    session.batch(&schema.text(migration.sql)).await?;
    let state = schema.text(
        "INSERT INTO tokenward.state (one, last_number, service_key) VALUES (true, 0, $1) ON CONFLICT DO NOTHING",
    );
    session.execute(&state, &[(&&service_key[..], Type::BYTEA)]).await?;
    let done = schema.text(
        "INSERT INTO tokenward.migrations (number, checksum, usable_by, objects) VALUES ($1, $2, $3, $4)",
    );
    let made = objects(session, schema).await?;
    let parameters: [super::session::Parameter<'_>; 4] = [
        (&migration.number, Type::INT8),
        (&checksum(migration.sql), Type::TEXT),
        (&migration.usable_by, Type::INT8),
        (&made, Type::TEXT_ARRAY),
    ];
    session.execute(&done, &parameters).await?;
    Ok(())
}

/// What there was after the last step must be there: without a trigger that somebody dropped, say,
/// tokens are no longer found by their scopes. More may be there, such as an index of the operator's.
fn compare(expected: &[String], present: &[String], schema: &Schema) -> Result<(), Fault> {
    match expected.iter().find(|object| !present.contains(object)) {
        None => Ok(()),
        Some(object) => Err(broken(format!(
            "the schema {} was altered, it should have the {object}: restore a backup",
            schema.name()
        ))),
    }
}

fn unversioned(schema: &Schema, object: &str) -> StoreError {
    StoreError::broken(format!(
        "the schema {} has the {object} but does not say which version of tokenward made it: restore a backup, \
         or give the tokens a schema of their own",
        schema.name()
    ))
}

fn broken(why: impl Into<String>) -> Fault {
    StoreError::broken(why.into()).into()
}

/// Which lock whoever migrates this schema takes.
fn lock_of(schema: &Schema) -> i64 {
    let sum = Sha256::digest(format!("tokenward migrations of {}", schema.name()));
    i64::from_be_bytes(sum[..8].try_into().unwrap_or_default())
}

fn checksum(sql: &str) -> String {
    // A checkout may turn the ends of lines into those of its system.
    let sum = Sha256::digest(sql.replace("\r\n", "\n"));
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl super::PostgresStore {
    /// Brings the schema up to date, and makes sure that it is what it should be. Touches nothing
    /// outside of it.
    pub(super) async fn migrate(&self) -> Result<(), StoreError> {
        self.migrate_with(MIGRATIONS).await
    }

    async fn migrate_with(&self, migrations: &[Migration]) -> Result<(), StoreError> {
        let one_step = |session| step(session, &self.schema, migrations);
        while self.run_within(super::MIGRATION, super::Lane::Tokens, one_step).await? {}
        Ok(())
    }
}
