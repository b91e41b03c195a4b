//! Looking at one token.

use super::Fault;
use super::conditions::etag;
use super::context::{Context, Media};
use super::shape::TokenBody;
use crate::web::Reply;

pub(crate) async fn show(context: &Context<'_>) -> Result<Reply, Fault> {
    let mut parameters = context.parameters()?;
    let with_usage = includes_usage(&mut parameters)?;
    parameters.finish()?;
    let record = context.record().await?;
    if !with_usage {
        return Ok(context.one(200, &record).await);
    }
    let usage = context.tokens.usage_of(&[record.id]).await.map_err(Fault::usage_unavailable)?;
    let usage = usage.get(&record.id).ok_or_else(Fault::no_such_token)?;
    let tells_addresses = context.permissions.view_addresses;
    let body = TokenBody::new(&record, context.now(), Some(usage)).with_usage(usage, tells_addresses);
    Ok(Reply::json(200, &body).header("etag", etag(record.version)))
}

/// The token whose whole text somebody has found. The text comes in the body, so that it is in no
/// log, and is in no answer.
pub(crate) async fn find(context: &Context<'_>) -> Result<Reply, Fault> {
    context.no_parameters()?;
    let mut fields = context.fields(Media::Json)?;
    let missing = !fields.has("secret");
    let secret = fields.required_text("secret");
    if missing {
        fields.error("secret", "required", "send the whole text of the token");
    }
    fields.finish(Ok(()), &[])?;
    match context.record_by_text(&secret.unwrap_or_default()).await? {
        Some(record) => Ok(context.one(200, &record).await),
        None => Err(Fault::no_such_text()),
    }
}

/// Whether `include=usage` was asked for.
pub(crate) fn includes_usage(parameters: &mut super::parameters::Parameters) -> Result<bool, Fault> {
    match parameters.one("include")?.as_deref() {
        None => Ok(false),
        Some("usage") => Ok(true),
        Some(_) => Err(Fault::parameter("include", "include is usage, or left out.")),
    }
}
