//! The engine: issue, verify, rotate, revoke, change, list and watch tokens.

mod builder;
mod change;
mod difference;
mod flush;
mod grant;
mod issue;
mod manage;
mod miss;
mod need;
mod read;
mod refusals;
mod verify;

pub use builder::TokensBuilder;
pub use change::Expected;
pub use grant::{Caller, Grant, Verdict};
pub use issue::{Issue, Issued};
pub use manage::{ChangeToken, RevokeMany, Rotate, Rotated};
pub use need::{Need, Requirement};
pub use read::UnusedListing;
pub use refusals::Strangers;

use std::fmt;
use std::sync::Arc;

use crate::clock::{Clock, ManualClock};
use crate::live::Live;
use crate::policy::Policy;
use crate::randomness::Randomness;
use crate::scope::CompiledCatalog;
use crate::store::{MemoryStore, TokenStore};
use crate::usage::UsageStore;
use crate::{Catalog, Error, Prefix, Spawner};

/// The tokens of a service: everything that can be done with them.
///
/// Cheap to clone; all clones are one. Build it once, with [`Tokens::builder`] or one of the short
/// forms, and hand it to whatever needs it. No type parameters, so that it fits into any state.
///
/// ```
/// # tokenward::block_on(async {
/// use tokenward::{Catalog, Need, NewToken, Tokens, Verdict};
///
/// let catalog = Catalog::new().scope("orders:read", "Look at orders and the customers on them");
/// let tokens = Tokens::in_memory(catalog)?;
/// let issued = tokens
///     .issue(NewToken::named("Nightly export").scopes(["orders:read"]))
///     .by("maria@acme.example")
///     .await?;
///
/// match tokens.verify(issued.secret.expose(), &Need::scope("orders:read")).await? {
///     Verdict::Granted(grant) => assert_eq!(grant.token_id(), issued.record.id),
///     Verdict::Denied(denied) => panic!("{}", denied.detail()),
/// }
/// # Ok::<(), tokenward::Error>(()) }).unwrap();
/// ```
///
/// # When it goes away
/// What was counted since the last flush is written when the last clone is dropped, as far as the
/// store can still be reached then. [`Tokens::shutdown`] does it for sure, and says whether it
/// could.
#[derive(Clone)]
pub struct Tokens(Arc<Handle>);

/// What the clones share: the engine, and the background thread that ends with the last of them.
struct Handle {
    engine: Arc<Engine>,
    background: Option<flush::Background>,
}

/// What the background thread shares with the clones.
pub(crate) struct Engine {
    store: Arc<dyn TokenStore>,
    usage: Arc<dyn UsageStore>,
    live: Arc<Live>,
    catalog: Arc<CompiledCatalog>,
    catalog_number: u64,
    prefix: Prefix,
    clock: Arc<dyn Clock>,
    granularity_ms: u32,
    randomness: Arc<dyn Randomness>,
    policy: Policy,
    spawner: Spawner,
    opening: miss::Opening,
    strangers: refusals::StrangerCounters,
    flush: flush::Flush,
}

impl Tokens {
    /// Tokens in this process's memory, gone with it.
    ///
    /// # Errors
    /// [`Error::InvalidCatalog`] where the catalogue is not right.
    pub fn in_memory(catalog: Catalog) -> Result<Tokens, Error> {
        let store = Arc::new(MemoryStore::new());
        Tokens::builder(store.clone()).usage_store(store).catalog(catalog).build()
    }

    /// Tokens for tests: in memory, with a clock that stands still until it is moved, and nothing
    /// in the background. The catalogue is the reference one of a store platform, `products`,
    /// `orders`, `customers`, `webhooks` and `settings` with `read` and `write`, and
    /// `analytics:read`.
    ///
    /// ```
    /// # tokenward::block_on(async {
    /// use chrono::TimeDelta;
    /// use tokenward::{Need, NewToken, Tokens};
    /// let (tokens, clock) = Tokens::for_tests();
    /// let asked = NewToken::named("Trial").expires_in(TimeDelta::days(90));
    /// let issued = tokens.issue(asked).by("maria").await.unwrap();
    /// clock.advance(TimeDelta::days(91));
    /// let verdict = tokens.verify(issued.secret.expose(), &Need::live()).await.unwrap();
    /// assert_eq!(verdict.denied().unwrap().code(), "token-expired");
    /// # });
    /// ```
    pub fn for_tests() -> (Tokens, ManualClock) {
        let mut catalog = Catalog::new().scope("analytics:read", "See revenue reports and sales analytics");
        for resource in ["products", "orders", "customers", "webhooks", "settings"] {
            catalog = catalog
                .scope(format!("{resource}:read"), format!("Look at {resource}"))
                .scope(format!("{resource}:write"), format!("Change {resource}"));
        }
        Tokens::for_tests_with(catalog)
    }

    /// [`Tokens::for_tests`] with a catalogue of one's own.
    ///
    /// # Panics
    /// Where the catalogue is not right.
    pub fn for_tests_with(catalog: Catalog) -> (Tokens, ManualClock) {
        let clock = ManualClock::new();
        let store = Arc::new(MemoryStore::new());
        let tokens = Tokens::builder(store.clone())
            .usage_store(store)
            .catalog(catalog)
            .clock(clock.clone())
            .without_background()
            .build();
        (tokens.unwrap_or_else(|error| panic!("{error}")), clock)
    }

    /// Tokens over any store, with everything that can be set.
    pub fn builder(store: Arc<dyn TokenStore>) -> TokensBuilder {
        TokensBuilder::new(store)
    }

    /// What the service lets its tokens do.
    pub fn catalog(&self) -> &Catalog {
        self.engine().catalog.catalog()
    }

    /// What every token of the service starts with.
    pub fn prefix(&self) -> &Prefix {
        &self.engine().prefix
    }

    /// The clock that decides.
    pub fn clock(&self) -> &dyn Clock {
        &*self.engine().clock
    }

    /// How many tokens are in memory.
    pub fn live_tokens(&self) -> usize {
        self.engine().live.len()
    }

    /// The memory that live tokens claim beyond their places in the table, in bytes. Looks at
    /// each of them.
    pub fn live_heap_bytes(&self) -> usize {
        self.engine().live.heap_bytes()
    }

    #[inline]
    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.0.engine
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Tokens").field("prefix", self.prefix()).finish_non_exhaustive()
    }
}
