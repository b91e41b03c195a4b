//! Events that wait to be delivered.
//!
//! They are few: whoever announces, takes or delivers them holds one lock for it, so that two nodes never
//! take the same one, and the order of each token's is that in which they were committed. Of a token's
//! events the first that waits is marked: only those are looked at. Whoever asks frees what was taken
//! until then, and takes what is free in its order. So a call takes what it gives and what it frees,
//! however many others wait or are taken; and where nothing is due, as nearly always, no lock.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio_postgres::types::Type;

use super::failure::Fault;
use super::session::Session;
use super::sql::Schema;
use super::usage::columns::{next_millisecond, text};
use super::usage::commit;
use super::{Lane, PostgresStore};
use crate::event::{EventKind, Outbox};
use crate::usage::Client;
use crate::{Event, StoreError};

const DRAW: &str =
    "UPDATE tokenward.usage_numbers SET last = last + $1 WHERE name = 'events' RETURNING last - $1";
pub(super) const ANNOUNCE: &str = "INSERT INTO tokenward.events (sequence, id, token, event, tells_client, is_first) \
     SELECT $1 + place, id, token, event, tells_client, false \
     FROM unnest($2, $3, $4, $5) WITH ORDINALITY AS m (id, token, event, tells_client, place) \
     ON CONFLICT (id) DO NOTHING";
pub(super) const FIRST: &str = "UPDATE tokenward.events SET is_first = true WHERE sequence = ANY (ARRAY( \
        SELECT first.sequence FROM (SELECT DISTINCT token FROM unnest($1) AS m (token)) AS t \
        CROSS JOIN LATERAL (SELECT sequence, is_first FROM tokenward.events AS e \
            WHERE e.token = t.token AND delivered_at IS NULL ORDER BY sequence LIMIT 1) AS first \
        WHERE NOT first.is_first))";
pub(super) const ANY_DUE: &str = "SELECT EXISTS (SELECT FROM tokenward.events WHERE is_first AND taken_until IS NULL) \
        OR EXISTS (SELECT FROM tokenward.events WHERE taken_until <= $1)";
pub(super) const FREE: &str = "UPDATE tokenward.events SET taken_until = NULL WHERE taken_until <= $1";
pub(super) const DUE: &str = "SELECT id, event FROM tokenward.events WHERE is_first AND taken_until IS NULL \
     ORDER BY sequence LIMIT $1";
pub(super) const TAKE: &str =
    "UPDATE tokenward.events SET taken_until = $2 WHERE id = ANY ($1) AND delivered_at IS NULL";
/// From then on the id is all that is needed.
pub(super) const DELIVERED: &str = "UPDATE tokenward.events AS e SET delivered_at = $2, token = NULL, event = NULL, \
        tells_client = false, is_first = false, taken_until = NULL \
     FROM (SELECT sequence, token FROM tokenward.events WHERE id = ANY ($1) AND delivered_at IS NULL) AS waiting \
     WHERE e.sequence = waiting.sequence RETURNING waiting.token";

/// The newest first: if the rest is never dropped, there is still a first.
pub(super) const ERASE: &str = "DELETE FROM tokenward.events WHERE sequence = ANY (ARRAY( \
        SELECT sequence FROM tokenward.events WHERE token = ANY ($1) AND delivered_at IS NULL \
        ORDER BY sequence DESC LIMIT $2))";
pub(super) const TELLING: &str = "SELECT sequence, event FROM tokenward.events \
     WHERE token = ANY ($1) AND delivered_at IS NULL AND tells_client LIMIT $2";
pub(super) const TELL: &str = "UPDATE tokenward.events AS e SET event = m.event, tells_client = false \
     FROM unnest($1, $2) AS m (sequence, event) WHERE e.sequence = m.sequence";

/// At most so many rows are written in one step.
const ROWS: i64 = 500;

#[async_trait]
impl Outbox for PostgresStore {
    async fn announce(&self, events: &[Event]) -> Result<(), StoreError> {
        for events in events.chunks(ROWS as usize) {
            let ids: Vec<_> = events.iter().map(|event| text(&event.id)).collect();
            let tokens: Vec<_> = events.iter().map(|event| event.token.as_str()).collect();
            let texts: Vec<_> = events.iter().map(json).collect::<Result<_, _>>()?;
            let tells: Vec<_> =
                events.iter().map(|event| matches!(event.kind, EventKind::NewAddress { .. })).collect();
            let (ids, tokens, texts, tells) = (&ids, &tokens, &texts, &tells);
            let attempt = |mut session: Session| async move {
                let before = lock(&mut session, &self.schema, events.len() as i64).await?;
                let parameters = [
                    (&before as _, Type::INT8),
                    (ids as _, Type::TEXT_ARRAY),
                    (tokens as _, Type::TEXT_ARRAY),
                    (texts as _, Type::TEXT_ARRAY),
                    (tells as _, Type::BOOL_ARRAY),
                ];
                session.execute(&self.schema.text(ANNOUNCE), &parameters).await?;
                session.execute(&self.schema.text(FIRST), &[(tokens, Type::TEXT_ARRAY)]).await?;
                commit(&mut session).await
            };
            self.run(Lane::Usage, attempt).await?;
        }
        Ok(())
    }

