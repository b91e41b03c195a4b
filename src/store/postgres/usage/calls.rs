//! The most recent calls, one by one.

use std::borrow::Cow;
use std::sync::LazyLock;

use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use super::super::failure::Fault;
use super::super::session::{Parameter, Session};
use super::super::sql::Schema;
use super::columns::{id, integer, moment, next_millisecond, text};
use super::{Answer, BATCH, Lane, PostgresStore, commit, totals};
use crate::StoreError;
use crate::usage::{CallQuery, Client, Outcome, RecordedCall, Subject};

const COLUMNS: &str = "id, token, tenant, secret_version, at, route, outcome, status, duration_us, bytes, scopes, \
     client_address, client_agent, left_out";

/// Numbers are drawn first, and their row stays locked until all is committed: so calls become visible in
/// the order of their numbers, and whoever has seen one finds no smaller one later.
static ADD: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{BATCH}, drawn AS ( \
            UPDATE tokenward.usage_numbers AS n SET last = n.last + cardinality($7) \
            WHERE name = 'calls' AND EXISTS (SELECT FROM batch) \
            RETURNING n.last - cardinality($7) AS before), \
         more AS ( \
            INSERT INTO tokenward.calls ({COLUMNS}) \
            SELECT drawn.before + m.place, token, tenant, secret_version, at, route, outcome, status, \
                duration_us, bytes, scopes, client_address, client_agent, left_out \
            FROM drawn CROSS JOIN unnest($7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) \
                WITH ORDINALITY AS m (token, tenant, secret_version, at, route, outcome, status, duration_us, \
                    bytes, scopes, client_address, client_agent, left_out, place)), \
         counted AS ( \
            INSERT INTO tokenward.call_numbers AS n (token, calls, at_most) \
            SELECT token, count(*), count(*) + {SLACK} FROM drawn CROSS JOIN unnest($7) AS m (token) \
            GROUP BY token ORDER BY token COLLATE \"C\" \
            ON CONFLICT (token) DO UPDATE SET calls = n.calls + excluded.calls, at_most = \
                CASE WHEN n.calls + excluded.calls <= n.at_most THEN n.at_most \
                    ELSE n.calls + excluded.at_most END \
            RETURNING token, calls) \
         SELECT EXISTS (SELECT FROM batch), \
            ARRAY(SELECT token FROM counted WHERE calls > {MOST} ORDER BY token COLLATE \"C\")"
    )
});

/// As many calls of a token may come until the index of call_numbers is written to.
const SLACK: u32 = 50;
const MOST: u32 = 2 * RecordedCall::KEPT_UNTIL_FORGOTTEN;

/// Writes calls under the next numbers.
pub(super) async fn add(
    store: &PostgresStore,
    head: &[Parameter<'_>],
    calls: &[RecordedCall],
) -> Result<Answer, StoreError> {
    fn each<T>(calls: &[RecordedCall], part: impl Fn(&RecordedCall) -> T) -> Vec<T> {
        calls.iter().map(part).collect()
    }
    fn texts<'a>(
        calls: &'a [RecordedCall],
        part: impl Fn(&'a RecordedCall) -> Option<&'a str>,
    ) -> Vec<Option<Cow<'a, str>>> {
        calls.iter().map(|call| part(call).map(text)).collect()
    }
    fn client(call: &RecordedCall, part: fn(&Client) -> &str) -> Option<&str> {
        call.client.as_ref().map(part)
    }
    let tokens: Vec<&str> = calls.iter().map(|call| call.token.as_str()).collect();
    let tenants = texts(calls, |call| call.tenant.as_deref());
    let versions = each(calls, |call| i64::from(call.secret_version));
    let times = each(calls, |call| call.at.timestamp_millis());
    let routes = texts(calls, |call| Some(&call.route));
    let outcomes = each(calls, |call| call.outcome.as_str());
    let statuses = each(calls, |call| i32::from(call.status));
    let durations = each(calls, |call| integer(call.duration_us));
    let bytes = each(calls, |call| call.bytes.map(integer));
    let scopes = texts(calls, |call| Some(&call.scopes));
    let addresses = texts(calls, |call| client(call, |client| &client.address));
    let agents = texts(calls, |call| client(call, |client| &client.agent));
    let left_out = each(calls, |call| integer(call.left_out));
    let mut parameters = head.to_vec();
    let own: [Parameter<'_>; 13] = [
        (&tokens, Type::TEXT_ARRAY),
        (&tenants, Type::TEXT_ARRAY),
        (&versions, Type::INT8_ARRAY),
        (&times, Type::INT8_ARRAY),
        (&routes, Type::TEXT_ARRAY),
        (&outcomes, Type::TEXT_ARRAY),
        (&statuses, Type::INT4_ARRAY),
        (&durations, Type::INT8_ARRAY),
        (&bytes, Type::INT8_ARRAY),
        (&scopes, Type::TEXT_ARRAY),
        (&addresses, Type::TEXT_ARRAY),
        (&agents, Type::TEXT_ARRAY),
        (&left_out, Type::INT8_ARRAY),
    ];
    parameters.extend(own);
    let rows = store.usage_rows(&ADD, &parameters).await?;
    Answer::of(&rows, Some(1))
}

