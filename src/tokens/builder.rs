//! How tokens are put together.

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::attention::{Attention, Hook, Watch};
use super::background::Background;
use super::fleet::{Fleet, Leasing};
use super::flush::Flush;
use super::limiting::Limiting;
use super::tend::Tending;
use super::{Engine, Handle, Tokens};
use crate::changes::ChangeFeed;
use crate::clock::{Clock, SystemClock};
use crate::fleet::Lease;
use crate::id_hash::IdHash;
use crate::limiter::WhenLimiterFails;
use crate::live::{Live, LiveSize, Trust};
use crate::policy::Policy;
use crate::randomness::{Randomness, SystemRandomness};
use crate::recording::{Recorder, Recording};
use crate::scope::CompiledCatalog;
use crate::store::TokenStore;
use crate::usage::{MemoryUsage, UsageStore};
use crate::{Catalog, Error, Event, Limiter, NodeId, Spawner};

/// Puts [`Tokens`] together. Only the store is required.
///
/// ```
/// use std::sync::Arc;
/// use tokenward::{Catalog, MemoryStore, Policy, RateLimit, Tokens};
/// let store = Arc::new(MemoryStore::new());
/// let tokens = Tokens::builder(store.clone())
///     .usage_store(store)
///     .catalog(Catalog::new().scope("orders:read", "Look at orders"))
///     .prefix("acme_live")
///     .policy(Policy::new().tokens_per_tenant(50))
///     .build()?;
/// # Ok::<(), tokenward::Error>(())
/// ```
#[must_use]
pub struct TokensBuilder {
    store: Arc<dyn TokenStore>,
    usage: Option<Arc<dyn UsageStore>>,
    catalog: Catalog,
    prefix: Option<String>,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    policy: Policy,
    spawner: Option<Spawner>,
    flush_every: Option<Duration>,
    capacity: usize,
    misses: usize,
    stale_for: Option<Duration>,
    recording: Recording,
    hook: Option<Hook>,
    attention: Attention,
    limiter: Option<Arc<dyn Limiter>>,
    when_limiter_fails: WhenLimiterFails,
    nodes: u32,
    feed: Option<Arc<dyn ChangeFeed>>,
    lease: Lease,
}

/// Tells catalogues of one process apart.
static CATALOGS: AtomicU64 = AtomicU64::new(0);

impl TokensBuilder {
    pub(super) fn new(store: Arc<dyn TokenStore>) -> TokensBuilder {
        TokensBuilder {
            store,
            usage: None,
            catalog: Catalog::new(),
            prefix: None,
            clock: Arc::new(SystemClock::new()),
            randomness: Arc::new(SystemRandomness),
            policy: Policy::new(),
            spawner: None,
            flush_every: Some(Duration::from_secs(1)),
            capacity: 1_000_000,
            misses: 256,
            stale_for: None,
            recording: Recording::default(),
            hook: None,
            attention: Attention::default(),
            limiter: None,
            when_limiter_fails: WhenLimiterFails::default(),
            nodes: 1,
            feed: None,
            lease: Lease::default(),
        }
    }

    /// Where use is kept. Without one it is kept in this process's memory.
    pub fn usage_store(mut self, store: Arc<dyn UsageStore>) -> TokensBuilder {
        self.usage = Some(store);
        self
    }

    /// What is recorded of each request, and for how long it is kept.
    pub fn recording(mut self, recording: Recording) -> TokensBuilder {
        self.recording = recording;
        self
    }

    /// What the service lets its tokens do. The default has no scopes.
    pub fn catalog(mut self, catalog: Catalog) -> TokensBuilder {
        self.catalog = catalog;
        self
    }

    /// What every token starts with, as [`Prefix`](crate::Prefix) says. The default is `tw`.
    pub fn prefix(mut self, prefix: impl Into<String>) -> TokensBuilder {
        self.prefix = Some(prefix.into());
        self
    }

    /// What time it is. The default is the machine's.
    pub fn clock(mut self, clock: impl Clock) -> TokensBuilder {
        self.clock = Arc::new(clock);
        self
    }

    /// Where secrets come from. The default is the operating system.
    pub fn randomness(mut self, randomness: impl Randomness) -> TokensBuilder {
        self.randomness = Arc::new(randomness);
        self
    }

    /// What the service allows its tokens at most.
    pub fn policy(mut self, policy: Policy) -> TokensBuilder {
        self.policy = policy;
        self
    }

