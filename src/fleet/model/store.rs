//! The store: what is true, and what each call does with it.

use crate::TokenId;
use crate::changes::{Mark, NodeId, NodeRow, Position, Pulled, RollCall, TokenChanged};

use super::flaw::Flaw;
use super::random::Random;

pub(super) const TOKENS: usize = 2;

/// What a token is, by the change that made it so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct State {
    /// Later ones are greater, whatever was lost in between.
    pub(super) born: u32,
    /// The number of the change.
    pub(super) number: u64,
}

#[derive(Clone)]
pub(super) struct Store {
    pub(super) truth: [State; TOKENS],
    log: Vec<TokenChanged>,
    newest: Position,
    pub(super) rows: Vec<NodeRow>,
    /// Writes that have drawn their number and are not committed.
    pub(super) open: Vec<Open>,
    /// The greatest number that was drawn, committed or not.
    drawn: u64,
    /// So many changes are kept.
    pub(super) kept: usize,
}

#[derive(Clone, Copy)]
pub(super) struct Open {
    pub(super) call: u32,
    token: usize,
    expected: u32,
    number: u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Op {
    Join {
        node: NodeId,
        lease_ms: u32,
    },
    /// The last change, without a row.
    Newest,
    Pull {
        node: NodeId,
        after: Position,
        without_row: bool,
    },
    Acknowledge {
        node: NodeId,
        position: Position,
    },
    Leave {
        node: NodeId,
    },
    RollCall,
    Strike {
        node: NodeId,
        counter: u64,
    },
    Load {
        token: usize,
    },
    LoadSettled {
        token: usize,
    },
    Update {
        token: usize,
        expected: u32,
    },
}

#[derive(Clone, Debug)]
pub(super) enum Answer {
    Joined(Position),
    Pulled(Pulled),
    Done,
    Roll(RollCall),
    Found(State),
    Updated(State),
    /// The token is not what it was expected to be.
    Stale,
}

/// What becomes of a call that has reached the store.
pub(super) enum Execution {
    Answered(Answer),
    /// It waits for a lock.
    Blocked,
    /// It is a transaction that is to be committed.
    Open,
}

impl Store {
    pub(super) fn new() -> Store {
        let nothing = State { born: 0, number: 0 };
        Store {
            truth: [nothing; TOKENS],
            log: Vec::with_capacity(16),
            newest: Position::default(),
            rows: Vec::with_capacity(4),
            open: Vec::new(),
            drawn: 0,
            kept: usize::MAX,
        }
    }

    pub(super) fn execute(
        &mut self,
        call: u32,
        op: Op,
        flaw: Option<Flaw>,
        random: &mut Random,
    ) -> Execution {
        let answer = match op {
            Op::Join { node, lease_ms } => self.join(node, lease_ms, flaw, random),
            Op::Newest => Answer::Joined(self.newest),
            Op::Pull { node, after, without_row } => {
                let by_one = matches!(flaw, Some(Flaw::CountersBeginAlike));
                // None comes again, though a failover may take some back.
                let step = if by_one { 1 } else { 1 + (random.next() >> 40) };
                let renewed = self.row(node).map(|row| row.counter += step);
                if renewed.is_some() || without_row {
                    self.pull(after, flaw)
                } else {
                    Answer::Pulled(Pulled::Gap)
                }
            }
            Op::Acknowledge { node, position } => {
                let is_there = position == Position::default()
                    || position == self.newest
                    || self.log.iter().any(|change| change.position == position);
                if let Some(row) = self.row(node)
                    && (is_there || flaw == Some(Flaw::NumbersAreAcknowledged))
                {
                    row.acknowledged = row.acknowledged.max(position.number);
                }
                Answer::Done
            }
            Op::Leave { node } => {
                self.rows.retain(|row| row.node != node);
                Answer::Done
            }
            Op::RollCall => {
                Answer::Roll(RollCall { last_number: self.newest.number, nodes: self.rows.clone() })
            }
            Op::Strike { node, counter } => {
                let any = flaw == Some(Flaw::StrikeWithoutComparing);
                self.rows.retain(|row| row.node != node || (row.counter != counter && !any));
                Answer::Done
            }
            Op::Load { token } => Answer::Found(self.truth[token]),
            Op::LoadSettled { .. } if !self.open.is_empty() => return Execution::Blocked,
            Op::LoadSettled { token } => Answer::Found(self.truth[token]),
            Op::Update { .. } if !self.open.is_empty() && flaw != Some(Flaw::NumbersOutOfOrder) => {
                return Execution::Blocked;
            }
            Op::Update { token, expected } => {
                // The row of the token is locked as well.
                if self.open.iter().any(|open| open.token == token) {
                    return Execution::Blocked;
                }
                if self.truth[token].born != expected {
                    Answer::Stale
                } else {
                    self.drawn = self.drawn.max(self.newest.number) + 1;
                    let number = self.drawn;
                    self.open.push(Open { call, token, expected, number });
                    return Execution::Open;
                }
            }
        };
        Execution::Answered(answer)
    }

