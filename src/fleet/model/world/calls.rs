//! Calls between nodes and the store: delayed, lost, repeated and overtaken.

use super::super::store::{Answer, Execution, Op};
use super::{Call, Fate, Lost, Stage, World};
use crate::changes::Mark;

impl World {
    pub(in super::super) fn send(&mut self, node: usize, op: Op) -> u32 {
        self.last_call += 1;
        let id = self.last_call;
        // Of those that nobody waits for, the oldest never arrive.
        if self.calls.len() >= 14
            && let Some(old) =
                self.calls.iter().position(|call| call.is_abandoned && !matches!(call.stage, Stage::Open))
        {
            self.calls.remove(old);
        }
        self.calls.push(Call { id, node, op, stage: Stage::Asked, is_abandoned: false, stalled_until: 0 });
        self.note(|_| format!("node {node} asks, as call {id}: {op:?}"));
        id
    }

    pub(in super::super) fn has_answer(&self, call: u32) -> bool {
        self.answers.iter().any(|(id, _)| *id == call)
    }

    pub(super) fn take_answer(&mut self, call: u32) -> Option<Result<Answer, Lost>> {
        let place = self.answers.iter().position(|(id, _)| *id == call)?;
        Some(self.answers.swap_remove(place).1)
    }

    /// The call reaches the store.
    pub(in super::super) fn execute(&mut self, place: usize) {
        let (id, op) = (self.calls[place].id, self.calls[place].op);
        let rows = self.store.rows.len();
        match self.store.execute(id, op, self.flaw, &mut self.random) {
            Execution::Blocked => {}
            Execution::Open => {
                self.calls[place].stage = Stage::Open;
                self.note(|_| format!("call {id} is a transaction that is open"));
            }
            Execution::Answered(answer) => {
                self.note(|_| format!("call {id} is executed: {answer:?}"));
                match op {
                    Op::Pull { node, .. } => {
                        self.nodes
                            .iter_mut()
                            .filter(|known| known.id == node)
                            .for_each(|known| known.has_lost_renewal = false);
                    }
                    Op::Strike { node, .. } if self.store.rows.len() < rows => {
                        self.nodes
                            .iter_mut()
                            .filter(|known| known.id == node)
                            .for_each(|known| known.is_forgotten |= known.has_lost_renewal);
                    }
                    _ => {}
                }
                self.calls[place].stage = Stage::Answered(answer);
            }
        }
    }

    /// The call is executed, and a repetition of it is still under way.
    pub(in super::super) fn execute_twice(&mut self, place: usize) {
        if matches!(self.calls[place].op, Op::Update { .. } | Op::LoadSettled { .. }) {
            return self.execute(place);
        }
        let Call { id, node, op, .. } = self.calls[place];
        self.note(|_| format!("call {id} is repeated on its way"));
        self.execute(place);
        let stalled_until = self.counted.steps + self.random.below(300);
        self.calls.push(Call { id, node, op, stage: Stage::Asked, is_abandoned: true, stalled_until });
    }

    /// An answer arrives, where somebody still waits for it.
    pub(in super::super) fn deliver(&mut self, place: usize) {
        let call = self.calls.remove(place);
        if let (Stage::Answered(answer), false) = (call.stage, call.is_abandoned) {
            self.note(|_| format!("the answer to call {} arrives", call.id));
            self.answers.push((call.id, Ok(answer)));
        }
    }

    /// A request or an answer is lost.
    pub(in super::super) fn lose(&mut self, place: usize) {
        let call = self.calls.remove(place);
        if !call.is_abandoned {
            self.note(|_| format!("call {} is lost", call.id));
            self.answers.push((call.id, Err(Lost)));
        }
    }

    /// Whoever made the call waits no longer; it goes its way.
    pub(in super::super) fn give_up(&mut self, place: usize) {
        let stalled_until = self.counted.steps + self.random.below(200);
        let call = &mut self.calls[place];
        call.stalled_until = stalled_until;
        if !std::mem::replace(&mut call.is_abandoned, true) {
            let id = call.id;
            self.note(|_| format!("call {id} is waited for no more"));
            self.answers.push((id, Err(Lost)));
        }
    }

    pub(in super::super) fn commit(&mut self, open: usize) {
        self.last_mark += 1;
        let mark = Mark(self.last_mark.to_be_bytes());
        let born = self.states.len() as u32;
        let (call, token, state) = self.store.commit(open, born, mark);
        if state.is_some() {
            self.states.push(Fate { token, has_returned: false, is_lost: false });
        }
        let answer = state.map_or(Answer::Stale, Answer::Updated);
        self.note(|_| format!("call {call} is committed: token {token}, {answer:?}"));
        if let Some(call) = self.calls.iter_mut().find(|known| known.id == call) {
            call.stage = Stage::Answered(answer);
        }
    }

    /// The transaction of this call comes to nothing, which nobody is told.
    pub(in super::super) fn abort(&mut self, place: usize) {
        let call = self.calls[place].id;
        if let Some(open) = self.store.open.iter().position(|open| open.call == call) {
            self.store.abort(open);
        }
        self.lose(place);
    }
}