const LOCK: &str = "SELECT last FROM tokenward.usage_numbers WHERE name = 'calls' FOR UPDATE";

/// Begins a transaction that may change calls that are there.
pub(super) async fn lock(session: &mut Session, schema: &Schema) -> Result<(), Fault> {
    session.begin().await?;
    session.row(&schema.text(LOCK), &[]).await.map(drop)
}

/// Of tokens that have more than this: all but the newest so many, at most so many calls in all. By their
/// numbers, which nobody else changes meanwhile.
pub(super) const CUT: &str = "DELETE FROM tokenward.calls WHERE id = ANY (ARRAY( \
        SELECT oldest.id FROM unnest($1) AS t (token) \
        CROSS JOIN LATERAL (SELECT calls FROM tokenward.call_numbers AS n \
            WHERE n.token = t.token AND n.calls > $2 OFFSET 0) AS n \
        CROSS JOIN LATERAL (SELECT id FROM tokenward.calls AS c WHERE (c.token, c.id) > (t.token, 0) \
            AND (c.token, c.id) < (t.token, 9223372036854775807) \
            ORDER BY c.token, c.id LIMIT greatest(n.calls - $3, 0)) AS oldest \
        LIMIT $4))";

/// Of those that have more than is kept, twice over, all but what is kept: not at each call beyond it.
pub(super) async fn cut_to_bounds(store: &PostgresStore, tokens: &[String]) -> Result<(), StoreError> {
    let (most, kept) = (i64::from(MOST), i64::from(RecordedCall::KEPT_UNTIL_FORGOTTEN));
    // Each has about so many too many.
    for tokens in tokens.chunks(2) {
        let attempt = |mut session: Session| async move {
            lock(&mut session, &store.schema).await?;
            cut(&mut session, &store.schema, tokens, most, kept, i64::MAX).await?;
            commit(&mut session).await
        };
        store.run(Lane::Usage, attempt).await?;
    }
    Ok(())
}

/// Says how many calls it has deleted.
pub(super) async fn cut(
    session: &mut Session,
    schema: &Schema,
    tokens: &[String],
    most: i64,
    kept: i64,
    limit: i64,
) -> Result<u64, Fault> {
    let parameters = [
        (&tokens as _, Type::TEXT_ARRAY),
        (&most as _, Type::INT8),
        (&kept as _, Type::INT8),
        (&limit as _, Type::INT8),
    ];
    session.execute(&schema.text(CUT), &parameters).await
}

/// A statement that is put together, with its values.
pub(super) struct Statement {
    pub(super) sql: String,
    /// Whether calls are passed over on the way.
    pub(super) is_filtered: bool,
    values: Vec<(Box<dyn ToSql + Sync + Send>, Type)>,
}

impl Statement {
    /// The place of another value.
    fn place(&mut self, value: impl ToSql + Sync + Send + 'static, of: Type) -> String {
        self.values.push((Box::new(value), of));
        format!("${}", self.values.len())
    }

    pub(super) fn parameters(&self) -> Vec<Parameter<'_>> {
        self.values.iter().map(|(value, of)| -> Parameter<'_> { (&**value, of.clone()) }).collect()
    }
}

/// Where a planner thinks that few calls pass the filters, it would rather read and sort all of them. A
/// walk ends once a page is full.
const WALK: &str = "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; \
     SET LOCAL enable_sort = off; SET LOCAL enable_incremental_sort = off";

impl Statement {
    /// What it finds, or what is told of it by a word before it.
    pub(super) async fn rows(&self, store: &PostgresStore, before: &str) -> Result<Vec<Row>, StoreError> {
        let sql = format!("{before}{}", store.schema.text(&self.sql));
        let (sql, parameters) = (&sql, &self.parameters());
        let attempt = |mut session: Session| async move {
            if !self.is_filtered {
                return session.rows(sql, parameters).await;
            }
            session.begin_reading().await?;
            session.batch(WALK).await?;
            let rows = session.rows(sql, parameters).await?;
            session.commit().await?;
            Ok(rows)
        };
        store.run(Lane::Usage, attempt).await
    }
}

