//! A node that renews its lease.

use super::Lease;
use crate::TokenId;
use crate::changes::{Position, Pulled, TokenChanged};

/// A node that renews its lease, applies what others have changed, and acknowledges it.
///
/// It is driven by [`step`](Member::step): each [`Outcome`] says what is to be done now, in order, and
/// the next event tells what came of it.
pub(crate) struct Member {
    lease: Lease,
    /// Up to here everything is applied. None while it has no row that it may rely on.
    applied: Option<Position>,
    /// What is being applied, until it is acknowledged.
    applying: Option<Applying>,
    /// The clock when the round began that is under way: before anything was asked.
    began_ms: u64,
    /// Until when it trusts its memory; 0 where it does not.
    trusted_until_ms: u64,
}

struct Applying {
    through: Position,
    more: bool,
}

/// What has happened.
pub(crate) enum Event {
    /// It is time for a round, or there may be something to learn. Whatever was under way is over.
    Due,
    /// The row is committed, and this was the last change when it was.
    Joined(Position),
    /// What the pull has brought.
    Pulled(Pulled),
    /// All of [`Step::Apply`] is done.
    Acknowledged,
    /// The store did not do what it was asked: nobody knows what of it has happened.
    Failed,
    /// The node is about to go.
    Leaving,
}

/// What is to be done, in the order of the fields.
#[derive(PartialEq, Debug)]
pub(crate) struct Outcome {
    /// Trust ends: not later than now, for the whole memory.
    pub(crate) untrust: bool,
    /// Every entry is to be distrusted, and every flight spoiled.
    pub(crate) distrust_all: bool,
    /// From now on memory is trusted until this moment.
    pub(crate) trust_until_ms: Option<u64>,
    /// What is to be done next.
    pub(crate) step: Step,
}

#[derive(PartialEq, Debug)]
pub(crate) enum Step {
    /// Commit the row, then [`Event::Joined`].
    Join,
    /// Raise the counter and pull in one transaction, then [`Event::Pulled`].
    Pull(Position),
    /// Distrust these tokens and spoil their flights, and then acknowledge everything up to here; then
    /// [`Event::Acknowledged`].
    Apply { tokens: Vec<TokenId>, acknowledge: Position },
    /// Nothing until the next round.
    Rest,
    /// Delete the row.
    Leave,
}

impl Member {
    pub(crate) fn new(lease: Lease) -> Member {
        Member { lease, applied: None, applying: None, began_ms: 0, trusted_until_ms: 0 }
    }

    /// Up to which number everything is applied; none where it cannot tell.
    pub(crate) fn applied(&self) -> Option<u64> {
        self.applied.map(|position| position.number)
    }

    /// Something has happened. `now_ms` is the node's own clock, read before anything is done about it.
    pub(crate) fn step(&mut self, event: Event, now_ms: u64) -> Outcome {
        let applying = self.applying.take();
        match event {
            Event::Due => self.begin(now_ms),
            Event::Joined(position) => self.joined(position),
            Event::Pulled(Pulled::Gap) => self.gap(now_ms),
            Event::Pulled(Pulled::Changes { changes, more }) => self.pulled(&changes, more, now_ms),
            Event::Acknowledged => match applying {
                Some(Applying { through, more }) => {
                    self.applied = Some(through);
                    if more { Outcome::only(Step::Pull(through)) } else { self.renewed(now_ms) }
                }
                None => Outcome::only(Step::Rest),
            },
            Event::Failed => Outcome::only(Step::Rest),
            Event::Leaving => {
                self.applied = None;
                self.trusted_until_ms = 0;
                Outcome { untrust: true, distrust_all: true, ..Outcome::only(Step::Leave) }
            }
        }
    }

    fn begin(&mut self, now_ms: u64) -> Outcome {
        self.began_ms = now_ms;
        match self.applied {
            // A node that joins knows nothing of what was changed before.
            None => Outcome { untrust: true, distrust_all: true, ..Outcome::only(Step::Join) },
            Some(position) => {
                Outcome { distrust_all: self.has_lost_lease(now_ms), ..Outcome::only(Step::Pull(position)) }
            }
        }
    }

    /// What was changed before this is never pulled. Nothing that was read before the row was there may
    /// be trusted later: not even by the look-up of a verification that had found trust still standing,
    /// and was stopped between that and asking.
    fn joined(&mut self, position: Position) -> Outcome {
        self.applied = Some(position);
        self.applying = Some(Applying { through: position, more: true });
        let acknowledge = Step::Apply { tokens: Vec::new(), acknowledge: position };
        Outcome { distrust_all: true, ..Outcome::only(acknowledge) }
    }

    /// It cannot tell what it has missed: it begins anew.
    fn gap(&mut self, now_ms: u64) -> Outcome {
        self.applied = None;
        self.trusted_until_ms = 0;
        self.begin(now_ms)
    }

