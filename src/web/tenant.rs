//! Which tenant a request is for.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::{Request, host};

/// How the tenant of a request is found.
///
/// The default is a service without tenants. Nothing is taken from a forwarded header: a host
/// that stands behind a proxy sets its own host name, or says the tenant by
/// [`TenantSource::by`].
#[derive(Clone, Default)]
pub struct TenantSource(Kind);

#[derive(Clone, Default)]
enum Kind {
    #[default]
    Without,
    Fixed(Arc<str>),
    SubdomainOf(Arc<str>),
    OwnOfToken,
    By(Arc<Finder>),
}

type Finder = dyn Fn(&Request<'_>) -> Option<String> + Send + Sync;

impl TenantSource {
    /// The service has no tenants: only tokens without one are welcome.
    pub fn without() -> TenantSource {
        TenantSource(Kind::Without)
    }

    /// Every request is for this tenant.
    pub fn fixed(tenant: &str) -> TenantSource {
        TenantSource(Kind::Fixed(tenant.into()))
    }

    /// The tenant is the one label before this domain in the request's host: `acme` of
    /// `acme.shop.example` for `shop.example`. The port, the case and one dot at the end make no
    /// difference. Any other host is no tenant's.
    ///
    /// # Panics
    /// If `domain` is not a domain name.
    pub fn subdomain_of(domain: &str) -> TenantSource {
        let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
        assert!(
            !domain.is_empty()
                && domain.bytes().all(is_fine)
                && !domain.starts_with('.')
                && !domain.ends_with('.'),
            "a domain such as shop.example is needed, not {domain:?}"
        );
        TenantSource(Kind::SubdomainOf(domain.to_ascii_lowercase().into()))
    }

    /// The tenant is the token's own, whichever that is: the handler has to look at it.
    pub fn own_of_token() -> TenantSource {
        TenantSource(Kind::OwnOfToken)
    }

    /// The tenant is what `find` says; none where it says none, and the request is then nobody's.
    pub fn by(find: impl Fn(&Request<'_>) -> Option<String> + Send + Sync + 'static) -> TenantSource {
        TenantSource(Kind::By(Arc::new(find)))
    }

    pub(crate) fn find<'a>(&'a self, request: &Request<'a>) -> Tenant<'a> {
        match &self.0 {
            Kind::Without => Tenant::Without,
            Kind::Fixed(tenant) => Tenant::Named(Cow::Borrowed(tenant)),
            Kind::OwnOfToken => Tenant::Any,
            Kind::By(find) => {
                find(request).map_or(Tenant::Nobody, |tenant| Tenant::Named(Cow::Owned(tenant)))
            }
            Kind::SubdomainOf(domain) => match host::of(request) {
                host::Host::Malformed => Tenant::Malformed,
                host::Host::Address => Tenant::Nobody,
                host::Host::Name(Cow::Borrowed(name)) => host::subdomain(name, domain)
                    .map_or(Tenant::Nobody, |label| Tenant::Named(Cow::Borrowed(label))),
                host::Host::Name(Cow::Owned(name)) => host::subdomain(&name, domain)
                    .map_or(Tenant::Nobody, |label| Tenant::Named(Cow::Owned(label.to_owned()))),
            },
        }
    }
}

impl fmt::Debug for TenantSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Without => formatter.write_str("without"),
            Kind::Fixed(tenant) => write!(formatter, "fixed {tenant:?}"),
            Kind::SubdomainOf(domain) => write!(formatter, "subdomain of {domain}"),
            Kind::OwnOfToken => formatter.write_str("own of token"),
            Kind::By(_) => formatter.write_str("by a function"),
        }
    }
}

/// The tenant of one request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Tenant<'a> {
    Without,
    Named(Cow<'a, str>),
    Any,
    /// A host that reads well and is no tenant's.
    Nobody,
    /// No host, several, or one that does not read.
    Malformed,
}
