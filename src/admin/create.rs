//! Creating a token: the one answer that shows its secret.

use serde::Serialize;

use super::Fault;
use super::conditions::{etag, idempotency_key};
use super::context::{Context, Media};
use super::fields::Fields;
use super::limits;
use super::shape::TokenBody;
use crate::actor::Reach;
use crate::web::Reply;
use crate::{NewToken, Preset, Usage};

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = CreatedToken))]
pub(super) struct Created<'a> {
    token: TokenBody<'a>,
    secret: &'a str,
}

pub(crate) async fn create(context: &Context<'_>) -> Result<Reply, Fault> {
    context.no_parameters()?;
    let key = idempotency_key(context)?;
    let mut fields = context.fields(Media::Json)?;
    let relative = fields.has("expires_in");
    let asked = read(context, &mut fields);
    let mut issue = context.tokens.issue(asked);
    let renamed: &[_] = if relative { &[("/expires_at", "/expires_in")] } else { &[] };
    fields.finish(issue.check(&context.actor), renamed)?;
    if let Some(key) = key {
        issue = issue.idempotency_key(key);
    }
    let issued = issue.by(&context.actor).await?;
    let now = context.now();
    let unused = Usage::none(now, now);
    let token = TokenBody::new(&issued.record, now, Some(&unused));
    let id = issued.record.id;
    // Relative, so that it holds behind a proxy that has another path.
    let location = if context.http.path.ends_with('/') { id.to_string() } else { format!("tokens/{id}") };
    Ok(Reply::json(201, &Created { token, secret: issued.secret.expose() })
        .header("location", location)
        .header("etag", etag(issued.record.version)))
}

/// What is asked for. The preset first, then whatever is said beside it.
fn read(context: &Context<'_>, fields: &mut Fields) -> NewToken {
    let preset = preset(context, fields);
    let mut asked = NewToken::named(fields.required_text("name").unwrap_or_default());
    if let Reach::Only(Some(tenant)) = &context.actor.reach {
        asked = asked.tenant(tenant);
    }
    if let Some(preset) = preset {
        asked = asked.preset(preset);
    }
    if let Some(Some(description)) = fields.text("description") {
        asked = asked.description(description);
    }
    if let Some(scopes) = fields.texts("scopes") {
        asked = asked.scopes(scopes);
    }
    if let Some(limit) = limits::of_new(fields, preset.and_then(|preset| preset.per_minute)) {
        asked = asked.rate_limit(limit);
    }
    asked = lifetime(fields, asked);
    if let Some(ranges) = fields.texts("ip_allow") {
        asked = asked.addresses(ranges);
    }
    if let Some(Some(environment)) = fields.text("env") {
        asked = asked.environment(environment);
    }
    if let Some(Some(mut metadata)) = fields.object("metadata") {
        for (key, value) in metadata.entries(false) {
            asked = asked.metadata(key, value.unwrap_or_default());
        }
        fields.end(metadata);
    }
    if let Some(Some(owner)) = fields.text("owner") {
        asked = asked.owner(owner);
    }
    asked
}

fn lifetime(fields: &mut Fields, mut asked: NewToken) -> NewToken {
    both_expiries(fields);
    match fields.time("expires_at") {
        Some(Some(time)) => asked = asked.expires_at(time),
        Some(None) => asked = asked.without_expiry(),
        None => {}
    }
    match fields.seconds("expires_in") {
        Some(Some(time)) => asked = asked.expires_in(time),
        Some(None) => asked = asked.without_expiry(),
        None => {}
    }
    if let Some(Some(time)) = fields.time("not_before") {
        asked = asked.not_before(time);
    }
    asked
}

/// An expiry is said in one way.
pub(crate) fn both_expiries(fields: &mut Fields) {
    if fields.has("expires_at") && fields.has("expires_in") {
        fields.error("expires_in", "conflict", "send expires_at or expires_in, not both");
    }
}

fn preset<'a>(context: &Context<'a>, fields: &mut Fields) -> Option<&'a Preset> {
    let id = fields.text("preset")??;
    let mut presets = context.tokens.catalog().presets();
    let found = presets.find(|preset| preset.id == id);
    if found.is_none() {
        fields.error("preset", "unknown", "there is no such preset; GET presets lists them");
    }
    found
}
