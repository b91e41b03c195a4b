//! Lists in order without repetitions, and how two of them become one.

use std::cmp::Ordering;

/// Adds to a list what another has: `add` where both have the same, a copy where ours has none.
///
/// What ours lacks is put at its end first, and into its place by one sort, which takes two runs in
/// order as they are: linear, where one insertion after the other would be quadratic.
pub(super) fn merge<T: Clone>(
    ours: &mut Vec<T>,
    theirs: &[T],
    order: impl Fn(&T, &T) -> Ordering,
    add: impl Fn(&mut T, &T),
) {
    let known = ours.len();
    let mut place = 0;
    for their in theirs {
        match ours[place..known].binary_search_by(|our| order(our, their)) {
            Ok(further) => {
                place += further;
                add(&mut ours[place], their);
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
