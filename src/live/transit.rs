//! Which ids are being changed, and which are being looked up.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::table::Live;
use crate::executor::Announcement;
use crate::{StoredToken, TokenId};

/// Which ids are being changed (marks), which are being looked up (flights), and how often an id
/// was changed (generations, several ids sharing one).
pub(super) struct Transit {
    state: Mutex<State>,
    generations: Box<[AtomicU64]>,
}

#[derive(Default)]
struct State {
    changing: HashMap<TokenId, Changing>,
    /// How many changes are under way of which nobody knows which ids they touch.
    changing_all: usize,
    /// The numbers of those that ended without their outcome being known.
    unsettled_all: Vec<u64>,
    /// Counts the changes that ended without their outcome being known. What the store tells
    /// settles those that had ended before it was asked, and no later ones.
    unknown_endings: u64,
    flights: HashMap<TokenId, Arc<Flight>>,
}

/// One id with changes under way, of which several may overlap.
#[derive(Default)]
struct Changing {
    holders: usize,
    rotations: u64,
    /// One of them is a rotation that has begun to write: no other may.
    rotating: bool,
    newest: Known,
    /// A change of unknown ids has begun meanwhile: what this one has seen may be over.
    doubted: bool,
    /// A change ended without its outcome being known, with this number: the mark stays until the
    /// store has told.
    unsettled: Option<u64>,
}

/// What is known of a token when a change of it has ended.
#[derive(Default)]
pub(crate) enum Known {
    /// Nothing that was not known before.
    #[default]
    Nothing,
    /// Its record.
    Record(Box<StoredToken>),
    /// It was purged.
    Gone,
}

/// How a change ended.
pub(crate) enum Ending {
    /// With this.
    Known {
        /// What is known of the token now.
        outcome: Known,
        /// Whether it got a new secret.
        rotated: bool,
    },
    /// It may have happened or not.
    Unknown,
}

/// One look-up under way, and who waits for it.
pub(crate) struct Flight {
    landing: Announcement<Landing>,
}

/// What a flight brought.
#[derive(Clone)]
pub(crate) enum Landing {
    /// The token.
    Found(Arc<StoredToken>),
    /// There is none with this id.
    NotFound,
    /// The store failed, whoever leads has the error.
    Failed,
    /// The token was changed meanwhile, or whoever led it went away: ask again.
    Spoiled,
}

/// How a miss is to be answered.
pub(crate) enum Asking<'a> {
    /// By waiting for a look-up that is under way.
    Join(Arc<Flight>),
    /// By looking it up, for oneself and whoever joins.
    Lead(Lead<'a>),
    /// By looking it up for oneself alone: the id is being changed.
    Alone,
}

/// A look-up that others may join. Dropping it lets them ask again.
pub(crate) struct Lead<'a> {
    transit: &'a Transit,
    id: TokenId,
    flight: Arc<Flight>,
    generation: u64,
}

/// A change under way of which nobody knows which ids it touches. Every id counts as changing
/// until [`MarkAll::finish`]; where it is dropped before, until the store has told that it is over.
pub(crate) struct MarkAll<'a> {
    pub(super) live: &'a Live,
    pub(super) outcome_is_known: bool,
}

impl MarkAll<'_> {
    /// The change is over, and what it did is known.
    pub(crate) fn finish(mut self) {
        self.outcome_is_known = true;
    }
}

impl Drop for MarkAll<'_> {
    fn drop(&mut self) {
        self.live.unmark_all(self.outcome_is_known);
    }
}

/// An id that is being changed. It counts as changing until [`Live::finish`].
pub(crate) struct Mark {
    live: Arc<Live>,
    pub(super) id: TokenId,
    /// How many rotations of the id had ended, of those that overlap, when this change began.
    rotations: u64,
    /// It is the one that may write a new secret.
    rotating: bool,
    open: bool,
}

const GENERATIONS: usize = 1_024;

