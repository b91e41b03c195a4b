//! All tokens within reach: searched, filtered, sorted, page by page.

use std::collections::HashMap;

use askama::Template;

use crate::admin::cursor::Cursors;
use crate::admin::fault::Fault;
use crate::admin::token_page::{COUNTED, TokenPage, usage_of};
use crate::dashboard::asked::{Asked, token_in};
use crate::dashboard::flash::Flash;
use crate::dashboard::frame::{Frame, Place};
use crate::dashboard::row::Row;
use crate::dashboard::show::{Time, count};
use crate::dashboard::tabs::{Tab, tabs};
use crate::dashboard::visit::Visit;
use crate::web::Reply;
use crate::{Query, Status, TokenId, TokenRecord, Usage};

#[derive(Template)]
#[template(path = "list.html")]
struct ListPage<'a> {
    frame: Frame<'a>,
    asked: &'a Asked,
    /// What a whole token begins with, for the script that keeps one out of the address.
    prefix: String,
    scopes: Vec<ScopeChoice>,
    expiries: [(u16, &'static str, bool); 4],
    sorts: [(&'static str, &'static str, bool); 4],
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    /// `42 tokens`, `more than 1,000 tokens`.
    total: Option<String>,
    prev: Option<String>,
    next: Option<String>,
    /// None where use cannot be read.
    as_of: Option<Time>,
    /// Where there is nothing to show.
    empty: Option<Empty>,
    may_act: bool,
}

struct ScopeChoice {
    name: String,
    sentence: String,
    is_chosen: bool,
}

/// Why there is nothing to show.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Empty {
    /// There is no token at all.
    NoneYet,
    /// There are revoked ones and no others.
    OnlyRevoked,
    /// Nothing fits the search and the filters.
    NothingFound,
    /// Nothing has the status of this tab.
    NoneOfThisStatus,
}

impl Empty {
    fn is(self, other: Empty) -> bool {
        self == other
    }
}

pub(in crate::dashboard) async fn show(visit: &Visit<'_>) -> Result<Reply, Fault> {
    let context = &visit.context;
    let form = visit.query()?;
    if form.pairs().any(|(_, value)| token_in(value, context.tokens.prefix()).is_some()) {
        // It is not looked up either: the address would be kept, and tried again.
        return Ok(visit.see_other("", Some(Flash::WholeTokenInAddress)));
    }
    let asked = Asked::read(&form)?;
    let query = asked.query(context)?;
    let cursors = Cursors::of(context, format!("list {}", asked.fingerprint())).await?;
    let mut query = query;
    // A text is looked for in one token after the other: only a page's worth of that is counted.
    query.count_up_to = if query.filter.text.is_some() { query.limit } else { COUNTED };
    let page = TokenPage::read(context, &query, &cursors, asked.cursor.as_deref(), None).await?;
    let usage = match usage_of(context, &page.records).await {
        Ok(usage) => Some(usage),
        Err(error) => {
            tracing::warn!(%error, "the use of a page of tokens cannot be read");
            None
        }
    };
    let as_of = usage.as_ref().map(|usage| as_of(visit, usage));
    let frame = visit.frame("API tokens", Place::Tokens);
    let nothing = HashMap::new();
    let findings = context.tokens.findings_of(&page.records, usage.as_ref().unwrap_or(&nothing));
    let row = |record: &TokenRecord| {
        let usage = usage.as_ref().and_then(|usage| usage.get(&record.id));
        Row::of(record, usage, &findings, &frame, query.now)
    };
    let rows: Vec<_> = page.records.iter().map(row).collect();
    let total = page.total.map(|total| match page.total_is_estimate {
        true => format!("more than {}", count(total.into(), "token")),
        false => count(total.into(), "token"),
    });
    let empty = if rows.is_empty() { Some(why_empty(visit, &asked, &query).await?) } else { None };
    let noted = visit.dashboard.attentive.count(context).await;
    let address = |cursor: &String| asked.at(cursor).address();
    let page = ListPage {
        tabs: tabs(&asked, &frame, page.total.map(|total| (total, page.total_is_estimate)), noted),
        prefix: format!("{}_", context.tokens.prefix()),
        scopes: scopes(visit, &asked),
        expiries: expiries(&asked),
        sorts: sorts(&asked),
        prev: page.prev.as_ref().map(address),
        next: page.next.as_ref().map(address),
        may_act: frame.may.pause || frame.may.edit || frame.may.revoke,
        asked: &asked,
        rows,
        total,
        as_of,
        empty,
        frame,
    };
    Ok(visit.page(200, &page))
}

fn as_of(visit: &Visit<'_>, usage: &HashMap<TokenId, Usage>) -> Time {
    let now = visit.context.now();
    Time::of(usage.values().map(|usage| usage.as_of).min().unwrap_or(now), now)
}

async fn why_empty(visit: &Visit<'_>, asked: &Asked, query: &Query) -> Result<Empty, Fault> {
    if asked.narrows_beside_status() {
        return Ok(Empty::NothingFound);
    }
    let mut all = Query::new(query.tenant.clone(), query.now);
    all.limit = 1;
    let has_any = !visit.context.tokens.list(&all).await?.records.is_empty();
    Ok(match (has_any, asked.statuses.is_empty()) {
        (false, _) => Empty::NoneYet,
        (true, true) if asked.cursor.is_none() => Empty::OnlyRevoked,
        (true, _) => Empty::NoneOfThisStatus,
    })
}

/// The scopes that can be chosen; one that is asked for and unknown stays to be seen.
fn scopes(visit: &Visit<'_>, asked: &Asked) -> Vec<ScopeChoice> {
    let declared = visit.context.tokens.catalog().declarations().cloned();
    let choice = |declaration: crate::Declaration| ScopeChoice {
        is_chosen: declaration.scope == asked.scope,
        name: declaration.scope,
        sentence: declaration.sentence,
    };
    let built_in = crate::Catalog::built_in();
    let mut choices: Vec<_> = declared.chain(built_in).map(choice).collect();
    if !asked.scope.is_empty() && !choices.iter().any(|choice| choice.is_chosen) {
        let name = asked.scope.clone();
        choices.push(ScopeChoice { name, sentence: "not in the catalogue".to_owned(), is_chosen: true });
    }
    choices
}

fn expiries(asked: &Asked) -> [(u16, &'static str, bool); 4] {
    let choice = |days, text| (days, text, asked.expires_within == Some(days));
    [
        choice(3, "within 3 days"),
        choice(14, "within 14 days"),
        choice(30, "within 30 days"),
        choice(90, "within 90 days"),
    ]
}

fn sorts(asked: &Asked) -> [(&'static str, &'static str, bool); 4] {
    let choice = |word, text| (word, text, asked.sort == word);
    [
        choice("-created_at", "Newest first"),
        choice("created_at", "Oldest first"),
        choice("name", "By name"),
        choice("expires_at", "Soonest to expire first"),
    ]
}
