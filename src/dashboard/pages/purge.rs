//! Deleting a token that is revoked or expired.

use askama::Template;

use super::dialog::{self, Changed, Target};
use crate::admin::fault::Fault;
use crate::dashboard::flash::Flash;
use crate::dashboard::frame::{Frame, Place};
use crate::dashboard::show::{self, Time};
use crate::dashboard::visit::Visit;
use crate::history::Action;
use crate::web::Reply;
use crate::{Error, HistoryQuery, Status, TokenRecord};

#[derive(Template)]
#[template(path = "purge.html")]
struct PurgePage<'a> {
    frame: Frame<'a>,
    target: Target,
    /// Whether it can be deleted: not while it may work, now or again.
    is_dead: bool,
    /// When somebody last tried it: whoever that is gets another answer afterwards.
    last_seen: Option<Time>,
    /// Its calls in all; none where they cannot be read.
    calls: Option<String>,
    changed: Option<Changed>,
}

pub(in crate::dashboard) async fn form(visit: &Visit<'_>) -> Result<Reply, Fault> {
    let record = visit.context.record().await?;
    Ok(visit.page(200, &page(visit, &record).await))
}

pub(in crate::dashboard) async fn purge(visit: &Visit<'_>) -> Result<Reply, Fault> {
    let done = || visit.see_other("", Some(Flash::Purged));
    let record = match visit.context.record().await {
        Ok(record) => record,
        // The same form again, or somebody else's: it is as was wished.
        Err(_) if was_purged(visit).await? => return Ok(done()),
        Err(fault) => return Err(fault),
    };
    let version = dialog::version(&visit.form()?)?;
    let purge = visit.context.tokens.purge(&record.id).if_version(version);
    let is_changed = match purge.by(&visit.context.actor).await {
        Ok(_) => return Ok(done()),
        Err(Error::StillValid) => false,
        Err(Error::Conflict) => true,
        Err(error) => return Err(error.into()),
    };
    let record = visit.context.record().await?;
    let mut page = page(visit, &record).await;
    if is_changed {
        page.changed = Some(dialog::changed(visit, &record).await);
    }
    Ok(visit.page(409, &page))
}

/// Whether the token of the path was there, and is deleted.
async fn was_purged(visit: &Visit<'_>) -> Result<bool, Fault> {
    let id = visit.context.token_id()?;
    let mut query = HistoryQuery::new(visit.context.actor.tenants()).token(id);
    (query.actions, query.limit) = (vec![Action::Purged], 1);
    Ok(!visit.context.tokens.history(&query).await?.is_empty())
}

async fn page<'v>(visit: &'v Visit<'_>, record: &TokenRecord) -> PurgePage<'v> {
    let now = visit.context.now();
    let usage = visit.context.usage_if_there(record.id).await;
    PurgePage {
        frame: visit.frame(format!("Delete “{}”?", record.name), Place::Tokens),
        target: Target::of(record, now),
        is_dead: matches!(record.status(now), Status::Revoked | Status::Expired),
        last_seen: usage.as_ref().and_then(|usage| usage.last_seen_at).map(|seen| Time::of(seen, now)),
        calls: usage.map(|usage| show::number(usage.total())),
        changed: None,
    }
}