impl Transit {
    pub(super) fn new() -> Transit {
        Transit {
            state: Mutex::default(),
            generations: (0..GENERATIONS).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    pub(super) fn ask(&self, id: TokenId, hash: u64) -> Asking<'_> {
        let mut state = self.state();
        if state.changing_all > 0 || state.changing.contains_key(&id) {
            return Asking::Alone;
        }
        match state.flights.entry(id) {
            Entry::Occupied(flight) => Asking::Join(flight.get().clone()),
            Entry::Vacant(place) => {
                let flight = Arc::new(Flight { landing: Announcement::new() });
                place.insert(flight.clone());
                Asking::Lead(Lead { transit: self, id, flight, generation: self.generation(hash) })
            }
        }
    }

    pub(super) fn generation(&self, hash: u64) -> u64 {
        self.generations[hash as usize % GENERATIONS].load(Ordering::Acquire)
    }

    /// Whatever was read of the id before now is not to be trusted.
    pub(super) fn bump(&self, hash: u64) {
        self.generations[hash as usize % GENERATIONS].fetch_add(1, Ordering::AcqRel);
    }

    /// Every id is changing from now on, until [`Transit::unmark_all`]: all flights are spoiled.
    pub(super) fn mark_all(&self) {
        let flights = {
            let mut state = self.state();
            state.changing_all += 1;
            state.changing.values_mut().for_each(|changing| changing.doubted = true);
            self.bump_all();
            std::mem::take(&mut state.flights)
        };
        flights.values().for_each(|flight| flight.landing.tell(Landing::Spoiled));
    }

    pub(super) fn unmark_all(&self, outcome_is_known: bool) {
        let mut state = self.state();
        if outcome_is_known {
            self.bump_all();
            state.changing_all -= 1;
        } else {
            let number = state.number_unknown_ending();
            state.unsettled_all.push(number);
        }
    }

    /// The number of the last change of unknown ids that ended without its outcome being known.
    pub(super) fn unsettled_all(&self) -> Option<u64> {
        self.state().unsettled_all.last().copied()
    }

    /// The changes up to this number are over, whatever became of them.
    pub(super) fn settled_all(&self, through: u64) {
        let mut state = self.state();
        self.bump_all();
        let before = state.unsettled_all.len();
        state.unsettled_all.retain(|number| *number > through);
        state.changing_all -= before - state.unsettled_all.len();
    }

    fn bump_all(&self) {
        self.generations.iter().for_each(|generation| _ = generation.fetch_add(1, Ordering::AcqRel));
    }

    /// The id was changed by somebody else: whatever was read of it before now is not to be trusted, and
    /// whoever waits for it asks again.
    pub(super) fn spoil(&self, id: &TokenId, hash: u64) {
        let spoiled = {
            let mut state = self.state();
            self.bump(hash);
            state.flights.remove(id)
        };
        if let Some(flight) = spoiled {
            flight.landing.tell(Landing::Spoiled);
        }
    }

    /// Marks the id and spoils its flight. Gives the number of rotations that have ended among
    /// the changes that overlap with this one.
    pub(super) fn mark(&self, id: TokenId, hash: u64) -> u64 {
        let rotations = {
            let mut state = self.state();
            let changing = state.changing.entry(id).or_default();
            changing.holders += 1;
            changing.rotations
        };
        // No flight begins once the mark is set.
        self.spoil(&id, hash);
        rotations
    }

    /// One rotation of the id is about to write, if none of those that overlap with it has written
    /// or is about to: whoever reads the token now could not tell that it has another secret soon.
    fn begin_rotation(&self, id: &TokenId, rotations: u64) -> bool {
        let mut state = self.state();
        let Some(changing) = state.changing.get_mut(id) else { return false };
        let may = !changing.rotating && changing.rotations == rotations;
        changing.rotating |= may;
        may
    }

    /// One change of the id has ended, which was the one `rotating` or was not.
    fn unmark(
        &self,
        id: TokenId,
        hash: u64,
        rotating: bool,
        ending: Ending,
        settle: impl FnOnce(Known, bool),
    ) {
        let mut state = self.state();
        let number = match ending {
            Ending::Known { .. } => None,
            Ending::Unknown => Some(state.number_unknown_ending()),
        };
        let Some(changing) = state.changing.get_mut(&id) else { return };
        changing.holders -= 1;
        changing.rotating &= !rotating;
        changing.unsettled = number.or(changing.unsettled);
        if let Ending::Known { outcome, rotated } = ending {
            changing.rotations += u64::from(rotated);
            changing.learn(outcome);
        }
        self.lift(state, id, hash, settle);
    }

    /// The store has told what became of changes whose outcome was unknown, up to this number.
    pub(super) fn settled(
        &self,
        id: TokenId,
        hash: u64,
        through: u64,
        outcome: Known,
        settle: impl FnOnce(Known, bool),
    ) {
        let mut state = self.state();
        let Some(changing) = state.changing.get_mut(&id) else { return };
        changing.unsettled = changing.unsettled.filter(|number| *number > through);
        changing.learn(outcome);
        self.lift(state, id, hash, settle);
    }

    /// Lifts the mark if this was the last of the changes that overlap and all their outcomes are
    /// known. `settle` puts the newest of them into the table before any look-up may begin again,
    /// and is told whether it may be believed: not where a change that may be newer and touch any
    /// id is under way, or has begun since.
    fn lift(
        &self,
        mut state: MutexGuard<'_, State>,
        id: TokenId,
        hash: u64,
        settle: impl FnOnce(Known, bool),
    ) {
        self.bump(hash);
        let nothing_newer = state.changing_all == 0;
        let Entry::Occupied(mut changing) = state.changing.entry(id) else { return };
        if changing.get().holders == 0 && changing.get().unsettled.is_none() {
            let is_newest = nothing_newer && !changing.get().doubted;
            settle(std::mem::take(&mut changing.get_mut().newest), is_newest);
            changing.remove();
        }
    }

    /// The ids of changes whose outcome is unknown, each with the number of the last of them.
    pub(super) fn unsettled(&self) -> Vec<(TokenId, u64)> {
        let state = self.state();
        state.changing.iter().filter_map(|(id, changing)| Some((*id, changing.unsettled?))).collect()
    }

    fn land(&self, id: &TokenId, flight: &Arc<Flight>, landing: Landing) {
        {
            let mut state = self.state();
            // A spoiled flight has left the map, and another may have taken its place.
            if state.flights.get(id).is_some_and(|current| Arc::ptr_eq(current, flight)) {
                state.flights.remove(id);
            }
        }
        flight.landing.tell(landing);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn number_unknown_ending(&mut self) -> u64 {
        self.unknown_endings += 1;
        self.unknown_endings
    }
}

impl Changing {
    /// Keeps the newest of what overlapping changes have seen, by the number of the change.
    fn learn(&mut self, outcome: Known) {
        let is_newer = match (&self.newest, &outcome) {
            (_, Known::Nothing) | (Known::Gone, _) => false,
            (Known::Nothing, _) | (_, Known::Gone) => true,
            (Known::Record(kept), Known::Record(seen)) => seen.record.sequence > kept.record.sequence,
        };
        if is_newer {
            self.newest = outcome;
        }
    }
}

impl Flight {
    /// Waits for what it brings.
    pub(crate) async fn landing(&self) -> Landing {
        self.landing.heard(|landing| landing.clone()).await
    }
}

impl Lead<'_> {
    /// The generation with which the look-up began: what it brings is to be trusted only while
    /// that stands.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Tells those who joined what it brought.
    pub(crate) fn land(self, landing: Landing) {
        self.transit.land(&self.id, &self.flight, landing);
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        // After a landing this finds nothing to do.
        self.transit.land(&self.id, &self.flight, Landing::Spoiled);
    }
}

impl Mark {
    pub(super) fn new(live: Arc<Live>, id: TokenId, rotations: u64) -> Mark {
        Mark { live, id, rotations, rotating: false, open: true }
    }

