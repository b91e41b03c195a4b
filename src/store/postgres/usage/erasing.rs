//! Erasing what tokens have left behind, or their clients. In steps, as in [`forgetting`](super::forgetting).

use tokio_postgres::types::Type;

use super::super::failure::Fault;
use super::super::outbox;
use super::super::session::Session;
use super::columns::texts;
use super::forgetting::{ROWS, SPANS, without_clients};
use super::{Lane, PostgresStore, calls, commit, forgetting, rolling_up};
use crate::usage::Subject;
use crate::usage::subject_text;
use crate::{StoreError, TokenId};

pub(super) const TOTALS: &str = "DELETE FROM tokenward.usage_totals WHERE token = ANY (ARRAY( \
        SELECT token FROM tokenward.usage_totals WHERE token = ANY ($1) ORDER BY token FOR UPDATE))";
pub(super) const RUNNING: &str = "DELETE FROM tokenward.usage_running WHERE ctid = ANY (ARRAY( \
        SELECT r.place FROM unnest($1) AS t (subject) CROSS JOIN LATERAL (SELECT ctid AS place FROM tokenward.usage_running AS r \
            WHERE r.subject = t.subject ORDER BY subject, minute LIMIT $2) AS r LIMIT $2))";
pub(super) const FIGURES: &str = "DELETE FROM tokenward.usage_figures WHERE ctid = ANY (ARRAY( \
        SELECT r.place FROM unnest($1) AS t (subject) CROSS JOIN LATERAL (SELECT ctid AS place FROM tokenward.usage_figures AS r \
            WHERE r.subject = t.subject ORDER BY subject, level, start LIMIT $2) AS r LIMIT $2))";
pub(super) const DETAILS: &str = "DELETE FROM tokenward.usage_details WHERE ctid = ANY (ARRAY( \
        SELECT r.place FROM unnest($1) AS t (subject) CROSS JOIN LATERAL (SELECT ctid AS place FROM tokenward.usage_details AS r \
            WHERE r.subject = t.subject ORDER BY subject, level, start LIMIT $2) AS r LIMIT $2))";
pub(super) const CALLS: &str = "DELETE FROM tokenward.calls WHERE id = ANY (ARRAY( \
        SELECT r.place FROM unnest($1) AS t (token) CROSS JOIN LATERAL (SELECT id AS place FROM tokenward.calls AS r \
            WHERE r.token = t.token ORDER BY token, id LIMIT $2) AS r LIMIT $2))";

pub(super) const CLIENTS_OF_TOTALS: &str = "UPDATE tokenward.usage_totals \
     SET last_client_address = NULL, last_client_agent = NULL WHERE token = ANY (ARRAY( \
        SELECT token FROM tokenward.usage_totals WHERE token = ANY ($1) ORDER BY token FOR UPDATE))";
pub(super) const RUNNING_WITH_CLIENTS: &str = "SELECT r.place, r.detail FROM unnest($1) AS t (subject) CROSS JOIN LATERAL ( \
        SELECT ctid::text AS place, detail FROM tokenward.usage_running AS r \
        WHERE r.subject = t.subject AND clients IS NOT NULL ORDER BY subject, minute LIMIT $2) AS r LIMIT $2";
pub(super) const RUNNING_WITHOUT: &str = "UPDATE tokenward.usage_running AS d SET detail = m.detail, clients = NULL \
     FROM unnest($1, $2) AS m (place, detail) WHERE d.ctid = m.place::tid";
pub(super) const DETAILS_WITH_CLIENTS: &str = "SELECT r.place, r.detail FROM unnest($1) AS t (subject) CROSS JOIN LATERAL ( \
        SELECT ctid::text AS place, detail FROM tokenward.usage_details AS r \
        WHERE r.subject = t.subject AND clients IS NOT NULL ORDER BY subject, level, start LIMIT $2) AS r LIMIT $2";