    fn pulled(&mut self, changes: &[TokenChanged], more: bool, now_ms: u64) -> Outcome {
        let Some(before) = self.applied else { return Outcome::only(Step::Rest) };
        let follow_each_other =
            changes.iter().zip(before.number + 1..).all(|(change, number)| change.position.number == number);
        if !follow_each_other {
            return self.gap(now_ms);
        }
        let Some(last) = changes.last() else {
            return if more { Outcome::only(Step::Rest) } else { self.renewed(now_ms) };
        };
        self.applying = Some(Applying { through: last.position, more });
        let tokens = changes.iter().map(|change| change.token).collect();
        Outcome::only(Step::Apply { tokens, acknowledge: last.position })
    }

    /// Everything that was committed when the round began is applied, and acknowledged.
    fn renewed(&mut self, now_ms: u64) -> Outcome {
        // The round may have taken longer than the lease had left.
        let distrust_all = self.has_lost_lease(now_ms);
        self.trusted_until_ms = self.began_ms.saturating_add(self.lease.trust_ms());
        Outcome { distrust_all, trust_until_ms: Some(self.trusted_until_ms), ..Outcome::only(Step::Rest) }
    }

    /// Whether it has trusted its memory, and may do so no more.
    fn has_lost_lease(&self, now_ms: u64) -> bool {
        self.trusted_until_ms != 0 && now_ms >= self.trusted_until_ms
    }
}

impl Outcome {
    fn only(step: Step) -> Outcome {
        Outcome { untrust: false, distrust_all: false, trust_until_ms: None, step }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::changes::Mark;

    fn position(number: u64) -> Position {
        Position { number, mark: Mark([number as u8; 16]) }
    }

    fn changes(numbers: &[u64]) -> Pulled {
        let changed = |number| TokenChanged { position: position(number), token: TokenId::placeholder() };
        Pulled::Changes { changes: numbers.iter().map(|number| changed(*number)).collect(), more: false }
    }

    /// A member of a lease of 10 seconds that has joined behind change 7, at 1,000.
    fn joined() -> Member {
        let mut member = Member::new(Lease::default());
        let outcome = member.step(Event::Due, 1_000);
        assert!(outcome.untrust && outcome.distrust_all && outcome.step == Step::Join);
        let outcome = member.step(Event::Joined(position(7)), 1_100);
        assert!(outcome.distrust_all, "what was read before the row was there is not covered by it");
        assert_eq!(outcome.step, Step::Apply { tokens: Vec::new(), acknowledge: position(7) });
        assert_eq!(member.step(Event::Acknowledged, 1_150).step, Step::Pull(position(7)));
        member
    }

    #[test]
    fn trust_counts_from_before_anything_was_asked() {
        let mut member = joined();
        let outcome = member.step(Event::Pulled(changes(&[])), 4_000);
        assert_eq!((outcome.trust_until_ms, outcome.step), (Some(1_000 + 9_000), Step::Rest));
    }

    #[test]
    fn what_was_pulled_is_applied_and_acknowledged_before_it_is_trusted() {
        let mut member = joined();
        let outcome = member.step(Event::Pulled(changes(&[8, 9])), 1_200);
        assert_eq!(outcome.trust_until_ms, None);
        assert!(
            matches!(&outcome.step, Step::Apply { tokens, acknowledge } if tokens.len() == 2 && *acknowledge == position(9))
        );
        assert_eq!(member.applied(), Some(7));
        assert_eq!(member.step(Event::Acknowledged, 1_300).trust_until_ms, Some(10_000));
        assert_eq!(member.applied(), Some(9));
    }

    #[test]
    fn a_hole_and_a_gap_begin_anew() {
        for bad in [changes(&[9]), changes(&[8, 10]), changes(&[7]), Pulled::Gap] {
            let mut member = joined();
            member.step(Event::Pulled(changes(&[])), 1_200);
            member.step(Event::Due, 3_000);
            let outcome = member.step(Event::Pulled(bad), 3_100);
            assert!(outcome.untrust && outcome.distrust_all && outcome.step == Step::Join);
            assert_eq!(member.applied(), None);
        }
    }

    #[test]
    fn a_lost_lease_distrusts_everything_before_it_is_trusted_again() {
        let mut member = joined();
        member.step(Event::Pulled(changes(&[])), 1_200);
        assert!(!member.step(Event::Due, 9_999).distrust_all);
        assert!(member.step(Event::Pulled(changes(&[])), 10_000).distrust_all, "lost within the round");
        assert!(member.step(Event::Due, 30_000).distrust_all);
    }

    #[test]
    fn after_a_failure_the_same_is_pulled_again() {
        let mut member = joined();
        member.step(Event::Pulled(changes(&[8])), 1_200);
        assert_eq!(member.step(Event::Failed, 1_300).step, Step::Rest);
        assert_eq!(member.step(Event::Due, 2_000).step, Step::Pull(position(7)));
    }

    #[test]
    fn more_is_pulled_before_anything_is_trusted() {
        let mut member = joined();
        let Pulled::Changes { changes, .. } = changes(&[8]) else { unreachable!() };
        member.step(Event::Pulled(Pulled::Changes { changes, more: true }), 1_200);
        let outcome = member.step(Event::Acknowledged, 1_300);
        assert_eq!((outcome.trust_until_ms, outcome.step), (None, Step::Pull(position(8))));
    }
}
