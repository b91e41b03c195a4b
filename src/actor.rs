//! Who changes a token, and how far that one's hand reaches.

use std::collections::BTreeSet;
use std::net::IpAddr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::scope::CompiledCatalog;
use crate::{AddressRange, Error, NotGrantable, RateLimit, Scope, TokenId, TokenRecord};

/// Who changes a token: the name that history keeps, the tenant in which it may act, and what it
/// may grant.
///
/// A plain text is an actor of the service itself, which may grant everything:
/// `.by("maria@acme.example")`. It reaches the tokens of a service without tenants. For a token
/// of a tenant it must be said which: [`Actor::tenant`], or [`Actor::all_tenants`]. A token id
/// that came from outside can then never lead into another tenant.
///
/// ```
/// use tokenward::Actor;
/// let support = Actor::new("maria@acme.example").tenant("acme").may_grant(["orders:read"]);
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Actor {
    pub(crate) name: String,
    pub(crate) reach: Reach,
    pub(crate) bounds: Bounds,
    pub(crate) token: Option<TokenId>,
    pub(crate) via: Via,
    pub(crate) address: Option<IpAddr>,
    pub(crate) request_id: Option<String>,
}

/// Where an actor may act.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Reach {
    /// Nothing was said: only tokens without a tenant, and a clear error for any other.
    Unsaid,
    /// Only this tenant's tokens (none: only those without a tenant). Others do not exist for it.
    Only(Option<String>),
    /// Every tenant's.
    All,
}

/// What an actor may grant at most; nothing said is no bound.
#[derive(Clone, PartialEq, Default, Debug)]
pub(crate) struct Bounds {
    pub(crate) scopes: Option<BTreeSet<String>>,
    pub(crate) rate_limit: Option<RateLimit>,
    pub(crate) expires_at: Option<DateTime<Utc>>,
    pub(crate) addresses: Vec<AddressRange>,
}

/// Which way a change came.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Via {
    /// The service's own code.
    Code,
    /// The JSON admin API.
    Api,
    /// The dashboard.
    Dashboard,
}

impl Via {
    /// The word for it in JSON, in databases and in the chain of history.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Via::Code => "code",
            Via::Api => "api",
            Via::Dashboard => "dashboard",
        }
    }

    /// The way that a word stands for.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(crate) fn from_word(word: &str) -> Option<Via> {
        [Via::Code, Via::Api, Via::Dashboard].into_iter().find(|via| via.as_str() == word)
    }
}

impl Actor {
    /// An actor of the service, with the name that history keeps.
    pub fn new(name: impl Into<String>) -> Actor {
        Actor {
            name: name.into(),
            reach: Reach::Unsaid,
            bounds: Bounds::default(),
            token: None,
            via: Via::Code,
            address: None,
            request_id: None,
        }
    }

    /// The holder of a token, acting through the management functions: it reaches its own tenant,
    /// and what it grants never exceeds the token's own scopes (and what they imply), limit, expiry
    /// and addresses.
    pub fn holding(record: &TokenRecord) -> Actor {
        let scopes = record.scopes.iter().map(|scope| scope.as_str().to_owned()).collect();
        Actor {
            reach: Reach::Only(record.tenant.clone()),
            bounds: Bounds {
                scopes: Some(scopes),
                rate_limit: Some(record.rate_limit),
                expires_at: record.expires_at,
                addresses: record.addresses.clone(),
            },
            token: Some(record.id),
            ..Actor::new(record.name.clone())
        }
    }

    /// It acts in this tenant; tokens of others do not exist for it.
    pub fn tenant(mut self, tenant: impl Into<String>) -> Actor {
        self.reach = Reach::Only(Some(tenant.into()));
        self
    }

    /// It acts in every tenant.
    pub fn all_tenants(mut self) -> Actor {
        self.reach = Reach::All;
        self
    }

    /// It may grant these scopes and no others. Without this an actor of the service may grant all.
    pub fn may_grant<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Actor {
        self.bounds.scopes = Some(scopes.into_iter().map(Into::into).collect());
        self
    }

    /// Which way its change came, for history.
    pub fn via(mut self, via: Via) -> Actor {
        self.via = via;
        self
    }

