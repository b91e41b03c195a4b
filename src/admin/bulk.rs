//! One change of many tokens at once.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use serde_json::{Map, Value};

use super::Fault;
use super::changes::compromised;
use super::context::{Context, Media};
use super::create::both_expiries;
use super::fields::Fields;
use super::many::{self, Chosen, Deed, Extension, MOST, PauseEnd};
use crate::web::Reply;
use crate::{TokenId, TokenRecord};

/// What became of each token.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BulkResults))]
pub(super) struct Results {
    /// In the order of the ids that were sent.
    results: Vec<ResultBody>,
}

/// What became of one token.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BulkResult))]
struct ResultBody {
    /// As it was sent.
    id: String,
    /// What the change would have answered alone.
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(required = false, nullable = false, value_type = Option<super::openapi::Problem>)
    )]
    problem: Option<Map<String, Value>>,
}

pub(super) async fn act(context: &Context<'_>) -> Result<Reply, Fault> {
    context.no_parameters()?;
    let mut fields = context.fields(Media::Json)?;
    let deed = deed(context, &mut fields);
    let mut reason = fields.text("reason").flatten();
    let sent = ids(&mut fields);
    if deed == Some(Deed::Revoke) && fields.truth("compromised") {
        reason = Some(compromised(reason));
    }
    fields.finish(Ok(()), &[])?;
    let (Some(deed), Some(sent)) = (deed, sent) else {
        return Err(Fault::malformed("An action and ids are needed here."));
    };
    deed.right().check(&context.permissions)?;

    let ids: Vec<TokenId> = sent.iter().filter_map(|id| id.parse().ok()).collect();
    let mut records = context.tokens.find_all(&ids).await?;
    records.retain(|record| context.actor.reaches(record).is_ok());
    let by_id: HashMap<TokenId, &TokenRecord> = records.iter().map(|record| (record.id, record)).collect();
    let chosen: Vec<_> = ids.iter().filter_map(|id| by_id.get(id)).collect();
    let chosen: Vec<_> = chosen.into_iter().map(|record| Chosen { record, version: None }).collect();
    let done = many::to_each(context, &chosen, deed, reason.as_deref()).await;
    let mut done: HashMap<TokenId, _> = done.into_iter().collect();
    let result = |id: String| {
        let outcome = id.parse().ok().and_then(|id| done.remove(&id));
        match outcome.unwrap_or(Err(crate::Error::NotFound)).map_err(Fault::from) {
            Ok(_) => ResultBody { id, status: 200, problem: None },
            Err(fault) => {
                let status = fault.status();
                ResultBody { id, status, problem: Some(fault.document(None)) }
            }
        }
    };
    Ok(Reply::json(200, &Results { results: sent.into_iter().map(result).collect() }))
}

/// What is to be done, with what it alone takes: anything else is no field here.
fn deed(context: &Context<'_>, fields: &mut Fields) -> Option<Deed> {
    let is_missing = !fields.has("action");
    match fields.required_text("action").as_deref() {
        Some("revoke") => Some(Deed::Revoke),
        Some("resume") => Some(Deed::Resume),
        Some("pause") => {
            if fields.has("for") && fields.has("resume_at") {
                fields.error("for", "conflict", "send resume_at or for, not both");
            }
            let (at, lasting) = (fields.time("resume_at").flatten(), fields.seconds("for").flatten());
            Some(Deed::Pause(match (at, lasting) {
                (Some(time), _) => PauseEnd::At(time),
                (None, Some(time)) => PauseEnd::In(time),
                (None, None) => PauseEnd::WhenResumed,
            }))
        }
        Some("extend") => {
            both_expiries(fields);
            let at = fields.time("expires_at").flatten();
            let within = fields.seconds("expires_in").flatten();
            let end = at.or_else(|| context.now().checked_add_signed(within?));
            if end.is_none() && !fields.has_errors() {
                fields.error("expires_at", "required", "say until when: expires_at or expires_in");
            }
            Some(Deed::Extend(Extension::To(end?)))
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
    } else if !ids.iter().all(|id| id.parse::<TokenId>().is_ok()) {
        // Told without what was sent: it might be a whole token.
        fields.error("ids", "format", "an id reads tok_ and 16 characters behind it");
    } else if !ids.iter().all(|id| seen.insert(id)) {
        fields.error("ids", "duplicate", "each id is named once");
    }
    Some(ids)
}
