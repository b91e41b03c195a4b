//! What was promised, and what a failover takes back of it.

use super::super::store::{State, Store, TOKENS};
use super::{Begun, Fate, World};

impl World {
    /// A verification begins. Gives its number.
    pub(in super::super) fn begin_verification(&mut self, node: usize, token: usize) -> u32 {
        self.last_verification += 1;
        let verification = self.last_verification;
        let floor = if self.nodes[node].is_forgotten { 0 } else { self.floor(token) };
        self.verifications.push(Begun { verification, token, floor });
        self.counted.verifications += 1;
        self.note(|_| {
            format!("node {node} begins verification {verification} of token {token}, not older than {floor}")
        });
        verification
    }

    /// The newest state of a token that a change has returned for.
    pub(super) fn floor(&self, token: usize) -> u32 {
        let counts = |fate: &Fate| fate.token == token && fate.has_returned && !fate.is_lost;
        self.states.iter().rposition(counts).unwrap_or(0) as u32
    }

    pub(in super::super) fn decided(&mut self, node: usize, verification: u32, by: Option<State>) {
        let Some(place) = self.verifications.iter().position(|begun| begun.verification == verification)
        else {
            return;
        };
        let Begun { floor, token, .. } = self.verifications.swap_remove(place);
        self.note(|_| match by {
            Some(state) => format!("node {node} decides verification {verification} by state {}", state.born),
            None => format!("node {node} cannot decide verification {verification}"),
        });
        if let Some(state) = by
            && state.born < floor
        {
            let text = format!(
                "verification {verification} of token {token} on node {node} was decided by state {}, and began after a change to state {floor} had returned",
                state.born
            );
            self.note(|_| format!("WRONG: {text}"));
            self.violation.get_or_insert(text);
        }
    }

    /// A change returns, or one that found the token to be so already.
    pub(in super::super) fn returned(&mut self, node: usize, state: State) {
        self.note(|_| format!("node {node} returns from its change: state {}", state.born));
        self.states[state.born as usize].has_returned = true;
        self.returned = Some(self.states[state.born as usize].token).filter(|token| *token != usize::MAX);
        self.counted.changes += 1;
    }

    pub(in super::super) fn replicate(&mut self) {
        self.replica = self.store.clone();
        self.replica.abort_all();
    }

    /// The replica is promoted: what was committed since it heard last is lost.
    pub(in super::super) fn fail_over(&mut self) {
        let lost = std::mem::replace(&mut self.store, self.replica.clone());
        let newest: [u32; TOKENS] = std::array::from_fn(|token| self.store.truth[token].born);
        for (born, fate) in self.states.iter_mut().enumerate().skip(1) {
            fate.is_lost |= born as u32 > newest[fate.token];
        }
        for open in &lost.open {
            if let Some(place) = self.calls.iter().position(|call| call.id == open.call) {
                self.lose(place);
            }
        }
        for node in &mut self.nodes {
            let counter =
                |store: &Store| store.rows.iter().find(|row| row.node == node.id).map(|row| row.counter);
            let (before, after) = (counter(&lost), counter(&self.store));
            node.is_forgotten |= before.is_some() && after.is_none();
            node.has_lost_renewal |= before != after;
        }
        for place in 0..self.verifications.len() {
            let floor = self.floor(self.verifications[place].token);
            let begun = &mut self.verifications[place];
            begun.floor = begun.floor.min(floor);
        }
        self.note(|world| format!("FAILOVER to states {:?}", world.store.truth));
    }

    /// A node relies on nothing that it had before.
    pub(in super::super) fn remembered(&mut self, node: usize) {
        self.nodes[node].is_forgotten = false;
    }
}
