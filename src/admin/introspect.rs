//! Whether a token works now, for gateways that cannot ask in the process: token introspection
//! (RFC 7662).

use serde::Serialize;

use super::Fault;
use super::context::{Context, Media};
use crate::web::Reply;
use crate::{TokenId, TokenRecord};

/// What RFC 7662 calls an introspection response.
#[derive(Serialize)]
struct Introspected<'a> {
    active: bool,
    #[serde(flatten)]
    token: Option<Working<'a>>,
}

/// Of a token that works.
#[derive(Serialize)]
struct Working<'a> {
    /// What it may do, implications included, with a space between the names.
    scope: String,
    /// The token's id.
    client_id: TokenId,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
    token_type: &'static str,
    /// When it expires, in seconds since 1970: the first second at which it no longer works.
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    /// When it was issued, in seconds since 1970.
    iat: i64,
}

impl<'a> Working<'a> {
    fn of(context: &Context<'_>, record: &'a TokenRecord) -> Working<'a> {
        let scopes = context.tokens.effective_scopes(&record.scopes);
        let names: Vec<_> = scopes.iter().map(|scope| scope.as_str()).collect();
        Working {
            scope: names.join(" "),
            client_id: record.id,
            sub: record.owner.as_deref(),
            token_type: "Bearer",
            exp: record.expires_at.map(|end| end.timestamp()),
            iat: record.created_at.timestamp(),
        }
    }
}

/// Nothing is counted or charged, and of a token that does not work nothing is told but that.
pub(super) async fn introspect(context: &Context<'_>) -> Result<Reply, Fault> {
    context.no_parameters()?;
    let text = text(context)?;
    let found = context.tokens.find_working(text.trim().as_bytes()).await?;
    let found = found.filter(|record| context.actor.reaches(record).is_ok());
    let token = found.as_ref().map(|record| Working::of(context, record));
    Ok(Reply::json(200, &Introspected { active: token.is_some(), token }))
}

/// The token that is asked about: `token` of a form, as RFC 7662 has it, or of a JSON object. A hint of
/// its type is passed over, and so is whatever else a form has.
fn text(context: &Context<'_>) -> Result<String, Fault> {
    if let Some(mut form) = context.form()? {
        return form.one("token")?.ok_or_else(|| Fault::parameter("token", "Send the token as token=…."));
    }
    let mut fields = context.fields(Media::Json)?;
    let is_missing = !fields.has("token");
    let text = fields.required_text("token");
    _ = fields.text("token_type_hint");
    if is_missing {
        fields.error("token", "required", "send the whole text of the token");
    }
    fields.finish(Ok(()), &[])?;
    Ok(text.unwrap_or_default())
}
