//! Revoking all tokens of an owner or a tenant, in one act.

use super::super::change::Heeded;
use super::super::{Engine, Tokens, difference};
use super::reason;
use crate::actor::Reach;
use crate::history::Action;
use crate::live::{Ending, Known};
use crate::store::{Query, RevokeAll, TenantFilter};
use crate::{Actor, Error, TokenId, TokenRecord};

/// A revocation of many tokens that is about to be made: say [`by`](RevokeMany::by) whom.
#[must_use = "nothing is revoked until `by` is awaited"]
pub struct RevokeMany<'a> {
    tokens: &'a Tokens,
    owner: Option<String>,
    tenant: Option<TenantFilter>,
    reason: Option<String>,
}

impl Tokens {
    /// Revokes every token of an owner, in one act: dead at once, for good. In the tenant that the
    /// actor acts in.
    pub fn revoke_all_of_owner(&self, owner: impl ToString) -> RevokeMany<'_> {
        RevokeMany { tokens: self, owner: Some(owner.to_string()), tenant: None, reason: None }
    }

    /// Revokes every token of a tenant, in one act: dead at once, for good.
    pub fn revoke_all_of_tenant(&self, tenant: impl Into<String>) -> RevokeMany<'_> {
        let tenant = TenantFilter::Only(Some(tenant.into()));
        RevokeMany { tokens: self, owner: None, tenant: Some(tenant), reason: None }
    }
}

impl RevokeMany<'_> {
    /// Why, for history: up to 500 characters.
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Revokes them, in the name of `actor`, and gives those that were revoked by it. It runs to
    /// its end even if this future is dropped. While it is under way, every token is looked up in
    /// the store.
    ///
    /// # Errors
    /// [`Error::NotFound`] where the actor does not act in the tenant that was named;
    /// [`Error::TenantNotSaid`] where the owner has tokens in tenants and the actor names none;
    /// [`Error::Store`].
    pub async fn by(self, actor: impl Into<Actor>) -> Result<Vec<TokenRecord>, Error> {
        self.make(actor.into(), Heeded::ByAll).await
    }

    /// The same, without waiting for other nodes: it returns when they are revoked in the store. **The
    /// others may go on accepting them**, until they hear of it (milliseconds), and at the latest until
    /// the [bound](crate::LeaseHealth::bound) has passed.
    ///
    /// # Errors
    /// As for [`RevokeMany::by`].
    pub async fn by_without_waiting(self, actor: impl Into<Actor>) -> Result<Vec<TokenRecord>, Error> {
        self.make(actor.into(), Heeded::BySelf).await
    }

    async fn make(self, actor: Actor, heeded: Heeded) -> Result<Vec<TokenRecord>, Error> {
        let engine = self.tokens.engine().clone();
        let tenant_was_said = self.tenant.is_some() || actor.reach != Reach::Unsaid;
        let tenant = match (self.tenant, &actor.reach) {
            (Some(named), Reach::All | Reach::Unsaid) => named,
            (Some(named), Reach::Only(own)) if named.matches(own.as_deref()) => named,
            (Some(_), Reach::Only(_)) => return Err(Error::NotFound),
            (None, Reach::All) => TenantFilter::Any,
            (None, Reach::Only(own)) => TenantFilter::Only(own.clone()),
            (None, Reach::Unsaid) => TenantFilter::Only(None),
        };
        let reason = reason(self.reason)?;
        let now = engine.clock.now().wall();
        let stand_in = TokenRecord::stand_in(TokenId::placeholder(), now);
        let mut history = engine.history(Action::Revoked, &stand_in, &actor, now)?;
        history.reason = reason.clone();
        let revoked = TokenRecord { revoked_at: Some(now), ..stand_in.clone() };
        history.changes = difference::between(&stand_in, &revoked);
        let revocation = RevokeAll::new(tenant, self.owner, now, reason, history);
        let running = engine.clone();
        let revoke = async move {
            if !tenant_was_said {
                running.refuse_if_of_tenants(revocation.owner.as_deref()).await?;
            }
            running.revoke_all(revocation, heeded).await
        };
        engine.run(revoke).await
    }
}

impl Engine {
    /// Refuses where an owner has tokens in tenants and the actor has named none: doing nothing to
    /// them would look like having revoked them.
    async fn refuse_if_of_tenants(&self, owner: Option<&str>) -> Result<(), Error> {
        self.open().await?;
        let counted = async |tenant: TenantFilter| {
            let mut query = Query::new(tenant, self.clock.now().wall());
            query.filter.owner = owner.map(str::to_owned);
            (query.limit, query.count_up_to) = (1, u32::MAX);
            self.store.list(&query).await.map(|listing| listing.counted)
        };
        let (in_all, without_tenant) =
            (counted(TenantFilter::Any).await?, counted(TenantFilter::Only(None)).await?);
        if in_all > without_tenant { Err(Error::TenantNotSaid) } else { Ok(()) }
    }

    async fn revoke_all(&self, revocation: RevokeAll, heeded: Heeded) -> Result<Vec<TokenRecord>, Error> {
        self.open().await?;
        // Which tokens it will be only the store knows, and a look-up under way may have read any
        // of them before: from here on nothing is believed that was read until now.
        let all = self.live.mark_all();
        let revoked = match self.store.revoke_all(&revocation).await {
            Ok(revoked) => revoked,
            Err(error) => {
                if !error.outcome_is_unknown() {
                    all.finish();
                }
                return Err(error.into());
            }
        };
        let records: Vec<_> = revoked.iter().map(|token| token.record.clone()).collect();
        for token in revoked {
            let mark = self.live.mark(token.record.id);
            mark.finish(Ending::Known { outcome: Known::Record(Box::new(token)), rotated: false });
        }
        all.finish();
        self.all_heeded_everywhere(heeded).await?;
        Ok(records)
    }
}