    /// Whether this change may write a new secret: of those that overlap, the first that comes here,
    /// until it has ended, and after it those alone that began later.
    pub(crate) fn begin_rotation(&mut self) -> bool {
        self.rotating = self.rotating || self.live.transit().begin_rotation(&self.id, self.rotations);
        self.rotating
    }

    /// The change has ended; what is known of it is in the table when this returns.
    pub(crate) fn finish(mut self, ending: Ending) {
        self.end(ending);
    }

    fn end(&mut self, ending: Ending) {
        self.open = false;
        let (live, id) = (&self.live, self.id);
        let settle = |known, is_newest| live.settle(id, known, is_newest);
        live.transit().unmark(id, live.hash(&id), self.rotating, ending, settle);
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        // Whoever carried the change went away in its midst, by a panic or with its runtime.
        if self.open {
            self.end(Ending::Unknown);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Digest, TokenRecord};

    /// What the end of a change puts into the table.
    fn settled(transit: &Transit, id: TokenId) -> Option<Known> {
        let record = TokenRecord::stand_in(id, chrono::DateTime::UNIX_EPOCH);
        let digest = Digest::matching_nothing();
        let token = StoredToken { record, digest, previous_digest: None, rotation_keys: Vec::new() };
        let ending = Ending::Known { outcome: Known::Record(Box::new(token)), rotated: false };
        let mut settled = None;
        transit.unmark(id, 0, false, ending, |known, is_newest| settled = is_newest.then_some(known));
        settled
    }

    #[test]
    fn what_a_change_has_seen_is_not_believed_after_a_later_change_of_all() {
        let (transit, id) = (Transit::new(), TokenId::placeholder());
        transit.mark(id, 0);
        assert!(matches!(settled(&transit, id), Some(Known::Record(_))));
        transit.mark(id, 0);
        transit.mark_all();
        transit.unmark_all(true);
        assert!(settled(&transit, id).is_none());
        // One that began afterwards has seen what is true.
        transit.mark_all();
        transit.mark(id, 0);
        transit.unmark_all(true);
        assert!(matches!(settled(&transit, id), Some(Known::Record(_))));
    }
}
