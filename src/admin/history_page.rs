//! One page of history: for the API and for the dashboard.

use super::Fault;
use super::context::Context;
use super::cursor::Cursors;
use crate::history::HistoryEntry;
use crate::{Action, HistoryQuery};

/// One page of history, the newest first.
pub(crate) struct HistoryPage {
    pub(crate) entries: Vec<HistoryEntry>,
    /// The cursor of the page behind it, if there is one.
    pub(crate) next: Option<String>,
}

/// The page of what fits, behind the place of `cursor`. A cursor leads nowhere but into the same
/// filters.
pub(crate) async fn page(
    context: &Context<'_>,
    mut query: HistoryQuery,
    cursor: Option<&str>,
) -> Result<HistoryPage, Fault> {
    let cursors = Cursors::of(context, listing(&query)).await?;
    query.before = place(&cursors, cursor)?;
    let shown = query.limit as usize;
    // One more than is shown tells whether there is another page.
    query.limit += 1;
    let mut entries = context.tokens.history(&query).await?;
    let more = entries.len() > shown;
    entries.truncate(shown);
    let next = entries.last().filter(|_| more).map(|entry| cursors.write(&entry.number));
    Ok(HistoryPage { entries, next })
}

/// The same query behind the place of `cursor`.
pub(crate) async fn behind(
    context: &Context<'_>,
    mut query: HistoryQuery,
    cursor: Option<&str>,
) -> Result<HistoryQuery, Fault> {
    query.before = place(&Cursors::of(context, listing(&query)).await?, cursor)?;
    Ok(query)
}

fn place(cursors: &Cursors, cursor: Option<&str>) -> Result<Option<u64>, Fault> {
    cursor.map(|cursor| cursors.read(cursor)).transpose()
}

/// What a cursor is bound to: all that decides what is listed, whichever way it was said.
fn listing(query: &HistoryQuery) -> String {
    let HistoryQuery { tenant: _, token, actions, actor, from, to, before: _, limit: _ } = query;
    let mut actions: Vec<_> = actions.iter().copied().map(Action::as_str).collect();
    actions.sort_unstable();
    let listed = serde_json::to_string(&(token, actions, actor, from, to));
    format!("history {}", listed.unwrap_or_default())
}
