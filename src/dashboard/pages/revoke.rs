//! Stopping a token for good. The more it is used, the more is asked before.

use askama::Template;

use super::consequences::Consequences;
use super::dialog::{self, Changed, Mistakes, Target};
use super::revoked;
use crate::admin::changes::{because, compromised};
use crate::admin::fault::Fault;
use crate::dashboard::flash::Flash;
use crate::dashboard::form::Form;
use crate::dashboard::frame::{Frame, Place};
use crate::dashboard::visit::Visit;
use crate::tokens::Intent;
use crate::web::Reply;
use crate::{Error, Status, TokenRecord};

#[derive(Template)]
#[template(path = "revoke.html")]
struct RevokePage<'a> {
    frame: Frame<'a>,
    target: Target,
    consequences: Option<Consequences>,
    /// Whether the name is to be typed.
    asks_name: bool,
    /// Whether pausing it first is open, and of use.
    may_watch: bool,
    typed: Typed,
    mistakes: Mistakes,
    changed: Option<Changed>,
}

/// What stands in the form.
#[derive(Default)]
struct Typed {
    name: String,
    reason: String,
    is_leaked: bool,
}

impl Typed {
    fn of(form: &Form) -> Typed {
        Typed {
            name: form.text("name").to_owned(),
            reason: form.text("reason").to_owned(),
            is_leaked: form.has("leaked"),
        }
    }

    /// Why, as history keeps it.
    fn because(&self) -> Option<String> {
        let reason = Some(self.reason.clone()).filter(|reason| !reason.is_empty());
        if self.is_leaked { Some(compromised(reason)) } else { reason }
    }
}

pub(in crate::dashboard) async fn form(visit: &Visit<'_>) -> Result<Reply, Fault> {
    let record = visit.context.record().await?;
    if record.revoked_at.is_some() {
        return Ok(revoked::page(visit, 200, &record).await);
    }
    let consequences = Consequences::of(visit, &record, &Intent::Revoke).await;
    let page = page(visit, &record, consequences);
    Ok(visit.page(200, &page))
}

pub(in crate::dashboard) async fn revoke(visit: &Visit<'_>) -> Result<Reply, Fault> {
    let record = visit.context.record().await?;
    let form = visit.form()?;
    let version = dialog::version(&form)?;
    let typed = Typed::of(&form);
    let done = || visit.see_other(&format!("t/{}", record.id), Some(Flash::Revoked));
    // The same form again, or somebody else's: it is as was wished.
    if record.revoked_at.is_some() {
        return Ok(done());
    }
    let consequences = Consequences::of(visit, &record, &Intent::Revoke).await;
    let mut page = page(visit, &record, consequences);
    let reason = typed.because();
    if page.asks_name && !typed.is_leaked && !is_same_name(&typed.name, &record.name) {
        let text = match typed.name.is_empty() {
            true => "Type the name of the token, or tick that it was leaked.",
            false => "This is not the name of the token: capitals count.",
        };
        page.mistakes.add("revoke-name", text);
    }
    page.typed = typed;
    let change = || because(visit.context.tokens.revoke(&record.id), &reason);
    if let Err(Error::Invalid(invalid)) = change().preview(&visit.context.actor).await {
        page.mistakes.add_all(invalid, &[("/reason", "revoke-reason")]);
    }
    if !page.mistakes.is_empty() {
        return Ok(visit.page(422, &page));
    }
    // A leaked token is dead whatever else was changed about it.
    let change = if page.typed.is_leaked { change() } else { change().if_version(version) };
    match change.by(&visit.context.actor).await {
        Ok(_) => Ok(done()),
        Err(Error::Conflict) => {
            let current = visit.context.record().await?;
            if current.revoked_at.is_some() {
                return Ok(done());
            }
            page.target = Target::of(&current, visit.context.now());
            page.changed = Some(dialog::changed(visit, &current).await);
            Ok(visit.page(409, &page))
        }
        Err(error) => Err(error.into()),
    }
}

fn page<'v>(
    visit: &'v Visit<'_>,
    record: &TokenRecord,
    consequences: Option<Consequences>,
) -> RevokePage<'v> {
    let target = Target::of(record, visit.context.now());
    RevokePage {
        frame: visit.frame(format!("Revoke “{}”?", record.name), Place::Tokens),
        // Where nobody knows how it is used, it may be used.
        asks_name: consequences.as_ref().is_none_or(|told| told.is_used),
        may_watch: visit.context.permissions.pause && target.is(Status::Active),
        consequences,
        target,
        typed: Typed::default(),
        mistakes: Mistakes::default(),
        changed: None,
    }
}

/// Whether a name is typed as a page shows it: there, spaces are drawn together.
fn is_same_name(typed: &str, name: &str) -> bool {
    typed.split_whitespace().eq(name.split_whitespace())
}
