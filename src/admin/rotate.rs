//! Giving a token a new secret: the one answer that shows it.

use serde::Serialize;

use super::Fault;
use super::conditions::{etag, idempotency_key, if_match};
use super::context::Context;
use super::shape::{Moment, TokenBody};
use crate::web::Reply;

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = RotatedToken))]
pub(super) struct Rotated<'a> {
    token: TokenBody<'a>,
    secret: &'a str,
    previous: Option<Previous<'a>>,
}

/// The secret before.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = PreviousSecret))]
struct Previous<'a> {
    version: u32,
    last4: &'a str,
    expires_at: Moment,
}

pub(crate) async fn rotate(context: &Context<'_>) -> Result<Reply, Fault> {
    context.no_parameters()?;
    let id = context.token_id()?;
    let key = idempotency_key(context)?;
    let mut fields = context.optional_fields()?;
    let grace = fields.seconds("grace").flatten();
    fields.finish(Ok(()), &[])?;
    let expected = if_match(context).await?;
    let mut rotation = context.tokens.rotate(&id);
    if let Some(grace) = grace {
        rotation = rotation.grace(grace);
    }
    if let Some(key) = key {
        rotation = rotation.idempotency_key(key);
    }
    if let Some(version) = expected {
        rotation = rotation.if_version(version);
    }
    let rotated = match rotation.by(&context.actor).await {
        Ok(rotated) => rotated,
        Err(error) => return Err(context.change_fault(error, expected).await),
    };
    let record = &rotated.record;
    // From here on nothing may fail: the secret is in this answer or nowhere.
    let usage = context.usage_if_there(id).await;
    let body = Rotated {
        token: TokenBody::new(record, context.now(), usage.as_ref()),
        secret: rotated.secret.expose(),
        previous: record.previous_secret.as_ref().map(|previous| Previous {
            version: previous.version,
            last4: &previous.last4,
            expires_at: Moment(previous.ends_at),
        }),
    };
    let up = if context.http.path.ends_with('/') { "../.." } else { ".." };
    Ok(Reply::json(201, &body).header("location", format!("{up}/{id}")).header("etag", etag(record.version)))
}