    /// Where changes run to their end, and hooks. The default is one thread of our own for each.
    pub fn spawner(mut self, spawner: Spawner) -> TokensBuilder {
        self.spawner = Some(spawner);
        self
    }

    /// What is done with each [`Event`]: something about a token deserves attention. `Ok` says that
    /// it was delivered. After an error, a panic or 30 seconds without an answer it comes again: a
    /// minute later, then two, and so on up to an hour. The [`guide`](crate::guide::events) says
    /// what is promised.
    ///
    /// It runs on the [`spawner`](TokensBuilder::spawner), which must then work on any thread (a
    /// runtime's handle does), and must not block: for one that does there is
    /// [`on_event_blocking`](TokensBuilder::on_event_blocking). Without a hook nothing is looked
    /// for and nothing stored. A second one replaces the first.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// use tokenward::{Catalog, Event, MemoryStore, Tokens};
    /// # async fn send_mail(event: &Event) -> Result<(), std::io::Error> { Ok(()) }
    /// let tokens = Tokens::builder(Arc::new(MemoryStore::new()))
    ///     .on_event(|event| async move { send_mail(&event).await })
    ///     .build()?;
    /// # Ok::<(), tokenward::Error>(())
    /// ```
    pub fn on_event<H, F, E>(mut self, hook: H) -> TokensBuilder
    where
        H: Fn(Event) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Display,
    {
        self.hook = Some(Hook::new(hook));
        self
    }

    /// The same as [`on_event`](TokensBuilder::on_event), with a function that may block: it runs
    /// on a thread of its own, one event after the other.
    pub fn on_event_blocking<H, E>(mut self, hook: H) -> TokensBuilder
    where
        H: Fn(Event) -> Result<(), E> + Send + Sync + 'static,
        E: Display,
    {
        self.hook = Some(Hook::blocking(hook));
        self
    }

    /// From which point on something deserves attention: what the hook is told, and what
    /// [`Tokens::findings`] finds.
    pub fn attention(mut self, attention: Attention) -> TokensBuilder {
        self.attention = attention;
        self
    }

    /// How often what was counted is written: one batch for all tokens, by a thread of our own.
    /// The default is a second; a kill loses at most that. Less than 10 ms counts as 10 ms.
    ///
    /// Writing takes a twentieth of the time at most: where a batch took longer than that, the next
    /// one waits, up to 10 seconds, and a kill may lose as much.
    pub fn flush_every(mut self, interval: Duration) -> TokensBuilder {
        self.flush_every = Some(interval.max(Duration::from_millis(10)));
        self
    }

    /// Nothing in the background: what was counted is written by [`Tokens::flush`] and
    /// [`Tokens::shutdown`] alone, and a lease is renewed by [`Tokens::flush`] alone.
    pub fn without_background(mut self) -> TokensBuilder {
        self.flush_every = None;
        self
    }

    /// How many tokens may be in memory at once, at least 1; a million unless set, at up to 320
    /// bytes each. Idle ones make room for others. When all of them are in use, further tokens
    /// are answered 503: set it to what is used within the longest window.
    pub fn live_capacity(mut self, tokens: usize) -> TokensBuilder {
        self.capacity = tokens.max(1);
        self
    }

    /// How many tokens that are not in memory may be looked up at once, at least 4; 256 unless
    /// set. Beyond it the answer is 503. A quarter is kept for tokens that were known before.
    pub fn concurrent_misses(mut self, number: usize) -> TokensBuilder {
        self.misses = number.max(4);
        self
    }

    /// How nodes that share the store tell each other of changes. With it a node answers from memory
    /// while its [lease](TokensBuilder::lease) lasts, and a change returns when every node has heeded
    /// it. Without it a store that others can write to is asked on every verification. Name the feed of
    /// the same data as the store: both are one object for the stores of this crate.
    ///
    /// The [guide](crate::guide::fleet) has the protocol, its proof and its limits.
    pub fn change_feed(mut self, feed: Arc<dyn ChangeFeed>) -> TokensBuilder {
        self.feed = Some(feed);
        self
    }

    /// For how long a node of a fleet may answer from memory without having reached the store: 10
    /// seconds unless set, at least 1 and at most 60.
    ///
    /// It is what a change waits for at most (and a tenth more) when a node neither answers nor dies,
    /// and for how long verifications outlast the store. Usually a change is known everywhere within
    /// milliseconds.
    pub fn lease(mut self, length: Duration) -> TokensBuilder {
        self.lease = Lease::lasting(length);
        self
    }

