//! An outbox in this process's memory.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::{Event, EventKind};
use crate::TokenId;
use crate::usage::Client;

/// What was announced: in its order while it waits, and by its id as long as that is known.
#[derive(Default)]
pub(crate) struct MemoryOutbox {
    waiting: BTreeMap<u64, Waiting>,
    known: HashMap<String, State>,
    last: u64,
}

struct Waiting {
    event: Event,
    taken_until: DateTime<Utc>,
}

#[derive(Clone, Copy)]
enum State {
    /// With its place in the order.
    Waiting(u64),
    Delivered(DateTime<Utc>),
}

impl MemoryOutbox {
    pub(crate) fn announce(&mut self, events: &[Event]) {
        for event in events {
            if self.known.contains_key(&event.id) {
                continue;
            }
            self.last += 1;
            self.known.insert(event.id.clone(), State::Waiting(self.last));
            let taken_until = DateTime::<Utc>::MIN_UTC;
            self.waiting.insert(self.last, Waiting { event: event.clone(), taken_until });
        }
    }

    pub(crate) fn due(&mut self, now: DateTime<Utc>, until: DateTime<Utc>, limit: u32) -> Vec<Event> {
        let mut tokens = HashSet::new();
        let mut due = Vec::new();
        for waiting in self.waiting.values_mut() {
            if due.len() == limit as usize {
                break;
            }
            if tokens.insert(waiting.event.token) && waiting.taken_until <= now {
                waiting.taken_until = until;
                due.push(waiting.event.clone());
            }
        }
        due
    }

    pub(crate) fn postpone(&mut self, id: &str, until: DateTime<Utc>) {
        if let Some(State::Waiting(place)) = self.known.get(id)
            && let Some(waiting) = self.waiting.get_mut(place)
        {
            waiting.taken_until = until;
        }
    }

    pub(crate) fn delivered(&mut self, id: &str, now: DateTime<Utc>) {
        let Some(state) = self.known.get_mut(id) else { return };
        if let State::Waiting(place) = *state {
            self.waiting.remove(&place);
            *state = State::Delivered(now);
        }
    }

    /// Forgets what was delivered before this moment.
    pub(crate) fn forget(&mut self, before: DateTime<Utc>) {
        self.known.retain(|_, state| !matches!(state, State::Delivered(at) if *at < before));
    }

    /// Drops what waits of these tokens. What was delivered stays known.
    pub(crate) fn erase(&mut self, tokens: &[TokenId]) {
        let known = &mut self.known;
        self.waiting.retain(|_, waiting| {
            let stays = !tokens.contains(&waiting.event.token);
            if !stays {
                known.remove(&waiting.event.id);
            }
            stays
        });
    }

    pub(crate) fn erase_clients(&mut self, tokens: &[TokenId]) {
        for waiting in self.waiting.values_mut().filter(|waiting| tokens.contains(&waiting.event.token)) {
            if let EventKind::NewAddress { client } = &mut waiting.event.kind {
                *client = Client::default();
            }
        }
    }
}