pub(super) const CLIENTS_OF_CALLS: &str = "UPDATE tokenward.calls SET client_address = NULL, client_agent = NULL \
     WHERE id = ANY (ARRAY( \
        SELECT r.place FROM unnest($1) AS t (token) CROSS JOIN LATERAL (SELECT id AS place FROM tokenward.calls AS r \
            WHERE r.token = t.token AND client_address IS NOT NULL ORDER BY token, id LIMIT $2) AS r LIMIT $2))";

/// In one statement so many tokens, so that no step takes long.
const TOKENS: usize = 100;

pub(super) async fn erase(store: &PostgresStore, tokens: &[TokenId]) -> Result<(), StoreError> {
    for tokens in tokens.chunks(TOKENS) {
        let ids = texts(tokens);
        store.usage_rows(TOTALS, &[(&ids, Type::TEXT_ARRAY)]).await?;
        while store.erase_spans(tokens).await? {}
        while store.change_calls(CALLS, &ids).await? {}
        while outbox::erase(store, &ids).await? {}
    }
    Ok(())
}

pub(super) async fn erase_clients(store: &PostgresStore, tokens: &[TokenId]) -> Result<(), StoreError> {
    for tokens in tokens.chunks(TOKENS) {
        let ids = texts(tokens);
        store.usage_rows(CLIENTS_OF_TOTALS, &[(&ids, Type::TEXT_ARRAY)]).await?;
        while store.erase_clients_of_spans(tokens).await? {}
        while store.change_calls(CLIENTS_OF_CALLS, &ids).await? {}
        while outbox::erase_clients(store, &ids).await? {}
    }
    Ok(())
}

fn subjects(tokens: &[TokenId]) -> Vec<String> {
    tokens.iter().map(|token| subject_text::text(&Subject::Token(*token))).collect()
}

impl PostgresStore {
    /// Says whether there may be more. There is none once one transaction has found less than it could
    /// take wherever it has looked: nothing is rolled up meanwhile.
    async fn erase_spans(&self, tokens: &[TokenId]) -> Result<bool, StoreError> {
        let subjects = &subjects(tokens);
        let attempt = |mut session: Session| async move {
            rolling_up::lock(&mut session, &self.schema).await?;
            let mut more = false;
            for (sql, rows) in [(RUNNING, SPANS), (FIGURES, ROWS), (DETAILS, SPANS)] {
                let parameters = [(subjects as _, Type::TEXT_ARRAY), (&rows as _, Type::INT8)];
                more |= session.execute(&self.schema.text(sql), &parameters).await? >= rows as u64;
            }
            commit(&mut session).await?;
            Ok(more)
        };
        self.run(Lane::Usage, attempt).await
    }

    /// Says whether there may be more, as above.
    async fn erase_clients_of_spans(&self, tokens: &[TokenId]) -> Result<bool, StoreError> {
        let subjects = &subjects(tokens);
        let attempt = |mut session: Session| async move {
            rolling_up::lock(&mut session, &self.schema).await?;
            let mut more = false;
            let tables = [
                (RUNNING_WITH_CLIENTS, RUNNING_WITHOUT),
                (DETAILS_WITH_CLIENTS, forgetting::WITHOUT_CLIENTS),
            ];
            for (with, without) in tables {
                let parameters = [(subjects as _, Type::TEXT_ARRAY), (&SPANS as _, Type::INT8)];
                let found = session.rows(&self.schema.text(with), &parameters).await?;
                without_clients(&mut session, &self.schema, without, &found).await?;
                more |= found.len() as i64 >= SPANS;
            }
            commit(&mut session).await?;
            Ok(more)
        };
        self.run(Lane::Usage, attempt).await
    }

    async fn change_calls(&self, sql: &str, ids: &[&str]) -> Result<bool, StoreError> {
        let sql = &*self.schema.text(sql);
        let attempt = |mut session: Session| async move {
            calls::lock(&mut session, &self.schema).await?;
            let parameters = [(&ids as _, Type::TEXT_ARRAY), (&ROWS as _, Type::INT8)];
            let changed = session.execute(sql, &parameters).await?;
            commit(&mut session).await?;
            Ok::<_, Fault>(changed >= ROWS as u64)
        };
        self.run(Lane::Usage, attempt).await
    }
}
