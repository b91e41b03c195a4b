//! What was counted for a token in all.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::super::failure::Fault;
use super::super::session::Parameter;
use super::columns::{id, integer, moment, text, texts};
use super::{Answer, BATCH, PostgresStore};
use crate::usage::{Client, Counts};
use crate::{StoreError, TokenId};

/// Adding stops at the greatest integer, where the sum alone would be an error. The client is that of the
/// last granted request; all expressions see the row as it was.
static ADD: LazyLock<String> = LazyLock::new(|| {
    let saturating = |counter: &&str| {
        format!("{counter} = t.{counter} + least(excluded.{counter}, 9223372036854775807 - t.{counter})")
    };
    let sums: Vec<_> = COUNTERS.iter().map(saturating).collect();
    let is_told = "excluded.last_client_address IS NOT NULL AND (t.last_client_address IS NULL \
         OR t.last_used_at IS NULL OR excluded.last_used_at >= t.last_used_at)";
    format!(
        "{BATCH}, more AS ( \
            INSERT INTO tokenward.usage_totals AS t (token, {counters}, last_used_at, last_seen_at, \
                last_client_address, last_client_agent) \
            SELECT * FROM unnest($7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) AS m (token) \
            WHERE EXISTS (SELECT FROM batch) ORDER BY token COLLATE \"C\" \
            ON CONFLICT (token) DO UPDATE SET {sums}, \
                last_used_at = greatest(t.last_used_at, excluded.last_used_at), \
                last_seen_at = greatest(t.last_seen_at, excluded.last_seen_at), \
                last_client_address = CASE WHEN {is_told} \
                    THEN excluded.last_client_address ELSE t.last_client_address END, \
                last_client_agent = CASE WHEN {is_told} \
                    THEN excluded.last_client_agent ELSE t.last_client_agent END) \
         SELECT EXISTS (SELECT FROM batch)",
        counters = COUNTERS.join(", "),
        sums = sums.join(", "),
    )
});

const COUNTERS: [&str; 8] = [
    "granted",
    "limited",
    "missing_scope",
    "refused",
    "wrong_secret",
    "finished",
    "succeeded",
    "duration_us",
];

pub(super) const READ: &str = "SELECT token, granted, limited, missing_scope, refused, wrong_secret, finished, \
        succeeded, duration_us, last_used_at, last_seen_at, last_client_address, last_client_agent \
     FROM tokenward.usage_totals WHERE token = ANY ($1)";

pub(super) async fn add(
    store: &PostgresStore,
    head: &[Parameter<'_>],
    counts: &[(TokenId, Counts)],
) -> Result<Answer, StoreError> {
    let counts = once_each(counts);
    let counted: Vec<_> = counts.iter().filter(|(_, counts)| *counts != Counts::default()).collect();
    let tokens: Vec<&str> = counted.iter().map(|(token, _)| token.as_str()).collect();
    let counters = |counter: fn(&Counts) -> u64| -> Vec<i64> {
        counted.iter().map(|(_, counts)| integer(counter(counts))).collect()
    };
    let counters = [
        counters(|counts| counts.granted),
        counters(|counts| counts.limited),
        counters(|counts| counts.missing_scope),
        counters(|counts| counts.refused),
        counters(|counts| counts.wrong_secret),
        counters(|counts| counts.finished),
        counters(|counts| counts.succeeded),
        counters(|counts| counts.duration_us),
    ];
    let moments = |moment: fn(&Counts) -> Option<chrono::DateTime<chrono::Utc>>| -> Vec<Option<i64>> {
        counted.iter().map(|(_, counts)| moment(counts).map(|at| at.timestamp_millis())).collect()
    };
    let moments = [moments(|counts| counts.last_used_at), moments(|counts| counts.last_seen_at)];
    let texts = |part: fn(&Client) -> &str| -> Vec<Option<Cow<'_, str>>> {
        counted
            .iter()
            .map(|(_, counts)| counts.last_client.as_ref().map(|client| text(part(client))))
            .collect()
    };
    let clients = [texts(|client| &client.address), texts(|client| &client.agent)];
    let mut parameters = head.to_vec();
    parameters.push((&tokens, Type::TEXT_ARRAY));
    parameters.extend(counters.iter().map(|counter| -> Parameter<'_> { (counter, Type::INT8_ARRAY) }));
    parameters.extend(moments.iter().map(|moments| -> Parameter<'_> { (moments, Type::INT8_ARRAY) }));
    parameters.extend(clients.iter().map(|texts| -> Parameter<'_> { (texts, Type::TEXT_ARRAY) }));
    let rows = store.usage_rows(&ADD, &parameters).await?;
    Answer::of(&rows, None)
}

/// In the order of the tokens, so that nodes that write the same ones wait for each other and never in a
/// circle; each once, as one statement changes a row only once.
fn once_each(counts: &[(TokenId, Counts)]) -> Cow<'_, [(TokenId, Counts)]> {
    if counts.is_sorted_by(|(one, _), (other, _)| one < other) {
        return Cow::Borrowed(counts);
    }
    let mut sums: BTreeMap<TokenId, Counts> = BTreeMap::new();
    for (token, counts) in counts {
        sums.entry(*token).or_default().add(counts);
    }
    Cow::Owned(sums.into_iter().collect())
}

pub(super) async fn read(
    store: &PostgresStore,
    tokens: &[TokenId],
) -> Result<Vec<(TokenId, Counts)>, StoreError> {
    if tokens.is_empty() {
        return Ok(Vec::new());
    }
    let rows = store.usage_rows(READ, &[(&texts(tokens), Type::TEXT_ARRAY)]).await?;
    rows.iter().map(|row| counts(row).map_err(|fault| fault.error)).collect()
}

fn counts(row: &Row) -> Result<(TokenId, Counts), Fault> {
    let counter = |column: usize| row.try_get::<_, i64>(column).map(|counter| counter as u64);
    let time = |column: usize| -> Result<_, Fault> {
        Ok(row.try_get::<_, Option<i64>>(column)?.map(moment).transpose()?)
    };
    let counts = Counts {
        granted: counter(1)?,
        limited: counter(2)?,
        missing_scope: counter(3)?,
        refused: counter(4)?,
        wrong_secret: counter(5)?,
        finished: counter(6)?,
        succeeded: counter(7)?,
        duration_us: counter(8)?,
        last_used_at: time(9)?,
        last_client: client(row, 11, 12)?,
        last_seen_at: time(10)?,
    };
    Ok((id(row.try_get(0)?)?, counts))
}

/// A client, where its address is not NULL.
pub(super) fn client(row: &Row, address: usize, agent: usize) -> Result<Option<Client>, Fault> {
    let Some(address) = row.try_get::<_, Option<String>>(address)? else { return Ok(None) };
    Ok(Some(Client::new(address, row.try_get::<_, Option<String>>(agent)?.unwrap_or_default())))
}
