//! The engine: issue, verify, rotate, revoke, change, list and watch tokens.

mod attention;
mod background;
mod builder;
mod change;
pub(crate) mod difference;
mod elsewhere;
mod findings;
mod fleet;
mod flush;
mod grant;
mod health;
mod impact;
mod issue;
mod limiting;
mod manage;
#[cfg(feature = "metrics")]
mod metrics;
mod miss;
mod need;
mod read;
mod refusals;
mod rounds;
mod scope_use;
mod share;
mod statistics;
mod tend;
mod verify;

pub use attention::Attention;
pub use builder::TokensBuilder;
pub use change::Expected;
pub use findings::{Finding, FindingKind, Findings};
pub use grant::{Caller, Grant, Verdict};
pub use health::{Health, LeaseHealth};
pub use impact::{Impact, Intent, ScopeImpact};
pub use issue::{Issue, Issued};
pub use manage::{ChangeToken, RevokeMany, Rotate, Rotated};
pub use need::{Need, Requirement};
pub use read::{HistoryCheck, UnusedListing};
pub use statistics::{RecentCalls, Statistics, Step, TimeSeries, Usage};

use std::fmt;
use std::sync::Arc;

use crate::clock::Clock;
use crate::live::Live;
use crate::policy::Policy;
use crate::randomness::Randomness;
use crate::recording::Recorder;
use crate::scope::CompiledCatalog;
use crate::store::TokenStore;
use crate::usage::UsageStore;
use crate::{Actor, Catalog, NodeId, Prefix, Spawner};

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
    background: Option<background::Background>,
    /// Ends with the last clone.
    _leasing: Option<fleet::Leasing>,
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
    tending: tend::Tending,
    recorder: Arc<Recorder>,
    attention: Attention,
    watch: Option<attention::Watch>,
    rounds: rounds::Rounds,
    limiting: Option<limiting::Limiting>,
    node: NodeId,
    /// Where others change tokens, and tell.
    fleet: Option<fleet::Fleet>,
}

impl Tokens {
    /// Tokens over any store, with everything that can be set.
    pub fn builder(store: Arc<dyn TokenStore>) -> TokensBuilder {
        TokensBuilder::new(store)
    }

    /// What the service lets its tokens do.
    pub fn catalog(&self) -> &Catalog {
        self.engine().catalog.catalog()
    }

    /// Whether an actor may grant this scope: nothing bounds it, or it holds the scope by name or
    /// by what it holds implies.
    pub fn may_grant(&self, actor: &Actor, scope: &str) -> bool {
        actor.may_grant_scope(scope, &self.engine().catalog)
    }

    /// What the holder of these scopes may do, implications included, in the catalogue's order.
    #[cfg(feature = "admin")]
    pub(crate) fn effective_scopes<'a>(
        &self,
        held: impl IntoIterator<Item = &'a crate::Scope>,
    ) -> Vec<crate::Scope> {
        let catalog = &self.engine().catalog;
        catalog.names(&catalog.effective(held.into_iter().map(crate::Scope::as_str)))
    }

    /// What the service allows its tokens at most.
    #[cfg(feature = "dashboard")]
    pub(crate) fn policy(&self) -> &Policy {
        &self.engine().policy
    }

    /// What every token of the service starts with.
    pub fn prefix(&self) -> &Prefix {
        &self.engine().prefix
    }

    /// The clock that decides.
    pub fn clock(&self) -> &dyn Clock {
        &*self.engine().clock
    }

    /// For how long use is kept.
    #[cfg(feature = "dashboard")]
    pub(crate) fn retention(&self) -> &crate::usage::Retention {
        &self.engine().recorder.settings().retention
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