    /// An event that cannot be read counts as delivered: nobody ever could, and it would hold up those
    /// behind it for ever.
    async fn due(
        &self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        let now_ms = now.timestamp_millis();
        let (until, limit) = (next_millisecond(until), i64::from(limit));
        let attempt = |mut session: Session| async move {
            let some = session.row(&self.schema.text(ANY_DUE), &[(&now_ms, Type::INT8)]).await?;
            if !some.map_or(Ok(false), |row| row.try_get(0))? {
                return Ok(Vec::new());
            }
            lock(&mut session, &self.schema, 0).await?;
            session.execute(&self.schema.text(FREE), &[(&now_ms, Type::INT8)]).await?;
            let (mut taken, mut events, mut unreadable) = (Vec::new(), Vec::new(), Vec::new());
            for row in session.rows(&self.schema.text(DUE), &[(&limit, Type::INT8)]).await? {
                let (id, event): (String, Option<String>) = (row.try_get(0)?, row.try_get(1)?);
                match event.as_deref().map(serde_json::from_str) {
                    Some(Ok(event)) => {
                        taken.push(id);
                        events.push(event);
                    }
                    _ => unreadable.push(id),
                }
            }
            let parameters = [(&taken as _, Type::TEXT_ARRAY), (&until as _, Type::INT8)];
            session.execute(&self.schema.text(TAKE), &parameters).await?;
            if !unreadable.is_empty() {
                tracing::error!(ids = ?unreadable, "events that wait cannot be read; they are left out");
                deliver(&mut session, &self.schema, &unreadable, now_ms).await?;
            }
            commit(&mut session).await?;
            Ok(events)
        };
        self.run(Lane::Usage, attempt).await
    }

    async fn postpone(&self, id: &str, until: DateTime<Utc>) -> Result<(), StoreError> {
        let (ids, until) = (&[text(id)], next_millisecond(until));
        let attempt = |mut session: Session| async move {
            lock(&mut session, &self.schema, 0).await?;
            let parameters = [(&&ids[..] as _, Type::TEXT_ARRAY), (&until as _, Type::INT8)];
            session.execute(&self.schema.text(TAKE), &parameters).await?;
            commit(&mut session).await
        };
        self.run(Lane::Usage, attempt).await
    }

    async fn delivered(&self, id: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        let ids = &[text(id).into_owned()];
        let attempt = |mut session: Session| async move {
            lock(&mut session, &self.schema, 0).await?;
            deliver(&mut session, &self.schema, ids, now.timestamp_millis()).await?;
            commit(&mut session).await
        };
        self.run(Lane::Usage, attempt).await
    }
}

fn json(event: &Event) -> Result<String, StoreError> {
    serde_json::to_string(event).map_err(StoreError::broken)
}

/// Begins a transaction that may change events, and gives the number after which so many may be used.
async fn lock(session: &mut Session, schema: &Schema, numbers: i64) -> Result<i64, Fault> {
    session.begin().await?;
    let row = session.row(&schema.text(DRAW), &[(&numbers, Type::INT8)]).await?;
    let missing = || StoreError::broken("the numbers of events are missing from usage_numbers");
    Ok(row.ok_or_else(missing)?.try_get(0)?)
}

async fn deliver(session: &mut Session, schema: &Schema, ids: &[String], now_ms: i64) -> Result<(), Fault> {
    let parameters = [(&ids as _, Type::TEXT_ARRAY), (&now_ms as _, Type::INT8)];
    let mut tokens: Vec<Option<String>> = Vec::new();
    for row in session.rows(&schema.text(DELIVERED), &parameters).await? {
        tokens.push(row.try_get(0)?);
    }
    session.execute(&schema.text(FIRST), &[(&tokens, Type::TEXT_ARRAY)]).await.map(drop)
}

/// Drops waiting events of these tokens; says whether there may be more.
pub(super) async fn erase(store: &PostgresStore, tokens: &[&str]) -> Result<bool, StoreError> {
    let attempt = |mut session: Session| async move {
        lock(&mut session, &store.schema, 0).await?;
        let parameters = [(&tokens as _, Type::TEXT_ARRAY), (&ROWS as _, Type::INT8)];
        let erased = session.execute(&store.schema.text(ERASE), &parameters).await?;
        commit(&mut session).await?;
        Ok::<_, Fault>(erased >= ROWS as u64)
    };
    store.run(Lane::Usage, attempt).await
}

/// Forgets the clients in waiting events of these tokens; says whether there may be more.
pub(super) async fn erase_clients(store: &PostgresStore, tokens: &[&str]) -> Result<bool, StoreError> {
    let attempt = |mut session: Session| async move {
        lock(&mut session, &store.schema, 0).await?;
        let parameters = [(&tokens as _, Type::TEXT_ARRAY), (&ROWS as _, Type::INT8)];
        let found = session.rows(&store.schema.text(TELLING), &parameters).await?;
        let (mut sequences, mut events) = (Vec::<i64>::new(), Vec::new());
        for row in &found {
            sequences.push(row.try_get(0)?);
            events.push(without_client(row.try_get(1)?)?);
        }
        let parameters = [(&sequences as _, Type::INT8_ARRAY), (&events as _, Type::TEXT_ARRAY)];
        session.execute(&store.schema.text(TELL), &parameters).await?;
        commit(&mut session).await?;
        Ok::<_, Fault>(found.len() as i64 >= ROWS)
    };
    store.run(Lane::Usage, attempt).await
}

/// Nothing stays of what cannot be read: a client may stand in it.
fn without_client(event: Option<String>) -> Result<Option<String>, StoreError> {
    let Some(mut event) = event.and_then(|text| serde_json::from_str::<Event>(&text).ok()) else {
        return Ok(None);
    };
    if let EventKind::NewAddress { client } = &mut event.kind {
        *client = Client::default();
    }
    json(&event).map(Some)
}
