//! Stopping a token for a while.

use askama::Template;
use chrono::TimeDelta;

use super::consequences::Consequences;
use super::dialog::{self, Changed, Mistakes, Target};
use super::revoked;
use crate::admin::changes::because;
use crate::admin::fault::Fault;
use crate::dashboard::flash::Flash;
use crate::dashboard::frame::{Frame, Place};
use crate::dashboard::visit::Visit;
use crate::tokens::Intent;
use crate::web::Reply;
use crate::{Error, Status, TokenRecord};

#[derive(Template)]
#[template(path = "pause.html")]
struct PausePage<'a> {
    frame: Frame<'a>,
    target: Target,
    consequences: Option<Consequences>,
    lengths: [Length; 3],
    length: String,
    reason: String,
    mistakes: Mistakes,
    changed: Option<Changed>,
}

/// For how long, in seconds; until somebody resumes it where none is said.
struct Length {
    seconds: &'static str,
    text: &'static str,
}

const LENGTHS: [Length; 3] = [
    Length { seconds: "600", text: "10 minutes, then it resumes by itself" },
    Length { seconds: "3600", text: "1 hour, then it resumes by itself" },
    Length { seconds: "", text: "Until somebody resumes it" },
];

pub(in crate::dashboard) async fn form(visit: &Visit<'_>) -> Result<Reply, Fault> {
    let record = visit.context.record().await?;
    if record.revoked_at.is_some() {
        return Ok(revoked::page(visit, 200, &record).await);
    }
    Ok(visit.page(200, &page(visit, &record).await))
}

pub(in crate::dashboard) async fn pause(visit: &Visit<'_>) -> Result<Reply, Fault> {
    let record = visit.context.record().await?;
    let form = visit.form()?;
    let version = dialog::version(&form)?;
    if record.revoked_at.is_some() {
        return Ok(revoked::page(visit, 409, &record).await);
    }
    let reason = form.some("reason").map(str::to_owned);
    let length = form.raw("for").map(str::trim);
    let length = length.filter(|length| LENGTHS.iter().any(|known| known.seconds == *length));
    let change = || {
        let change = because(visit.context.tokens.pause(&record.id), &reason);
        match length.and_then(|length| length.parse().ok()) {
            Some(seconds) => change.lasting(TimeDelta::seconds(seconds)),
            None => change,
        }
    };
    let mut mistakes = Mistakes::default();
    if length.is_none() {
        mistakes.add("pause-for-600", "Choose for how long it is paused.");
    }
    if let Err(Error::Invalid(invalid)) = change().preview(&visit.context.actor).await {
        mistakes.add_all(invalid, &[("/reason", "pause-reason"), ("/resume_at", "pause-for-600")]);
    }
    let with_form = async |record: &TokenRecord, mistakes| {
        let page = page(visit, record).await;
        let length = length.map_or(page.length, str::to_owned);
        PausePage { mistakes, length, reason: reason.clone().unwrap_or_default(), ..page }
    };
    if !mistakes.is_empty() {
        return Ok(visit.page(422, &with_form(&record, mistakes).await));
    }
    let done = || visit.see_other(&format!("t/{}", record.id), Some(Flash::Paused));
    match change().if_version(version).by(&visit.context.actor).await {
        Ok(_) => Ok(done()),
        Err(Error::Conflict) => {
            let current = visit.context.record().await?;
            // The same form again, or somebody else's: it is as was wished.
            if current.status(visit.context.now()) == Status::Paused {
                return Ok(done());
            }
            let mut page = with_form(&current, Mistakes::default()).await;
            page.changed = Some(dialog::changed(visit, &current).await);
            Ok(visit.page(409, &page))
        }
        Err(error) => Err(error.into()),
    }
}

/// Resumes a token. It has no form of its own: the page of the token has the button.
pub(in crate::dashboard) async fn resume(visit: &Visit<'_>) -> Result<Reply, Fault> {
    let record = visit.context.record().await?;
    let form = visit.form()?;
    if record.revoked_at.is_some() {
        return Ok(revoked::page(visit, 409, &record).await);
    }
    let reason = form.some("reason").map(str::to_owned);
    let mut change = because(visit.context.tokens.resume(&record.id), &reason);
    if form.has("version") {
        // Somebody may have paused it again meanwhile, and for another reason.
        change = change.if_version(dialog::version(&form)?);
    }
    let done = || visit.see_other(&format!("t/{}", record.id), Some(Flash::Resumed));
    match change.by(&visit.context.actor).await {
        Ok(_) => Ok(done()),
        Err(Error::Conflict) => {
            let current = visit.context.record().await?;
            if current.status(visit.context.now()) != Status::Paused {
                return Ok(done());
            }
            dialog::changed_page(visit, &current).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn page<'v>(visit: &'v Visit<'_>, record: &TokenRecord) -> PausePage<'v> {
    PausePage {
        frame: visit.frame(format!("Pause “{}”?", record.name), Place::Tokens),
        target: Target::of(record, visit.context.now()),
        consequences: Consequences::of(visit, record, &Intent::Pause).await,
        lengths: LENGTHS,
        length: "600".to_owned(),
        reason: String::new(),
        mistakes: Mistakes::default(),
        changed: None,
    }
}
