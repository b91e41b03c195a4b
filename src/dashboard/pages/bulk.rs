//! Several tokens at once: paused, resumed, extended or revoked.

use std::collections::HashMap;

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};

use crate::admin::fault::Fault;
use crate::admin::many::{self, Chosen, Deed, Extension, MOST, PauseEnd};
use crate::admin::token_page::usage_of;
use crate::dashboard::flash::Flash;
use crate::dashboard::form::Form;
use crate::dashboard::frame::{Frame, Place};
use crate::dashboard::show::{Time, count, number, visible};
use crate::dashboard::visit::{Visit, is_below_mount};
use crate::web::Reply;
use crate::{Error, Status, TokenId, TokenRecord};

#[derive(Template)]
#[template(path = "bulk.html")]
struct BulkPage<'a> {
    frame: Frame<'a>,
    action: Action,
    lines: Vec<Line>,
    /// How many were chosen that are not here.
    gone: usize,
    /// Calls of the last 24 hours with all of them; none where use cannot be read.
    calls: Option<String>,
    /// How many were used within seven days.
    in_use: usize,
    /// What has to be typed.
    confirm: Option<usize>,
    typed: String,
    reason: String,
    days: String,
    pause: String,
    back: String,
    errors: Vec<FieldError>,
}

#[derive(Template)]
#[template(path = "bulk_done.html")]
struct DonePage<'a> {
    frame: Frame<'a>,
    done: String,
    failed: Vec<Failed>,
    back: String,
}

impl BulkPage<'_> {
    fn has_error(&self, field: &str) -> bool {
        self.errors.iter().any(|error| error.field == field)
    }
}

/// A token that is chosen.
struct Line {
    id: String,
    version: u64,
    name: String,
    start: String,
    last4: String,
    status: Status,
    last_used: Option<Time>,
    calls: Option<String>,
    expires: Option<Time>,
    /// When it then expires; none where it stays as it is.
    then: Option<Time>,
}

struct Failed {
    id: String,
    name: String,
    why: String,
}

/// A field that needs attention.
struct FieldError {
    field: &'static str,
    text: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    Pause,
    Resume,
    Extend,
    Revoke,
}

impl Action {
    const ALL: [Action; 4] = [Action::Pause, Action::Resume, Action::Extend, Action::Revoke];

    fn word(&self) -> &'static str {
        match self {
            Action::Pause => "pause",
            Action::Resume => "resume",
            Action::Extend => "extend",
            Action::Revoke => "revoke",
        }
    }

    /// As the beginning of a sentence.
    fn verb(&self) -> &'static str {
        match self {
            Action::Pause => "Pause",
            Action::Resume => "Resume",
            Action::Extend => "Extend",
            Action::Revoke => "Revoke",
        }
    }

    fn done(&self) -> &'static str {
        match self {
            Action::Pause => "paused",
            Action::Resume => "resumed",
            Action::Extend => "extended",
            Action::Revoke => "revoked",
        }
    }

    fn is(&self, other: Action) -> bool {
        *self == other
    }

    /// The deed, were nothing more said about it.
    fn plain(self) -> Deed {
        match self {
            Action::Pause => Deed::Pause(PauseEnd::WhenResumed),
            Action::Resume => Deed::Resume,
            Action::Extend => Deed::Extend(Extension::By(TimeDelta::days(USUAL_DAYS))),
            Action::Revoke => Deed::Revoke,
        }
    }
}

const USUAL_DAYS: i64 = 90;
const LONGEST_DAYS: i64 = 3_650;
/// How many characters history keeps of a reason.
const LONGEST_REASON: usize = 500;

/// What was asked for, and the tokens that it is about.
struct Choice {
    action: Action,
    records: Vec<TokenRecord>,
    gone: usize,
}

pub(in crate::dashboard) async fn form(visit: &Visit<'_>) -> Result<Reply, Fault> {
    let form = visit.query()?;
    let Some(choice) = choice(visit, &form).await? else {
        return Ok(visit.see_other(back(&form), Some(Flash::NothingChosen)));
    };
    let deed = choice.action.plain();
    Ok(visit.page(200, &page(visit, &form, &choice, deed).await))
}

