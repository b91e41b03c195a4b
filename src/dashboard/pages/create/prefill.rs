//! What a link fills into the form: a use case, the settings of another token, or single fields.
//! It never sends the form.

use chrono::TimeDelta;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::PresetLink;
use crate::admin::fault::Fault;
use crate::dashboard::form::Form;
use crate::dashboard::token_form::{Span, TokenForm};
use crate::dashboard::visit::Visit;
use crate::{Preset, TokenId};

/// The form as an address fills it, and what was passed over of it.
///
/// `preset`, `like` (the id of another token), `name`, `description`, `scopes` (with spaces
/// between), `per_minute`, `expires_in` (seconds). What is more special comes last and holds.
pub(super) async fn from_address(visit: &Visit<'_>, query: &Form) -> Result<(TokenForm, Vec<String>), Fault> {
    let context = &visit.context;
    let now = context.now();
    let span = Span::of(context.tokens.policy(), &context.actor, now);
    let mut form = TokenForm::empty(span.suggested());
    let mut notices = Vec::new();
    if let Some(id) = query.some("preset") {
        match context.tokens.catalog().presets().find(|preset| preset.id == id) {
            Some(preset) => form.take_preset(preset, now),
            None => notices.push("There is no such use case here. Start with another one.".to_owned()),
        }
    }
    if let Some(id) = query.some("like") {
        let found = match id.parse::<TokenId>() {
            Ok(id) => context.tokens.find(&id).await?,
            Err(_) => None,
        };
        match found.filter(|record| context.actor.reaches(record).is_ok()) {
            Some(record) => form = TokenForm::like(&record, now),
            None => notices.push("The token to be copied is not here any more.".to_owned()),
        }
    }
    let texts = [
        ("name", &mut form.name),
        ("description", &mut form.description),
        ("per_minute", &mut form.per_minute),
    ];
    for (parameter, field) in texts {
        if let Some(text) = query.some(parameter) {
            *field = text.to_owned();
        }
    }
    if let Some(names) = query.raw("scopes") {
        form.scopes = names.split_whitespace().map(str::to_owned).collect();
    }
    if let Some(text) = query.some("expires_in") {
        match text.parse().ok().filter(|seconds| *seconds > 0).and_then(TimeDelta::try_seconds) {
            Some(time) => form.end_in(time, now),
            None => {
                notices.push("The link names no number of seconds to live. Choose until when.".to_owned())
            }
        }
    }
    notices.extend(leave_out(visit, &mut form));
    Ok((form, notices))
}

/// Leaves out what is not there to be granted, or not by this actor, and says so.
fn leave_out(visit: &Visit<'_>, form: &mut TokenForm) -> Vec<String> {
    let tokens = visit.context.tokens;
    let built_in = crate::Catalog::built_in();
    let is_known = |name: &String| {
        tokens.catalog().declarations().chain(&built_in).any(|declaration| declaration.scope == *name)
    };
    let scopes = std::mem::take(&mut form.scopes);
    let (known, unknown): (Vec<_>, Vec<_>) = scopes.into_iter().partition(is_known);
    let (granted, beyond): (Vec<_>, Vec<_>) =
        known.into_iter().partition(|name| tokens.may_grant(&visit.context.actor, name));
    form.scopes = granted.into_iter().collect();
    let mut notices = Vec::new();
    if !unknown.is_empty() {
        notices.push(format!("Left out, since this service does not have it: {}.", shortened(&unknown)));
    }
    if !beyond.is_empty() {
        notices.push(format!("Left out, since you do not hold it yourself: {}.", shortened(&beyond)));
    }
    notices
}

/// At most ten names, of which none is long.
fn shortened(names: &[String]) -> String {
    let shown = names.iter().take(10).map(|name| name.chars().take(64).collect::<String>());
    let rest = if names.len() > 10 { " and others" } else { "" };
    format!("{}{rest}", shown.collect::<Vec<_>>().join(", "))
}

/// The use cases of the catalogue, as links.
pub(super) fn presets(visit: &Visit<'_>, chosen: &str) -> Vec<PresetLink> {
    let link = |preset: &Preset| PresetLink {
        id: utf8_percent_encode(&preset.id, NON_ALPHANUMERIC).to_string(),
        title: preset.title.clone(),
        description: preset.description.clone(),
        is_chosen: preset.id == chosen,
        against: against(visit, preset),
    };
    visit.context.tokens.catalog().presets().map(link).collect()
}

fn against(visit: &Visit<'_>, preset: &Preset) -> Option<String> {
    let is_beyond = |scope: &&String| !visit.context.tokens.may_grant(&visit.context.actor, scope);
    let beyond: Vec<_> = preset.scopes.iter().filter(is_beyond).cloned().collect();
    (!beyond.is_empty()).then(|| format!("You do not hold {} yourself.", shortened(&beyond)))
}
