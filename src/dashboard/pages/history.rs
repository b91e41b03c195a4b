//! Who did what, when, and why.

mod entry;
mod filter;

use std::collections::HashSet;

use askama::Template;

use self::entry::Entry;
use self::filter::Filter;
use super::dialog::Mistakes;
use crate::admin::audit;
use crate::admin::fault::Fault;
use crate::admin::history_page::{self, HistoryPage};
use crate::dashboard::answer::{self, Keeping};
use crate::dashboard::frame::{Frame, Place};
use crate::dashboard::show;
use crate::dashboard::visit::Visit;
use crate::history::{Action, BrokenChain};
use crate::web::Reply;
use crate::{Error, HistoryEntry, HistoryQuery, TenantFilter, TokenId};

#[derive(Template)]
#[template(path = "history.html")]
struct Page<'a> {
    frame: Frame<'a>,
    /// The token whose history it is; none for that of all.
    token: Option<OneToken>,
    /// The address of the page without its query, relative to itself.
    here: &'static str,
    filter: Filter,
    mistakes: Mistakes,
    entries: Vec<Entry>,
    older: Option<String>,
    verifies: bool,
    verified: Option<Verified>,
}

struct OneToken {
    id: String,
    name: String,
    /// A token that is deleted has a history and no page.
    is_there: bool,
}

/// What a look at the whole chain of seals has found.
enum Verified {
    /// Nothing was written yet.
    Empty,
    /// It holds together up to this entry. Its last seal.
    Whole { number: String, seal: String },
    /// It does not, from this entry on.
    Broken { number: String },
}

pub(in crate::dashboard) async fn of_all(visit: &Visit<'_>) -> Result<Reply, Fault> {
    let tenant = match visit.context.actor.tenants() {
        TenantFilter::Only(tenant) => Some(tenant),
        // Each tenant has a chain of its own: the history of a token leads to one.
        TenantFilter::Any => None,
    };
    let query = HistoryQuery::new(visit.context.actor.tenants());
    show(visit, query, None, tenant).await
}

pub(in crate::dashboard) async fn of_token(visit: &Visit<'_>) -> Result<Reply, Fault> {
    let id = visit.context.token_id()?;
    let mut query = HistoryQuery::new(visit.context.actor.tenants()).token(id);
    // It outlives the token, and knows what that was called.
    let mut newest = query.clone();
    newest.limit = 1;
    let newest = visit.context.tokens.history(&newest).await?;
    let HistoryEntry { draft, .. } = newest.first().ok_or_else(Fault::no_such_token)?;
    let is_there = !visit.context.tokens.find_all(&[id]).await?.is_empty();
    query.token = Some(id);
    let name = show::visible(&draft.token_name).into_owned();
    let token = OneToken { id: id.to_string(), name, is_there };
    show(visit, query, Some(token), Some(draft.tenant.clone())).await
}

/// `tenant` is the one whose chain can be verified, if it is one.
async fn show(
    visit: &Visit<'_>,
    mut query: HistoryQuery,
    token: Option<OneToken>,
    tenant: Option<Option<String>>,
) -> Result<Reply, Fault> {
    let form = visit.query()?;
    let filter = Filter::read(&form);
    let mut mistakes = Mistakes::default();
    filter.narrow(&mut query, &mut mistakes);
    if form.text("format") == "ndjson" && mistakes.is_empty() {
        let lines = audit::lines(&visit.context, query, None).await?;
        let lines = lines.header("content-disposition", "attachment; filename=\"history.ndjson\"");
        return Ok(answer::guarded(lines, Keeping::ForBack));
    }
    let verified = match &tenant {
        Some(tenant) if form.text("verify") == "1" => Some(verify(visit, tenant.as_deref()).await?),
        _ => None,
    };
    let (status, found) = match mistakes.is_empty() {
        true => (200, history_page::page(&visit.context, query, form.some("cursor")).await?),
        false => (422, HistoryPage { entries: Vec::new(), next: None }),
    };
    let heading = match &token {
        Some(token) => format!("History of “{}”", token.name),
        None => "History".to_owned(),
    };
    let page = Page {
        frame: visit.frame(heading, Place::History),
        here: "history",
        older: found.next.map(|cursor| filter.address(&[("cursor", &cursor)])),
        entries: entries(visit, &found.entries, token.is_none()).await?,
        verifies: tenant.is_some(),
        token,
        filter,
        mistakes,
        verified,
    };
    Ok(visit.page(status, &page))
}

/// The entries of a page. Where they are of many tokens, those that are still there are looked for,
/// in one query.
async fn entries(visit: &Visit<'_>, found: &[HistoryEntry], of_many: bool) -> Result<Vec<Entry>, Fault> {
    let mut there: HashSet<TokenId> = HashSet::new();
    if of_many {
        let ids: HashSet<TokenId> = found.iter().map(|entry| entry.draft.token).collect();
        let ids: Vec<_> = ids.into_iter().collect();
        there = visit.context.tokens.find_all(&ids).await?.into_iter().map(|record| record.id).collect();
    }
    let now = visit.context.now();
    let with_addresses = visit.context.permissions.view_addresses;
    let shown =
        |entry: &HistoryEntry| Entry::of(entry, there.contains(&entry.draft.token), with_addresses, now);
    Ok(found.iter().map(shown).collect())
}

async fn verify(visit: &Visit<'_>, tenant: Option<&str>) -> Result<Verified, Fault> {
    let tokens = visit.context.tokens;
    let mut newest = HistoryQuery::new(TenantFilter::Only(tenant.map(str::to_owned)));
    newest.limit = 1;
    // Read before the chain: it is verified to this entry at least.
    let newest = tokens.history(&newest).await?.first().map(|entry| entry.number);
    match (tokens.verify_history(tenant).await, newest) {
        (Ok(Some(seal)), Some(number)) => {
            Ok(Verified::Whole { number: show::number(number), seal: seal.hash })
        }
        (Ok(_), _) => Ok(Verified::Empty),
        (Err(Error::BrokenHistory(BrokenChain { number, .. })), _) => {
            Ok(Verified::Broken { number: show::number(number) })
        }
        (Err(error), _) => Err(error.into()),
    }
}
