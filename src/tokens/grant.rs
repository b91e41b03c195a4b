//! What a verification answers.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{Engine, Tokens};
use crate::clock::Reading;
use crate::limit::Standing;
use crate::live::Granted;
use crate::recording::{Noted, What};
use crate::scope::Scopes;
use crate::usage::{Call, Outcome};
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
    granted: Granted,
    request: Request,
}

/// The request that was granted, as it is recorded once it has ended.
struct Request {
    id: TokenId,
    /// The scopes that have authorised it.
    needed: Scopes,
    granted_ms: i64,
    is_recorded: AtomicBool,
    /// The limiter that counts for all nodes did not answer.
    is_degraded: bool,
}

impl<'a> Grant<'a> {
    #[inline]
    pub(super) fn new(
        tokens: &'a Tokens,
        id: TokenId,
        granted: Granted,
        needed: Scopes,
        now: Reading,
    ) -> Grant<'a> {
        let is_recorded = AtomicBool::new(false);
        let request = Request { id, needed, granted_ms: now.wall_ms, is_recorded, is_degraded: false };
        Grant { tokens, granted, request }
    }

    pub(super) fn degraded(mut self, is_degraded: bool) -> Grant<'a> {
        self.request.is_degraded = is_degraded;
        self
    }

    /// The token.
    pub fn token_id(&self) -> TokenId {
        self.request.id
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

    /// What is left of the token's limit after this request. Empty where that is not known, since the
    /// limiter did not answer.
    pub fn standing(&self) -> &Standing {
        &self.granted.standing
    }

    /// Whether the limiter that counts for all nodes did not answer, and the request passes by what
    /// the service wants to happen then: see
    /// [`WhenLimiterFails`](crate::WhenLimiterFails).
    pub fn is_degraded(&self) -> bool {
        self.request.is_degraded
    }

    /// Records how the request ended: the method and the template of the route (`GET
    /// /orders/{id}`, never the raw path), the status and the time that it took. Call it when the
    /// response is finished. What is recorded first counts, and a request counts once.
    pub fn record(&self, route: &str, status: u16, duration: Duration) {
        self.record_call(&Call::new(route, status, duration));
    }

    /// [`Grant::record`] with all that is known: how long the answer was, and who has asked.
    pub fn record_call(&self, call: &Call<'_>) {
        self.engine().record(&self.request, self.granted.tenant, self.granted.secret_version, call);
    }

    /// The same, detached from the [`Tokens`] that gave it.
    pub fn into_caller(self) -> Caller {
        let tenant = self.tenant();
        Caller(Arc::new(Passed {
            tokens: self.tokens.clone(),
            request: self.request,
            tenant_number: self.granted.tenant,
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
            .field("token_id", &self.request.id)
            .field("scopes", &scopes)
            .finish_non_exhaustive()
    }
}

/// The verified caller of a request, as handlers receive it. Cheap to clone.
#[derive(Clone)]
pub struct Caller(Arc<Passed>);

struct Passed {
    tokens: Tokens,
    request: Request,
    tenant_number: u32,
    tenant: Option<Arc<str>>,
    scopes: Scopes,
    secret_version: u32,
    standing: Standing,
}

impl Caller {
    /// The token.
    pub fn token_id(&self) -> TokenId {
        self.0.request.id
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

    /// What was left of the token's limit after this request. Empty where that is not known, since
    /// the limiter did not answer.
    pub fn standing(&self) -> &Standing {
        &self.0.standing
    }

    /// Whether the limiter that counts for all nodes did not answer, as [`Grant::is_degraded`] says.
    pub fn is_degraded(&self) -> bool {
        self.0.request.is_degraded
    }

    /// The tokens that the caller was verified by.
    pub fn tokens(&self) -> &Tokens {
        &self.0.tokens
    }

    /// Records how the request ended, as [`Grant::record`] does. The web layer does it by itself;
    /// where a handler has done it before, that is what counts.
    pub fn record(&self, route: &str, status: u16, duration: Duration) {
        self.record_call(&Call::new(route, status, duration));
    }

    /// [`Caller::record`] with all that is known: how long the answer was, and who has asked.
    pub fn record_call(&self, call: &Call<'_>) {
        let Passed { tokens, request, tenant_number, secret_version, .. } = &*self.0;
        tokens.engine().record(request, *tenant_number, *secret_version, call);
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Caller")
            .field("token_id", &self.0.request.id)
            .field("tenant", &self.0.tenant)
            .field("scopes", &self.scopes())
            .finish_non_exhaustive()
    }
}

impl Engine {
    fn may(&self, held: &Scopes, scope: &str) -> bool {
        self.catalog.needed(scope).is_some_and(|needed| held.contains_all(&needed))
    }

    fn record(&self, request: &Request, tenant: u32, secret_version: u32, call: &Call<'_>) {
        if request.is_recorded.swap(true, Ordering::Relaxed) {
            return;
        }
        let now = self.clock.now();
        let noted = Noted {
            granted_ms: request.granted_ms,
            secret_version,
            status: call.status,
            duration_us: u64::try_from(call.duration.as_micros()).unwrap_or(u64::MAX),
            bytes: call.bytes,
            scopes: request.needed.clone(),
            address: call.address,
            ..Noted::new(request.id, tenant, What::Ended(Outcome::Granted), now.wall_ms)
        };
        self.recorder.note(noted, call.route, call.agent.unwrap_or_default());
        // Named as OpenTelemetry's semantic conventions name them.
        tracing::trace!(
            token = %request.id,
            http.route = call.route,
            http.response.status_code = call.status,
            http.response.body.size = call.bytes,
            duration_us = call.duration.as_micros() as u64,
            "a request with a token is finished"
        );
    }
}
