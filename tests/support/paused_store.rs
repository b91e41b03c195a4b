//! A store that can be paused, made to fail and counted.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Poll, Waker};

use tokenward::changes::{Hint, Position, Pulled, RollCall};
use tokenward::store::{Cap, Change, Insertion, RevokeAll, Updating};
use tokenward::{
    ChangeFeed, HistoryDraft, HistoryEntry, HistoryQuery, Listing, MemoryStore, NodeId, Query, StoreError,
    StoredToken, TokenId, TokenStore, async_trait,
};

/// A call of the store.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Call {
    Open,
    ServiceKey,
    Insert,
    Load,
    LoadSettled,
    Update,
    RevokeAll,
    Purge,
    List,
    History,
    Join,
    Pull,
    Acknowledge,
    Leave,
    Roll,
    Strike,
}

/// Before the call has done its work, or after it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum At {
    Before,
    After,
}

/// A store that hands everything on to another, and on the way pauses, fails or panics where it is
/// told to. Each order holds for the next call of its kind, and for that one alone.
pub struct PausedStore {
    inner: Arc<dyn TokenStore>,
    memory: Arc<MemoryStore>,
    exclusive: bool,
    orders: Mutex<Vec<(Call, At, Order)>>,
    counts: Mutex<HashMap<Call, usize>>,
    yields: AtomicBool,
    is_down: AtomicBool,
    heard: Mutex<Vec<(&'static str, String)>>,
}

enum Order {
    Pause(Gate),
    Fail(StoreError),
    Panic,
}

impl PausedStore {
    pub fn new() -> Arc<PausedStore> {
        PausedStore::whose_tokens_are_changed_by(true)
    }

    /// One that others can write to as well, if it is not exclusive.
    pub fn whose_tokens_are_changed_by(us_alone: bool) -> Arc<PausedStore> {
        let memory = Arc::new(MemoryStore::new());
        PausedStore::before(memory.clone(), memory, us_alone)
    }

    /// One that hands everything on to any other store; use may be kept in `memory`.
    pub fn before(inner: Arc<dyn TokenStore>, memory: Arc<MemoryStore>, exclusive: bool) -> Arc<PausedStore> {
        Arc::new(PausedStore {
            inner,
            memory,
            exclusive,
            orders: Mutex::default(),
            counts: Mutex::default(),
            yields: AtomicBool::new(false),
            is_down: AtomicBool::new(false),
            heard: Mutex::default(),
        })
    }

    /// The memory behind it.
    pub fn memory(&self) -> Arc<MemoryStore> {
        self.memory.clone()
    }

    /// The next such call waits there.
    pub fn pause(&self, call: Call, at: At) -> Gate {
        let gate = Gate::default();
        self.order(call, at, Order::Pause(gate.clone()));
        gate
    }

    /// The next such call fails there; after it, the work is done all the same.
    pub fn fail(&self, call: Call, at: At, error: StoreError) {
        self.order(call, at, Order::Fail(error));
    }

    /// The next such call panics there.
    pub fn panic(&self, call: Call, at: At) {
        self.order(call, at, Order::Panic);
    }

    /// Every call is polled once in vain before its work and once after it.
    pub fn yield_everywhere(&self) {
        self.yields.store(true, Ordering::SeqCst);
    }

    /// From now on no call reaches the store, or all do again.
    pub fn set_down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
    }

    /// How often a call was made.
    pub fn count(&self, call: Call) -> usize {
        self.counts.lock().unwrap().get(&call).copied().unwrap_or(0)
    }

    /// What it was given to write and what it answered, each with the name of its type, as `Debug`
    /// shows it.
    pub fn heard(&self) -> Vec<(&'static str, String)> {
        self.heard.lock().unwrap().clone()
    }

    fn hear<T: std::fmt::Debug>(&self, value: &T) {
        self.heard.lock().unwrap().push((std::any::type_name::<T>(), format!("{value:?} {value:#?}")));
    }

    fn order(&self, call: Call, at: At, order: Order) {
        self.orders.lock().unwrap().push((call, at, order));
    }

    async fn around<T>(
        &self,
        call: Call,
        inner: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        *self.counts.lock().unwrap().entry(call).or_default() += 1;
        if self.is_down.load(Ordering::SeqCst) {
            return Err(StoreError::unavailable("the store is down, as a test has ordered"));
        }
        // Taken together, so that all the orders for one call meet the same one.
        let mut orders = Vec::new();
        {
            let mut waiting = self.orders.lock().unwrap();
            let (for_this, others) = waiting.drain(..).partition(|order| order.0 == call);
            *waiting = others;
            orders.extend::<Vec<_>>(for_this);
        }
        let (before, after) = orders.into_iter().partition::<Vec<_>, _>(|order| order.1 == At::Before);
        self.follow(before).await?;
        let answer = inner.await;
        self.follow(after).await?;
        answer
    }

    async fn follow(&self, orders: Vec<(Call, At, Order)>) -> Result<(), StoreError> {
        if self.yields.load(Ordering::SeqCst) {
            yield_once().await;
        }
        for (call, at, order) in orders {
            match order {
                Order::Pause(gate) => gate.pass().await,
                Order::Fail(error) => return Err(error),
                Order::Panic => panic!("the store panics {at:?} {call:?}, as a test has ordered"),
            }
        }
        Ok(())
    }
}

