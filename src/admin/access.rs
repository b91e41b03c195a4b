//! Who may use the API and the dashboard, and for what.

use std::net::IpAddr;

use super::permissions::Permissions;
use super::viewer::holder;
use super::{AdminApi, AdminRequest, Fault, cross_site};
use crate::actor::Reach;
use crate::web::{Guard, Reply, Tenant, unavailable};
use crate::{Actor, Caller, Denied, Error, TOKENS_MANAGE, TokenId, Tokens};

/// What the host's own login says of whoever comes.
#[derive(Clone, PartialEq, Default, Debug)]
#[non_exhaustive]
pub enum Access {
    /// Nobody is logged in. The API then takes a bearer token, and answers 401 without one; the
    /// dashboard answers 404.
    #[default]
    Nobody,
    /// Nobody is logged in, and the host's login is at this address: the dashboard sends browsers
    /// there, with `return_to` added to its query. To the API it is as [`Access::Nobody`].
    Login(String),
    /// Nobody is logged in, and the dashboard's own sign-in may let somebody in by a token that
    /// holds `tokens:read` or `tokens:manage`. To the API it is as [`Access::Nobody`].
    SignIn,
    /// Somebody who is not to know that anything is here: 404.
    Forbidden,
    /// It may look at everything within its reach.
    ReadOnly(Actor),
    /// It may change tokens as well.
    Manage(Actor),
    /// It may do what is said, one by one.
    Custom(Actor, Permissions),
}

impl Access {
    /// Nobody is logged in, and the host's login is at this address: a path of this host, or an
    /// address of another.
    pub fn login(address: impl Into<String>) -> Access {
        Access::Login(address.into())
    }

    /// It may look at everything within its reach.
    pub fn read_only(actor: impl Into<Actor>) -> Access {
        Access::ReadOnly(actor.into())
    }

    /// It may change tokens as well.
    pub fn manage(actor: impl Into<Actor>) -> Access {
        Access::Manage(actor.into())
    }

    /// What the holder of a token may do: for a session that a token has opened. It acts in the
    /// token's tenant, grants nothing that the token lacks, changes tokens with `tokens:manage` and
    /// looks with `tokens:read`. [`Access::Nobody`] where the token would not be let in again: its
    /// secret is no longer this version, it is paused, expired or revoked, or bound to other
    /// addresses than this one. Nothing is charged to its limit.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn of_token(
        tokens: &Tokens,
        id: &TokenId,
        secret_version: u32,
        address: Option<IpAddr>,
    ) -> Result<Access, Error> {
        let who = holder(tokens, id, secret_version, address).await?;
        Ok(who.map_or(Access::Nobody, |who| Access::Custom(who.actor, who.permissions)))
    }

    /// Whoever was let in, and with what.
    pub(crate) fn who(self) -> Option<Who> {
        let (actor, permissions) = match self {
            Access::ReadOnly(actor) => (actor, Permissions::read_only()),
            Access::Manage(actor) => (actor, Permissions::all()),
            Access::Custom(actor, permissions) => (actor, permissions),
            Access::Nobody | Access::Login(_) | Access::SignIn | Access::Forbidden => return None,
        };
        Some(Who { actor, permissions })
    }
}

/// Whoever was let in.
pub(crate) struct Who {
    pub(crate) actor: Actor,
    pub(crate) permissions: Permissions,
}

/// Why somebody whom the host's login knows is not let in.
pub(crate) enum Unwelcome {
    /// Nobody is logged in.
    Nobody,
    /// There is nothing here for it.
    NothingHere,
    /// The request does not say readably which host it is for.
    MalformedHost,
    /// It was not sent by a page of this site.
    CrossSite(Fault),
}

impl Unwelcome {
    /// What a page says of it.
    #[cfg(feature = "dashboard")]
    pub(crate) fn fault(self) -> Fault {
        match self {
            Unwelcome::Nobody | Unwelcome::NothingHere => Fault::no_such_place(),
            Unwelcome::MalformedHost => Fault::malformed("The request does not say which host it is for."),
            Unwelcome::CrossSite(fault) => fault,
        }
    }
}

/// The holder of a token, with what it holds now. A token that is gone meanwhile is unknown.
pub(super) async fn of_bearer(caller: &Caller, guard: &Guard) -> Result<Who, Box<Reply>> {
    match caller.tokens().find(&caller.token_id()).await {
        Err(error) => Err(Box::new(unavailable(&error))),
        Ok(None) => Err(Box::new(guard.reply(&Denied::Invalid))),
        Ok(Some(record)) => {
            let manages = caller.may(TOKENS_MANAGE);
            let permissions = if manages { Permissions::all() } else { Permissions::read_only() };
            Ok(Who { actor: Actor::holding(&record), permissions })
        }
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
    pub(crate) fn of_login(&self, access: Access, request: &AdminRequest<'_>) -> Result<Who, Unwelcome> {
        let is_known = access != Access::Forbidden;
        let who = access.who().ok_or(if is_known { Unwelcome::Nobody } else { Unwelcome::NothingHere })?;
        let actor = match self.reading.tenant_of(&request.http) {
            Tenant::Malformed => return Err(Unwelcome::MalformedHost),
            Tenant::Nobody => return Err(Unwelcome::NothingHere),
            Tenant::Without | Tenant::Any => who.actor,
            Tenant::Named(tenant) => within(who.actor, &tenant).map_err(|NotHere| Unwelcome::NothingHere)?,
        };
        cross_site::check(&request.http, &self.allowed_origins).map_err(Unwelcome::CrossSite)?;
        Ok(Who { actor, ..who })
    }

    /// The answer of the API to whoever is not let in.
    pub(super) fn turn_away(&self, unwelcome: Unwelcome, guard: &Guard, request_id: Option<&str>) -> Reply {
        match unwelcome {
            Unwelcome::Nobody => guard.token_missing(),
            Unwelcome::NothingHere => Fault::no_such_place().reply(request_id),
            Unwelcome::MalformedHost => guard.malformed_host(),
            Unwelcome::CrossSite(fault) => fault.reply(request_id),
        }
    }
}
