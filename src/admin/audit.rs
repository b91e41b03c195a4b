//! History: of a token, which it outlives, and of all tokens within reach; page by page, or all of it as
//! lines (NDJSON).

use serde::Serialize;

use super::Fault;
use super::accept;
pub(crate) use super::accept::LINES;
use super::context::Context;
use super::history_page::{self, HistoryPage};
use super::listing::links;
use super::parameters::Parameters;
use super::permissions::Permissions;
use super::range::{Times, times};
use super::shape::Moment;
use crate::history::{FieldChange, HistoryEntry};
use crate::web::{BodyStream, BrokenOff, Reply};
use crate::{Action, HistoryQuery, TokenId, Tokens, Via};

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = History))]
pub(super) struct Entries<'a> {
    data: Vec<Entry<'a>>,
    page: Page,
}

/// History is read from its end, and is not counted.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = HistoryPage))]
struct Page {
    next: Option<String>,
    limit: u32,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = HistoryEntry))]
struct Entry<'a> {
    id: String,
    at: Moment,
    #[cfg_attr(feature = "openapi", schema(value_type = super::openapi::ActionWord))]
    action: &'static str,
    #[cfg_attr(feature = "openapi", schema(value_type = super::openapi::Id))]
    token: TokenId,
    token_name: &'a str,
    actor: Option<&'a str>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<super::openapi::Id>))]
    actor_token: Option<TokenId>,
    #[cfg_attr(feature = "openapi", schema(value_type = super::openapi::ViaWord))]
    via: Via,
    address: Option<&'a str>,
    request_id: Option<&'a str>,
    reason: Option<&'a str>,
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<super::openapi::FieldChangeBody>))]
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
    Ok(shown(context, page, limit))
}

pub(super) async fn of_all(context: &Context<'_>) -> Result<Reply, Fault> {
    let mut parameters = context.parameters()?;
    let as_lines = accept::prefers(&context.http, LINES);
    let wants_page = parameters.has("limit");
    let limit = parameters.limit()?;
    let cursor = parameters.one("cursor")?;
    let mut query = HistoryQuery::new(context.actor.tenants());
    filter(&mut parameters, context, &mut query)?;
    parameters.finish()?;
    if as_lines {
        let query = history_page::behind(context, query, cursor.as_deref()).await?;
        return lines(context, query, wants_page.then_some(limit)).await;
    }
    query.limit = limit;
    Ok(shown(context, history_page::page(context, query, cursor.as_deref()).await?, limit))
}

/// Reads which entries are wanted: `actor`, `action`, `token`, `from`, `to`.
fn filter(parameters: &mut Parameters, context: &Context<'_>, query: &mut HistoryQuery) -> Result<(), Fault> {
    for word in parameters.all("action") {
        let action = Action::ALL.into_iter().find(|action| action.as_str() == word);
        let words = || Action::ALL.map(Action::as_str).join(", ");
        let wrong = || Fault::parameter("action", format!("An action is one of {}.", words()));
        query.actions.push(action.ok_or_else(wrong)?);
    }
    if let Some(text) = parameters.one("token")? {
        let wrong = |_| Fault::parameter("token", "A token is named by its id: tok_ and 16 characters.");
        query.token = Some(text.parse().map_err(wrong)?);
    }
    query.actor = parameters.one("actor")?;
    let Times { from, to } = times(parameters, context.now())?;
    (query.from, query.to) = (from, to);
    Ok(())
}

fn shown(context: &Context<'_>, page: HistoryPage, limit: u32) -> Reply {
    let HistoryPage { entries, next } = page;
    let links = links(context.http.query, &[("next", &next)]);
    let data = entries.iter().map(|entry| Entry::of(entry, &context.permissions)).collect();
    let reply = Reply::json(200, &Entries { data, page: Page { next, limit } });
    if links.is_empty() { reply } else { reply.header("link", links) }
}

/// How many entries are read at once where they are told as lines.
const AT_ONCE: u32 = 200;

/// Everything that fits, or so many entries of it, one on each line, the newest first.
pub(crate) async fn lines(
    context: &Context<'_>,
    mut query: HistoryQuery,
    limit: Option<u32>,
) -> Result<Reply, Fault> {
    query.limit = limit.unwrap_or(AT_ONCE);
    // The first ones before anything is answered, so that a store that is away can be told.
    let first = context.tokens.history(&query).await?;
    let permissions = context.permissions;
    let whole = limit.is_some();
    let lines = Lines { tokens: context.tokens.clone(), query, whole, permissions, read: Some(first) };
    Ok(Reply::streamed(200, LINES, BodyStream::unfold(lines, Lines::next)))
}

/// Entries on their way out as lines.
struct Lines {
    tokens: Tokens,
    query: HistoryQuery,
    /// Whether the first ones are all.
    whole: bool,
    permissions: Permissions,
    /// What was read and not sent.
    read: Option<Vec<HistoryEntry>>,
}

impl Lines {
    async fn next(mut self) -> Option<(Result<Vec<u8>, BrokenOff>, Lines)> {
        let entries = match self.read.take() {
            Some(entries) => entries,
            None if self.whole => return None,
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

/// Whether history holds together.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = HistoryCheck))]
pub(super) struct Checked {
    ok: bool,
    entries: u64,
    /// The newest entry, with its seal: kept elsewhere, it shows later whether entries were cut off.
    head: Option<Head>,
    /// The first entry that does not fit.
    broken_at: Option<String>,
}

/// The newest entry of history, and its seal.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = HistoryHead))]
struct Head {
    id: String,
    hash: String,
}

pub(super) async fn verify(context: &Context<'_>) -> Result<Reply, Fault> {
    context.no_parameters()?;
    let check = context.tokens.check_history(&context.actor.tenants()).await?;
    let name = |number: u64| format!("evt_{number}");
    let body = Checked {
        ok: check.broken_at.is_none(),
        entries: check.entries,
        head: check.newest.map(|(number, seal)| Head { id: name(number), hash: seal.hash }),
        broken_at: check.broken_at.map(name),
    };
    Ok(Reply::json(200, &body))
}
