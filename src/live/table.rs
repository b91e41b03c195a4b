//! The table itself: look-up, fill, change, flush and eviction.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use dashmap::DashMap;

use super::decision::{Asked, Decided, TenantCheck};
use super::dirty::Dirty;
use super::elsewhere::Taking;
use super::entry::{Counted, Entry, Grants};
use super::known::{MissLane, Misses};
use super::lingering::Lingering;
use super::shared::SharedLimit;
use super::tenants::Tenants;
use super::transit::{Asking, Known, Mark, MarkAll, Transit};
use super::unknown::UnknownIds;
use crate::clock::Reading;
use crate::id_hash::IdHash;
use crate::limit::{RateLimit, Tick};
use crate::recording::{Noted, Recorder, What};
use crate::scope::CompiledCatalog;
use crate::{StoredToken, TokenId};

/// The table of live tokens.
pub(crate) struct Live {
    entries: DashMap<TokenId, Entry, IdHash>,
    /// How many entries there are: asking the table itself would visit every shard.
    count: AtomicUsize,
    hash: IdHash,
    tenants: Tenants,
    dirty: Dirty,
    lingering: Lingering,
    transit: Transit,
    unknown: UnknownIds,
    misses: Misses,
    shared: Option<SharedLimit>,
    /// Another one counts, for all nodes.
    is_counted_elsewhere: bool,
    /// The own limit of a token is all that is taken from, and here.
    takes_plainly: bool,
    catalog: Arc<CompiledCatalog>,
    recorder: Arc<Recorder>,
    trust: Trust,
    capacity: usize,
    granularity_ms: u32,
    /// No eviction is tried again before this moment: the last one left nothing to evict.
    evict_after_ms: AtomicU64,
    /// Idle windows of tenants are looked for again at this moment.
    release_shared_after_ms: AtomicU64,
}

/// For how long a record in memory may be believed.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Trust {
    /// Until this process changes it: nobody else does.
    UntilChanged,
    /// For so many milliseconds: the service says that it may be that stale.
    For(u32),
    /// While the node's lease lasts, which whoever asks compares with its clock: others change it,
    /// and tell. Within it, until it is changed by anybody.
    Leased,
    /// Never: others may change it, and nobody tells.
    Never,
}

/// How large the table may grow, and what goes with it.
#[derive(Clone, Copy)]
pub(crate) struct LiveSize {
    pub(crate) capacity: usize,
    pub(crate) misses: usize,
    pub(crate) granularity_ms: u32,
    /// Whether another one counts requests, for all nodes.
    pub(crate) is_counted_elsewhere: bool,
}

/// Many shards, so that two threads seldom meet in one.
const SHARDS: usize = 256;
const EVICTION_PAUSE_MS: u64 = 1_000;
const SHARED_RELEASE_PAUSE_MS: u64 = 60_000;

impl Live {
    pub(crate) fn new(
        hash: IdHash,
        trust: Trust,
        size: LiveSize,
        shared_limit: RateLimit,
        catalog: Arc<CompiledCatalog>,
        recorder: Arc<Recorder>,
    ) -> Live {
        Live {
            entries: DashMap::with_hasher_and_shard_amount(hash.clone(), SHARDS),
            count: AtomicUsize::new(0),
            tenants: Tenants::new(hash.clone()),
            hash,
            dirty: Dirty::new(),
            lingering: Lingering::default(),
            transit: Transit::new(),
            unknown: UnknownIds::new(),
            misses: Misses::new(size.misses),
            shared: SharedLimit::new(shared_limit),
            is_counted_elsewhere: size.is_counted_elsewhere,
            takes_plainly: shared_limit.is_unlimited() && !size.is_counted_elsewhere,
            catalog,
            recorder,
            trust,
            capacity: size.capacity,
            granularity_ms: size.granularity_ms,
            evict_after_ms: AtomicU64::new(0),
            release_shared_after_ms: AtomicU64::new(0),
        }
    }

    /// The decision on a token that is in the table and may be believed; none for any other.
    #[inline]
    pub(crate) fn decide(&self, id: TokenId, asked: &Asked<'_>) -> Option<Decided> {
        if self.trust == Trust::Never || !asked.believes {
            return None;
        }
        let mut entry = self.entries.get_mut(&id)?;
        if !entry.is_trusted() || self.is_stale(&entry, asked.now) {
            return None;
        }
        let granted = if self.takes_plainly { entry.grant_plain(asked) } else { None };
        if let Some((granted, newly_dirty)) = granted {
            drop(entry);
            if newly_dirty {
                self.dirty.push(id);
            }
            return Some(Decided::Granted(granted));
        }
        let tenant = entry.tenant();
        let (decided, counted) = entry.decide(asked, self.taking());
        drop(entry);
        self.counted(id, tenant, counted, asked.now);
        Some(decided)
    }

