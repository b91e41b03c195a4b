//! What a place needs of whoever comes with a token.

use std::net::IpAddr;

use super::{Engine, Tokens};
use crate::scope::Scopes;
use crate::{Error, Scope};

/// What a place needs of whoever comes with a token: scopes, a tenant, and the address that it
/// comes from.
///
/// It only borrows, and is made anew for each request:
///
/// ```
/// use tokenward::Need;
/// let need = Need::scope("orders:read").tenant("acme");
/// ```
///
/// Without [`tenant`](Need::tenant) a token without a tenant is welcome, and no other.
#[derive(Clone, Copy, Debug)]
pub struct Need<'a> {
    pub(super) scopes: NeededScopes<'a>,
    pub(super) tenant: NeededTenant<'a>,
    pub(super) address: Option<IpAddr>,
    pub(super) route: &'a str,
    pub(super) agent: &'a str,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum NeededScopes<'a> {
    None,
    One(&'a str),
    All(&'a [&'a str]),
    Resolved(&'a Requirement),
    Closed,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum NeededTenant<'a> {
    Without,
    Named(&'a str),
    Any,
    Nobody,
}

/// Scopes that were looked up in the catalogue once, so that a request need not.
///
/// Made by [`Tokens::requirement`], and valid with those tokens only.
#[derive(Clone, PartialEq, Debug)]
pub struct Requirement {
    catalog_number: u64,
    names: Vec<Scope>,
    bits: Scopes,
}

impl<'a> Need<'a> {
    /// Any token that is alive, whatever its scopes.
    pub const fn live() -> Need<'a> {
        Need::with(NeededScopes::None)
    }

    /// This scope.
    pub const fn scope(scope: &'a str) -> Need<'a> {
        Need::with(NeededScopes::One(scope))
    }

    /// All of these scopes.
    pub const fn scopes(scopes: &'a [&'a str]) -> Need<'a> {
        Need::with(NeededScopes::All(scopes))
    }

    /// Scopes that were looked up once: the quickest form.
    pub const fn of(requirement: &'a Requirement) -> Need<'a> {
        Need::with(NeededScopes::Resolved(requirement))
    }

    /// What no token has: the place is not for tokens. Whoever holds a good one is told so.
    pub const fn closed() -> Need<'a> {
        Need::with(NeededScopes::Closed)
    }

    /// A token of this tenant.
    pub const fn tenant(mut self, tenant: &'a str) -> Need<'a> {
        self.tenant = NeededTenant::Named(tenant);
        self
    }

    /// A token of any tenant, or of none. The grant says which it is.
    pub const fn any_tenant(mut self) -> Need<'a> {
        self.tenant = NeededTenant::Any;
        self
    }

    /// A token of no tenant at all, not even of none: whoever comes is refused like a stranger. For
    /// a request that names a tenant that cannot be, such as by a host of nobody's.
    pub const fn nobody(mut self) -> Need<'a> {
        self.tenant = NeededTenant::Nobody;
        self
    }

    /// The client's address. A token that is bound to addresses is refused where none is said.
    pub const fn from_address(mut self, address: IpAddr) -> Need<'a> {
        self.address = Some(address);
        self
    }

    /// The method and the template of the route (`GET /orders/{id}`, never the raw path), so that
    /// a refusal is counted where it belongs. [`Grant::record`](crate::Grant::record) says it for
    /// what is granted.
    pub const fn on_route(mut self, route: &'a str) -> Need<'a> {
        self.route = route;
        self
    }

    /// What the client calls itself, in `User-Agent`, for the record of a refusal.
    pub const fn from_agent(mut self, agent: &'a str) -> Need<'a> {
        self.agent = agent;
        self
    }

    const fn with(scopes: NeededScopes<'a>) -> Need<'a> {
        Need { scopes, tenant: NeededTenant::Without, address: None, route: "", agent: "" }
    }
}

impl Requirement {
    /// The scopes that are needed.
    pub fn names(&self) -> &[Scope] {
        &self.names
    }
}

impl Tokens {
    /// Looks scopes up in the catalogue once, for [`Need::of`].
    ///
    /// # Errors
    /// [`Error::UnknownScope`] for a scope that the catalogue does not have.
    pub fn requirement<S: AsRef<str>>(
        &self,
        scopes: impl IntoIterator<Item = S>,
    ) -> Result<Requirement, Error> {
        self.engine().requirement(scopes)
    }
}

impl Engine {
    pub(crate) fn requirement<S: AsRef<str>>(
        &self,
        scopes: impl IntoIterator<Item = S>,
    ) -> Result<Requirement, Error> {
        let mut names = Vec::new();
        let mut bits = Scopes::none();
        for scope in scopes {
            let name = scope.as_ref();
            let needed = self.catalog.needed(name).ok_or_else(|| Error::UnknownScope(name.to_owned()))?;
            bits.insert_all(&needed);
            names.extend(self.catalog.find(name).cloned());
        }
        Ok(Requirement { catalog_number: self.catalog_number, names, bits })
    }

    /// The scopes of a need, as bits. Allocates nothing for up to 64 scopes in the catalogue.
    pub(super) fn needed_bits(&self, scopes: NeededScopes<'_>) -> Result<Scopes, Error> {
        let bits = |name: &str| self.catalog.needed(name).ok_or_else(|| Error::UnknownScope(name.to_owned()));
        match scopes {
            NeededScopes::None | NeededScopes::Closed => Ok(Scopes::none()),
            NeededScopes::One(name) => bits(name),
            NeededScopes::All(names) => {
                let mut all = Scopes::none();
                for name in names {
                    all.insert_all(&bits(name)?);
                }
                Ok(all)
            }
            NeededScopes::Resolved(requirement) if requirement.catalog_number == self.catalog_number => {
                Ok(requirement.bits.clone())
            }
            // Bits of another catalogue would name other scopes.
            NeededScopes::Resolved(requirement) => Ok(self.requirement(&requirement.names)?.bits),
        }
    }
}

impl AsRef<str> for Scope {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}
