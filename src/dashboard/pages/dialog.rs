//! What the dialogs about one token have in common: which token and which version of it, what was
//! wrong with the form, and who came first.

use askama::Template;
use chrono::{DateTime, Utc};

use crate::admin::fault::Fault;
use crate::dashboard::form::Form;
use crate::dashboard::frame::{Frame, Place};
use crate::dashboard::show::{Time, visible};
use crate::dashboard::visit::Visit;
use crate::history::Action;
use crate::web::Reply;
use crate::{HistoryQuery, Invalid, Status, TokenRecord};

/// The token that a dialog is about.
pub(super) struct Target {
    pub(super) id: String,
    pub(super) name: String,
    /// The version that a person looked at, when deciding.
    pub(super) version: u64,
    pub(super) status: Status,
    pub(super) expires_at: Option<Time>,
    pub(super) paused_until: Option<Time>,
}

impl Target {
    pub(super) fn of(record: &TokenRecord, now: DateTime<Utc>) -> Target {
        let shown = |time: Option<DateTime<Utc>>| time.map(|time| Time::of(time, now));
        Target {
            id: record.id.to_string(),
            name: record.name.clone(),
            version: record.version,
            status: record.status(now),
            expires_at: shown(record.expires_at),
            paused_until: shown(record.paused_until),
        }
    }

    pub(super) fn is(&self, status: Status) -> bool {
        self.status == status
    }
}

/// The version that a form was made for.
pub(super) fn version(form: &Form) -> Result<u64, Fault> {
    form.text("version").parse().map_err(|_| {
        Fault::malformed("The form does not say which version of the token it is for. Open it again.")
    })
}

/// What is wrong with a form, each with the id of its field.
#[derive(Default)]
pub(super) struct Mistakes(Vec<Mistake>);

pub(super) struct Mistake {
    pub(super) field: &'static str,
    pub(super) text: String,
}

impl Mistakes {
    pub(super) fn add(&mut self, field: &'static str, text: impl Into<String>) {
        self.0.push(Mistake { field, text: text.into() });
    }

    /// What the core says against it: `fields` tells which field of the form each is about.
    pub(super) fn add_all(&mut self, invalid: Invalid, fields: &[(&str, &'static str)]) {
        for error in invalid.errors {
            let known = fields.iter().find(|(pointer, _)| error.pointer == *pointer);
            let field = known.or(fields.first()).map_or("main", |(_, field)| field);
            self.add(field, sentence(&error.detail));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn all(&self) -> &[Mistake] {
        &self.0
    }

    /// What is wrong with one field.
    pub(super) fn of(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|mistake| mistake.field == field).map(|mistake| mistake.text.as_str())
    }
}

/// What the core says in a few words, as a sentence.
pub(super) fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}

/// Somebody who changed the token while a form about it was open.
pub(super) struct Changed {
    /// Who, what and when, where history may be looked at.
    pub(super) by: Option<(String, &'static str, Time)>,
}

/// Who changed the token last.
pub(super) async fn changed(visit: &Visit<'_>, record: &TokenRecord) -> Changed {
    let now = visit.context.now();
    let entry = last_entry(visit, record, Vec::new()).await;
    let by = entry.map(|entry| {
        let who = visible(entry.draft.actor().unwrap_or("somebody")).into_owned();
        (who, done(entry.draft.action), Time::of(entry.draft.at, now))
    });
    Changed { by }
}

/// The newest entry of a token's history, of these actions or of any. None where somebody may not
/// look at history, or it cannot be read: a dialog works without.
pub(super) async fn last_entry(
    visit: &Visit<'_>,
    record: &TokenRecord,
    actions: Vec<Action>,
) -> Option<crate::HistoryEntry> {
    if !visit.context.permissions.view_history {
        return None;
    }
    let mut query = HistoryQuery::new(visit.context.actor.tenants()).token(record.id);
    (query.actions, query.limit) = (actions, 1);
    match visit.context.tokens.history(&query).await {
        Ok(entries) => entries.into_iter().next(),
        Err(error) => {
            tracing::warn!(%error, "the history of a token cannot be read");
            None
        }
    }
}

/// What somebody did to a token, as history tells it.
pub(super) const fn done(action: Action) -> &'static str {
    match action {
        Action::Issued => "created it",
        Action::Updated => "changed it",
        Action::Rotated => "rotated its secret",
        Action::Paused => "paused it",
        Action::Resumed => "resumed it",
        Action::Revoked => "revoked it",
        Action::Purged => "deleted it",
    }
}

#[derive(Template)]
#[template(path = "changed_page.html")]
struct ChangedPage<'a> {
    frame: Frame<'a>,
    target: Target,
    changed: Option<Changed>,
}

/// Where there is no form to be shown again: somebody came first.
pub(super) async fn changed_page(visit: &Visit<'_>, record: &TokenRecord) -> Result<Reply, Fault> {
    let page = ChangedPage {
        frame: visit.frame("Somebody else changed it first", Place::Tokens),
        target: Target::of(record, visit.context.now()),
        changed: Some(changed(visit, record).await),
    };
    Ok(visit.page(409, &page))
}
