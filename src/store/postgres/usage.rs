//! The use of tokens: how a batch is added.
//!
//! A batch is added in pieces. Each is one statement, and so a transaction of its own that holds its
//! locks for some milliseconds. It writes how much of the batch is added together with what it adds, and
//! adds nothing where that does not stand as it expects. So each may be repeated: after a lost
//! connection, whatever became of the one before, and by a process that hands over a batch again.
//!
//! What several nodes write at once is either added up by the database, in the order of the tokens
//! (totals), or in rows of their own, which are rolled up when a minute is over: see [`rolling_up`].

mod calls;
pub(super) mod columns;
mod erasing;
mod forgetting;
mod pieces;
mod reading;
mod rolling_up;
mod running;
mod spans;
#[cfg(test)]
mod tests;
mod totals;

use async_trait::async_trait;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use self::pieces::{Part, Piece};
use self::rolling_up::RollUp;
use super::failure::Fault;
use super::session::{Parameter, Session};
use super::{Lane, PostgresStore};
use crate::usage::{
    CallQuery, Counts, Outdated, RecordedCall, SliceQuery, StoredSlice, UsageBatch, UsageStore,
};
use crate::{StoreError, TokenId};

/// Begins every statement that adds a piece: `batch` has a row where the piece is to be added, and
/// none where it was, or where another must be added first. Of a statement of an attempt that is still
/// under way nobody sees anything: this waits until it has ended.
const BATCH: &str = "WITH batch AS ( \
        INSERT INTO tokenward.usage_batches AS b (node, number, added, whole, last_minute) \
        SELECT $1, $2, $4, $5, $6 \
        WHERE $3 = 0 OR EXISTS (SELECT FROM tokenward.usage_batches WHERE node = $1) \
        ON CONFLICT (node) DO UPDATE SET number = excluded.number, added = excluded.added, \
            whole = excluded.whole, last_minute = greatest(b.last_minute, excluded.last_minute) \
        WHERE (b.number < excluded.number AND $3 = 0) \
            OR (b.number = excluded.number AND NOT b.whole AND b.added = $3) \
        RETURNING 1)";

const ADDED: &str = "SELECT number, added, whole FROM tokenward.usage_batches WHERE node = $1";

/// How a piece fared.
struct Answer {
    /// Whether it was added now.
    is_added: bool,
    /// The tokens that have too many calls now.
    crowded: Vec<String>,
}

impl Answer {
    fn of(rows: &[Row], crowded: Option<usize>) -> Result<Answer, StoreError> {
        let row = rows.first().ok_or_else(|| StoreError::broken("a statement that adds use says nothing"))?;
        let crowded = crowded.map(|column| row.try_get(column)).transpose().map_err(StoreError::broken)?;
        Ok(Answer { is_added: columns::flag(row, 0)?, crowded: crowded.unwrap_or_default() })
    }
}

/// Commits what may be done again, whatever became of it.
pub(super) async fn commit(session: &mut Session) -> Result<(), Fault> {
    session.commit().await.map_err(|mut fault| {
        fault.again |= fault.error.outcome_is_unknown();
        fault
    })
}

impl PostgresStore {
    /// One statement that may be repeated, whatever became of it.
    async fn usage_rows(&self, sql: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, StoreError> {
        let sql = self.schema.text(sql);
        let sql = &*sql;
        self.run(Lane::Usage, |mut session| async move { session.rows(sql, parameters).await }).await
    }

    async fn add_piece(&self, piece: &Piece<'_>) -> Result<Answer, StoreError> {
        let (node, number) = (piece.node as i64, columns::integer(piece.number));
        let (before, until) = (piece.before as i64, piece.until as i64);
        let last_minute = piece.last_minute();
        let head: [Parameter<'_>; 6] = [
            (&node, Type::INT8),
            (&number, Type::INT8),
            (&before, Type::INT8),
            (&until, Type::INT8),
            (&piece.is_last, Type::BOOL),
            (&last_minute, Type::INT8),
        ];
        match piece.part {
            Part::Counts(counts) => totals::add(self, &head, counts).await,
            Part::Slices(slices) => running::add(self, &head, slices, before).await,
            Part::Calls(calls) => calls::add(self, &head, calls).await,
        }
    }

    /// How many parts of the batch are added; none where it is whole, or was left out.
    async fn added(&self, batch: &UsageBatch) -> Result<Option<usize>, StoreError> {
        let node = batch.node as i64;
        let rows = self.usage_rows(ADDED, &[(&node, Type::INT8)]).await?;
        let Some(row) = rows.first() else { return Ok(Some(0)) };
        let (number, added, whole) =
            (columns::number(row, 0)?, columns::number(row, 1)?, columns::flag(row, 2)?);
        let asked = columns::integer(batch.number);
        Ok(match number.cmp(&asked) {
            std::cmp::Ordering::Less => Some(0),
            std::cmp::Ordering::Equal => (!whole).then_some(added as usize),
            std::cmp::Ordering::Greater => None,
        })
    }

    /// Adds what of the batch is not added yet.
    async fn add_batch(&self, batch: &UsageBatch) -> Result<(), StoreError> {
        if batch.number == 0 {
            return Ok(());
        }
        let mut place = 0;
        let mut refused_at = None;
        loop {
            let piece = Piece::of(batch, place);
            let answer = self.add_piece(&piece).await?;
            if answer.is_added {
                if !answer.crowded.is_empty() {
                    calls::cut_to_bounds(self, &answer.crowded).await?;
                }
                if piece.is_last {
                    return Ok(());
                }
                place = piece.until;
                continue;
            }
            let Some(added) = self.added(batch).await? else { return Ok(()) };
            if refused_at.replace(added) == Some(added) {
                return Err(StoreError::unavailable(
                    "somebody else writes batches of use under this node's number",
                ));
            }
            place = added;
        }
    }
}

#[async_trait]
impl UsageStore for PostgresStore {
    async fn add(&self, batch: &UsageBatch) -> Result<(), StoreError> {
        self.add_batch(batch).await?;
        match RollUp::after(batch) {
            Some(roll_up) => roll_up.run(self).await,
            None => Ok(()),
        }
    }

    async fn read(&self, tokens: &[TokenId]) -> Result<Vec<(TokenId, Counts)>, StoreError> {
        totals::read(self, tokens).await
    }

    async fn slices(&self, query: &SliceQuery) -> Result<Vec<StoredSlice>, StoreError> {
        reading::slices(self, query).await
    }

    async fn calls(&self, query: &CallQuery) -> Result<Vec<RecordedCall>, StoreError> {
        calls::page(self, query).await
    }

    async fn forget(&self, outdated: &Outdated) -> Result<bool, StoreError> {
        forgetting::forget(self, outdated).await
    }

    async fn erase(&self, tokens: &[TokenId]) -> Result<(), StoreError> {
        erasing::erase(self, tokens).await
    }

    async fn erase_clients(&self, tokens: &[TokenId]) -> Result<(), StoreError> {
        erasing::erase_clients(self, tokens).await
    }
}
