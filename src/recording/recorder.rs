//! What engine and flush know of recording: note, take, and how it stands.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde::Serialize;

use super::buffer::{Buffer, Content, MOST_BYTES, Pushed};
use super::client::Telling;
use super::fold::{Fold, Folding};
use super::noted::Noted;
use super::{Privacy, Recording};
use crate::executor::Nudge;
use crate::id_hash::IdHash;
use crate::scope::CompiledCatalog;
use crate::usage::UsageBatch;
use crate::{Prefix, TokenId};

/// Records what becomes of requests until it is flushed.
pub(crate) struct Recorder {
    settings: Recording,
    prefix: Prefix,
    hash: IdHash,
    /// The key of [`Privacy::Hashed`], once the store has given it.
    key: OnceLock<[u8; 32]>,
    buffer: Buffer,
    folded: Mutex<Folded>,
    /// Wakes the thread that folds, before the buffer is full.
    nudge: Arc<Nudge>,
}

struct Folded {
    fold: Fold,
    /// Where the content of stripes is put to be folded.
    spare: Option<Content>,
    /// What the batch takes that the store has not taken yet.
    waiting_bytes: usize,
    given_up: GivenUp,
    /// Calls that were left out since the last one of a token that was handed over.
    carried: HashMap<TokenId, u64>,
    purged: Purged,
}

/// Tokens that were purged a moment ago: what ends of their requests is not counted.
#[derive(Default)]
struct Purged {
    ids: HashSet<TokenId>,
    order: VecDeque<TokenId>,
}

const MOST_PURGED: usize = 10_000;
/// Below so many bytes nothing of use could be kept.
const LEAST_MEMORY: usize = 16 << 20;

/// What was given up since the start because memory had come near its bound, while the store did
/// not take what was counted. Totals never are.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize)]
#[non_exhaustive]
pub struct GivenUp {
    /// Calls that were counted, and are not among the most recent ones.
    pub calls: u64,
    /// Calls whose endpoint or client counts as "other".
    pub names: u64,
    /// Calls that count in their hour, and in no minute.
    pub minutes: u64,
    /// Calls that count in the totals of their token alone.
    pub figures: u64,
}

/// How recording stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[non_exhaustive]
pub struct RecordingHealth {
    /// The moment until which everything that was counted is in the store.
    pub written_until: chrono::DateTime<chrono::Utc>,
    /// How many bytes wait for the store, about.
    pub waiting_bytes: usize,
    /// What was given up.
    pub given_up: GivenUp,
}

impl Recorder {
    pub(crate) fn new(settings: Recording, prefix: Prefix, hash: IdHash) -> Recorder {
        let folded = Folded {
            fold: Fold::new(&hash),
            spare: None,
            waiting_bytes: 0,
            given_up: GivenUp::default(),
            carried: HashMap::new(),
            purged: Purged::default(),
        };
        let buffer = Buffer::new(&hash);
        Recorder {
            settings,
            prefix,
            hash,
            key: OnceLock::new(),
            buffer,
            folded: Mutex::new(folded),
            nudge: Arc::default(),
        }
    }

    pub(crate) fn settings(&self) -> &Recording {
        &self.settings
    }

    /// Whether the store has to be asked for the key that clients are hashed with.
    pub(crate) fn wants_key(&self) -> bool {
        self.settings.privacy == Privacy::Hashed && self.key.get().is_none()
    }

    pub(crate) fn set_key(&self, key: [u8; 32]) {
        _ = self.key.set(key);
    }

    /// Notes what became of a request. Empty texts stand for what is not known.
    pub(crate) fn note(&self, noted: Noted, route: &str, agent: &str) {
        // Who is not to be told is not even held for a moment.
        let (address, agent) = match self.settings.privacy {
            Privacy::Off => (None, ""),
            _ => (noted.address, agent),
        };
        match self.buffer.push(Noted { address, ..noted }, route, agent) {
            Pushed::Room => {}
            Pushed::HalfFull => self.nudge.nudge(),
            Pushed::Full => self.fold_full(&mut self.folded()),
        }
    }

    /// What wakes the thread that folds.
    pub(crate) fn nudge(&self) -> &Arc<Nudge> {
        &self.nudge
    }

