//! The part of a limit that one node of several may admit by itself.

use crate::TokenId;
use crate::limit::{Quota, RateLimit};

/// Where a node stands among those that share the limits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Position {
    /// How many there are, at least 1.
    pub(super) nodes: u32,
    /// Which of them this one is, from 0 on, in an order that all of them know. None where it does not
    /// know: then it takes the part that each may take for sure.
    pub(super) rank: Option<u32>,
}

/// The part of a limit of this node; an error where it has none, with the quota of which that is so.
///
/// The parts of all nodes add up to the limit exactly. What cannot be divided goes to some of them,
/// for each token to others: `turn` says where it begins. A quota that is longer has at least the part
/// of a shorter one, since it has at least its limit.
pub(super) fn share_of(limit: &RateLimit, position: Position, turn: u64) -> Result<RateLimit, Quota> {
    let mut share = RateLimit::unlimited();
    for quota in limit.quotas() {
        let part = part_of(quota.limit(), position, turn);
        let part = Quota::new(part, quota.window()).map_err(|_| quota)?;
        share = share.and(part).expect("windows as before, and no longer one smaller than a shorter one");
    }
    Ok(share)
}

fn part_of(limit: u32, Position { nodes, rank }: Position, turn: u64) -> u32 {
    let nodes = nodes.max(1);
    let has_more = rank.is_some_and(|rank| {
        let place = (u64::from(rank) + turn % u64::from(nodes)) % u64::from(nodes);
        place < u64::from(limit % nodes)
    });
    limit / nodes + u32::from(has_more)
}

/// Where the nodes begin that get what cannot be divided: the same on each node.
pub(super) fn turn(token: &TokenId) -> u64 {
    turn_of(token.to_string().as_bytes())
}

/// The same for a tenant.
pub(super) fn turn_of(text: &[u8]) -> u64 {
    // Fowler, Noll and Vo's hash: small, and the same in every version of this crate.
    text.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    }) >> 16
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn shares(limit: &RateLimit, nodes: u32, turn: u64) -> Vec<Option<RateLimit>> {
        let of = |rank| share_of(limit, Position { nodes, rank: Some(rank) }, turn).ok();
        (0..nodes).map(of).collect()
    }

    #[test]
    fn what_cannot_be_divided_goes_to_each_node_in_turn() {
        let limit = RateLimit::per_minute(1).unwrap();
        for nodes in 1..6 {
            for turn in 0..12 {
                let has = shares(&limit, nodes, turn).iter().filter(|share| share.is_some()).count();
                assert_eq!(has, 1);
            }
        }
        let first = |turn| shares(&limit, 3, turn).iter().position(Option::is_some);
        assert_ne!(first(0), first(1));
        assert_eq!(first(0), first(3));
    }

    #[test]
    fn a_node_that_does_not_know_its_place_takes_what_each_may_take() {
        let position = Position { nodes: 3, rank: None };
        let share = |limit| share_of(&RateLimit::per_minute(limit).unwrap(), position, 1);
        assert_eq!(share(62), Ok(RateLimit::per_minute(20).unwrap()));
        assert!(share(2).is_err());
    }

    proptest! {
        #[test]
        fn the_parts_of_all_nodes_are_the_limit(
            first in 1..50_000u32, more in 0..50_000u32, nodes in 1..40u32, turn in any::<u64>(),
        ) {
            let quota = |limit, seconds| Quota::new(limit, Duration::from_secs(seconds)).unwrap();
            let limit = RateLimit::of(quota(first, 1)).and(quota(first + more, 60)).unwrap();
            for (number, whole) in limit.quotas().enumerate() {
                let parts = (0..nodes).map(|rank| {
                    part_of(whole.limit(), Position { nodes, rank: Some(rank) }, turn)
                });
                prop_assert_eq!(parts.sum::<u32>(), whole.limit());
                for share in shares(&limit, nodes, turn).into_iter().flatten() {
                    prop_assert!(share.quotas().nth(number).unwrap().limit() >= whole.limit() / nodes);
                }
            }
        }
    }
}
