//! Lists in order without repetitions, and how two of them become one.

use std::cmp::Ordering;

/// Adds to a list what another has: `add` where both have the same, a copy where ours has none.
///
/// Lists that mostly have the same take one step each, and a short one looks its few up in a long
/// one. What ours lacks is put at its end first, and into its place by one sort, which takes two
/// runs in order as they are: one insertion after the other would be quadratic.
pub(super) fn merge<T: Clone>(
    ours: &mut Vec<T>,
    theirs: &[T],
    order: impl Fn(&T, &T) -> Ordering,
    add: impl Fn(&mut T, &T),
) {
    let known = ours.len();
    let mut place = 0;
    for their in theirs {
        let rest = &ours[place..known];
        let found = match rest.first().map(|our| order(our, their)) {
            Some(Ordering::Less) => rest.binary_search_by(|our| order(our, their)),
            Some(Ordering::Equal) => Ok(0),
            Some(Ordering::Greater) | None => Err(0),
        };
        match found {
            Ok(further) => {
                add(&mut ours[place + further], their);
                place += further + 1;
            }
            Err(further) => {
                place += further;
                ours.push(their.clone());
            }
        }
    }
    if known > 0 && ours.len() > known {
        ours.sort_by(order);
    }
}
