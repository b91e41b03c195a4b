//! The history of a token. It outlives the token.

use serde::Serialize;

use super::Fault;
use super::context::Context;
use super::history_page::{self, HistoryPage};
use super::listing::links;
use super::permissions::Permissions;
use super::shape::Moment;
use crate::history::{FieldChange, HistoryEntry};
use crate::web::{BodyStream, BrokenOff, Reply};
use crate::{HistoryQuery, TokenId, Tokens, Via};

#[derive(Serialize)]
struct Entries<'a> {
    data: Vec<Entry<'a>>,
    page: Page,
}

/// History is read from its end, and is not counted.
#[derive(Serialize)]
struct Page {
    next: Option<String>,
    limit: u32,
}

#[derive(Serialize)]
struct Entry<'a> {
    id: String,
    at: Moment,
    action: &'static str,
    token: TokenId,
    token_name: &'a str,
    actor: Option<&'a str>,
    actor_token: Option<TokenId>,
    via: Via,
    address: Option<&'a str>,
    request_id: Option<&'a str>,
    reason: Option<&'a str>,
    changes: &'a [FieldChange],
}

impl<'a> Entry<'a> {
    /// As somebody with these rights may see it.
    fn of(entry: &'a HistoryEntry, permissions: &Permissions) -> Entry<'a> {
        let draft = &entry.draft;
        let personal = draft.personal.as_ref().filter(|_| permissions.view_addresses);
        Entry {
            id: format!("evt_{}", entry.number),
            at: Moment(draft.at),
            action: draft.action.as_str(),
            token: draft.token,
            token_name: &draft.token_name,
            actor: draft.actor(),
            actor_token: draft.actor_token,
            via: draft.via,
            address: personal.and_then(|personal| personal.address.as_deref()),
            request_id: draft.request_id.as_deref(),
            reason: draft.reason.as_deref(),
            changes: &draft.changes,
        }
    }
}

pub(crate) async fn of_token(context: &Context<'_>) -> Result<Reply, Fault> {
    let id = context.token_id()?;
    let mut parameters = context.parameters()?;
    let limit = parameters.limit()?;
    let cursor = parameters.one("cursor")?;
    parameters.finish()?;

    let mut query = HistoryQuery::new(context.actor.tenants()).token(id);
    query.limit = limit;
    let page = history_page::page(context, query, cursor.as_deref()).await?;
    if page.entries.is_empty() && cursor.is_none() {
        return Err(Fault::no_such_token());
    }
    let HistoryPage { entries, next } = page;
    let links = links(context.http.query, &[("next", &next)]);
    let data = entries.iter().map(|entry| Entry::of(entry, &context.permissions)).collect();
    let reply = Reply::json(200, &Entries { data, page: Page { next, limit } });
    Ok(if links.is_empty() { reply } else { reply.header("link", links) })
}

/// How many entries are read at once where they are told as lines.
const AT_ONCE: u32 = 200;

/// Everything that fits, one entry on each line, the newest first.
pub(crate) async fn lines(context: &Context<'_>, mut query: HistoryQuery) -> Result<Reply, Fault> {
    query.limit = AT_ONCE;
    // The first ones before anything is answered, so that a store that is away can be told.
    let first = context.tokens.history(&query).await?;
    let permissions = context.permissions;
    let lines = Lines { tokens: context.tokens.clone(), query, permissions, read: Some(first) };
    Ok(Reply::streamed(200, LINES, BodyStream::unfold(lines, Lines::next)))
}

pub(crate) const LINES: &str = "application/x-ndjson";

/// Entries on their way out as lines.
struct Lines {
    tokens: Tokens,
    query: HistoryQuery,
    permissions: Permissions,
    /// What was read and not sent.
    read: Option<Vec<HistoryEntry>>,
}

impl Lines {
    async fn next(mut self) -> Option<(Result<Vec<u8>, BrokenOff>, Lines)> {
        let entries = match self.read.take() {
            Some(entries) => entries,
            None => match self.tokens.history(&self.query).await {
                Ok(entries) => entries,
                Err(error) => {
                    tracing::error!(%error, "history cannot be read to its end");
                    return Some((Err(BrokenOff), self));
                }
            },
        };
        self.query.before = Some(entries.last()?.number);
        let mut text = Vec::new();
        for entry in &entries {
            // An entry is text and numbers: it can be written.
            serde_json::to_writer(&mut text, &Entry::of(entry, &self.permissions)).ok()?;
            text.push(b'\n');
        }
        Some((Ok(text), self))
    }
}
