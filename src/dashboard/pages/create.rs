//! Creating a token: the form, what it could do in words, and the secret that comes of it.

mod prefill;

use askama::Template;

use super::reveal::{self, Revealed, What};
use crate::admin::fault::Fault;
use crate::dashboard::form::Form;
use crate::dashboard::frame::{Frame, Place};
use crate::dashboard::show::Time;
use crate::dashboard::token_form::{FormView, TokenForm, all_read, told};
use crate::dashboard::visit::Visit;
use crate::web::Reply;
use crate::{Error, TokenId};

#[derive(Template)]
#[template(path = "create.html")]
struct CreatePage<'a> {
    frame: Frame<'a>,
    form: FormView,
    presets: Vec<PresetLink>,
    chosen_preset: String,
    starts_empty: bool,
    key: String,
}

/// A use case that fills in the form.
struct PresetLink {
    /// As it stands in an address.
    id: String,
    title: String,
    description: String,
    is_chosen: bool,
    /// Why it cannot be chosen.
    against: Option<String>,
}

#[derive(Template)]
#[template(path = "already_created.html")]
struct AlreadyCreatedPage<'a> {
    frame: Frame<'a>,
    id: String,
    name: String,
    created: Time,
}

const HEADING: &str = "Create a token";

pub(in crate::dashboard) async fn form(visit: &Visit<'_>) -> Result<Reply, Fault> {
    let query = visit.query()?;
    let (typed, notices) = prefill::from_address(visit, &query).await?;
    let mut view = FormView::new(visit, typed, None, Vec::new());
    view.notices = notices;
    shown(visit, 200, view, query.text("preset"), visit.context.tokens.fresh_key()?)
}

pub(in crate::dashboard) async fn create(visit: &Visit<'_>) -> Result<Reply, Fault> {
    let sent = visit.form()?;
    let (tokens, actor) = (visit.context.tokens, &visit.context.actor);
    let mut typed = TokenForm::read(&sent);
    // The same key for as long as the form goes back and forth: it makes one token.
    let key = match sent_key(&sent) {
        Some(key) => key,
        None => visit.context.tokens.fresh_key()?,
    };
    let again = |status, typed, mistakes| {
        let view = FormView::new(visit, typed, None, mistakes);
        shown(visit, status, view, sent.text("preset"), key.clone())
    };
    if let Some(wanted) = sent.some("all_read") {
        typed.scopes.extend(all_read(tokens, actor, wanted));
        return again(200, typed, Vec::new());
    }
    let (asked, unread) = typed.new_token(actor);
    let issue = tokens.issue(asked).because(&typed.reason);
    let wrong = told(unread, issue.check(actor))?;
    if sent.has("check") {
        // A question, which is answered whatever is wrong.
        return again(200, typed, wrong.map(|(_, mistakes)| mistakes).unwrap_or_default());
    }
    if let Some((status, mistakes)) = wrong {
        return again(status, typed, mistakes);
    }
    match issue.idempotency_key(&key).by(actor).await {
        Ok(issued) => {
            let (record, secret) = (&issued.record, &issued.secret);
            let what = What::Created;
            Ok(reveal::page(visit, &Revealed { record, secret, what, grace_until: None }))
        }
        Err(Error::AlreadyDone { id }) => already_created(visit, id).await,
        Err(error) => Err(error.into()),
    }
}

/// The form was sent before: by a double click, or by loading its answer again.
async fn already_created(visit: &Visit<'_>, id: TokenId) -> Result<Reply, Fault> {
    let record = visit.context.tokens.find(&id).await?.ok_or_else(Fault::no_such_token)?;
    let page = AlreadyCreatedPage {
        frame: visit.frame("This token is already created", Place::Tokens),
        id: id.to_string(),
        created: Time::of(record.created_at, visit.context.now()),
        name: record.name,
    };
    Ok(visit.page(409, &page))
}

fn shown(visit: &Visit<'_>, status: u16, form: FormView, preset: &str, key: String) -> Result<Reply, Fault> {
    let presets = prefill::presets(visit, preset);
    let chosen = presets.iter().find(|preset| preset.is_chosen);
    let chosen_preset = chosen.map_or(String::new(), |_| preset.to_owned());
    let starts_empty = chosen.is_none() && form.typed.scopes.is_empty();
    let frame = visit.frame(HEADING, Place::Tokens);
    let page = CreatePage { frame, form, presets, chosen_preset, starts_empty, key };
    Ok(visit.page(status, &page))
}

/// The key of a form that was sent, if it is one of ours.
fn sent_key(sent: &Form) -> Option<String> {
    let key = sent.some("key")?;
    (key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| key.to_owned())
}
