//! The tokens that all contenders know, and the order in which they are presented.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokenward::usage::{CallQuery, Outdated, RecordedCall, SliceQuery, StoredSlice};
use tokenward::{
    Catalog, Counts, Error, Event, MemoryStore, NewToken, Outbox, StoreError, TokenId, Tokens, TokensBuilder,
    UsageBatch, UsageStore, async_trait, block_on,
};

use crate::random::Random;
use crate::report::Report;

pub const PREFIX: &str = "acme_live";
pub const TENANT: &str = "acme";
pub const SCOPE: &str = "orders:read";
/// Far more than the rate at which the tokens are used, and exact.
const PER_MINUTE: u32 = 1_000;
/// The prefix, its underscore and the body.
const TEXT_LENGTH: usize = PREFIX.len() + 1 + 58;

/// Tokens, with their texts in a random order.
///
/// The texts lie one behind the other in the order in which they are presented: in a service the
/// text has just come from the socket and is in the cache, which is not what is measured.
#[derive(Clone)]
pub struct Sample {
    store: Arc<MemoryStore>,
    size: usize,
    each_token_every: Duration,
    texts: Vec<u8>,
}

/// Texts of equal length, one behind the other.
#[derive(Clone, Copy)]
pub struct Texts<'a>(&'a [u8]);

impl Sample {
    /// Issues the tokens through the public interface.
    pub fn new(size: usize, each_token_every: Duration, report: &mut Report) -> Result<Sample, Error> {
        let store = Arc::new(MemoryStore::new());
        let issuing = builder(store.clone()).without_background().build()?;
        let started = Instant::now();
        let mut texts = Vec::with_capacity(size);
        for _ in 0..size {
            let asked = NewToken::named("Nightly export").tenant(TENANT).scopes([SCOPE]);
            let issued = block_on(issuing.issue(asked.per_minute(PER_MINUTE)).by("maria@acme.example"))?;
            texts.push(issued.secret.expose().to_owned());
        }
        report.time("issue/memory", started.elapsed().as_nanos() as f64 / size as f64);
        Random::new(size as u64).shuffle(&mut texts);
        Ok(Sample { store, size, each_token_every, texts: texts.concat().into_bytes() })
    }

    pub fn size(&self) -> usize {
        self.size
    }

    /// How often each token is used, in the time that a contender is told of.
    pub fn each_token_every(&self) -> Duration {
        self.each_token_every
    }

    pub fn store(&self) -> Arc<MemoryStore> {
        self.store.clone()
    }

    /// Each token once, in random order.
    pub fn texts(&self) -> Texts<'_> {
        Texts(&self.texts)
    }

    /// The same texts, each with a character of its checksum exchanged.
    pub fn misspelt(&self) -> Sample {
        let mut texts = self.texts.clone();
        for text in texts.chunks_exact_mut(TEXT_LENGTH) {
            let letter = &mut text[TEXT_LENGTH - 3];
            *letter = if *letter == b'A' { b'B' } else { b'A' };
        }
        Sample { texts, ..self.clone() }
    }

    /// Nothing but the first text, as often as there are tokens.
    pub fn only_one(&self) -> Sample {
        let texts = self.texts[..TEXT_LENGTH].repeat(self.size);
        Sample { size: 1, texts, ..self.clone() }
    }
}

impl<'a> Texts<'a> {
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        self.0.chunks_exact(TEXT_LENGTH)
    }

    pub fn len(self) -> usize {
        self.0.len() / TEXT_LENGTH
    }

    /// `count` texts from `start` on, or fewer at the end.
    pub fn part(self, start: usize, count: usize) -> Texts<'a> {
        let end = self.len().min(start + count);
        Texts(&self.0[start * TEXT_LENGTH..end * TEXT_LENGTH])
    }
}

/// A service as it stands in the table of figures.
pub fn builder(store: Arc<MemoryStore>) -> TokensBuilder {
    let catalog =
        Catalog::new().scope(SCOPE, "Look at orders and the customers on them").scope("orders:write", "");
    Tokens::builder(store).catalog(catalog).prefix(PREFIX)
}

/// Takes all use and keeps none, so that only the live tokens' memory is counted.
pub struct Forgetful;

#[async_trait]
impl UsageStore for Forgetful {
    async fn add(&self, _: &UsageBatch) -> Result<(), StoreError> {
        Ok(())
    }

    async fn read(&self, _: &[TokenId]) -> Result<Vec<(TokenId, Counts)>, StoreError> {
        Ok(Vec::new())
    }

    async fn slices(&self, _: &SliceQuery) -> Result<Vec<StoredSlice>, StoreError> {
        Ok(Vec::new())
    }

    async fn calls(&self, _: &CallQuery) -> Result<Vec<RecordedCall>, StoreError> {
        Ok(Vec::new())
    }

    async fn forget(&self, _: &Outdated) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn erase(&self, _: &[TokenId]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn erase_clients(&self, _: &[TokenId]) -> Result<(), StoreError> {
        Ok(())
    }
}

#[async_trait]
impl Outbox for Forgetful {
    async fn announce(&self, _: &[Event]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn due(&self, _: DateTime<Utc>, _: DateTime<Utc>, _: u32) -> Result<Vec<Event>, StoreError> {
        Ok(Vec::new())
    }

    async fn postpone(&self, _: &str, _: DateTime<Utc>) -> Result<(), StoreError> {
        Ok(())
    }

    async fn delivered(&self, _: &str, _: DateTime<Utc>) -> Result<(), StoreError> {
        Ok(())
    }
}