    /// Counts all that was noted, and what `plain` gives beside it; then takes it as a batch.
    pub(crate) fn take(
        &self,
        plain: impl FnOnce(&mut dyn FnMut(Noted)),
        batch: UsageBatch,
        catalog: &CompiledCatalog,
        tenant: impl Fn(u32) -> Option<Arc<str>>,
    ) -> UsageBatch {
        let (fold, mut carried) = {
            let mut folded = self.folded();
            self.fold_all(&mut folded, plain);
            let fold = folded.fold.take(&self.hash);
            folded.waiting_bytes = fold.bytes();
            (fold, std::mem::take(&mut folded.carried))
        };
        // Not under the lock, which a request may wait for whose stripe is full.
        let batch = fold.into_batch(batch, catalog, tenant, &mut carried);
        let mut folded = self.folded();
        folded.carried = carried;
        batch
    }

    /// Counts all that was noted, and what `plain` gives, to be taken later: the store has not taken
    /// the batch before.
    pub(crate) fn fold_meanwhile(&self, plain: impl FnOnce(&mut dyn FnMut(Noted))) {
        self.fold_all(&mut self.folded(), plain);
    }

    /// The figures of all tokens together since the last time.
    #[cfg(feature = "metrics")]
    pub(crate) fn take_service(&self) -> crate::usage::Tally {
        std::mem::take(&mut self.folded().fold.service.tally)
    }

    /// The store has taken the batch.
    pub(crate) fn written(&self) {
        self.folded().waiting_bytes = 0;
    }

    /// A token was purged: what was counted of it and waits is dropped, and so is what is still to
    /// come of requests that are under way.
    pub(crate) fn forget(&self, token: &TokenId) {
        let mut folded = self.folded();
        folded.purged.add(*token);
        folded.fold.forget(token);
        folded.carried.remove(token);
    }

    /// A token with the id of one that was purged was issued.
    pub(crate) fn remember(&self, token: &TokenId) {
        self.folded().purged.ids.remove(token);
    }

    /// How many bytes wait for the store, about, and what was given up.
    pub(crate) fn standing(&self) -> (usize, GivenUp) {
        let folded = self.folded();
        (folded.waiting_bytes + folded.fold.bytes(), folded.given_up)
    }

    fn fold_all(&self, folded: &mut Folded, plain: impl FnOnce(&mut dyn FnMut(Noted))) {
        // First what stands with the tokens: what moves from there to the buffer meanwhile is met there.
        let folding = self.folding(folded.waiting_bytes);
        plain(&mut |noted| {
            if !folded.purged.ids.contains(&noted.token) {
                folded.fold.add_plain(&noted, &folding, &mut folded.given_up);
            }
        });
        let mut spare = folded.spare.take().unwrap_or_else(|| Content::new(&self.hash));
        self.buffer.take(&mut spare, |content| self.fold(folded, content));
        folded.spare = Some(spare);
        self.fold_full(folded);
    }

    fn fold_full(&self, folded: &mut Folded) {
        while let Some(mut content) = self.buffer.take_full() {
            self.fold(folded, &mut content);
        }
    }

    fn fold(&self, folded: &mut Folded, content: &mut Content) {
        if !folded.purged.ids.is_empty() {
            content.noted.retain(|named| !folded.purged.ids.contains(&named.noted.token));
        }
        let folding = self.folding(folded.waiting_bytes);
        folded.fold.add_all(content, &folding, &mut folded.given_up);
    }

    fn folding(&self, waiting_bytes: usize) -> Folding<'_> {
        let telling = Telling { privacy: self.settings.privacy, key: self.key.get(), prefix: &self.prefix };
        let most = self.settings.memory.max(LEAST_MEMORY);
        Folding { telling, most_bytes: most.saturating_sub(MOST_BYTES).saturating_sub(waiting_bytes) }
    }

    fn folded(&self) -> MutexGuard<'_, Folded> {
        self.folded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Purged {
    fn add(&mut self, token: TokenId) {
        if self.ids.insert(token) {
            self.order.push_back(token);
        }
        if self.order.len() > MOST_PURGED
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }
}
