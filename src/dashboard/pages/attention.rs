//! What deserves attention, each with its reason and its remedy.

use askama::Template;

use crate::admin::fault::Fault;
use crate::dashboard::attentive::MOST;
use crate::dashboard::frame::{Frame, Place};
use crate::dashboard::reasons::Reason;
use crate::dashboard::show::{Time, visible};
use crate::dashboard::tabs::{Tab, tabs_of_attention};
use crate::dashboard::visit::Visit;
use crate::web::Reply;
use crate::{Finding, Status, TokenRecord};

#[derive(Template)]
#[template(path = "attention.html")]
struct AttentionPage<'a> {
    frame: Frame<'a>,
    tabs: Vec<Tab>,
    tokens: Vec<Noted>,
    /// Whether there may be more than were looked at.
    more: bool,
    as_of: Time,
}

/// A token that deserves attention.
struct Noted {
    id: String,
    name: String,
    start: String,
    last4: String,
    status: Status,
    reasons: Vec<Reason>,
}

pub(in crate::dashboard) async fn show(visit: &Visit<'_>) -> Result<Reply, Fault> {
    let context = &visit.context;
    let found = context.tokens.findings(&context.actor.tenants(), MOST).await;
    let found = found.map_err(Fault::usage_unavailable)?;
    let now = context.now();
    let frame = visit.frame("Needs attention", Place::Tokens);
    let noted = |(record, findings): &(TokenRecord, Vec<Finding>)| Noted {
        id: record.id.to_string(),
        name: visible(&record.name).into_owned(),
        start: record.secret.start.clone(),
        last4: record.secret.last4.clone(),
        status: record.status(now),
        reasons: findings.iter().map(|finding| Reason::of(finding, &frame)).collect(),
    };
    let tokens: Vec<_> = found.tokens.iter().map(noted).collect();
    let count = visit.dashboard.attentive.counted(context, &found);
    let tabs = tabs_of_attention(&frame, count);
    let as_of = Time::of(found.as_of, now);
    let page = AttentionPage { frame, tabs, tokens, more: found.more, as_of };
    Ok(visit.page(200, &page))
}
