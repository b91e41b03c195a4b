//! Changing a token in place: settings, pause, revocation, deletion.

use serde::Serialize;

use super::Fault;
use super::conditions::if_match;
use super::context::{Context, Media};
use super::create::both_expiries;
use super::fields::Fields;
use super::impact::{self, ImpactBody};
use super::limits;
use super::shape::TokenBody;
use crate::tokens::ChangeToken;
use crate::web::Reply;
use crate::{TokenRecord, Update};

/// A JSON Merge Patch (RFC 7396): what is named changes, `null` takes away, the rest stays.
pub(crate) async fn patch(context: &Context<'_>) -> Result<Reply, Fault> {
    let mut parameters = context.parameters()?;
    let dry_run = match parameters.one("dry_run")?.as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Fault::parameter("dry_run", "dry_run is true or false.")),
    };
    parameters.finish()?;
    let id = context.token_id()?;
    let mut fields = context.fields(Media::MergePatch)?;
    let relative = fields.has("expires_in");
    let update = read(&mut fields);
    let change = || context.tokens.update(&id, update.clone());
    let renamed: &[_] = if relative { &[("/expires_at", "/expires_in")] } else { &[] };
    if !dry_run {
        let record = make(context, fields, change, renamed).await?;
        return Ok(context.one(200, &record).await);
    }
    let expected = if_match(context).await?;
    fields.finish(change().preview(&context.actor).await.map(drop), renamed)?;
    let record = match bound(change(), expected).preview(&context.actor).await {
        Ok(record) => record,
        Err(error) => return Err(context.change_fault(error, expected).await),
    };
    let usage = context.usage_if_there(id).await;
    let token = TokenBody::new(&record, context.now(), usage.as_ref());
    let impact = impact::of_update(context, &record).await?;
    Ok(Reply::json(200, &DryRun { token, impact }))
}

/// What would come of a change, and what it would break.
#[derive(Serialize)]
struct DryRun<'a> {
    #[serde(flatten)]
    token: TokenBody<'a>,
    /// Nothing for what breaks nothing; null where use cannot be read.
    impact: Option<Vec<ImpactBody>>,
}

fn read(fields: &mut Fields) -> Update {
    let mut update = Update::new();
    if let Some(name) = fields.required_text("name") {
        update = update.name(name);
    }
    if let Some(description) = fields.text("description") {
        update = update.description(description.unwrap_or_default());
    }
    if let Some(scopes) = fields.texts("scopes") {
        update = update.scopes(scopes);
    }
    update = limits::of_update(fields, update);
    both_expiries(fields);
    match fields.time("expires_at") {
        Some(Some(time)) => update = update.expires_at(time),
        Some(None) => update = update.without_expiry(),
        None => {}
    }
    match fields.seconds("expires_in") {
        Some(Some(time)) => update = update.expires_in(time),
        Some(None) => update = update.without_expiry(),
        None => {}
    }
    if let Some(time) = fields.time("not_before") {
        update = update.not_before(time);
    }
    if let Some(ranges) = fields.texts("ip_allow") {
        update = update.addresses(ranges);
    }
    if let Some(environment) = fields.text("env") {
        update = update.environment(environment);
    }
    match fields.object("metadata") {
        None => {}
        Some(None) => update = update.clear_metadata(),
        Some(Some(mut metadata)) => {
            for (key, value) in metadata.entries(true) {
                update = update.metadata(key, value);
            }
            fields.end(metadata);
        }
    }
    if let Some(owner) = fields.text("owner") {
        update = update.owner(owner);
    }
    update
}

pub(crate) async fn revoke(context: &Context<'_>) -> Result<Reply, Fault> {
    context.no_parameters()?;
    let id = context.token_id()?;
    let mut fields = context.optional_fields()?;
    let mut reason = fields.text("reason").flatten();
    if fields.truth("compromised") {
        reason = Some(compromised(reason));
    }
    let change = || because(context.tokens.revoke(&id), &reason);
    let record = make(context, fields, change, &[]).await?;
    Ok(context.one(200, &record).await)
}

/// The reason of a revocation by a leak. History keeps it where people look for the reason.
pub(crate) fn compromised(reason: Option<String>) -> String {
    match reason {
        Some(reason) => format!("compromised: {reason}"),
        None => "compromised".to_owned(),
    }
}

pub(crate) async fn pause(context: &Context<'_>) -> Result<Reply, Fault> {
    context.no_parameters()?;
    let id = context.token_id()?;
    let mut fields = context.optional_fields()?;
    let relative = fields.has("for");
    if relative && fields.has("resume_at") {
        fields.error("for", "conflict", "send resume_at or for, not both");
    }
    let resume_at = fields.time("resume_at").flatten();
    let lasting = fields.seconds("for").flatten();
    let reason = fields.text("reason").flatten();
    let change = || {
        let mut change = because(context.tokens.pause(&id), &reason);
        if let Some(time) = resume_at {
            change = change.until(time);
        }
        if let Some(time) = lasting {
            change = change.lasting(time);
        }
        change
    };
    let renamed: &[_] = if relative { &[("/resume_at", "/for")] } else { &[] };
    let record = make(context, fields, change, renamed).await?;
    Ok(context.one(200, &record).await)
}

pub(crate) async fn resume(context: &Context<'_>) -> Result<Reply, Fault> {
    context.no_parameters()?;
    let id = context.token_id()?;
    let mut fields = context.optional_fields()?;
    let reason = fields.text("reason").flatten();
    let change = || because(context.tokens.resume(&id), &reason);
    let record = make(context, fields, change, &[]).await?;
    Ok(context.one(200, &record).await)
}

/// Deletes what is revoked or expired. Its history stays.
pub(crate) async fn purge(context: &Context<'_>) -> Result<Reply, Fault> {
    context.no_parameters()?;
    let id = context.token_id()?;
    let fields = context.optional_fields()?;
    make(context, fields, || context.tokens.purge(&id), &[]).await?;
    Ok(Reply::empty(204))
}

/// Makes a change, if everything about it is right: what could not be read and what the core says
/// against it are told at once.
pub(super) async fn make<'c>(
    context: &Context<'_>,
    fields: Fields,
    change: impl Fn() -> ChangeToken<'c>,
    renamed: &[(&str, &str)],
) -> Result<TokenRecord, Fault> {
    let expected = if_match(context).await?;
    fields.finish(change().preview(&context.actor).await.map(drop), renamed)?;
    match bound(change(), expected).by(&context.actor).await {
        Ok(record) => Ok(record),
        Err(error) => Err(context.change_fault(error, expected).await),
    }
}

pub(super) fn bound<'c>(change: ChangeToken<'c>, expected: Option<u64>) -> ChangeToken<'c> {
    match expected {
        Some(version) => change.if_version(version),
        None => change,
    }
}

pub(crate) fn because<'c>(change: ChangeToken<'c>, reason: &Option<String>) -> ChangeToken<'c> {
    match reason {
        Some(reason) => change.because(reason),
        None => change,
    }
}
