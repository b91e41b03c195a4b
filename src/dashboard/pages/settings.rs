//! A token's settings, changed in place: what would change and what would break is told first.

mod conflict;
mod effect;

use askama::Template;

use self::conflict::Conflict;
use self::effect::Effect;
use super::{dialog, revoked};
use crate::admin::fault::Fault;
use crate::dashboard::flash::Flash;
use crate::dashboard::form::Form;
use crate::dashboard::frame::{Frame, Place};
use crate::dashboard::token_form::{FormView, Mistake, TokenForm, all_read, told};
use crate::dashboard::visit::Visit;
use crate::web::Reply;
use crate::{Error, Status, TokenRecord};

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage<'a> {
    frame: Frame<'a>,
    id: String,
    name: String,
    version: u64,
    is_expired: bool,
    form: FormView,
    effect: Effect,
    /// Whether saving was asked for, and the effect is shown before it is done.
    holds_back: bool,
    conflict: Option<Conflict>,
}

pub(in crate::dashboard) async fn form(visit: &Visit<'_>) -> Result<Reply, Fault> {
    let record = visit.context.record().await?;
    if record.revoked_at.is_some() {
        return Ok(revoked::page(visit, 200, &record).await);
    }
    let mut typed = TokenForm::of_record(&record);
    let notices = prefill(visit, &visit.query()?, &mut typed);
    let mut shown = Shown::of(typed);
    shown.notices = notices;
    shown.effect = would_be(visit, &record, &shown.typed).await;
    Ok(shown.answer(visit, 200, &record))
}

pub(in crate::dashboard) async fn save(visit: &Visit<'_>) -> Result<Reply, Fault> {
    let record = visit.context.record().await?;
    let sent = visit.form()?;
    let version = dialog::version(&sent)?;
    if record.revoked_at.is_some() {
        return Ok(revoked::page(visit, 409, &record).await);
    }
    let (tokens, actor) = (visit.context.tokens, &visit.context.actor);
    let mut shown = Shown::of(TokenForm::read(&sent));
    if version != record.version {
        return Ok(shown.in_conflict(visit, &record).await);
    }
    if let Some(wanted) = sent.some("all_read") {
        shown.typed.scopes.extend(all_read(tokens, actor, wanted));
        shown.effect = would_be(visit, &record, &shown.typed).await;
        return Ok(shown.answer(visit, 200, &record));
    }
    let asks = sent.has("check");
    let (update, unread) = shown.typed.update(&record);
    let change = || {
        let change = tokens.update(&record.id, update.clone()).if_version(version);
        change.because(&shown.typed.reason)
    };
    let (changed, checked) = match change().preview(actor).await {
        Ok(changed) => (Some(changed), Ok(())),
        // Somebody came between the two looks.
        Err(Error::Conflict) => return again_in_conflict(visit, shown).await,
        Err(error) => (None, Err(error)),
    };
    if let Some((status, mistakes)) = told(unread, checked)? {
        shown.mistakes = mistakes;
        // A question is answered whatever is wrong.
        return Ok(shown.answer(visit, if asks { 200 } else { status }, &record));
    }
    let changed = changed.unwrap_or_else(|| record.clone());
    let effect = Effect::of(visit, &record, &changed, &shown.typed).await;
    let was_seen = sent.text("reviewed") == effect.mark;
    shown.holds_back = !asks && effect.breaks() && !was_seen;
    if asks || shown.holds_back {
        shown.effect = effect;
        return Ok(shown.answer(visit, 200, &record));
    }
    let address = format!("t/{}", record.id);
    match change().by(actor).await {
        Ok(saved) if saved.version == record.version => {
            Ok(visit.see_other(&address, Some(Flash::NothingChanged)))
        }
        Ok(_) => Ok(visit.see_other(&address, Some(Flash::Saved))),
        Err(Error::Conflict) => again_in_conflict(visit, shown).await,
        Err(error) => Err(error.into()),
    }
}

async fn again_in_conflict(visit: &Visit<'_>, shown: Shown) -> Result<Reply, Fault> {
    let record = visit.context.record().await?;
    Ok(shown.in_conflict(visit, &record).await)
}

/// The form as it is to be shown.
struct Shown {
    typed: TokenForm,
    mistakes: Vec<Mistake>,
    notices: Vec<String>,
    effect: Effect,
    holds_back: bool,
    conflict: Option<Conflict>,
}

impl Shown {
    fn of(typed: TokenForm) -> Shown {
        let (mistakes, notices, effect) = (Vec::new(), Vec::new(), Effect::none());
        Shown { typed, mistakes, notices, effect, holds_back: false, conflict: None }
    }

    /// Both versions, with the form bound to the one of now: saving again is then meant.
    async fn in_conflict(mut self, visit: &Visit<'_>, record: &TokenRecord) -> Reply {
        self.conflict = Some(Conflict::of(visit, &self.typed, record).await);
        self.effect = would_be(visit, record, &self.typed).await;
        self.answer(visit, 409, record)
    }

    fn answer(self, visit: &Visit<'_>, status: u16, record: &TokenRecord) -> Reply {
        let kept = Some((record.expires_at, record.rate_limit));
        let mut form = FormView::new(visit, self.typed, kept, self.mistakes);
        form.notices = self.notices;
        let page = SettingsPage {
            frame: visit.frame(format!("Settings of “{}”", record.name), Place::Tokens),
            id: record.id.to_string(),
            name: record.name.clone(),
            version: record.version,
            is_expired: record.status(visit.context.now()) == Status::Expired,
            form,
            effect: self.effect,
            holds_back: self.holds_back,
            conflict: self.conflict,
        };
        visit.page(status, &page)
    }
}

/// What saving the form would change and break, as far as it reads.
async fn would_be(visit: &Visit<'_>, record: &TokenRecord, typed: &TokenForm) -> Effect {
    let (update, unread) = typed.update(record);
    let preview = visit.context.tokens.update(&record.id, update).preview(&visit.context.actor);
    match preview.await {
        Ok(changed) if unread.is_empty() => Effect::of(visit, record, &changed, typed).await,
        _ => Effect::none(),
    }
}

/// What a link changes in the form: `add` and `remove` name a scope each. It saves nothing.
fn prefill(visit: &Visit<'_>, query: &Form, typed: &mut TokenForm) -> Vec<String> {
    let mut notices = Vec::new();
    for name in query.all("add").flat_map(str::split_whitespace) {
        if visit.context.tokens.may_grant(&visit.context.actor, name) && name.parse::<crate::Scope>().is_ok()
        {
            typed.scopes.insert(name.to_owned());
        } else {
            notices.push("The link adds something that you may not grant. It was left out.".to_owned());
        }
    }
    for name in query.all("remove").flat_map(str::split_whitespace) {
        typed.scopes.remove(name);
    }
    notices.dedup();
    notices
}
