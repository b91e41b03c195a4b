//! How minutes that are over are rolled up into minutes, hours and days.
//!
//! Whichever node comes first does it, under an advisory lock that whoever changes spans holds, in pieces
//! that each delete the rows that they have rolled up in one transaction: a kill loses nothing and
//! counts nothing twice, and whoever reads, in one state of the database, finds each row on one side.
//! Clocks of nodes differ: a row for a minute that was rolled up before is one more to be rolled up.

use std::ops::Range;

use tokio_postgres::types::Type;

use super::super::failure::Fault;
use super::super::session::Session;
use super::super::sql::Schema;
use super::columns::{mended, number};
use super::spans::{Spans, Taken};
use super::{Lane, PostgresStore, commit};
use crate::StoreError;
use crate::usage::UsageBatch;
use crate::usage::running::Running;

/// A piece of a roll-up takes at most so many rows, and ends at the first that makes it longer than so
/// many bytes: some ten milliseconds.
const ROWS: i64 = 1_000;
const BYTES: i64 = 1 << 20;

/// At least so many rows of the minute that has just ended are rolled up with each batch, or so many
/// times the batch's slices: what several nodes have added must be rolled up before the next minute ends,
/// also where only one of them comes to it.
const PACE: i64 = 2_000;
const TIMES: i64 = 4;

/// What lies in the future by less than this may be of a node whose clock is ahead: it is rolled up in
/// its time.
const AHEAD: i64 = 10;

pub(super) const EDGES: &str = "SELECT (SELECT minute FROM tokenward.usage_running ORDER BY minute LIMIT 1), \
     (SELECT minute FROM tokenward.usage_running ORDER BY minute DESC LIMIT 1)";

pub(super) const TRY: &str = "SELECT pg_try_advisory_xact_lock(hashtextextended('tokenward.usage', 0))";
pub(super) const WAIT: &str = "SELECT pg_advisory_xact_lock(hashtextextended('tokenward.usage', 0))";

/// Nobody else changes these rows: their places stay as they are. The length of what is long is known
/// without reading it.
pub(super) const TAKE: &str = "DELETE FROM tokenward.usage_running WHERE ctid = ANY (ARRAY( \
        SELECT place FROM (SELECT ctid AS place, \
            sum(octet_length(tally) + octet_length(detail) + coalesce(octet_length(clients), 0)) \
                OVER (ORDER BY minute, subject, node, number, place ROWS UNBOUNDED PRECEDING EXCLUDE CURRENT ROW) \
                AS bytes \
            FROM (SELECT ctid, * FROM tokenward.usage_running WHERE (minute, subject) >= ($1, $5) AND minute < $2 \
                ORDER BY minute, subject, node, number, place LIMIT $3) AS next) AS sized \
        WHERE bytes IS NULL OR bytes < $4)) \
     RETURNING subject, minute, coarse, tally, detail, clients";

/// What is to be rolled up with a batch: all but the newest minute that the batch tells of.
///
/// The minute before it, the one that has just ended, takes its time, so that one batch a minute does not
/// take much longer than the others. All that lies further away is rolled up at once.
pub(super) struct RollUp {
    newest: i64,
    pace: i64,
}

impl RollUp {
    /// None where the batch tells of no minute.
    pub(super) fn after(batch: &UsageBatch) -> Option<RollUp> {
        let newest = batch.slices.iter().map(|slice| slice.minute).max()?;
        Some(RollUp { newest, pace: PACE.max(batch.slices.len() as i64 * TIMES) })
    }

    pub(super) async fn run(&self, store: &PostgresStore) -> Result<(), StoreError> {
        let rows = store.usage_rows(EDGES, &[]).await?;
        let edge = |column| -> Result<Option<i64>, StoreError> {
            rows.first().map_or(Ok(None), |row| row.try_get(column)).map_err(StoreError::broken)
        };
        let (Some(first), Some(last)) = (edge(0)?, edge(1)?) else { return Ok(()) };
        let RollUp { newest, .. } = *self;
        let just_ended = newest.saturating_sub(1);
        let behind = newest.saturating_add(AHEAD);
        let mut far = Vec::new();
        if first < just_ended {
            far.push(i64::MIN..just_ended);
        }
        if last > behind {
            far.push(behind.saturating_add(1)..i64::MAX);
        }
        for minutes in far {
            store.roll_up_if_free(minutes, i64::MAX).await?;
        }
        if first < newest {
            store.roll_up_if_free(just_ended..newest, self.pace).await?;
        }
        Ok(())
    }
}

impl PostgresStore {
    /// Rolls up about so many rows, unless another node is at it.
    async fn roll_up_if_free(&self, minutes: Range<i64>, rows: i64) -> Result<(), StoreError> {
        let lock = &*self.schema.text(TRY);
        let mut place = Place { minutes, subject: String::new() };
        let mut left = rows;
        while left > 0 {
            let from = &place;
            let attempt = |mut session: Session| async move {
                session.begin().await?;
                let is_ours = session.row(lock, &[]).await?.map_or(Ok(false), |row| row.try_get(0))?;
                if !is_ours {
                    return Ok(None);
                }
                let taken = roll_up(&mut session, &self.schema, from, left.min(ROWS)).await?;
                commit(&mut session).await?;
                Ok(taken)
            };
            let Some((rows, until)) = self.run(Lane::Usage, attempt).await? else { break };
            left -= rows;
            place = until;
        }
        Ok(())
    }

    /// Rolls up a piece of what is before this minute, when its turn has come; says whether there may be
    /// more.
    pub(super) async fn roll_up_before(&self, minute: i64) -> Result<bool, StoreError> {
        let attempt = |mut session: Session| async move {
            lock(&mut session, &self.schema).await?;
            let all = Place { minutes: i64::MIN..minute, subject: String::new() };
            let taken = roll_up(&mut session, &self.schema, &all, ROWS).await?;
            commit(&mut session).await?;
            Ok(taken.is_some())
        };
        self.run(Lane::Usage, attempt).await
    }
}

/// Begins a transaction that may change spans.
pub(super) async fn lock(session: &mut Session, schema: &Schema) -> Result<(), Fault> {
    session.begin().await?;
    session.row(&schema.text(WAIT), &[]).await.map(drop)
}

/// Where a roll-up has come to: what lies before was taken, and a database does not like to look for what
/// is no longer there.
struct Place {
    minutes: Range<i64>,
    /// The first of the first minute.
    subject: String,
}

/// Says how many rows it has taken, and where it has come to; none where there were none.
async fn roll_up(
    session: &mut Session,
    schema: &Schema,
    place: &Place,
    rows: i64,
) -> Result<Option<(i64, Place)>, Fault> {
    let parameters = [
        (&place.minutes.start as _, Type::INT8),
        (&place.minutes.end as _, Type::INT8),
        (&rows as _, Type::INT8),
        (&BYTES as _, Type::INT8),
        (&place.subject as _, Type::TEXT),
    ];
    let found = session.rows(&schema.text(TAKE), &parameters).await?;
    let mut taken = Taken::default();
    for row in &found {
        let running = Running {
            minute: number(row, 1)?,
            coarse: row.try_get(2)?,
            tally: mended(row, 3)?,
            detail: mended(row, 4)?,
            clients: mended(row, 5)?,
        };
        taken.add(row.try_get(0)?, running);
    }
    let Some((minute, subject)) = taken.last() else { return Ok(None) };
    Spans::of(session, schema, &taken).await?.add(taken).write(session, schema).await?;
    Ok(Some((found.len() as i64, Place { minutes: minute..place.minutes.end, subject })))
}
