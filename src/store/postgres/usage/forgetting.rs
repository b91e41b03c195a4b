//! Forgetting what is outdated, in steps: each is a transaction of its own and takes some hundred rows at
//! most. They are repeated as long as there is more.

use tokio_postgres::types::Type;

use super::super::failure::Fault;
use super::super::session::Session;
use super::super::sql::Schema;
use super::columns::{mended, number};
use super::{Lane, PostgresStore, calls, commit, rolling_up};
use crate::StoreError;
use crate::usage::{Detail, Encoded, Outdated};

/// At most so many rows are deleted in one step.
pub(super) const ROWS: i64 = 500;
/// Of spans, which are long, so many.
pub(super) const SPANS: i64 = 100;

/// Rows are named by their places: nobody else changes them meanwhile.
pub(super) const MINUTES: &str = "DELETE FROM tokenward.usage_figures WHERE ctid = ANY (ARRAY( \
        SELECT ctid FROM tokenward.usage_figures WHERE level = 0 AND start < $1 ORDER BY level, start LIMIT $2))";
pub(super) const SPANS_OF_LEVEL: &str = "WITH gone AS ( \
        DELETE FROM tokenward.usage_figures WHERE ctid = ANY (ARRAY( \
            SELECT ctid FROM tokenward.usage_figures WHERE level = $3 AND start < $1 \
            ORDER BY level, start LIMIT $2)) RETURNING subject, level, start), \
     detailed AS (DELETE FROM tokenward.usage_details WHERE ctid = ANY (ARRAY( \
        SELECT d.place FROM gone AS g CROSS JOIN LATERAL (SELECT ctid AS place FROM tokenward.usage_details AS d \
            WHERE d.subject = g.subject AND d.level = g.level AND d.start = g.start OFFSET 0) AS d))) \
     SELECT count(*) FROM gone";
pub(super) const WITH_CLIENTS: &str = "SELECT ctid::text, detail FROM tokenward.usage_details \
     WHERE clients_start < $1 ORDER BY clients_start LIMIT $2";
pub(super) const WITHOUT_CLIENTS: &str = "UPDATE tokenward.usage_details AS d SET detail = m.detail, clients = NULL \
     FROM unnest($1, $2) AS m (place, detail) WHERE d.ctid = m.place::tid";
/// What is written to just then is passed over: it is found another time.
pub(super) const LAST_CLIENTS: &str = "UPDATE tokenward.usage_totals \
     SET last_client_address = NULL, last_client_agent = NULL WHERE token = ANY (ARRAY( \
        SELECT token FROM tokenward.usage_totals WHERE client_day <= $1 / 86400000 AND last_used_at < $1 \
        ORDER BY client_day LIMIT $2 FOR UPDATE SKIP LOCKED))";
pub(super) const CALLS: &str = "DELETE FROM tokenward.calls WHERE id = ANY (ARRAY( \
        SELECT id FROM tokenward.calls WHERE at < $1 ORDER BY at LIMIT $2))";
pub(super) const CROWDED: &str = "SELECT token, calls FROM tokenward.call_numbers WHERE at_most > $1 \
     ORDER BY at_most DESC LIMIT $2";
pub(super) const COUNTED: &str = "UPDATE tokenward.call_numbers SET at_most = calls WHERE token = ANY ($1)";
pub(super) const EVENTS: &str = "DELETE FROM tokenward.events WHERE sequence = ANY (ARRAY( \
        SELECT sequence FROM tokenward.events WHERE delivered_at < $1 ORDER BY delivered_at LIMIT $2))";
pub(super) const BATCHES: &str = "DELETE FROM tokenward.usage_batches WHERE node = ANY (ARRAY( \
        SELECT node FROM tokenward.usage_batches WHERE last_minute < $1 \
        ORDER BY last_minute LIMIT $2 FOR UPDATE SKIP LOCKED))";

/// Says whether there is more.
pub(super) async fn forget(store: &PostgresStore, outdated: &Outdated) -> Result<bool, StoreError> {
    // First, so that nothing that is outdated is left where the steps below do not look.
    let mut more = store.roll_up_before(outdated.until()).await?;
    more |= store.forget_spans(MINUTES, outdated.minutes, ROWS, None).await?;
    more |= store.forget_spans(SPANS_OF_LEVEL, outdated.hours, SPANS, Some(1)).await?;
    more |= store.forget_spans(SPANS_OF_LEVEL, outdated.days, SPANS, Some(2)).await?;
    more |= store.forget_clients_before(outdated.clients).await?;
    let clients_ms = outdated.clients.saturating_mul(60_000);
    more |= store.forget_rows(LAST_CLIENTS, clients_ms).await?;
    more |= store.forget_calls(outdated.calls.timestamp_millis()).await?;
    more |= store.cut_calls(outdated.calls_per_token.into()).await?;
    more |= store.forget_rows(EVENTS, outdated.events.timestamp_millis()).await?;
    // Nobody says when a node has ended. A batch that is handed over again after so long is counted again,
    // in hours that are forgotten.
    more |= store.forget_rows(BATCHES, outdated.hours).await?;
    Ok(more)
}

