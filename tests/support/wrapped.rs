//! Stores around another.

/// Makes a type a store of tokens, use and events that hands each call on to the one that `$store` gives,
/// and answers with what `$outcome` makes of the call's future.
macro_rules! wrapped {
    ($wrapper:ty, $self:ident => $store:expr, $call:ident => $outcome:expr) => {
        $crate::wrapped::wrapped_tokens!($wrapper, $self => $store, $call => $outcome);
        $crate::wrapped::wrapped_usage!($wrapper, $self => $store, $call => $outcome);
    };
}

/// The same for tokens alone.
macro_rules! wrapped_tokens {
    ($wrapper:ty, $self:ident => $store:expr, $call:ident => $outcome:expr) => {
        const _: () = {
            use tokenward::store::{Cap, Change, HistoryQuery, Insertion, Listing, Query, RevokeAll, Updating};
            use tokenward::{HistoryDraft, HistoryEntry, StoreError, StoredToken, TokenId, TokenStore, async_trait};

            #[async_trait]
            impl TokenStore for $wrapper {
                async fn open(&$self) -> Result<(), StoreError> {
                    match &$store { store => { let $call = store.open(); $outcome } }
                }
                fn is_exclusive(&self) -> bool {
                    true
                }
                async fn changes_by_others(&$self) -> Result<u64, StoreError> {
                    match &$store { store => { let $call = store.changes_by_others(); $outcome } }
                }
                async fn service_key(&$self) -> Result<[u8; 32], StoreError> {
                    match &$store { store => { let $call = store.service_key(); $outcome } }
                }
                async fn insert(
                    &$self,
                    token: &StoredToken,
                    history: &HistoryDraft,
                    cap: Option<Cap>,
                ) -> Result<Insertion, StoreError> {
                    match &$store { store => { let $call = store.insert(token, history, cap); $outcome } }
                }
                async fn load(&$self, ids: &[TokenId]) -> Result<Vec<StoredToken>, StoreError> {
                    match &$store { store => { let $call = store.load(ids); $outcome } }
                }
                async fn load_settled(&$self, id: &TokenId) -> Result<Option<StoredToken>, StoreError> {
                    match &$store { store => { let $call = store.load_settled(id); $outcome } }
                }
                async fn update(&$self, changes: &[Change]) -> Result<Updating, StoreError> {
                    match &$store { store => { let $call = store.update(changes); $outcome } }
                }
                async fn revoke_all(&$self, revocation: &RevokeAll) -> Result<Vec<StoredToken>, StoreError> {
                    match &$store { store => { let $call = store.revoke_all(revocation); $outcome } }
                }
                async fn purge(
                    &$self,
                    id: &TokenId,
                    version: u64,
                    history: &HistoryDraft,
                ) -> Result<Updating, StoreError> {
                    match &$store { store => { let $call = store.purge(id, version, history); $outcome } }
                }
                async fn list(&$self, query: &Query) -> Result<Listing, StoreError> {
                    match &$store { store => { let $call = store.list(query); $outcome } }
                }
                async fn history(&$self, query: &HistoryQuery) -> Result<Vec<HistoryEntry>, StoreError> {
                    match &$store { store => { let $call = store.history(query); $outcome } }
                }
            }

        };
    };
}

/// The same for use and events alone.
macro_rules! wrapped_usage {
    ($wrapper:ty, $self:ident => $store:expr, $call:ident => $outcome:expr) => {
        const _: () = {
            use chrono::{DateTime, Utc};
            use tokenward::usage::{CallQuery, Outdated, RecordedCall, SliceQuery, StoredSlice};
            use tokenward::{Counts, Event, Outbox, StoreError, TokenId, UsageBatch, UsageStore, async_trait};

            #[async_trait]
            impl UsageStore for $wrapper {
                async fn add(&$self, batch: &UsageBatch) -> Result<(), StoreError> {
                    match &$store { store => { let $call = store.add(batch); $outcome } }
                }
                async fn read(&$self, tokens: &[TokenId]) -> Result<Vec<(TokenId, Counts)>, StoreError> {
                    match &$store { store => { let $call = store.read(tokens); $outcome } }
                }
                async fn slices(&$self, query: &SliceQuery) -> Result<Vec<StoredSlice>, StoreError> {
                    match &$store { store => { let $call = store.slices(query); $outcome } }
                }
                async fn calls(&$self, query: &CallQuery) -> Result<Vec<RecordedCall>, StoreError> {
                    match &$store { store => { let $call = store.calls(query); $outcome } }
                }
                async fn forget(&$self, outdated: &Outdated) -> Result<bool, StoreError> {
                    match &$store { store => { let $call = store.forget(outdated); $outcome } }
                }
                async fn erase(&$self, tokens: &[TokenId]) -> Result<(), StoreError> {
                    match &$store { store => { let $call = store.erase(tokens); $outcome } }
                }
                async fn erase_clients(&$self, tokens: &[TokenId]) -> Result<(), StoreError> {
                    match &$store { store => { let $call = store.erase_clients(tokens); $outcome } }
                }
            }

            #[async_trait]
            impl Outbox for $wrapper {
                async fn announce(&$self, events: &[Event]) -> Result<(), StoreError> {
                    match &$store { store => { let $call = store.announce(events); $outcome } }
                }
                async fn due(
                    &$self,
                    now: DateTime<Utc>,
                    until: DateTime<Utc>,
                    limit: u32,
                ) -> Result<Vec<Event>, StoreError> {
                    match &$store { store => { let $call = store.due(now, until, limit); $outcome } }
                }
                async fn postpone(&$self, id: &str, until: DateTime<Utc>) -> Result<(), StoreError> {
                    match &$store { store => { let $call = store.postpone(id, until); $outcome } }
                }
                async fn delivered(&$self, id: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
                    match &$store { store => { let $call = store.delivered(id, now); $outcome } }
                }
            }
        };
    };
}
pub(crate) use {wrapped, wrapped_tokens, wrapped_usage};