pub(super) async fn page(store: &PostgresStore, query: &CallQuery) -> Result<Vec<RecordedCall>, StoreError> {
    let statement = statement(query);
    let rows = statement.rows(store, "").await?;
    rows.iter().map(|row| call(row).map_err(|fault| fault.error)).collect()
}

/// Walks the calls of the subject in the order of their numbers. The bounds are told as pairs with the
/// subject, which one index alone has in order. All other filters are looked at on the way.
pub(super) fn statement(query: &CallQuery) -> Statement {
    let mut statement = Statement { sql: String::new(), is_filtered: false, values: Vec::new() };
    let after = statement.place(query.after.map_or(0, integer), Type::INT8);
    let before = statement.place(query.before.map_or(i64::MAX, integer), Type::INT8);
    let direction = if query.oldest_first { "ASC" } else { "DESC" };
    let (bounds, order) = match &query.subject {
        Subject::All => (format!("id > {after} AND id < {before}"), String::new()),
        Subject::Tenant(None) => {
            (format!("tenant IS NULL AND id > {after} AND id < {before}"), format!("tenant {direction}, "))
        }
        Subject::Tenant(Some(tenant)) => {
            let tenant = statement.place(text(tenant).into_owned(), Type::TEXT);
            (between("tenant", &tenant, &after, &before), format!("tenant {direction}, "))
        }
        Subject::Token(token) => {
            let token = statement.place(token.as_str().to_owned(), Type::TEXT);
            (between("token", &token, &after, &before), format!("token {direction}, "))
        }
    };
    let filters = filters(&mut statement, query);
    let limit = statement.place(i64::from(query.limit), Type::INT8);
    statement.sql = format!(
        "SELECT {COLUMNS} FROM tokenward.calls WHERE {bounds}{filters} ORDER BY {order}id {direction} LIMIT {limit}"
    );
    statement.is_filtered = !filters.is_empty();
    statement
}

fn between(column: &str, value: &str, after: &str, before: &str) -> String {
    format!("({column}, id) > ({value}, {after}) AND ({column}, id) < ({value}, {before})")
}

fn filters(statement: &mut Statement, query: &CallQuery) -> String {
    let mut filters = String::new();
    let mut look_at = |condition: String| filters.extend([" AND ", &condition]);
    // Moments are kept in whole milliseconds.
    for (condition, bound) in [("at >=", query.from), ("at <", query.until)] {
        if let Some(bound) = bound {
            look_at(format!("{condition} {}", statement.place(next_millisecond(bound), Type::INT8)));
        }
    }
    if let Some((first, last)) = query.status {
        let first = statement.place(i32::from(first), Type::INT4);
        look_at(format!("status BETWEEN {first} AND {}", statement.place(i32::from(last), Type::INT4)));
    }
    let texts = [
        ("route", &query.route),
        ("CASE WHEN position(' ' IN route) > 0 THEN split_part(route, ' ', 1) ELSE '' END", &query.method),
        ("coalesce(client_address, '')", &query.address),
    ];
    for (column, wanted) in texts {
        if let Some(wanted) = wanted {
            look_at(format!("{column} = {}", statement.place(text(wanted).into_owned(), Type::TEXT)));
        }
    }
    match query.at_least.map(|least| i64::try_from(least.as_micros())) {
        None => {}
        Some(Ok(least)) => look_at(format!("duration_us >= {}", statement.place(least, Type::INT8))),
        // Longer than anything that is kept.
        Some(Err(_)) => look_at("false".to_owned()),
    }
    filters
}

fn call(row: &Row) -> Result<RecordedCall, Fault> {
    let number = |column: &str| row.try_get::<_, i64>(column).map(|number| number as u64);
    let (outcome, status): (String, i32) = (row.try_get("outcome")?, row.try_get("status")?);
    let unreadable = |what: &str| StoreError::broken(format!("a call has no {what} that can be read"));
    Ok(RecordedCall {
        id: number("id")?,
        token: id(row.try_get("token")?)?,
        tenant: row.try_get("tenant")?,
        secret_version: u32::try_from(number("secret_version")?).map_err(|_| unreadable("version"))?,
        at: moment(row.try_get("at")?)?,
        route: row.try_get("route")?,
        outcome: Outcome::named(&outcome).ok_or_else(|| unreadable("outcome"))?,
        status: u16::try_from(status).map_err(|_| unreadable("status"))?,
        duration_us: number("duration_us")?,
        bytes: row.try_get::<_, Option<i64>>("bytes")?.map(|bytes| bytes as u64),
        scopes: row.try_get("scopes")?,
        client: totals::client(row, 11, 12)?,
        left_out: number("left_out")?,
    })
}