impl PostgresStore {
    /// One statement that takes a bound and how many rows; says whether it took so many.
    async fn forget_rows(&self, sql: &str, bound: i64) -> Result<bool, StoreError> {
        let sql = &*self.schema.text(sql);
        let attempt = |mut session: Session| async move {
            session.execute(sql, &[(&bound, Type::INT8), (&ROWS, Type::INT8)]).await
        };
        Ok(self.run(Lane::Usage, attempt).await? >= ROWS as u64)
    }

    async fn forget_spans(
        &self,
        sql: &str,
        bound: i64,
        rows: i64,
        level: Option<i16>,
    ) -> Result<bool, StoreError> {
        let (sql, level) = (&*self.schema.text(sql), &level);
        let attempt = |mut session: Session| async move {
            rolling_up::lock(&mut session, &self.schema).await?;
            let mut parameters = vec![(&bound as _, Type::INT8), (&rows as _, Type::INT8)];
            let gone = match level {
                None => session.execute(sql, &parameters).await? as i64,
                Some(level) => {
                    parameters.push((level, Type::INT2));
                    session.row(sql, &parameters).await?.map_or(Ok(0), |row| number(&row, 0))?
                }
            };
            commit(&mut session).await?;
            Ok(gone >= rows)
        };
        self.run(Lane::Usage, attempt).await
    }

    async fn forget_clients_before(&self, minute: i64) -> Result<bool, StoreError> {
        let attempt = |mut session: Session| async move {
            rolling_up::lock(&mut session, &self.schema).await?;
            let bounds = [(&minute as _, Type::INT8), (&SPANS as _, Type::INT8)];
            let found = session.rows(&self.schema.text(WITH_CLIENTS), &bounds).await?;
            without_clients(&mut session, &self.schema, WITHOUT_CLIENTS, &found).await?;
            commit(&mut session).await?;
            Ok(found.len() as i64 >= SPANS)
        };
        self.run(Lane::Usage, attempt).await
    }

    async fn forget_calls(&self, before_ms: i64) -> Result<bool, StoreError> {
        let attempt = |mut session: Session| async move {
            calls::lock(&mut session, &self.schema).await?;
            let bounds = [(&before_ms as _, Type::INT8), (&ROWS as _, Type::INT8)];
            let gone = session.execute(&self.schema.text(CALLS), &bounds).await?;
            commit(&mut session).await?;
            Ok(gone >= ROWS as u64)
        };
        self.run(Lane::Usage, attempt).await
    }

    /// Of each token all but so many of the newest. Those that may have more are looked at; from then on it
    /// is known how many they have.
    async fn cut_calls(&self, kept: i64) -> Result<bool, StoreError> {
        let attempt = |mut session: Session| async move {
            calls::lock(&mut session, &self.schema).await?;
            let bounds = [(&kept as _, Type::INT8), (&ROWS as _, Type::INT8)];
            let crowded = session.rows(&self.schema.text(CROWDED), &bounds).await?;
            let mut tokens = Vec::with_capacity(crowded.len());
            for row in &crowded {
                tokens.push(row.try_get::<_, String>(0)?);
            }
            let cut = calls::cut(&mut session, &self.schema, &tokens, kept, kept, ROWS).await?;
            session.execute(&self.schema.text(COUNTED), &[(&tokens, Type::TEXT_ARRAY)]).await?;
            commit(&mut session).await?;
            Ok(crowded.len() as i64 >= ROWS || cut >= ROWS as u64)
        };
        self.run(Lane::Usage, attempt).await
    }
}

/// Forgets the clients of rows that are told by their place and detail.
pub(super) async fn without_clients(
    session: &mut Session,
    schema: &Schema,
    sql: &str,
    rows: &[tokio_postgres::Row],
) -> Result<(), Fault> {
    let (mut places, mut details) = (Vec::new(), Vec::new());
    for row in rows {
        let mut detail: Detail = mended(row, 1)?;
        detail.forget_clients();
        places.push(row.try_get::<_, String>(0)?);
        details.push(detail.encode());
    }
    if places.is_empty() {
        return Ok(());
    }
    let parameters = [(&places as _, Type::TEXT_ARRAY), (&details as _, Type::BYTEA_ARRAY)];
    session.execute(&schema.text(sql), &parameters).await.map(drop)
}
