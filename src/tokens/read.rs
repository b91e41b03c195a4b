//! Finding, listing and watching tokens.

use chrono::{DateTime, Utc};

use super::Tokens;
use crate::history::{HistoryEntry, Seal, verify_chain};
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
    /// shows later whether entries were cut off at the end. Reads every entry.
    ///
    /// # Errors
    /// [`Error::BrokenHistory`] names the entry at which it does not hold together;
    /// [`Error::Store`].
    pub async fn verify_history(&self, tenant: Option<&str>) -> Result<Option<Seal>, Error> {
        let mut query = HistoryQuery::new(TenantFilter::Only(tenant.map(str::to_owned)));
        query.limit = 1_000;
        let mut entries = Vec::new();
        loop {
            let page = self.history(&query).await?;
            let is_last = page.len() < query.limit as usize;
            query.before = page.last().map(|entry| entry.number);
            entries.extend(page);
            if is_last {
                break;
            }
        }
        Ok(verify_chain(entries.iter().rev(), None)?)
    }
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
