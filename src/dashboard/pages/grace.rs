//! The old secret of a rotation, while its grace period lasts: prolonged or ended, by buttons on the
//! page of the token.

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};

use super::dialog;
use super::revoked;
use crate::admin::fault::Fault;
use crate::admin::fields::moment;
use crate::dashboard::flash::Flash;
use crate::dashboard::form::Form;
use crate::dashboard::frame::{Frame, Place};
use crate::dashboard::visit::Visit;
use crate::tokens::ChangeToken;
use crate::web::Reply;
use crate::{Error, TokenRecord};

#[derive(Template)]
#[template(path = "grace.html")]
struct GracePage<'a> {
    frame: Frame<'a>,
    id: String,
    name: &'a str,
    why: String,
}

/// So many hours more, unless the form says otherwise.
const DAY: u32 = 24;

/// Lets the old secret work until a moment (`until`), or for some hours longer (`hours`), which the
/// token's own end cuts short.
pub(in crate::dashboard) async fn extend(visit: &Visit<'_>) -> Result<Reply, Fault> {
    let record = visit.context.record().await?;
    let form = visit.form()?;
    let Some(until) = until(&form, &record, visit.context.now()) else {
        return Ok(impossible(visit, 422, &record, "Say until when the old secret is to work."));
    };
    let change = visit.context.tokens.extend_grace(&record.id).until(until);
    make(visit, &form, &record, change, Flash::GraceExtended, |now| {
        now.previous_secret.as_ref().is_some_and(|previous| previous.ends_at >= until)
    })
    .await
}

/// Ends it now: the old secret is dead.
pub(in crate::dashboard) async fn end(visit: &Visit<'_>) -> Result<Reply, Fault> {
    let record = visit.context.record().await?;
    let form = visit.form()?;
    let change = visit.context.tokens.end_grace(&record.id);
    let now = visit.context.now();
    make(visit, &form, &record, change, Flash::GraceEnded, |token| {
        token.previous_secret.as_ref().is_none_or(|previous| previous.ends_at <= now)
    })
    .await
}

fn until(form: &Form, record: &TokenRecord, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if let Some(text) = form.some("until") {
        return moment(text);
    }
    let hours: u32 = form.some("hours").map_or(Ok(DAY), str::parse).ok().filter(|hours| *hours <= 720)?;
    let ends = record.previous_secret.as_ref().map_or(now, |previous| previous.ends_at.max(now));
    let later = ends + TimeDelta::hours(hours.into());
    Some(record.expires_at.into_iter().fold(later, Ord::min))
}

/// Makes the change. `is_done` tells whether the token, changed by somebody else meanwhile, is as
/// was wished: so it is after the second half of a double click.
async fn make(
    visit: &Visit<'_>,
    form: &Form,
    record: &TokenRecord,
    mut change: ChangeToken<'_>,
    flash: Flash,
    is_done: impl Fn(&TokenRecord) -> bool,
) -> Result<Reply, Fault> {
    if form.has("version") {
        change = change.if_version(dialog::version(form)?);
    }
    match change.by(&visit.context.actor).await {
        Ok(_) => Ok(visit.see_other(&format!("t/{}", record.id), Some(flash))),
        Err(Error::Conflict) => {
            let current = visit.context.record().await?;
            if is_done(&current) {
                return Ok(visit.see_other(&format!("t/{}", record.id), Some(flash)));
            }
            dialog::changed_page(visit, &current).await
        }
        Err(Error::Revoked) => Ok(revoked::page(visit, 409, record).await),
        Err(error @ Error::NoOldSecret) => Ok(impossible(visit, 409, record, Fault::from(error).detail())),
        Err(Error::Invalid(invalid)) => {
            let why: Vec<_> = invalid.errors.iter().map(|error| dialog::sentence(&error.detail)).collect();
            Ok(impossible(visit, 422, record, &why.join(" ")))
        }
        Err(error) => Err(error.into()),
    }
}

fn impossible(visit: &Visit<'_>, status: u16, record: &TokenRecord, why: &str) -> Reply {
    let page = GracePage {
        frame: visit.frame("The time of the old secret is as it was", Place::Tokens),
        id: record.id.to_string(),
        name: &record.name,
        why: why.to_owned(),
    };
    visit.page(status, &page)
}