async fn yield_once() {
    let mut polled = false;
    poll_fn(|context| {
        if std::mem::replace(&mut polled, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Where a call waits until it is let through.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<GateState>, Condvar)>);

#[derive(Default)]
struct GateState {
    reached: bool,
    open: bool,
    waiting: Vec<Waker>,
}

impl Gate {
    /// Whether the call has come here.
    pub fn is_reached(&self) -> bool {
        self.0.0.lock().unwrap().reached
    }

    /// Blocks this thread until the call has come here.
    pub fn wait_until_reached(&self) {
        let state = self.0.0.lock().unwrap();
        drop(self.0.1.wait_while(state, |state| !state.reached).unwrap());
    }

    /// Lets the call through.
    pub fn open(&self) {
        let waiting = {
            let mut state = self.0.0.lock().unwrap();
            state.open = true;
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    async fn pass(&self) {
        poll_fn(|context| {
            let mut state = self.0.0.lock().unwrap();
            state.reached = true;
            self.0.1.notify_all();
            if state.open {
                return Poll::Ready(());
            }
            state.waiting.push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

#[async_trait]
impl TokenStore for PausedStore {
    async fn open(&self) -> Result<(), StoreError> {
        self.around(Call::Open, self.inner.open()).await
    }

    fn is_exclusive(&self) -> bool {
        self.exclusive
    }

    async fn changes_by_others(&self) -> Result<u64, StoreError> {
        self.inner.changes_by_others().await
    }

    async fn service_key(&self) -> Result<[u8; 32], StoreError> {
        self.around(Call::ServiceKey, self.inner.service_key()).await
    }

    async fn insert(
        &self,
        token: &StoredToken,
        history: &HistoryDraft,
        cap: Option<Cap>,
    ) -> Result<Insertion, StoreError> {
        self.hear(token);
        self.hear(history);
        cap.iter().for_each(|cap| self.hear(cap));
        let inserted = self.around(Call::Insert, self.inner.insert(token, history, cap)).await;
        inserted.iter().for_each(|inserted| self.hear(inserted));
        inserted
    }

    async fn load(&self, ids: &[TokenId]) -> Result<Vec<StoredToken>, StoreError> {
        self.around(Call::Load, self.inner.load(ids)).await
    }

    async fn load_settled(&self, id: &TokenId) -> Result<Option<StoredToken>, StoreError> {
        self.around(Call::LoadSettled, self.inner.load_settled(id)).await
    }

    async fn update(&self, changes: &[Change]) -> Result<Updating, StoreError> {
        changes.iter().for_each(|change| self.hear(change));
        let updated = self.around(Call::Update, self.inner.update(changes)).await;
        updated.iter().for_each(|updated| self.hear(updated));
        updated
    }

    async fn revoke_all(&self, revocation: &RevokeAll) -> Result<Vec<StoredToken>, StoreError> {
        self.hear(revocation);
        self.around(Call::RevokeAll, self.inner.revoke_all(revocation)).await
    }

    async fn purge(
        &self,
        id: &TokenId,
        version: u64,
        history: &HistoryDraft,
    ) -> Result<Updating, StoreError> {
        self.around(Call::Purge, self.inner.purge(id, version, history)).await
    }

    async fn list(&self, query: &Query) -> Result<Listing, StoreError> {
        self.around(Call::List, self.inner.list(query)).await
    }

    async fn history(&self, query: &HistoryQuery) -> Result<Vec<HistoryEntry>, StoreError> {
        self.around(Call::History, self.inner.history(query)).await
    }
}

/// The feed of the memory behind it, which is to be a [shared](MemoryStore::shared) one.
#[async_trait]
impl ChangeFeed for PausedStore {
    async fn join(&self, node: NodeId, lease_ms: u32) -> Result<Position, StoreError> {
        self.around(Call::Join, self.memory.join(node, lease_ms)).await
    }

    async fn pull(&self, node: NodeId, after: Position, limit: u32) -> Result<Pulled, StoreError> {
        self.around(Call::Pull, self.memory.pull(node, after, limit)).await
    }

    async fn acknowledge(&self, node: NodeId, through: Position) -> Result<(), StoreError> {
        self.around(Call::Acknowledge, self.memory.acknowledge(node, through)).await
    }

    async fn leave(&self, node: NodeId) -> Result<(), StoreError> {
        self.around(Call::Leave, self.memory.leave(node)).await
    }

    async fn roll_call(&self) -> Result<RollCall, StoreError> {
        self.around(Call::Roll, self.memory.roll_call()).await
    }

    async fn strike(&self, node: NodeId, counter: u64) -> Result<bool, StoreError> {
        self.around(Call::Strike, self.memory.strike(node, counter)).await
    }

    fn listen(&self, hint: Hint) {
        self.memory.listen(hint);
    }

    fn gives_hints(&self) -> bool {
        self.memory.gives_hints()
    }
}
