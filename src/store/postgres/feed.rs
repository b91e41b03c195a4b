//! How the nodes of a fleet learn of each other's changes, over PostgreSQL.
//!
//! Each call is one statement: it sees the tables as of one moment, and is a transaction of its own. Rows
//! and counters must outlive a crash of the server, whatever the role or the database is set to: whoever
//! does not find the row of a node does not wait for it.

use std::time::Duration;

use async_trait::async_trait;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};

use super::session::{Parameter, tried};
use super::{Lane, PostgresStore};
use crate::changes::{
    ChangeFeed, Hint, Mark, NodeId, NodeRow, Position, Pulled, RollCall, TokenChanged, fresh_counter,
};
use crate::{StoreError, TokenId};

/// What makes the transaction of its statement wait for the disk, unless something stricter is set.
macro_rules! durable {
    () => {
        "CASE WHEN current_setting('synchronous_commit') = 'off' \
         THEN set_config('synchronous_commit', 'on', true) END"
    };
}

const JOIN: &str = concat!(
    "\
    WITH newest AS (SELECT number, mark FROM tokenward.changes ORDER BY number DESC LIMIT 1), \
    written AS ( \
        INSERT INTO tokenward.nodes AS present (node, lease_ms, counter, acknowledged) \
        VALUES ($1, $2, $3, coalesce((SELECT number FROM newest), 0)) \
        ON CONFLICT (node) DO UPDATE SET \
            lease_ms = excluded.lease_ms, counter = present.counter + 1 \
        RETURNING node) \
    SELECT number, uuid_send(mark), ",
    durable!(),
    " FROM written LEFT JOIN newest ON true"
);

/// No row where the node has none; one without a change where there is no change.
const PULL: &str = concat!(
    "\
    WITH renewed AS (UPDATE tokenward.nodes SET counter = counter + 1 + floor(random() * 1000000)::bigint \
        WHERE node = $1 RETURNING node) \
    SELECT number, uuid_send(mark), token, ",
    durable!(),
    " FROM renewed LEFT JOIN LATERAL ( \
        SELECT number, mark, token FROM tokenward.changes WHERE number >= $2 ORDER BY number LIMIT $3 \
    ) AS following ON true ORDER BY number"
);

const ACKNOWLEDGE: &str = "\
    UPDATE tokenward.nodes SET acknowledged = $2 WHERE node = $1 AND acknowledged < $2 \
        AND EXISTS (SELECT FROM tokenward.changes WHERE number = $2 AND uuid_send(mark) = $3)";

const LEAVE: &str = "DELETE FROM tokenward.nodes WHERE node = $1";

const ROLL_CALL: &str = "\
    SELECT pg_is_in_recovery(), last_number, node, lease_ms, counter, acknowledged \
    FROM tokenward.state LEFT JOIN tokenward.nodes ON true";

const STRIKE: &str = "DELETE FROM tokenward.nodes WHERE node = $1 AND counter = $2";

/// Nobody waits for it, and it waits for nobody: rows that another node is deleting are left to it.
const PRUNE: &str = "\
    DELETE FROM tokenward.changes WHERE number IN ( \
        SELECT number FROM tokenward.changes \
        WHERE number <= (SELECT max(number) FROM tokenward.changes) - $1 \
        ORDER BY number LIMIT $2 FOR UPDATE SKIP LOCKED)";

/// So many of the last changes are kept. A node that has missed more finds a gap.
const KEPT: i64 = 100_000;
/// Whoever pulls beyond a multiple of this prunes, by more than has come since the one before.
const PRUNED_EVERY: u64 = 1_000;
const PRUNED_AT_ONCE: i64 = 2_000;
const PRUNING: Duration = Duration::from_secs(30);