    /// How stale an answer may be where others can change the store: a token that was read
    /// within this time is not read again. Without it such a store is asked on every verification.
    /// At most a day. It changes nothing for a store that belongs to this process alone.
    pub fn stale_for(mut self, time: Duration) -> TokensBuilder {
        self.stale_for = Some(time.min(Duration::from_secs(86_400)));
        self
    }

    /// Who counts requests for all nodes. Without one each node counts in its own memory, and n nodes
    /// let pass n times the limit.
    ///
    /// Then a request that passes all other checks waits for the limiter, and
    /// [`Tokens::try_verify`] answers `None` where there is a limit.
    pub fn limiter(mut self, limiter: Arc<dyn Limiter>) -> TokensBuilder {
        self.limiter = Some(limiter);
        self
    }

    /// What becomes of requests while the limiter does not answer. The default is the
    /// [local share](WhenLimiterFails::LocalShare).
    pub fn when_limiter_fails(mut self, policy: WhenLimiterFails) -> TokensBuilder {
        self.when_limiter_fails = policy;
        self
    }

    /// How many nodes there are, for the share that each may admit by itself while the limiter does
    /// not answer; 1 unless set. Where the nodes have a change feed they know of each other, and this is
    /// not needed. Where they do not, or where this is more than they know of, each admits the n-th part
    /// of a limit, rounded down: a limit of less than n is none of anybody's. With too small a number
    /// they admit more than the limit together.
    pub fn nodes(mut self, number: u32) -> TokensBuilder {
        self.nodes = number.max(1);
        self
    }

    /// Puts them together. The store is opened at first use, or by [`Tokens::open`]: until it
    /// can be, verifications answer 503.
    ///
    /// # Errors
    /// [`Error::InvalidCatalog`] and [`Error::InvalidPrefix`] for what was given here;
    /// [`Error::Randomness`] where the system gives none.
    pub fn build(self) -> Result<Tokens, Error> {
        let catalog = Arc::new(CompiledCatalog::compile(self.catalog)?);
        let prefix = self.prefix.map_or_else(|| Ok(crate::Prefix::default()), |prefix| prefix.parse())?;
        let trust = match self.stale_for {
            _ if self.feed.is_some() => Trust::Leased,
            _ if self.store.is_exclusive() => Trust::UntilChanged,
            Some(time) => Trust::For(time.as_millis() as u32),
            None => Trust::Never,
        };
        let granularity_ms = self.clock.granularity_ms();
        let limiting =
            self.limiter.map(|limiter| Limiting::new(limiter, self.when_limiter_fails, self.nodes));
        let is_counted_elsewhere = limiting.is_some();
        let size =
            LiveSize { capacity: self.capacity, misses: self.misses, granularity_ms, is_counted_elsewhere };
        let shared = self.policy.shared_limit_per_tenant;
        let hash = IdHash::random(&*self.randomness)?;
        let recorder = Arc::new(Recorder::new(self.recording, prefix.clone(), hash.clone()));
        let live = Live::new(hash, trust, size, shared, catalog.clone(), recorder.clone());
        let start = self.clock.now();
        let mut node = [0; 8];
        self.randomness.fill(&mut node)?;
        let node = NodeId(u64::from_ne_bytes(node));
        let watch =
            self.hook.map(|hook| Watch::new(hook, self.attention, &self.recording, self.spawner.clone()));
        let engine = Arc::new(Engine {
            store: self.store,
            usage: self.usage.unwrap_or_else(|| Arc::new(MemoryUsage::new())),
            live: Arc::new(live),
            catalog,
            catalog_number: CATALOGS.fetch_add(1, Ordering::Relaxed),
            prefix,
            clock: self.clock,
            granularity_ms,
            randomness: self.randomness,
            policy: self.policy,
            spawner: self.spawner.unwrap_or_default(),
            opening: Default::default(),
            strangers: Default::default(),
            flush: Flush::new(node.0, start.wall()),
            tending: Tending::new(start),
            recorder,
            attention: self.attention,
            watch,
            rounds: Default::default(),
            limiting,
            node,
            fleet: self.feed.map(|feed| Fleet::new(feed, node, self.lease)),
        });
        #[cfg(feature = "metrics")]
        super::metrics::describe();
        let background = self.flush_every.and_then(|interval| Background::start(engine.clone(), interval));
        let leasing = self.flush_every.and_then(|_| Leasing::start(&engine));
        Ok(Tokens(Arc::new(Handle { engine, background, _leasing: leasing })))
    }
}
