//! The calls of a token that are kept one by one: filtered, page by page, or all as lines.

use std::collections::BTreeSet;

use askama::Template;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::admin::calls::{filter, lines};
use crate::admin::cursor::Cursors;
use crate::admin::fault::Fault;
use crate::dashboard::answer::{Keeping, guarded};
use crate::dashboard::call_row::CallRow;
use crate::dashboard::form::Form;
use crate::dashboard::frame::{Frame, Place};
use crate::dashboard::show::{Time, visible};
use crate::dashboard::visit::Visit;
use crate::usage::{CallQuery, RecordedCall};
use crate::web::Reply;
use crate::{Subject, TokenRecord};

#[derive(Template)]
#[template(path = "calls.html")]
struct CallsPage<'a> {
    frame: Frame<'a>,
    id: String,
    name: String,
    asked: Asked,
    /// What is wrong with the filters.
    mistake: Option<String>,
    statuses: Vec<(String, String)>,
    methods: [&'static str; 7],
    /// Endpoints to choose from.
    known: BTreeSet<String>,
    is_usage_known: bool,
    calls: Vec<CallRow>,
    /// The page is no live one.
    tail: Option<u64>,
    is_first: bool,
    next: Option<String>,
    as_of: Option<Time>,
    kept: String,
}

/// The filters, as they stand in the address.
struct Asked {
    status: String,
    method: String,
    endpoint: String,
    ip: String,
    min_ms: String,
}

/// The filters' names.
const FILTERS: [&str; 7] = ["status", "method", "endpoint", "ip", "min_ms", "from", "to"];
const STATUSES: [(&str, &str); 7] = [
    ("2xx", "2xx – answered"),
    ("3xx", "3xx – led elsewhere"),
    ("4xx", "4xx – all of them"),
    ("401", "401 – not accepted"),
    ("403", "403 – refused"),
    ("429", "429 – over the limit"),
    ("5xx", "5xx – failed"),
];
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const AT_ONCE: u32 = 50;

/// Where a page begins: behind the call with this id.
#[derive(Serialize, Deserialize)]
struct Begin {
    before: u64,
}

impl Asked {
    fn of(form: &Form) -> Asked {
        let text = |name| form.text(name).to_owned();
        Asked {
            status: text("status"),
            method: text("method"),
            endpoint: text("endpoint"),
            ip: text("ip"),
            min_ms: text("min_ms"),
        }
    }

    fn narrows(&self) -> bool {
        let Asked { status, method, endpoint, ip, min_ms } = self;
        [status, method, endpoint, ip, min_ms].iter().any(|text| !text.is_empty())
    }

    /// The statuses to choose from, with one that only an address can name.
    fn statuses(&self) -> Vec<(String, String)> {
        let owned = |(word, text): (&str, &str)| (word.to_owned(), text.to_owned());
        let mut statuses: Vec<_> = STATUSES.into_iter().map(owned).collect();
        if !self.status.is_empty() && !statuses.iter().any(|(word, _)| *word == self.status) {
            statuses.push((self.status.clone(), self.status.clone()));
        }
        statuses
    }
}

pub(in crate::dashboard) async fn show(visit: &Visit<'_>) -> Result<Reply, Fault> {
    let context = &visit.context;
    let record = context.record().await?;
    let form = visit.query()?;
    let mut parameters = context.parameters()?.without_empty();
    let listing = format!("the page of calls of {} {}", record.id, kept(&form));
    let cursors = Cursors::of(context, listing).await?;
    let mut query = CallQuery::new(Subject::Token(record.id));
    query.limit = AT_ONCE + 1;
    if let Err(fault) = filter(&mut parameters, context, &mut query) {
        if fault.status() != 400 {
            return Err(fault);
        }
        let read =
            Read { mistake: Some(fault.detail().to_owned()), calls: Some(Vec::new()), ..Read::default() };
        return Ok(answer(visit, &record, &form, 422, read));
    }
    if form.text("format") == "ndjson" {
        let file = format!("attachment; filename=\"calls-{}.ndjson\"", record.id);
        let reply = lines(context, query, None).await?;
        return Ok(guarded(reply.header("content-disposition", file), Keeping::Never));
    }
    let begin: Option<Begin> = form.some("cursor").map(|cursor| cursors.read(cursor)).transpose()?;
    query.before = begin.map(|begin| begin.before);
    let read = match context.tokens.recent_calls(&query).await {
        Ok(mut recent) => {
            let has_more = recent.calls.len() > AT_ONCE as usize;
            recent.calls.truncate(AT_ONCE as usize);
            let last = recent.calls.last().filter(|_| has_more);
            let next = last.map(|call| cursors.write(&Begin { before: call.id }));
            let as_of = Some(Time::of(recent.as_of, context.now()));
            Read { calls: Some(recent.calls), next, as_of, mistake: None }
        }
        Err(error) => {
            tracing::warn!(%error, "the calls of a token cannot be read");
            Read::default()
        }
    };
    Ok(answer(visit, &record, &form, 200, read))
}

/// What was read; nothing where it cannot be.
#[derive(Default)]
struct Read {
    calls: Option<Vec<RecordedCall>>,
    next: Option<String>,
    as_of: Option<Time>,
    mistake: Option<String>,
}

fn answer(visit: &Visit<'_>, record: &TokenRecord, form: &Form, status: u16, read: Read) -> Reply {
    let context = &visit.context;
    let asked = Asked::of(form);
    let kept = kept(form);
    let calls = read.calls.as_deref().unwrap_or_default();
    let tells_addresses = context.permissions.view_addresses;
    let known = calls.iter().filter(|call| !call.route.is_empty()).map(|call| call.route.clone());
    let page = CallsPage {
        frame: visit.frame("Recent calls", Place::Tokens),
        id: record.id.to_string(),
        name: visible(&record.name).into_owned(),
        statuses: asked.statuses(),
        methods: METHODS,
        known: known.collect(),
        is_usage_known: read.calls.is_some(),
        calls: calls.iter().map(|call| CallRow::of(call, tells_addresses, context.now())).collect(),
        tail: None,
        is_first: form.some("cursor").is_none(),
        next: read.next.map(|cursor| format!("?{kept}cursor={cursor}")),
        as_of: read.as_of,
        mistake: read.mistake,
        asked,
        kept,
    };
    visit.page(status, &page)
}

/// The filters as the beginning of a query: empty, or with an `&` at its end.
fn kept(form: &Form) -> String {
    let said = FILTERS.into_iter().filter_map(|name| Some((name, form.some(name)?)));
    said.map(|(name, value)| format!("{name}={}&", utf8_percent_encode(value, NON_ALPHANUMERIC))).collect()
}
