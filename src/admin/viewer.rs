//! Whoever has opened a stream, and whether it may still look.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use super::access::{Who, within};
use super::{Access, Permissions};
use crate::{Actor, Error, Status, TOKENS_MANAGE, TOKENS_READ, TokenId, Tokens};

/// What the host's own login says, asked again.
pub(crate) type Recheck = dyn Fn() -> Pin<Box<dyn Future<Output = Access> + Send>> + Send + Sync;

/// The holder of a token that was let in before, with what the token may now; none if it would not
/// be let in again. Nothing is charged to a limit.
pub(crate) async fn holder(
    tokens: &Tokens,
    id: &TokenId,
    secret_version: u32,
    address: Option<IpAddr>,
) -> Result<Option<Who>, Error> {
    let now = tokens.clock().now().wall();
    let Some(record) = tokens.find(id).await? else { return Ok(None) };
    let previous = record.previous_secret.as_ref();
    let is_live = record.secret.version == secret_version
        || previous.is_some_and(|old| old.version == secret_version && now < old.ends_at);
    let is_allowed = record.addresses.is_empty()
        || address.is_some_and(|from| record.addresses.iter().any(|range| range.contains(from)));
    let held = tokens.effective_scopes(&record.scopes);
    let holds = |wanted: &str| held.iter().any(|scope| scope.as_str() == wanted);
    let is_let_in = record.status(now) == Status::Active && is_live && is_allowed && holds(TOKENS_READ);
    let permissions = if holds(TOKENS_MANAGE) { Permissions::all() } else { Permissions::read_only() };
    Ok(is_let_in.then(|| Who { actor: Actor::holding(&record), permissions }))
}

/// Whoever has opened a stream.
#[derive(Clone)]
pub(crate) enum Viewer {
    /// The holder of a token.
    Bearer { id: TokenId, secret_version: u32, address: Option<IpAddr> },
    /// Somebody whom the host's own login knows, in the tenant that the request was for. Without
    /// a way to ask again, it may not look for long.
    Login { recheck: Option<Arc<Recheck>>, tenant: Option<String> },
}

impl Viewer {
    /// Whoever it is now; none if it may not look any more. Nothing is charged to a limit.
    pub(crate) async fn still(&self, tokens: &Tokens) -> Result<Option<Actor>, Error> {
        match self {
            Viewer::Bearer { id, secret_version, address } => {
                let who = holder(tokens, id, *secret_version, *address).await?;
                Ok(who.map(|who| who.actor))
            }
            Viewer::Login { recheck, tenant } => {
                let Some(recheck) = recheck else { return Ok(None) };
                let Some(who) = recheck().await.who().filter(|who| who.permissions.view_calls) else {
                    return Ok(None);
                };
                Ok(match tenant {
                    Some(tenant) => within(who.actor, tenant).ok(),
                    None => Some(who.actor),
                })
            }
        }
    }
}
