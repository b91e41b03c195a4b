//! Tokens that deserve attention, each with the reason and what to do about it.

use serde::Serialize;

use super::Fault;
use super::context::Context;
use super::shape::Moment;
use crate::web::Reply;
use crate::{Finding, FindingKind, Findings, TokenId, TokenRecord};

/// Tokens that deserve attention.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Attention))]
pub(super) struct Told<'a> {
    /// The most pressing token first, and of each token the most pressing reason.
    data: Vec<FindingBody<'a>>,
    /// Whether there may be more than were looked at, or than are told.
    more: bool,
    as_of: Moment,
}

/// A reason why a token deserves attention, and what to do about it.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Finding))]
struct FindingBody<'a> {
    #[cfg_attr(feature = "openapi", schema(value_type = super::openapi::FindingWord))]
    kind: FindingKind,
    #[cfg_attr(feature = "openapi", schema(value_type = super::openapi::Id))]
    token: TokenId,
    token_name: &'a str,
    text: String,
    remedy: String,
}

impl<'a> FindingBody<'a> {
    fn of(record: &'a TokenRecord, finding: &Finding, tells_addresses: bool) -> FindingBody<'a> {
        let finding = finding.clone();
        let finding = if tells_addresses { finding } else { finding.without_address() };
        let Finding { kind, token, text, remedy } = finding;
        FindingBody { kind, token, token_name: &record.name, text, remedy }
    }
}

/// `limit` is how many tokens are told.
pub(super) async fn list(context: &Context<'_>) -> Result<Reply, Fault> {
    let mut parameters = context.parameters()?;
    let limit = parameters.limit()?;
    parameters.finish()?;
    let found = findings(context, limit).await?;
    let tells_addresses = context.permissions.view_addresses;
    let mut data = Vec::new();
    for (record, findings) in &found.tokens {
        data.extend(findings.iter().map(|finding| FindingBody::of(record, finding, tells_addresses)));
    }
    Ok(Reply::json(200, &Told { data, more: found.more, as_of: Moment(found.as_of) }))
}

/// The tokens within reach that deserve attention, so many at most.
pub(super) async fn findings(context: &Context<'_>, limit: u32) -> Result<Findings, Fault> {
    Ok(context.tokens.findings(&context.actor.tenants(), limit as usize).await?)
}
