//! What SQL stores keep of use in their columns.

use super::{Clients, Detail, Encoded};

/// The greatest integer of a SQL store stands for all above it.
pub(crate) fn integer(counter: u64) -> i64 {
    i64::try_from(counter).unwrap_or(i64::MAX)
}

/// What a column holds; empty where it holds NULL, none where that cannot be read.
pub(crate) fn kept<T: Encoded + Default>(column: Option<&[u8]>) -> Option<T> {
    match column {
        None => Some(T::default()),
        Some(bytes) => T::decode(bytes),
    }
}

/// The same for whoever writes to it next. What cannot be read begins anew: one damaged span must
/// not keep the use of all tokens from being written, and nobody else would ever mend it.
pub(crate) fn mended<T: Encoded + Default>(column: Option<&[u8]>) -> T {
    kept(column).unwrap_or_else(|| {
        tracing::error!("what was counted in a span of time cannot be read; it begins anew");
        T::default()
    })
}

/// What is long, for its columns: no clients where none is told, in detail neither.
pub(crate) fn long(detail: &Detail, clients: &Clients) -> (Vec<u8>, Option<Vec<u8>>) {
    let tells_clients = !clients.is_empty() || detail.tells_clients();
    (detail.encode(), tells_clients.then(|| clients.encode()))
}
