//! One change of many tokens at once.

use std::collections::HashSet;

use serde::Serialize;
use serde_json::{Map, Value};

use super::Fault;
use super::changes::{because, compromised};
use super::context::{Context, Media};
use super::create::both_expiries;
use super::fields::Fields;
use super::permissions::Right;
use crate::tokens::ChangeToken;
use crate::web::Reply;
use crate::{Error, TokenId, TokenRecord, Update};

/// At most so many tokens at once.
pub(crate) const MOST: usize = 200;

/// What is done to each of them.
#[derive(Clone)]
pub(crate) enum Action {
    Revoke,
    Pause(Pause),
    Resume,
    /// With another expiry.
    Extend(Update),
}

/// When a pause ends; when it is resumed, where neither is said.
#[derive(Clone, Copy, Default)]
pub(crate) struct Pause {
    pub(crate) until: Option<chrono::DateTime<chrono::Utc>>,
    pub(crate) lasting: Option<chrono::TimeDelta>,
}

impl Action {
    /// What whoever does it must be allowed to do.
    pub(crate) fn needs(&self) -> Right {
        match self {
            Action::Revoke => Right::Revoke,
            Action::Pause(_) | Action::Resume => Right::Pause,
            Action::Extend(_) => Right::Edit,
        }
    }

    fn change<'c>(&self, context: &Context<'c>, id: &TokenId, reason: &Option<String>) -> ChangeToken<'c> {
        let tokens = context.tokens;
        let change = match self {
            Action::Revoke => tokens.revoke(id),
            Action::Resume => tokens.resume(id),
            Action::Extend(update) => tokens.update(id, update.clone()),
            Action::Pause(Pause { until, lasting }) => {
                let mut change = tokens.pause(id);
                if let Some(time) = *until {
                    change = change.until(time);
                }
                if let Some(time) = *lasting {
                    change = change.lasting(time);
                }
                change
            }
        };
        because(change, reason)
    }
}

/// Changes each of these tokens, whatever becomes of the others. When it has returned, every node
/// heeds what was changed.
pub(crate) async fn change_each(
    context: &Context<'_>,
    action: &Action,
    reason: &Option<String>,
    ids: &[TokenId],
) -> Result<Vec<Result<TokenRecord, Error>>, Fault> {
    action.needs().check(&context.permissions)?;
    let mut results = Vec::new();
    for id in ids {
        let change = action.change(context, id, reason);
        results.push(change.by_without_waiting(&context.actor).await);
    }
    // Waited for once, behind all of them.
    context.tokens.heeded_everywhere().await?;
    Ok(results)
}

#[derive(Serialize)]
struct Results {
    results: Vec<ResultBody>,
}

#[derive(Serialize)]
struct ResultBody {
    /// As it was sent.
    id: String,
    /// What the change would have answered alone.
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Map<String, Value>>,
}

pub(super) async fn act(context: &Context<'_>) -> Result<Reply, Fault> {
    context.no_parameters()?;
    let mut fields = context.fields(Media::Json)?;
    let action = action(&mut fields);
    let mut reason = fields.text("reason").flatten();
    let sent = ids(&mut fields);
    if let Some(Action::Revoke) = &action
        && fields.truth("compromised")
    {
        reason = Some(compromised(reason));
    }
    fields.finish(Ok(()), &[])?;
    let (Some(action), Some(sent)) = (action, sent) else {
        return Err(Fault::malformed("An action and ids are needed here."));
    };
    let ids: Vec<TokenId> = sent.iter().filter_map(|id| id.parse().ok()).collect();
    let mut made = change_each(context, &action, &reason, &ids).await?.into_iter();
    let results = sent.into_iter().map(|id| {
        let outcome = match id.parse::<TokenId>() {
            // There is one for each id that reads.
            Ok(_) => made.next().unwrap_or(Err(Error::Interrupted)).map_err(Fault::from),
            Err(_) => Err(Fault::no_such_token()),
        };
        match outcome {
            Ok(_) => ResultBody { id, status: 200, problem: None },
            Err(fault) => {
                let status = fault.status();
                ResultBody { id, status, problem: Some(fault.document(None)) }
            }
        }
    });
    Ok(Reply::json(200, &Results { results: results.collect() }))
}

/// Which action it is, with what it alone takes: anything else is no field here.
fn action(fields: &mut Fields) -> Option<Action> {
    let is_missing = !fields.has("action");
    let action = fields.required_text("action");
    match action.as_deref() {
        Some("revoke") => Some(Action::Revoke),
        Some("resume") => Some(Action::Resume),
        Some("pause") => {
            if fields.has("for") && fields.has("resume_at") {
                fields.error("for", "conflict", "send resume_at or for, not both");
            }
            let until = fields.time("resume_at").flatten();
            let lasting = fields.seconds("for").flatten();
            Some(Action::Pause(Pause { until, lasting }))
        }
        Some("extend") => {
            both_expiries(fields);
            let (at, within) = (fields.time("expires_at"), fields.seconds("expires_in"));
            if at.is_none() && within.is_none() && !fields.has_errors() {
                fields.error("expires_at", "required", "say until when: expires_at or expires_in");
            }
            let update = match (at.flatten(), within.flatten()) {
                (Some(time), _) => Update::new().expires_at(time),
                (None, Some(time)) => Update::new().expires_in(time),
                // `null` is for ever.
                (None, None) => Update::new().without_expiry(),
            };
            Some(Action::Extend(update))
        }
        other => {
            if is_missing || other.is_some() {
                fields.error("action", "unknown", "action is revoke, pause, resume or extend");
            }
            None
        }
    }
}

fn ids(fields: &mut Fields) -> Option<Vec<String>> {
    let is_missing = !fields.has("ids");
    let Some(ids) = fields.texts("ids") else {
        if is_missing {
            fields.error("ids", "required", "name the tokens: 1 to 200 ids");
        }
        return None;
    };
    let mut seen = HashSet::new();
    if ids.is_empty() || ids.len() > MOST {
        fields.error("ids", "length", "1 to 200 ids are taken at once");
    } else if !ids.iter().all(|id| seen.insert(id)) {
        fields.error("ids", "duplicate", "each id is named once");
    }
    Some(ids)
}