pub(in crate::dashboard) async fn act(visit: &Visit<'_>) -> Result<Reply, Fault> {
    let form = visit.form()?;
    let Some(choice) = choice(visit, &form).await? else {
        return Ok(visit.see_other(back(&form), Some(Flash::NothingChosen)));
    };
    let (deed, mut errors) = deed(choice.action, &form);
    let page = page(visit, &form, &choice, deed).await;
    if let Some(number) = page.confirm
        && form.text("confirm") != number.to_string()
    {
        let text = format!("Type {number}: so many tokens are revoked, for good.");
        errors.push(FieldError { field: "confirm", text });
    }
    if !errors.is_empty() {
        return Ok(visit.page(422, &BulkPage { errors, ..page }));
    }
    carry_out(visit, &form, &choice, deed).await
}

/// None where no token is chosen.
async fn choice(visit: &Visit<'_>, form: &Form) -> Result<Option<Choice>, Fault> {
    let context = &visit.context;
    let mut ids: Vec<&str> = form.all("id").collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Ok(None);
    }
    let word = form.text("action");
    let action = Action::ALL
        .into_iter()
        .find(|action| action.word() == word)
        .ok_or_else(|| Fault::parameter("action", "action is pause, resume, extend or revoke."))?;
    action.plain().right().check(&context.permissions)?;
    if ids.len() > MOST {
        return Err(Fault::parameter("id", format!("At most {MOST} tokens are changed at once.")));
    }
    let readable: Vec<TokenId> = ids.iter().filter_map(|id| id.parse().ok()).collect();
    let mut records = context.tokens.find_all(&readable).await?;
    records.retain(|record| context.actor.reaches(record).is_ok());
    if records.is_empty() {
        return Err(Fault::no_such_token());
    }
    let gone = ids.len() - records.len();
    Ok(Some(Choice { action, records, gone }))
}

/// The dialog: what is about to happen, and to which tokens.
async fn page<'a>(visit: &'a Visit<'_>, form: &Form, choice: &Choice, deed: Deed) -> BulkPage<'a> {
    let now = visit.context.now();
    let usage = match usage_of(&visit.context, &choice.records).await {
        Ok(usage) => Some(usage),
        Err(error) => {
            tracing::warn!(%error, "the use of the chosen tokens cannot be read");
            None
        }
    };
    let usage_of = |record: &TokenRecord| usage.as_ref().and_then(|usage| usage.get(&record.id));
    let calls_of = |record: &TokenRecord| usage_of(record).map(|usage| usage.last_24_hours.calls());
    let last_of = |record: &TokenRecord| usage_of(record).and_then(|usage| usage.last_used_at);
    // Where use cannot be read, each may be in use.
    let is_in_use = |record: &&TokenRecord| {
        usage.is_none() || last_of(record).is_some_and(|last| now - last < TimeDelta::days(7))
    };
    let mut records: Vec<&TokenRecord> = choice.records.iter().collect();
    records.sort_by_key(|record| (!is_in_use(record), calls_of(record).map(std::cmp::Reverse), record.id));
    let in_use = records.iter().filter(|record| is_in_use(record)).count();
    let action = choice.action;
    let line = |record: &&TokenRecord| Line {
        id: record.id.to_string(),
        version: record.version,
        name: visible(&record.name).into_owned(),
        start: record.secret.start.clone(),
        last4: record.secret.last4.clone(),
        status: record.status(now),
        last_used: last_of(record).map(|last| Time::of(last, now)),
        calls: calls_of(record).map(number),
        expires: record.expires_at.map(|end| Time::of(end, now)),
        then: end_of(deed, record, now).map(|end| Time::of(end, now)),
    };
    let sum = |calls: u64, record: &&TokenRecord| calls.saturating_add(calls_of(record).unwrap_or(0));
    BulkPage {
        frame: visit
            .frame(format!("{} {}?", action.verb(), count(records.len() as u64, "token")), Place::Tokens),
        action,
        gone: choice.gone,
        calls: usage.is_some().then(|| count(records.iter().fold(0, sum), "call")),
        in_use,
        confirm: Some(records.len()).filter(|_| action == Action::Revoke && in_use > 0),
        typed: form.text("confirm").to_owned(),
        reason: form.text("reason").to_owned(),
        days: form.some("days").map_or_else(|| USUAL_DAYS.to_string(), str::to_owned),
        pause: form.text("pause").to_owned(),
        back: back(form).to_owned(),
        errors: Vec::new(),
        lines: records.iter().map(line).collect(),
    }
}

