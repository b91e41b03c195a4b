//! A limiter in this process's memory.
#![allow(dead_code, reason = "each test file uses a part of this")]

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokenward::limit::{Tick, Window};
use tokenward::limiter::{Take, Taken};
use tokenward::{Clock, Limiter, LimiterError, TokenId, async_trait};

/// A limiter in this process's memory, exact by the clock that it is given. It can fail and forget as a
/// server does. Clones are one.
#[derive(Clone)]
pub struct CountingLimiter(Arc<Inner>);

struct Inner {
    clock: Box<dyn Clock>,
    own: Mutex<HashMap<TokenId, Window>>,
    shared: Mutex<HashMap<Option<String>, Window>>,
    fails: AtomicBool,
    calls: AtomicU32,
    /// How often it has forgotten all.
    restarts: AtomicU64,
}

/// A node's own connection to the limiter, which tells when the limiter has forgotten all.
pub struct Connection {
    limiter: CountingLimiter,
    restarts: AtomicU64,
    is_cut: AtomicBool,
}

impl Connection {
    pub fn cut(&self, is_cut: bool) {
        self.is_cut.store(is_cut, Ordering::SeqCst);
    }
}

#[async_trait]
impl Limiter for Connection {
    async fn take(&self, request: &Take<'_>) -> Result<Taken, LimiterError> {
        let restarts = self.limiter.0.restarts.load(Ordering::SeqCst);
        // Every other time somebody else was told.
        if self.restarts.swap(restarts, Ordering::SeqCst) != restarts && restarts.is_multiple_of(2) {
            return Err(LimiterError::failed("the connection was lost"));
        }
        if self.is_cut.load(Ordering::SeqCst) {
            return Err(LimiterError::failed("the network is down"));
        }
        self.limiter.take(request).await
    }

    fn losses(&self) -> u64 {
        self.restarts.load(Ordering::SeqCst)
    }
}

impl CountingLimiter {
    pub fn new(clock: impl Clock) -> CountingLimiter {
        CountingLimiter(Arc::new(Inner {
            clock: Box::new(clock),
            own: Mutex::default(),
            shared: Mutex::default(),
            fails: AtomicBool::new(false),
            calls: AtomicU32::new(0),
            restarts: AtomicU64::new(0),
        }))
    }

    pub fn connection(&self) -> Connection {
        Connection { limiter: self.clone(), restarts: AtomicU64::new(0), is_cut: AtomicBool::new(false) }
    }

    pub fn fail(&self, fails: bool) {
        self.0.fails.store(fails, Ordering::SeqCst);
    }

    pub fn forget(&self) {
        self.0.restarts.fetch_add(1, Ordering::SeqCst);
        self.0.own.lock().unwrap().clear();
        self.0.shared.lock().unwrap().clear();
    }

    /// How often it was asked.
    pub fn calls(&self) -> u32 {
        self.0.calls.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Limiter for CountingLimiter {
    async fn take(&self, request: &Take<'_>) -> Result<Taken, LimiterError> {
        self.0.calls.fetch_add(1, Ordering::SeqCst);
        if self.0.fails.load(Ordering::SeqCst) {
            return Err(LimiterError::unreachable("it fails for a test"));
        }
        let mut own = self.0.own.lock().unwrap();
        let mut shared = self.0.shared.lock().unwrap();
        let clock = &self.0.clock;
        let now = Tick { ms: clock.now().monotonic_ms, granularity_ms: clock.granularity_ms() };
        let window = own.entry(request.token).or_default();
        if let Some((tenant, limit)) = request.shared {
            let tenants = shared.entry(tenant.map(str::to_owned)).or_default();
            if let Err(limited) = tenants.check(&limit, now) {
                return Ok(Taken::SharedLimited(limited));
            }
            let taken = window.take(&request.limit, now);
            if taken.is_ok() {
                tenants.admit(&limit, now);
            }
            return Ok(taken.map_or_else(Taken::Limited, Taken::Admitted));
        }
        Ok(window.take(&request.limit, now).map_or_else(Taken::Limited, Taken::Admitted))
    }
}
