//! Finding, listing and watching tokens.

use chrono::{DateTime, Utc};

use super::Tokens;
use crate::history::{Backwards, BrokenChain, HistoryEntry, Seal};
use crate::store::{HistoryQuery, Listing, Query, TenantFilter};
use crate::token::Presented;
use crate::{Error, TokenId, TokenRecord};

impl Tokens {
    /// The token with this id.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn find(&self, id: &TokenId) -> Result<Option<TokenRecord>, Error> {
        Ok(self.engine().load(*id).await?.map(|token| token.record))
    }

    /// Those of these tokens that are there, in one query.
    #[cfg(feature = "admin")]
    pub(crate) async fn find_all(&self, ids: &[TokenId]) -> Result<Vec<TokenRecord>, Error> {
        let engine = self.engine();
        engine.open().await?;
        Ok(engine.store.load(ids).await?.into_iter().map(|token| token.record).collect())
    }

    /// The token whose whole text somebody has found, such as in a log or a public repository:
    /// with its present secret, or with the one before while that is remembered. Nothing is
    /// counted, and nothing tells whether it is alive.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn find_by_text(&self, text: impl AsRef<[u8]>) -> Result<Option<TokenRecord>, Error> {
        let engine = self.engine();
        let Ok(presented) = Presented::read(text.as_ref(), &engine.prefix) else { return Ok(None) };
        let digest = presented.digest();
        let Some(token) = engine.load(presented.id()).await? else { return Ok(None) };
        let now = engine.clock.now().wall();
        let is_previous =
            token.remembered_predecessor(now).is_some_and(|(previous, _)| previous.matches(&digest));
        Ok((token.digest.matches(&digest) || is_previous).then_some(token.record))
    }

    /// The token that works with this text now, whatever it may do and however often: none where a
    /// verification in its own tenant would say anything but that. Nothing is counted or charged.
    #[cfg(feature = "admin")]
    pub(crate) async fn find_working(&self, text: &[u8]) -> Result<Option<TokenRecord>, Error> {
        let engine = self.engine();
        let Ok(presented) = Presented::read(text, &engine.prefix) else { return Ok(None) };
        let digest = presented.digest();
        let Some(token) = engine.load(presented.id()).await? else { return Ok(None) };
        let now = engine.clock.now().wall();
        let is_in_grace = token
            .remembered_predecessor(now)
            .is_some_and(|(previous, told)| previous.matches(&digest) && now < told.ends_at);
        let is_live = token.record.status(now) == crate::Status::Active;
        Ok((is_live && (token.digest.matches(&digest) || is_in_grace)).then_some(token.record))
    }

    /// One page of tokens. The moment of the query decides the statuses.
    ///
    /// ```
    /// # tokenward::block_on(async {
    /// # use tokenward::{Filter, Query, Status, TenantFilter, Tokens};
    /// # let (tokens, _clock) = Tokens::for_tests();
    /// let mut query = Query::new(TenantFilter::Only(Some("acme".into())), tokens.clock().now().wall());
    /// query.filter = Filter::new().status(Status::Active);
    /// let page = tokens.list(&query).await.unwrap();
    /// assert!(page.records.is_empty() && !page.more);
    /// # });
    /// ```
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn list(&self, query: &Query) -> Result<Listing, Error> {
        let engine = self.engine();
        engine.open().await?;
        Ok(engine.store.list(query).await?)
    }

    /// One page of the tokens that were not used since a moment, nor issued since it. Use is kept
    /// apart from tokens, so that pages are read until one is full: up to 20 of them, and the page
    /// may then be short. `after` goes on from the last position of
    /// [`UnusedListing::reached`].
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn list_unused(&self, query: &Query, since: DateTime<Utc>) -> Result<UnusedListing, Error> {
        let mut query = query.clone();
        let wanted = query.limit as usize;
        query.limit = query.limit.max(50);
        query.count_up_to = 0;
        let issued_before = query.filter.created_before.map_or(since, |before| before.min(since));
        query.filter.created_before = Some(issued_before);
        let mut found = UnusedListing { records: Vec::new(), reached: query.after.clone(), more: true };
        for _ in 0..20 {
            let page = self.list(&query).await?;
            let ids: Vec<_> = page.records.iter().map(|record| record.id).collect();
            let usage = self.usage_of(&ids).await?;
            for record in page.records {
                if found.records.len() == wanted {
                    return Ok(found);
                }
                found.reached = Some(query.order.position(&record));
                let last_used = usage.get(&record.id).and_then(|usage| usage.last_used_at);
                if last_used.is_none_or(|used| used < since) {
                    found.records.push(record);
                }
            }
            query.after = found.reached.clone();
            if !page.more {
                found.more = false;
                break;
            }
        }
        Ok(found)
    }

    /// One page of history, newest first.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn history(&self, query: &HistoryQuery) -> Result<Vec<HistoryEntry>, Error> {
        let engine = self.engine();
        engine.open().await?;
        Ok(engine.store.history(query).await?)
    }

    /// Checks the whole chain of a tenant's history, and gives its last seal: kept elsewhere, it
    /// shows later whether entries were cut off at the end. Reads every entry, 1,000 at once.
    ///
    /// # Errors
    /// [`Error::BrokenHistory`] names the entry at which it does not hold together;
    /// [`Error::Store`].
    pub async fn verify_history(&self, tenant: Option<&str>) -> Result<Option<Seal>, Error> {
        let check = self.check_history(&TenantFilter::Only(tenant.map(str::to_owned))).await?;
        match check.broken_at {
            Some(number) => Err(BrokenChain { number }.into()),
            None => Ok(check.newest.map(|(_, seal)| seal)),
        }
    }

    /// Checks the chains of these tenants' histories. Reads every entry, 1,000 at once. That one does
    /// not hold together is told, and no error.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn check_history(&self, tenant: &TenantFilter) -> Result<HistoryCheck, Error> {
        let mut query = HistoryQuery::new(tenant.clone());
        query.limit = 1_000;
        let mut chains = Backwards::default();
        loop {
            let page = self.history(&query).await?;
            page.iter().for_each(|entry| chains.look_at(entry));
            query.before = page.last().map(|entry| entry.number);
            if page.len() < query.limit as usize {
                break;
            }
        }
        let (entries, newest, broken_at) = chains.finish();
        Ok(HistoryCheck { entries, newest, broken_at })
    }
}

/// Whether history holds together.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct HistoryCheck {
    /// How many entries there are.
    pub entries: u64,
    /// The number of the newest, with its seal; none where there is none.
    pub newest: Option<(u64, Seal)>,
    /// The first entry that does not fit; none where all do.
    pub broken_at: Option<u64>,
}

/// One page of tokens that were not used.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct UnusedListing {
    /// The page.
    pub records: Vec<TokenRecord>,
    /// How far the listing has looked: where the next page begins.
    pub reached: Option<crate::store::Position>,
    /// Whether there may be more behind it.
    pub more: bool,
}
