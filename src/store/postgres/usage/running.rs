//! Minutes that may still go on: what was added to them.

use std::sync::LazyLock;

use tokio_postgres::types::Type;

use super::super::session::Parameter;
use super::columns::text;
use super::{Answer, BATCH, PostgresStore};
use crate::StoreError;
use crate::usage::{Encoded, Slice, columns, subject_text};

static ADD: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{BATCH}, more AS ( \
            INSERT INTO tokenward.usage_running \
                (minute, subject, node, number, place, coarse, tally, detail, clients) \
            SELECT minute, subject, $1, $2, place, coarse, tally, detail, clients \
            FROM unnest($7, $8, $9, $10, $11, $12, $13) \
                AS m (minute, subject, place, coarse, tally, detail, clients) \
            WHERE EXISTS (SELECT FROM batch)) \
         SELECT EXISTS (SELECT FROM batch)"
    )
});

/// Adds slices to what is running. The first stands at this place in the batch.
pub(super) async fn add(
    store: &PostgresStore,
    head: &[Parameter<'_>],
    slices: &[Slice],
    first: i64,
) -> Result<Answer, StoreError> {
    let counted: Vec<_> = slices.iter().zip(first..).filter(|(slice, _)| !slice.is_empty()).collect();
    let minutes: Vec<i64> = counted.iter().map(|(slice, _)| slice.minute).collect();
    let subjects: Vec<String> =
        counted.iter().map(|(slice, _)| text(&subject_text::text(&slice.subject)).into_owned()).collect();
    let places: Vec<i64> = counted.iter().map(|(_, place)| *place).collect();
    let coarse: Vec<bool> = counted.iter().map(|(slice, _)| slice.coarse).collect();
    let tallies: Vec<Vec<u8>> =
        counted.iter().map(|(slice, _)| slice.tally.without_minutes().encode()).collect();
    let long = counted.iter().map(|(slice, _)| columns::long(&slice.detail, &slice.clients));
    let (details, clients): (Vec<_>, Vec<_>) = long.unzip();
    let mut parameters = head.to_vec();
    let own: [Parameter<'_>; 7] = [
        (&minutes, Type::INT8_ARRAY),
        (&subjects, Type::TEXT_ARRAY),
        (&places, Type::INT8_ARRAY),
        (&coarse, Type::BOOL_ARRAY),
        (&tallies, Type::BYTEA_ARRAY),
        (&details, Type::BYTEA_ARRAY),
        (&clients, Type::BYTEA_ARRAY),
    ];
    parameters.extend(own);
    let rows = store.usage_rows(&ADD, &parameters).await?;
    Answer::of(&rows, None)
}