    /// The client's address, for history.
    pub fn address(mut self, address: IpAddr) -> Actor {
        self.address = Some(address);
        self
    }

    /// The id of the request, for history.
    pub fn request_id(mut self, id: impl Into<String>) -> Actor {
        self.request_id = Some(id.into());
        self
    }

    /// The name that history keeps.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The greatest limit that it may grant; none where nothing bounds it.
    pub fn greatest_limit(&self) -> Option<RateLimit> {
        self.bounds.rate_limit
    }

    /// The latest expiry that it may grant; none where nothing bounds it.
    pub fn latest_expiry(&self) -> Option<DateTime<Utc>> {
        self.bounds.expires_at
    }

    /// Whether the token is there for this actor.
    pub(crate) fn reaches(&self, record: &TokenRecord) -> Result<(), Error> {
        match &self.reach {
            Reach::All => Ok(()),
            Reach::Only(tenant) if *tenant == record.tenant => Ok(()),
            Reach::Only(_) => Err(Error::NotFound),
            Reach::Unsaid if record.tenant.is_none() => Ok(()),
            Reach::Unsaid => Err(Error::TenantNotSaid),
        }
    }

    /// The tenants whose tokens a listing shows to this actor.
    #[cfg(feature = "admin")]
    pub(crate) fn tenants(&self) -> crate::TenantFilter {
        match &self.reach {
            Reach::All => crate::TenantFilter::Any,
            Reach::Only(tenant) => crate::TenantFilter::Only(tenant.clone()),
            Reach::Unsaid => crate::TenantFilter::Only(None),
        }
    }

    /// Whose use it may look at, as a whole.
    #[cfg(feature = "admin")]
    pub(crate) fn subject(&self) -> crate::Subject {
        match self.tenants() {
            crate::TenantFilter::Any => crate::Subject::All,
            crate::TenantFilter::Only(tenant) => crate::Subject::Tenant(tenant),
        }
    }

    /// Whether it may grant this scope: it holds it by name, or by what it holds implies. A name
    /// that the catalogue no longer has is worth nothing, and may be passed on by its holder.
    pub(crate) fn may_grant_scope(&self, scope: &str, catalog: &CompiledCatalog) -> bool {
        let Some(held) = &self.bounds.scopes else { return true };
        let is_implied = |needed| catalog.effective(held.iter().map(String::as_str)).contains_all(&needed);
        held.contains(scope) || catalog.needed(scope).is_some_and(is_implied)
    }

    /// Whether the whole token lies within what this actor may grant. What exceeds is named,
    /// never cut down.
    pub(crate) fn may_hold(&self, record: &TokenRecord, catalog: &CompiledCatalog) -> Result<(), Error> {
        let mut exceeds = Vec::new();
        let is_beyond = |scope: &&Scope| !self.may_grant_scope(scope.as_str(), catalog);
        let scopes: Vec<Scope> = record.scopes.iter().filter(is_beyond).cloned().collect();
        if !scopes.is_empty() {
            exceeds.push("scopes");
        }
        if self.bounds.rate_limit.is_some_and(|bound| !record.rate_limit.is_within(&bound)) {
            exceeds.push("rate_limit");
        }
        if self.bounds.expires_at.is_some_and(|bound| record.expires_at.is_none_or(|end| end > bound)) {
            exceeds.push("expires_at");
        }
        if !self.bounds.addresses.is_empty() && !lies_within(&record.addresses, &self.bounds.addresses) {
            exceeds.push("ip_allow");
        }
        if exceeds.is_empty() { Ok(()) } else { Err(Error::NotGrantable(NotGrantable { exceeds, scopes })) }
    }
}

/// Whether whoever is let in by `ranges` is let in by `bounds`; no ranges let everybody in.
fn lies_within(ranges: &[AddressRange], bounds: &[AddressRange]) -> bool {
    !ranges.is_empty() && ranges.iter().all(|range| bounds.iter().any(|bound| range.is_within(bound)))
}

impl From<&str> for Actor {
    fn from(name: &str) -> Actor {
        Actor::new(name)
    }
}

impl From<String> for Actor {
    fn from(name: String) -> Actor {
        Actor::new(name)
    }
}

impl From<&Actor> for Actor {
    fn from(actor: &Actor) -> Actor {
        actor.clone()
    }
}
