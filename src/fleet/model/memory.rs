//! The memory of a node: what `live` does, one step at a time.
//!
//! Each method here is what the real one does under one lock, so that the schedule may put anything
//! between any two of them.

use super::flaw::Flaw;
use super::store::{State, TOKENS};

#[derive(Default)]
pub(super) struct Memory {
    entries: [Option<Entry>; TOKENS],
    generations: [u32; TOKENS],
    changing: [Changing; TOKENS],
    changing_all: u32,
    flights: [Option<usize>; TOKENS],
    landings: Vec<Option<Landing>>,
    unknown_endings: u64,
}

#[derive(Clone, Copy)]
struct Entry {
    state: State,
    trusted: bool,
}

#[derive(Clone, Copy, Default)]
struct Changing {
    holders: u32,
    newest: Option<State>,
    unsettled: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Landing {
    Found(State),
    Failed,
    Spoiled,
}

pub(super) enum Asking {
    Alone,
    Join(usize),
    Lead { flight: usize, generation: u32 },
}

pub(super) enum Ending {
    Known(Option<State>),
    Unknown,
}

impl Memory {
    pub(super) fn decide(&self, token: usize, believes: bool) -> Option<State> {
        self.entries[token].filter(|entry| believes && entry.trusted).map(|entry| entry.state)
    }

    pub(super) fn ask(&mut self, token: usize, believes: bool, flaw: Option<Flaw>) -> Asking {
        let changing = self.changing_all > 0 || self.is_changing(token);
        if !believes || (changing && flaw != Some(Flaw::FillsBetweenMarkAndCommit)) {
            return Asking::Alone;
        }
        if let Some(flight) = self.flights[token] {
            return Asking::Join(flight);
        }
        let flight = self.landings.len();
        self.landings.push(None);
        self.flights[token] = Some(flight);
        Asking::Lead { flight, generation: self.generations[token] }
    }

    /// Gives what the verification is decided by.
    pub(super) fn fill(
        &mut self,
        token: usize,
        found: State,
        generation: Option<u32>,
        believes: bool,
    ) -> State {
        let stands = generation == Some(self.generations[token]);
        let entry = self.entries[token].get_or_insert(Entry { state: found, trusted: false });
        let is_newer = believes && entry.trusted && !stands;
        if !is_newer {
            *entry = Entry { state: found, trusted: stands };
        }
        entry.state
    }

    pub(super) fn land(&mut self, token: usize, flight: usize, landing: Landing) {
        if self.flights[token] == Some(flight) {
            self.flights[token] = None;
        }
        self.landings[flight].get_or_insert(landing);
    }

    pub(super) fn landing(&self, flight: usize) -> Option<Landing> {
        self.landings.get(flight).copied().flatten()
    }

    pub(super) fn spoil(&mut self, token: usize, flaw: Option<Flaw>) {
        if flaw == Some(Flaw::DistrustWithoutSpoiling) {
            return;
        }
        self.bump(token);
        if flaw != Some(Flaw::SpoiledFlightsAreJoined)
            && let Some(flight) = self.flights[token].take()
        {
            self.landings[flight].get_or_insert(Landing::Spoiled);
        }
    }

    pub(super) fn distrust(&mut self, token: usize) {
        if let Some(entry) = &mut self.entries[token] {
            entry.trusted = false;
        }
    }

    pub(super) fn mark_all(&mut self, flaw: Option<Flaw>) {
        self.changing_all += 1;
        (0..TOKENS).for_each(|token| self.spoil(token, flaw));
    }

    pub(super) fn unmark_all(&mut self, flaw: Option<Flaw>) {
        if flaw != Some(Flaw::DistrustWithoutSpoiling) {
            (0..TOKENS).for_each(|token| self.bump(token));
        }
        self.changing_all -= 1;
    }

    /// The entry is to be distrusted then.
    pub(super) fn mark(&mut self, token: usize, flaw: Option<Flaw>) {
        self.changing[token].holders += 1;
        self.spoil(token, flaw);
    }

    pub(super) fn unmark(&mut self, token: usize, ending: Ending, flaw: Option<Flaw>) {
        self.changing[token].holders -= 1;
        match ending {
            Ending::Known(known) => self.learn(token, known),
            Ending::Unknown => {
                self.unknown_endings += 1;
                self.changing[token].unsettled = Some(self.unknown_endings);
            }
        }
        self.lift(token, flaw);
    }

    pub(super) fn unsettled(&self, token: usize) -> Option<u64> {
        self.changing[token].unsettled
    }

    pub(super) fn settled(&mut self, token: usize, through: u64, found: State, flaw: Option<Flaw>) {
        if self.is_changing(token) {
            let changing = &mut self.changing[token];
            changing.unsettled = changing.unsettled.filter(|number| *number > through);
            self.learn(token, Some(found));
            self.lift(token, flaw);
        }
    }

    fn learn(&mut self, token: usize, known: Option<State>) {
        let newest = &mut self.changing[token].newest;
        if known.is_some_and(|known| newest.is_none_or(|newest| known.number > newest.number)) {
            *newest = known;
        }
    }

    fn lift(&mut self, token: usize, flaw: Option<Flaw>) {
        if flaw != Some(Flaw::FillsBetweenMarkAndCommit) && flaw != Some(Flaw::DistrustWithoutSpoiling) {
            self.bump(token);
        }
        if self.is_changing(token) {
            return;
        }
        let newest = self.changing[token].newest.take();
        if let (Some(newest), Some(entry)) = (newest, &mut self.entries[token]) {
            *entry = Entry { state: newest, trusted: false };
        }
    }

    fn is_changing(&self, token: usize) -> bool {
        self.changing[token].holders > 0 || self.changing[token].unsettled.is_some()
    }

    fn bump(&mut self, token: usize) {
        self.generations[token] += 1;
    }
}