    fn taking(&self) -> Taking<'_> {
        match self.is_counted_elsewhere {
            false => Taking::Here(self.shared.as_ref()),
            true => Taking::Elsewhere { shares: self.shared.is_some() },
        }
    }

    pub(super) fn shared(&self) -> Option<&SharedLimit> {
        self.shared.as_ref()
    }

    /// What this does to an entry, with a tick of the clock; none where it is not in the table.
    pub(super) fn with_entry<R>(
        &self,
        id: &TokenId,
        now: Reading,
        act: impl FnOnce(&mut Entry, Tick) -> R,
    ) -> Option<R> {
        let tick = Tick { ms: now.monotonic_ms, granularity_ms: self.granularity_ms };
        self.entries.get_mut(id).map(|mut entry| act(&mut entry, tick))
    }

    pub(super) fn counted(&self, id: TokenId, tenant: u32, counted: Counted, now: Reading) {
        if counted.newly_dirty {
            self.dirty.push(id);
        }
        if let Some(earlier) = counted.earlier {
            self.note_grants(id, tenant, earlier, now);
        }
    }

    /// Notes the grants of a minute that is over: at most once a minute and token.
    pub(super) fn note_grants(&self, id: TokenId, tenant: u32, grants: Grants, now: Reading) {
        self.recorder.note(noted(id, tenant, grants, now), "", "");
    }

    /// The decision on a token that the store has just given. `generation` is the one with which
    /// the look-up began, for one that may be believed afterwards. None where the table is full of
    /// busy tokens.
    pub(crate) fn fill(
        &self,
        token: &StoredToken,
        generation: Option<u64>,
        asked: &Asked<'_>,
    ) -> Option<Decided> {
        let id = token.record.id;
        let hash = self.hash(&id);
        let fresh = self.entry(token);
        if !self.entries.contains_key(&id) && !self.has_room(asked.now) {
            return None;
        }
        let (decided, counted, tenant) = {
            let mut entry = match self.entries.entry(id) {
                dashmap::Entry::Vacant(place) => {
                    self.count.fetch_add(1, Ordering::Relaxed);
                    place.insert(fresh)
                }
                dashmap::Entry::Occupied(place) => {
                    let mut entry = place.into_ref();
                    // A trusted entry is newer than a look-up whose generation has moved.
                    let is_newer = asked.believes
                        && entry.is_trusted()
                        && !self.is_stale(&entry, asked.now)
                        && generation != Some(self.transit.generation(hash));
                    if !is_newer {
                        entry.replace_record(fresh);
                    }
                    entry
                }
            };
            if generation == Some(self.transit.generation(hash)) && self.trust != Trust::Never {
                entry.trust();
                if matches!(self.trust, Trust::For(_)) {
                    entry.note_filled(asked.now);
                }
            }
            let (decided, counted) = entry.decide(asked, self.taking());
            (decided, counted, entry.tenant())
        };
        self.counted(id, tenant, counted, asked.now);
        Some(decided)
    }

    /// The tenant to compare with: by its number, if any known token is of it.
    #[inline]
    pub(crate) fn tenant(&self, name: &str) -> TenantCheck {
        self.tenants.find(name).map_or(TenantCheck::Nobody, TenantCheck::Exactly)
    }

    /// The name of a tenant; none for the one that has none.
    pub(crate) fn tenant_name(&self, number: u32) -> Option<Arc<str>> {
        self.tenants.name(number)
    }

    /// Counts a tenant among the known ones, before a token of it is decided on.
    pub(crate) fn know_tenant(&self, name: Option<&str>) {
        self.tenants.number(name);
    }

    /// How a miss is to be answered, by whoever may believe what is in memory or may not.
    pub(crate) fn ask(&self, id: TokenId, believes: bool) -> Asking<'_> {
        // Whoever joined a look-up that began before its own verification could be told what was
        // true before: only where nobody else changes tokens or others tell, or where staleness is
        // allowed, is that noticed or harmless.
        if self.trust == Trust::Never || !believes {
            return Asking::Alone;
        }
        self.transit.ask(id, self.hash(&id))
    }

    /// A lane for a miss to the store; none when too many are under way.
    pub(crate) fn enter_miss(&self, id: &TokenId) -> Option<MissLane<'_>> {
        let is_known = self.entries.contains_key(id) || self.misses.was_known(self.hash(id));
        self.misses.enter(is_known)
    }

    /// Whether the store did not know this id a moment ago.
    pub(crate) fn is_unknown(&self, id: &TokenId, now: Reading) -> bool {
        self.trust != Trust::Never && self.unknown.has(id, self.hash(id), now.monotonic_ms)
    }

    /// For how many milliseconds a change by another process may go unheeded here, unless it is told.
    pub(crate) fn stale_for_ms(&self) -> u64 {
        match self.trust {
            Trust::For(ms) => ms.into(),
            Trust::UntilChanged | Trust::Leased | Trust::Never => 0,
        }
    }

    /// Notes that the store does not know this id, unless it was changed since the look-up began.
    pub(crate) fn remember_unknown(&self, id: TokenId, generation: u64, now: Reading) {
        let hash = self.hash(&id);
        let stale_ms = match self.trust {
            Trust::For(ms) => ms.into(),
            Trust::UntilChanged | Trust::Leased | Trust::Never => u64::MAX,
        };
        self.unknown.remember(id, hash, now.monotonic_ms, stale_ms);
        // Looked at afterwards: an id that was issued meanwhile has moved the generation first,
        // and then forgets.
        if self.transit.generation(hash) != generation {
            self.unknown.forget(&id, hash);
        }
    }

    /// An id was issued: whatever was known of it is over.
    pub(crate) fn issued(&self, id: &TokenId) {
        let hash = self.hash(id);
        self.transit.bump(hash);
        self.unknown.forget(id, hash);
    }

    /// Another node has changed this token: whatever was read of it until now is over.
    pub(crate) fn changed_elsewhere(&self, id: &TokenId) {
        let hash = self.hash(id);
        self.transit.spoil(id, hash);
        // After the generation has moved: a fill that looks at it from now on is not trusted, and one
        // that has looked before is trusted no more.
        if let Some(mut entry) = self.entries.get_mut(id) {
            entry.distrust();
        }
        self.unknown.forget(id, hash);
    }

    /// Marks an id as changing. From now on until [`Mark::finish`] every verification of it asks
    /// the store.
    pub(crate) fn mark(self: &Arc<Self>, id: TokenId) -> Mark {
        let rotations = self.transit.mark(id, self.hash(&id));
        if let Some(mut entry) = self.entries.get_mut(&id) {
            entry.distrust();
        }
        Mark::new(self.clone(), id, rotations)
    }

    pub(super) fn transit(&self) -> &Transit {
        &self.transit
    }

    /// The store has told what became of changes whose outcome was unknown, up to this number.
    pub(crate) fn settled(&self, id: TokenId, through: u64, known: Known) {
        let settle = |known, is_newest| self.settle(id, known, is_newest);
        self.transit.settled(id, self.hash(&id), through, known, settle);
    }

    /// The ids of changes whose outcome is unknown, each with the number of the last of them.
    pub(crate) fn unsettled(&self) -> Vec<(TokenId, u64)> {
        self.transit.unsettled()
    }

    /// Puts what is known after a change into the table. The entry keeps its window and its
    /// counters. Where nothing is known, or it may not be the newest, it is looked up again at its
    /// next use.
    pub(super) fn settle(&self, id: TokenId, known: Known, is_newest: bool) {
        match known {
            Known::Nothing => {}
            Known::Gone => {
                let removed = self.entries.remove(&id).is_some();
                self.count.fetch_sub(usize::from(removed), Ordering::Relaxed);
            }
            Known::Record(token) => {
                let fresh = self.entry(&token);
                if let Some(mut entry) = self.entries.get_mut(&id) {
                    entry.replace_record(fresh);
                    if is_newest && self.trust == Trust::UntilChanged {
                        entry.trust();
                    }
                }
            }
        }
    }

    fn entry(&self, token: &StoredToken) -> Entry {
        Entry::new(token, self.tenants.number(token.record.tenant.as_deref()), &self.catalog)
    }

    /// Marks every id as changing, for a change of which only the store knows what it touches.
    /// Nothing that was read before is believed from now on: each token is looked up again at its
    /// next use after the change.
    pub(crate) fn mark_all(&self) -> MarkAll<'_> {
        self.transit.mark_all();
        self.unknown.clear();
        self.entries.iter_mut().for_each(|mut entry| entry.distrust());
        MarkAll { live: self, outcome_is_known: false }
    }

    pub(super) fn unmark_all(&self, outcome_is_known: bool) {
        self.transit.unmark_all(outcome_is_known);
    }

    /// The number of the last change of unknown ids that ended without its outcome being known.
    pub(crate) fn unsettled_all(&self) -> Option<u64> {
        self.transit.unsettled_all()
    }

    /// Those up to this number are over: the store has told.
    pub(crate) fn settled_all(&self, through: u64) {
        self.transit.settled_all(through);
    }

    /// Keeps the name of a token for the next refusal that has to tell it.
    pub(crate) fn keep_name(&self, id: &TokenId, name: &str) {
        if let Some(mut entry) = self.entries.get_mut(id) {
            entry.keep_name(name);
        }
    }

    /// Takes what was counted in the table since the last time: grants, and tries with a wrong
    /// secret.
    pub(crate) fn take_counts(&self, now: Reading, each: &mut dyn FnMut(Noted)) {
        let mut lingering = Vec::new();
        for id in self.dirty.take() {
            let Some(mut entry) = self.entries.get_mut(&id) else { continue };
            let (grants, wrong_secrets, newly_lingering) = entry.take_counts(now);
            let tenant = entry.tenant();
            drop(entry);
            if newly_lingering {
                lingering.push(id);
            }
            if grants.number > 0 {
                each(noted(id, tenant, grants, now));
            }
            if wrong_secrets > 0 {
                each(Noted::new(id, tenant, What::WrongSecret(wrong_secrets), now.wall_ms));
            }
        }
        self.lingering.push(lingering, now.monotonic_ms);
    }

    /// Lets windows that have become idle give their memory back.
    pub(crate) fn release_windows(&self, now: Reading) {
        let tick = Tick { ms: now.monotonic_ms, granularity_ms: self.granularity_ms };
        let lingers =
            |id: &TokenId| self.entries.get_mut(id).is_some_and(|mut entry| entry.release_window(tick));
        let again = self.lingering.due(now.monotonic_ms).into_iter().filter(lingers).collect();
        self.lingering.push(again, now.monotonic_ms);
        let due = self.release_shared_after_ms.load(Ordering::Relaxed);
        if let Some(shared) = self.shared.as_ref().filter(|_| now.monotonic_ms >= due) {
            shared.release(tick);
            self.release_shared_after_ms.store(now.monotonic_ms + SHARED_RELEASE_PAUSE_MS, Ordering::Relaxed);
        }
    }

    /// How many tokens are in the table.
    pub(crate) fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// The memory that entries claim beyond the table.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.entries.iter().map(|entry| entry.heap_bytes()).sum()
    }

    fn has_room(&self, now: Reading) -> bool {
        if self.len() < self.capacity {
            return true;
        }
        if now.monotonic_ms < self.evict_after_ms.load(Ordering::Relaxed) {
            return false;
        }
        self.evict(now);
        self.len() < self.capacity
    }

    /// Drops idle entries, a tenth of the table at most, so that the next fills find room. It
    /// looks at every entry, which is why it is not tried again at once where no idle one is left.
    fn evict(&self, now: Reading) {
        let most = self.capacity / 10 + 1;
        let mut left = most;
        self.entries.retain(|id, entry| {
            let drop = left > 0 && entry.is_idle(now, self.granularity_ms);
            if drop {
                left -= 1;
                self.misses.note_known(self.hash(id));
            }
            !drop
        });
        self.count.fetch_sub(most - left, Ordering::Relaxed);
        if left > 0 {
            self.evict_after_ms.store(now.monotonic_ms + EVICTION_PAUSE_MS, Ordering::Relaxed);
        }
    }

    #[inline]
    fn is_stale(&self, entry: &Entry, now: Reading) -> bool {
        match self.trust {
            Trust::UntilChanged | Trust::Leased => false,
            Trust::For(ms) => entry.age_ms(now) > ms.into(),
            Trust::Never => true,
        }
    }

    pub(super) fn hash(&self, id: &TokenId) -> u64 {
        self.hash.hash_one(id)
    }
}

fn noted(id: TokenId, tenant: u32, grants: Grants, now: Reading) -> Noted {
    Noted::new(id, tenant, What::Grants(grants.number), now.wall_ms.saturating_sub(grants.ago_ms.into()))
}