#[async_trait]
impl ChangeFeed for PostgresStore {
    async fn join(&self, node: NodeId, lease_ms: u32) -> Result<Position, StoreError> {
        let lease_ms = i32::try_from(lease_ms).unwrap_or(i32::MAX);
        let counter = signed(fresh_counter()?);
        let parameters: [Parameter<'_>; 3] =
            [(&key(node), Type::INT8), (&lease_ms, Type::INT4), (&counter, Type::INT8)];
        let rows = self.feed_rows(JOIN, &parameters).await?;
        let row = rows.first().ok_or_else(|| StoreError::broken("the row of a node was not written"))?;
        Ok(position(row)?.unwrap_or_default())
    }

    async fn pull(&self, node: NodeId, after: Position, limit: u32) -> Result<Pulled, StoreError> {
        let limit = limit.max(1);
        // The one that it asks from, and one more than is given.
        let rows = i64::from(limit) + 2;
        let parameters: [Parameter<'_>; 3] =
            [(&key(node), Type::INT8), (&signed(after.number), Type::INT8), (&rows, Type::INT8)];
        let rows = self.feed_rows(PULL, &parameters).await?;
        let pulled = pulled(&rows, after, limit as usize)?;
        if let Pulled::Changes { changes, .. } = &pulled
            && let Some(last) = changes.last()
            && last.position.number / PRUNED_EVERY > after.number / PRUNED_EVERY
        {
            self.prune();
        }
        Ok(pulled)
    }

    async fn acknowledge(&self, node: NodeId, through: Position) -> Result<(), StoreError> {
        let mark = &through.mark.0[..];
        let parameters: [Parameter<'_>; 3] =
            [(&key(node), Type::INT8), (&signed(through.number), Type::INT8), (&mark, Type::BYTEA)];
        self.feed_touched(ACKNOWLEDGE, &parameters).await?;
        Ok(())
    }

    async fn leave(&self, node: NodeId) -> Result<(), StoreError> {
        self.feed_touched(LEAVE, &[(&key(node), Type::INT8)]).await?;
        Ok(())
    }

    async fn roll_call(&self) -> Result<RollCall, StoreError> {
        let rows = self.feed_rows(ROLL_CALL, &[]).await?;
        rolled(&rows)
    }

    async fn strike(&self, node: NodeId, counter: u64) -> Result<bool, StoreError> {
        let parameters: [Parameter<'_>; 2] = [(&key(node), Type::INT8), (&signed(counter), Type::INT8)];
        Ok(self.feed_touched(STRIKE, &parameters).await? == 1)
    }

    fn listen(&self, hint: Hint) {
        self.listening.listen(hint, self);
    }

    fn gives_hints(&self) -> bool {
        self.listening.hears()
    }
}

impl PostgresStore {
    async fn feed_rows(&self, sql: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, StoreError> {
        let sql = &*self.schema.text(sql);
        self.run(Lane::Tokens, |mut session| async move { session.rows(sql, parameters).await }).await
    }

    async fn feed_touched(&self, sql: &str, parameters: &[Parameter<'_>]) -> Result<u64, StoreError> {
        let sql = &*self.schema.text(sql);
        self.run(Lane::Tokens, |mut session| async move { session.execute(sql, parameters).await }).await
    }

    /// Deletes some of the oldest changes, if there are more than are kept, while whoever has asked
    /// goes on.
    fn prune(&self) {
        let sql = self.schema.text(PRUNE).into_owned();
        let (pool, runtime) = (self.usage_pool.clone(), self.runtime.handle().clone());
        self.runtime.handle().spawn(async move {
            let sql = &*sql;
            let delete = |mut session: super::Session| async move {
                session.execute(sql, &[(&KEPT, Type::INT8), (&PRUNED_AT_ONCE, Type::INT8)]).await
            };
            if let Err(error) = tried(&pool, &runtime, PRUNING, delete).await {
                // The next one deletes more.
                tracing::debug!(%error, "old changes of tokens were not deleted");
            }
        });
    }
}

/// A node's number in the 64 bits of a signed one.
fn key(node: NodeId) -> i64 {
    i64::from_ne_bytes(node.0.to_ne_bytes())
}

/// Numbers and counters end where those of the database do.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn column<'a, T: FromSql<'a>>(row: &'a Row, place: usize) -> Result<T, StoreError> {
    row.try_get(place).map_err(StoreError::broken)
}

/// The position in the first two columns, if there is one.
fn position(row: &Row) -> Result<Option<Position>, StoreError> {
    let (number, mark): (Option<i64>, Option<Vec<u8>>) = (column(row, 0)?, column(row, 1)?);
    let (Some(number), Some(mark)) = (number, mark) else { return Ok(None) };
    let mark = mark.try_into().map_err(|_| StoreError::broken("the mark of a change has 16 bytes"))?;
    Ok(Some(Position { number: unsigned(number), mark: Mark(mark) }))
}

fn change(row: &Row) -> Result<Option<TokenChanged>, StoreError> {
    let Some(position) = position(row)? else { return Ok(None) };
    let token: &str = column(row, 2)?;
    let token = TokenId::from_characters(token.as_bytes()).map_err(StoreError::broken)?;
    Ok(Some(TokenChanged { position, token }))
}

/// What the rows of [`PULL`] come to.
fn pulled(rows: &[Row], after: Position, limit: usize) -> Result<Pulled, StoreError> {
    if rows.is_empty() {
        return Ok(Pulled::Gap);
    }
    let found: Vec<_> = rows.iter().filter_map(|row| change(row).transpose()).collect::<Result<_, _>>()?;
    let following = match found.split_first() {
        _ if after == Position::default() => &found[..],
        Some((first, following)) if first.position == after => following,
        _ => return Ok(Pulled::Gap),
    };
    // Without holes: somebody may have deleted some by hand.
    let numbers = following.iter().map(|change| change.position.number);
    if !numbers.eq((after.number + 1..).take(following.len())) {
        return Ok(Pulled::Gap);
    }
    let given = following.len().min(limit);
    Ok(Pulled::Changes { changes: following[..given].to_vec(), more: following.len() > limit })
}

/// What the rows of [`ROLL_CALL`] come to.
fn rolled(rows: &[Row]) -> Result<RollCall, StoreError> {
    let mut roll = RollCall::default();
    for row in rows {
        if column(row, 0)? {
            // Nodes that have joined since may not be seen here.
            return Err(StoreError::unavailable("this is a replica: the nodes are asked for at the primary"));
        }
        roll.last_number = unsigned(column(row, 1)?);
        if let Some(node) = column::<Option<i64>>(row, 2)? {
            roll.nodes.push(NodeRow {
                node: NodeId(u64::from_ne_bytes(node.to_ne_bytes())),
                lease_ms: u32::try_from(column::<i32>(row, 3)?).unwrap_or(0),
                counter: unsigned(column(row, 4)?),
                acknowledged: unsigned(column(row, 5)?),
            });
        }
    }
    Ok(roll)
}
