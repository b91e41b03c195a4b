//! A shop that is the same each time: its clock stands, and its dice are loaded.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokenward::admin::AdminApi;
use tokenward::{
    Actor, Call, ManualClock, Need, NewToken, Randomness, RandomnessFailed, TokenRecord, Tokens, Verdict,
};

use crate::shared::WatchedUsage;
use crate::support::catalog;
use crate::watched_store::WatchedStore;

pub struct Seeded {
    pub tokens: Tokens,
    pub api: AdminApi,
    pub clock: ManualClock,
    pub store: Arc<WatchedStore>,
    pub usage: Arc<WatchedUsage>,
}

/// SplitMix64: the same throws everywhere and for ever.
struct LoadedDice(AtomicU64);

impl Randomness for LoadedDice {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomnessFailed> {
        for byte in bytes {
            let state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *byte = (mixed >> 56) as u8;
        }
        Ok(())
    }
}

pub fn seeded() -> Seeded {
    let clock = ManualClock::at("2026-11-24T13:50:00Z".parse::<DateTime<Utc>>().unwrap());
    let (store, usage) = (Arc::new(WatchedStore::default()), Arc::new(WatchedUsage::default()));
    let tokens = Tokens::builder(store.clone())
        .usage_store(usage.clone())
        .catalog(catalog())
        .clock(clock.clone())
        .randomness(LoadedDice(AtomicU64::new(2026)))
        .without_background()
        .build()
        .unwrap();
    let api = AdminApi::new(tokens.clone()).tenant_from_subdomain_of("localhost");
    Seeded { tokens, api, clock, store, usage }
}

impl Seeded {
    pub async fn token(&self, asked: NewToken) -> (String, TokenRecord) {
        let by = Actor::new("maria@acme.example").tenant("acme");
        let issued = self.tokens.issue(asked.tenant("acme")).by(by).await.unwrap();
        (issued.secret.expose().to_owned(), issued.record)
    }

    /// A call with a token, `seconds` after the one before.
    pub async fn call(&self, text: &str, scope: &str, route: &str, status: u16, ms: u64, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
        let address: IpAddr = "203.0.113.7".parse().unwrap();
        let need =
            Need::scope(scope).tenant("acme").on_route(route).from_address(address).from_agent("export/2.3");
        if let Verdict::Granted(grant) = self.tokens.verify(text, &need).await.unwrap() {
            let mut call = Call::new(route, status, Duration::from_millis(ms));
            (call.address, call.agent) = (Some(address), Some("export/2.3"));
            grant.record_call(&call);
        }
    }
}
