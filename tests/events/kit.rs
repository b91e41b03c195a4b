//! A service with a hook, over stores that outlive it and can be away.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokenward::{
    Actor, Attention, Call, Event, EventKind, Issued, ManualClock, MemoryStore, Need, NewToken, TokenStore,
    Tokens, Verdict, block_on,
};

use crate::support::{ByHand, Changes, WatchedUsage, catalog};

/// Runs a test over each store that has an outbox.
macro_rules! over_every_store {
    ($($name:ident)*) => {
        mod memory {
            $(#[test] fn $name() { super::$name(crate::kit::Stores::in_memory()); })*
        }
        #[cfg(feature = "sqlite")]
        mod sqlite {
            $(#[test] fn $name() { super::$name(crate::kit::Stores::on_a_file()); })*
        }
    };
}
pub(crate) use over_every_store;

/// Where tokens, their use and their events are kept.
#[derive(Clone)]
pub struct Stores {
    pub tokens: Arc<dyn TokenStore>,
    pub usage: Arc<WatchedUsage>,
    /// How many tokens are many: each is a sync of the disk where it has one.
    pub many: usize,
}

impl Stores {
    pub fn in_memory() -> Stores {
        let store = Arc::new(MemoryStore::new());
        Stores { tokens: store.clone(), usage: Arc::new(WatchedUsage::over(store)), many: 10_000 }
    }

    #[cfg(feature = "sqlite")]
    pub fn on_a_file() -> Stores {
        let store = Arc::new(crate::waited::Waited::new());
        Stores { tokens: store.clone(), usage: Arc::new(WatchedUsage::over(store)), many: 1_000 }
    }
}

/// What the hook does with an event.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Answer {
    Takes,
    Fails,
    Panics,
    Hangs,
}

/// The hook of a host: what it was given, and when.
#[derive(Clone, Default)]
pub struct Host {
    given: Arc<Mutex<Vec<Event>>>,
    answers: Arc<Mutex<VecDeque<Answer>>>,
}

impl Host {
    /// What it does with the next events; it takes those after them.
    pub fn answers(&self, answers: &[Answer]) {
        *self.answers.lock().unwrap() = answers.iter().copied().collect();
    }

    /// What it was given since it was asked last.
    pub fn given(&self) -> Vec<Event> {
        std::mem::take(&mut self.given.lock().unwrap())
    }

    pub fn kinds(&self) -> Vec<EventKind> {
        self.given().into_iter().map(|event| event.kind).collect()
    }

    async fn take(self, event: Event) -> Result<(), &'static str> {
        self.given.lock().unwrap().push(event);
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or(Answer::Takes);
        match answer {
            Answer::Takes => Ok(()),
            Answer::Fails => Err("the mail server is away"),
            Answer::Panics => panic!("the hook panics, as a test has ordered"),
            Answer::Hangs => std::future::pending().await,
        }
    }
}

/// A process of the service.
pub struct Service {
    pub tokens: Tokens,
    pub clock: ManualClock,
    pub stores: Stores,
    pub host: Host,
    pub changes: Changes,
    attention: Attention,
}

impl Service {
    pub fn over(stores: Stores) -> Service {
        Service::with(stores, Attention::default())
    }

    pub fn with(stores: Stores, attention: Attention) -> Service {
        Service::start(stores, ManualClock::new(), attention)
    }

    fn start(stores: Stores, clock: ManualClock, attention: Attention) -> Service {
        let (host, changes) = (Host::default(), Changes::default());
        let hook = host.clone();
        let tokens = Tokens::builder(stores.tokens.clone())
            .usage_store(stores.usage.clone())
            .catalog(catalog())
            .clock(clock.clone())
            .spawner(changes.spawner())
            .on_event(move |event| hook.clone().take(event))
            .attention(attention)
            .without_background()
            .build()
            .unwrap();
        Service { tokens, clock, stores, host, changes, attention }
    }

    /// Another process over the same stores.
    pub fn another(&self) -> Service {
        Service::start(self.stores.clone(), self.clock.clone(), self.attention)
    }

    pub fn run<'a, T>(&self, future: impl Future<Output = T> + 'a) -> T {
        let mut future = ByHand::new(future);
        for _ in 0..1_000 {
            if let Some(output) = future.poll() {
                return output;
            }
            self.changes.poll();
        }
        panic!("it waits for something that never comes");
    }

    pub fn issue(&self, asked: NewToken) -> Issued {
        self.run(self.tokens.issue(asked).by(maria())).unwrap()
    }

    /// One flush, and what the hook does then.
    pub fn tick(&self) {
        block_on(self.tokens.flush()).unwrap();
        self.changes.poll();
    }

    /// One flush that may fail, and what the hook does then.
    pub fn try_tick(&self) {
        _ = block_on(self.tokens.flush());
        self.changes.poll();
    }

    /// Flushes until nothing new is found and delivered at this moment.
    pub fn settle(&self) -> Vec<Event> {
        let mut events = Vec::new();
        let mut quiet = 0;
        while quiet < 5 {
            self.tick();
            let given = self.host.given();
            quiet = if given.is_empty() { quiet + 1 } else { 0 };
            events.extend(given);
        }
        events
    }

    pub fn settled_kinds(&self) -> Vec<EventKind> {
        self.settle().into_iter().map(|event| event.kind).collect()
    }

    pub fn advance(&self, time: TimeDelta) {
        self.clock.advance(time);
    }

    /// Moves the clock to so much before a moment.
    pub fn go_to(&self, moment: DateTime<Utc>, before: TimeDelta) {
        self.advance(moment - before - self.now());
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.tokens.clock().now().wall()
    }

    /// A call with a token, and how it ends if it is let in. Says whether it was.
    pub fn call(&self, token: &Issued, status: u16, client: Option<(&str, &str)>) -> bool {
        let address = client.map(|(address, _)| address.parse::<IpAddr>().unwrap());
        let need = address.map_or(Need::live(), |address| Need::live().from_address(address));
        let verdict = self.run(self.tokens.verify(token.secret.expose(), &need)).unwrap();
        let Verdict::Granted(grant) = verdict else { return false };
        let mut call = Call::new("GET /orders", status, Duration::from_millis(5));
        if let (Some(address), Some((_, agent))) = (address, client) {
            call = call.address(address).agent(agent);
        }
        grant.record_call(&call);
        true
    }
}

/// Somebody who may do everything.
pub fn maria() -> Actor {
    Actor::new("maria").all_tenants()
}

/// Which days an event of a token that expires tells of.
pub fn days(kinds: &[EventKind]) -> Vec<u32> {
    let days = |kind: &EventKind| match kind {
        EventKind::Expiring { days, .. } => *days,
        other => panic!("not expected: {other:?}"),
    };
    kinds.iter().map(days).collect()
}

pub fn ms(number: i64) -> TimeDelta {
    TimeDelta::milliseconds(number)
}
