//! What a verification answers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Engine, Tokens};
use crate::limit::Standing;
use crate::live::Granted;
use crate::scope::Scopes;
use crate::{Denied, Scope, TokenId};

/// What a verification answers: may this request pass?
#[derive(Debug)]
#[must_use = "a verdict that nobody looks at lets everybody pass"]
pub enum Verdict<'a> {
    /// Yes, and for whom.
    Granted(Grant<'a>),
    /// No, and why.
    Denied(Denied),
}

impl<'a> Verdict<'a> {
    /// The grant, if it is one.
    pub fn granted(self) -> Option<Grant<'a>> {
        match self {
            Verdict::Granted(grant) => Some(grant),
            Verdict::Denied(_) => None,
        }
    }

    /// The refusal, if it is one.
    pub fn denied(self) -> Option<Denied> {
        match self {
            Verdict::Granted(_) => None,
            Verdict::Denied(denied) => Some(denied),
        }
    }

    /// Whether the request may pass.
    pub fn is_granted(&self) -> bool {
        matches!(self, Verdict::Granted(_))
    }
}

/// A request that may pass: whose it is, and what else it may do.
///
/// It borrows from the [`Tokens`] that gave it; [`Grant::into_caller`] makes something that lasts.
pub struct Grant<'a> {
    tokens: &'a Tokens,
    id: TokenId,
    granted: Granted,
}

impl<'a> Grant<'a> {
    pub(super) fn new(tokens: &'a Tokens, id: TokenId, granted: Granted) -> Grant<'a> {
        Grant { tokens, id, granted }
    }

    /// The token.
    pub fn token_id(&self) -> TokenId {
        self.id
    }

    /// The token's tenant; none in a service without tenants.
    pub fn tenant(&self) -> Option<Arc<str>> {
        self.engine().live.tenant_name(self.granted.tenant)
    }

    /// Which of the token's secrets was shown: during a grace period there are two.
    pub fn secret_version(&self) -> u32 {
        self.granted.secret_version
    }

    /// What the token may do, implications included, in the catalogue's order.
    pub fn scopes(&self) -> Vec<Scope> {
        self.engine().catalog.names(&self.granted.scopes)
    }

    /// Whether the token may do this as well. `false` for a scope that the catalogue does not have.
    pub fn may(&self, scope: &str) -> bool {
        self.engine().may(&self.granted.scopes, scope)
    }

    /// What is left of the token's limit after this request.
    pub fn standing(&self) -> &Standing {
        &self.granted.standing
    }

    /// Records how the request ended: the route's template (never the raw path), the status and
    /// the time that it took. Call it once, when the response is finished.
    pub fn record(&self, route: &str, status: u16, duration: Duration) {
        self.engine().record(self.id, route, status, duration);
    }

    /// The same, detached from the [`Tokens`] that gave it.
    pub fn into_caller(self) -> Caller {
        let tenant = self.tenant();
        Caller(Arc::new(Passed {
            tokens: self.tokens.clone(),
            id: self.id,
            tenant,
            scopes: self.granted.scopes,
            secret_version: self.granted.secret_version,
            standing: self.granted.standing,
        }))
    }

    fn engine(&self) -> &'a Engine {
        self.tokens.engine()
    }
}

impl fmt::Debug for Grant<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scopes = self.scopes();
        formatter
            .debug_struct("Grant")
            .field("token_id", &self.id)
            .field("scopes", &scopes)
            .finish_non_exhaustive()
    }
}

/// The verified caller of a request, as handlers receive it. Cheap to clone.
#[derive(Clone)]
pub struct Caller(Arc<Passed>);

struct Passed {
    tokens: Tokens,
    id: TokenId,
    tenant: Option<Arc<str>>,
    scopes: Scopes,
    secret_version: u32,
    standing: Standing,
}

impl Caller {
    /// The token.
    pub fn token_id(&self) -> TokenId {
        self.0.id
    }

    /// The token's tenant; none in a service without tenants.
    pub fn tenant(&self) -> Option<&str> {
        self.0.tenant.as_deref()
    }

    /// Which of the token's secrets was shown: during a grace period there are two.
    pub fn secret_version(&self) -> u32 {
        self.0.secret_version
    }

    /// What the token may do, implications included, in the catalogue's order.
    pub fn scopes(&self) -> Vec<Scope> {
        self.0.tokens.engine().catalog.names(&self.0.scopes)
    }

    /// Whether the token may do this as well. `false` for a scope that the catalogue does not have.
    pub fn may(&self, scope: &str) -> bool {
        self.0.tokens.engine().may(&self.0.scopes, scope)
    }

    /// What was left of the token's limit after this request.
    pub fn standing(&self) -> &Standing {
        &self.0.standing
    }

    /// The tokens that the caller was verified by.
    pub fn tokens(&self) -> &Tokens {
        &self.0.tokens
    }

    /// Records how the request ended. The web layer does it by itself.
    pub fn record(&self, route: &str, status: u16, duration: Duration) {
        self.0.tokens.engine().record(self.0.id, route, status, duration);
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Caller")
            .field("token_id", &self.0.id)
            .field("tenant", &self.0.tenant)
            .field("scopes", &self.scopes())
            .finish_non_exhaustive()
    }
}

impl Engine {
    fn may(&self, held: &Scopes, scope: &str) -> bool {
        self.catalog.needed(scope).is_some_and(|needed| held.contains_all(&needed))
    }

    fn record(&self, id: TokenId, route: &str, status: u16, duration: Duration) {
        self.live.finish(id, status, duration);
        tracing::trace!(token = %id, route, status, ?duration, "a request with a token is finished");
    }
}
