//! Who may use the API, and for what.

use super::{AdminApi, AdminRequest, Fault, cross_site};
use crate::actor::Reach;
use crate::web::{Guard, Reply, Tenant, unavailable};
use crate::{Actor, Caller, Denied, Error, TOKENS_MANAGE};

/// What the host's own login says of whoever comes.
#[derive(Clone, PartialEq, Default, Debug)]
#[non_exhaustive]
pub enum Access {
    /// Nobody is logged in: only a bearer token will do. Without one the answer is 401.
    #[default]
    Nobody,
    /// Somebody who is not to know that the API is here: 404.
    Forbidden,
    /// It may look at everything within its reach.
    ReadOnly(Actor),
    /// It may change tokens as well.
    Manage(Actor),
}

/// Whoever was let in.
pub(super) struct Who {
    pub(super) actor: Actor,
    pub(super) manages: bool,
}

/// The holder of a token, with what it holds now. A token that is gone meanwhile is unknown.
pub(super) async fn of_bearer(caller: &Caller, guard: &Guard) -> Result<Who, Box<Reply>> {
    match caller.tokens().find(&caller.token_id()).await {
        Err(error) => Err(Box::new(unavailable(&error))),
        Ok(None) => Err(Box::new(guard.reply(&Denied::Invalid))),
        Ok(Some(record)) => Ok(Who { actor: Actor::holding(&record), manages: caller.may(TOKENS_MANAGE) }),
    }
}

/// An actor that does not act in the tenant that a request is for.
pub(super) struct NotHere;

/// The actor, in the tenant that a request is for.
pub(super) fn within(actor: Actor, tenant: &str) -> Result<Actor, NotHere> {
    match &actor.reach {
        Reach::Only(own) if own.as_deref() == Some(tenant) => Ok(actor),
        // Whoever may act everywhere acts where it is: a token that it creates here must not come
        // out as nobody's.
        Reach::All => Ok(actor.tenant(tenant)),
        Reach::Only(_) => Err(NotHere),
        Reach::Unsaid => {
            tracing::error!(error = %Error::TenantNotSaid, "an actor of the admin API names no tenant");
            Err(NotHere)
        }
    }
}

impl AdminApi {
    /// Whoever comes by the host's own login, in the tenant that the request is for.
    pub(super) fn of_login(
        &self,
        access: Access,
        request: &AdminRequest<'_>,
        guard: &Guard,
        request_id: Option<&str>,
    ) -> Result<Who, Box<Reply>> {
        let nothing_here = || Box::new(Fault::no_such_place().reply(request_id));
        let (actor, manages) = match access {
            Access::Nobody => return Err(Box::new(guard.token_missing())),
            Access::Forbidden => return Err(nothing_here()),
            Access::ReadOnly(actor) => (actor, false),
            Access::Manage(actor) => (actor, true),
        };
        let actor = match guard.tenant_of(&request.http) {
            Tenant::Malformed => return Err(Box::new(guard.malformed_host())),
            Tenant::Nobody => return Err(nothing_here()),
            Tenant::Without | Tenant::Any => actor,
            Tenant::Named(tenant) => within(actor, &tenant).map_err(|NotHere| nothing_here())?,
        };
        cross_site::check(&request.http, &self.allowed_origins)
            .map_err(|fault| Box::new(fault.reply(request_id)))?;
        Ok(Who { actor, manages })
    }
}