    fn join(&mut self, node: NodeId, lease_ms: u32, flaw: Option<Flaw>, random: &mut Random) -> Answer {
        let newest = self.newest;
        match self.row(node) {
            Some(row) => {
                row.counter += 1;
                // This may be a call of long ago, which comes late: it says nothing of what the node
                // has applied.
                if flaw == Some(Flaw::JoiningAcknowledges) {
                    row.acknowledged = newest.number;
                }
            }
            None => {
                let counter = if flaw == Some(Flaw::CountersBeginAlike) { 0 } else { random.next() >> 2 };
                self.rows.push(NodeRow { node, lease_ms, counter, acknowledged: newest.number });
            }
        }
        Answer::Joined(newest)
    }

    fn pull(&self, after: Position, flaw: Option<Flaw>) -> Answer {
        let is_known = match flaw {
            _ if after == Position::default() || after == self.newest => true,
            Some(Flaw::MarksAreIgnored) => true,
            _ => self.log.iter().any(|change| change.position == after),
        };
        if !is_known {
            return Answer::Pulled(Pulled::Gap);
        }
        let following = self.log.iter().filter(|change| change.position.number > after.number);
        let mut changes: Vec<_> = following.copied().collect();
        let mut number = after.number;
        if flaw == Some(Flaw::HolesAreIgnored) {
            let filled: Vec<_> = changes
                .iter()
                .flat_map(|change| {
                    let missing = number + 1..change.position.number;
                    number = change.position.number;
                    let nobody = |number| TokenChanged {
                        position: Position { number, ..after },
                        token: TokenId::placeholder(),
                    };
                    missing.map(nobody).chain([*change])
                })
                .collect();
            changes = filled;
        }
        // In pieces of three.
        let more = changes.len() > 3;
        changes.truncate(3);
        Answer::Pulled(Pulled::Changes { changes, more })
    }

    fn row(&mut self, node: NodeId) -> Option<&mut NodeRow> {
        self.rows.iter_mut().find(|row| row.node == node)
    }

    /// Commits a write. None where its token was changed meanwhile, which the lock prevents.
    pub(super) fn commit(&mut self, place: usize, born: u32, mark: Mark) -> (u32, usize, Option<State>) {
        let open = self.open.remove(place);
        if self.truth[open.token].born != open.expected {
            return (open.call, open.token, None);
        }
        let position = Position { number: open.number, mark };
        let state = State { born, number: open.number };
        self.truth[open.token] = state;
        let later = self.log.iter().position(|change| change.position.number > open.number);
        let change = TokenChanged { position, token: token_id(open.token) };
        self.log.insert(later.unwrap_or(self.log.len()), change);
        if position.number > self.newest.number {
            self.newest = position;
        }
        let surplus = self.log.len().saturating_sub(self.kept.max(1));
        self.log.drain(..surplus);
        (open.call, open.token, Some(state))
    }

    pub(super) fn abort(&mut self, place: usize) {
        self.open.remove(place);
        self.drawn = self.open.iter().map(|open| open.number).max().unwrap_or(0);
    }

    /// All that is under way is lost, as when the server has died.
    pub(super) fn abort_all(&mut self) {
        self.open.clear();
        self.drawn = 0;
    }

    /// Somebody deletes one change from the midst of the log.
    pub(super) fn punch_hole(&mut self, random: &mut Random) {
        if self.log.len() > 1 {
            let place = random.place(self.log.len() - 1);
            self.log.remove(place);
        }
    }
}

pub(super) fn token_id(token: usize) -> TokenId {
    let mut characters = *b"TokenOfTheModel_";
    characters[15] = b'0' + token as u8;
    TokenId::from_characters(&characters).expect("characters of an id")
}

/// None for one that was made up.
pub(super) fn token_of(id: &TokenId) -> Option<usize> {
    (0..TOKENS).find(|token| token_id(*token) == *id)
}
