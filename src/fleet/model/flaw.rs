//! What is broken on purpose.

use super::schedule::{Focus, Needed};

/// A rule that is left out, in a variant that the model has to catch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Flaw {
    /// A number is drawn without the lock, and changes are committed in any order.
    NumbersOutOfOrder,
    /// A number that is missing among those that were pulled is taken for one that nobody used.
    HolesAreIgnored,
    /// Trust counts from the moment at which the renewal was done.
    TrustFromAfter,
    /// Nodes count the whole length of their lease, and revokers no more than that.
    NoMargin,
    /// Trust is a flag that the driver clears when it finds the lease to be over.
    TrustIsAFlag,
    /// A mark is set and forgotten: look-ups between it and the commit are as any other.
    FillsBetweenMarkAndCommit,
    /// A look-up whose token was changed meanwhile takes more waiters.
    SpoiledFlightsAreJoined,
    /// A change distrusts what is in memory, and not what is being looked up.
    DistrustWithoutSpoiling,
    /// Whoever finds nothing to change returns at once.
    NoOpDoesNotWait,
    /// Whoever waits takes the others' leases for as long as its own.
    OwnLeaseIsAssumed,
    /// The time that a revoker waits counts from before its commit.
    WaitingFromBefore,
    /// The row is written after the first pull.
    RowAfterPull,
    /// What was read before the row was there is distrusted only before the row is asked for.
    /// And what is ahead of the node is kept: that it is not covers this as well.
    DistrustOnlyBeforeJoining,
    /// A node whose row is there already is taken for one that has heeded everything.
    JoiningAcknowledges,
    /// The row of a dead node is deleted without looking at its counter once more.
    StrikeWithoutComparing,
    /// The counter of every row begins with the same number.
    CountersBeginAlike,
    /// A pull does not compare the mark.
    MarksAreIgnored,
    /// An acknowledgement is a number without a mark.
    NumbersAreAcknowledged,
    /// What was read ahead of what the node has applied is trusted.
    FillsAheadAreTrusted,
}

impl Flaw {
    /// In which schedules it can go wrong.
    pub(super) fn shows_in(self) -> (Focus, Option<Needed>) {
        match self {
            Flaw::NumbersOutOfOrder
            | Flaw::FillsBetweenMarkAndCommit
            | Flaw::SpoiledFlightsAreJoined
            | Flaw::DistrustWithoutSpoiling
            | Flaw::NoOpDoesNotWait => (Focus::Races, None),
            Flaw::TrustFromAfter
            | Flaw::NoMargin
            | Flaw::TrustIsAFlag
            | Flaw::OwnLeaseIsAssumed
            | Flaw::WaitingFromBefore => (Focus::Leases, Some(Needed::Cuts)),
            Flaw::HolesAreIgnored => (Focus::Rejoining, Some(Needed::Holes)),
            Flaw::RowAfterPull => (Focus::Rejoining, None),
            Flaw::DistrustOnlyBeforeJoining => (Focus::Rejoining, Some(Needed::Pruning)),
            Flaw::JoiningAcknowledges => (Focus::Rejoining, Some(Needed::Messages)),
            Flaw::StrikeWithoutComparing | Flaw::CountersBeginAlike => (Focus::Rejoining, Some(Needed::Cuts)),
            Flaw::MarksAreIgnored | Flaw::NumbersAreAcknowledged | Flaw::FillsAheadAreTrusted => {
                (Focus::Rejoining, Some(Needed::Failovers))
            }
        }
    }
}