fn end_of(deed: Deed, record: &TokenRecord, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match deed {
        Deed::Extend(extension) => extension.end_of(record, now),
        _ => None,
    }
}

/// What exactly is to be done, and what about the form is not right.
fn deed(action: Action, form: &Form) -> (Deed, Vec<FieldError>) {
    let mut errors = Vec::new();
    let mut wrong = |field, text: &str| errors.push(FieldError { field, text: text.to_owned() });
    if form.text("reason").chars().count() > LONGEST_REASON {
        wrong("reason", "Make the reason shorter: at most 500 characters.");
    }
    let deed = match action {
        Action::Pause => Deed::Pause(match form.text("pause") {
            "" => PauseEnd::WhenResumed,
            "600" => PauseEnd::In(TimeDelta::minutes(10)),
            "3600" => PauseEnd::In(TimeDelta::hours(1)),
            _ => {
                wrong("pause", "Choose for how long.");
                PauseEnd::WhenResumed
            }
        }),
        Action::Extend => match form.text("days").parse() {
            Ok(days) if (1..=LONGEST_DAYS).contains(&days) => {
                Deed::Extend(Extension::By(TimeDelta::days(days)))
            }
            _ => {
                wrong("days", "Type a number of days, from 1 to 3650.");
                action.plain()
            }
        },
        Action::Resume | Action::Revoke => action.plain(),
    };
    (deed, errors)
}

async fn carry_out(visit: &Visit<'_>, form: &Form, choice: &Choice, deed: Deed) -> Result<Reply, Fault> {
    let versions = match choice.action {
        // A form that is sent twice prolongs once.
        Action::Extend => versions(form),
        // In a hurry it does not matter what else was changed meanwhile.
        Action::Pause | Action::Resume | Action::Revoke => HashMap::new(),
    };
    let chosen = |record| Chosen { record, version: versions.get(&record.id).copied() };
    let chosen: Vec<_> = choice.records.iter().map(chosen).collect();
    let results = many::to_each(&visit.context, &chosen, deed, form.some("reason")).await;
    let failed: Vec<_> = choice
        .records
        .iter()
        .zip(results)
        .filter_map(|(record, (_, result))| Some(failed(record, result.err()?, visit.request_id)))
        .collect();
    if failed.is_empty() {
        return Ok(visit.see_other(back(form), Some(Flash::BulkDone)));
    }
    let done = choice.records.len() - failed.len();
    let word = choice.action.done();
    let heading = format!("{} not {word}", count(failed.len() as u64, "token"));
    let page = DonePage {
        frame: visit.frame(heading, Place::Tokens),
        done: if done == 0 { String::new() } else { format!("{} {word}.", count(done as u64, "token")) },
        failed,
        back: back(form).to_owned(),
    };
    Ok(visit.page(200, &page))
}

fn failed(record: &TokenRecord, error: Error, request_id: Option<&str>) -> Failed {
    let why = match error {
        Error::Invalid(invalid) => {
            let said = invalid.errors.iter().map(|error| error.detail.clone());
            said.collect::<Vec<_>>().join("; ")
        }
        error => {
            let fault = Fault::from(error);
            fault.log(request_id);
            fault.detail().to_owned()
        }
    };
    Failed { id: record.id.to_string(), name: visible(&record.name).into_owned(), why }
}

/// The versions that the tokens had when the dialog was shown: `tok_…:7`.
fn versions(form: &Form) -> HashMap<TokenId, u64> {
    let read = |text: &str| {
        let (id, version) = text.split_once(':')?;
        Some((id.parse().ok()?, version.parse().ok()?))
    };
    form.all("version").filter_map(read).collect()
}

/// The list as it was.
fn back(form: &Form) -> &str {
    Some(form.text("back")).filter(|back| is_below_mount(back)).unwrap_or_default()
}
