//! Instead of a dialog about a token that is revoked: when, by whom, why, and what to do now.

use askama::Template;

use super::dialog;
use crate::TokenRecord;
use crate::dashboard::frame::{Frame, Place};
use crate::dashboard::show::{Time, visible};
use crate::dashboard::visit::Visit;
use crate::history::Action;
use crate::web::Reply;

#[derive(Template)]
#[template(path = "revoked.html")]
struct RevokedPage<'a> {
    frame: Frame<'a>,
    id: String,
    name: &'a str,
    at: Option<Time>,
    by: Option<String>,
    because: Option<String>,
    may_create: bool,
    may_purge: bool,
}

pub(super) async fn page(visit: &Visit<'_>, status: u16, record: &TokenRecord) -> Reply {
    let now = visit.context.now();
    let permissions = visit.context.permissions;
    let shown = |text: &str| visible(text).into_owned();
    let entry = dialog::last_entry(visit, record, vec![Action::Revoked]).await;
    let page = RevokedPage {
        frame: visit.frame(format!("“{}” is revoked", record.name), Place::Tokens),
        id: record.id.to_string(),
        name: &record.name,
        at: record.revoked_at.map(|time| Time::of(time, now)),
        by: entry.and_then(|entry| entry.draft.actor().map(shown)),
        because: record.revoked_because.as_deref().map(shown),
        may_create: permissions.create,
        may_purge: permissions.revoke,
    };
    visit.page(status, &page)
}
