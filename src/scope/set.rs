//! A set of scopes as bits.

/// A set of scopes as bits, of one catalogue in one process: checking is one AND.
///
/// The first 64 scopes of the catalogue stand inside; more are boxed. A bit means nothing outside
/// the process: scopes are stored by name.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Scopes {
    low: u64,
    high: Option<Box<[u64]>>,
}

impl Scopes {
    /// The empty set.
    pub const fn none() -> Scopes {
        Scopes { low: 0, high: None }
    }

    /// Adds the scope with this number in the catalogue.
    pub(crate) fn insert(&mut self, bit: usize) {
        if bit < 64 {
            self.low |= 1 << bit;
            return;
        }
        let (word, bit) = (bit / 64 - 1, bit % 64);
        let mut words = self.high.take().map_or_else(Vec::new, Vec::from);
        words.resize(words.len().max(word + 1), 0);
        words[word] |= 1 << bit;
        self.high = Some(words.into());
    }

    /// Whether the scope with this number in the catalogue is in the set.
    pub(crate) fn contains(&self, bit: usize) -> bool {
        let word = if bit < 64 { self.low } else { word(self.high.as_deref(), bit / 64 - 1) };
        word >> (bit % 64) & 1 == 1
    }

    /// Adds all of `other`.
    pub(crate) fn insert_all(&mut self, other: &Scopes) {
        self.low |= other.low;
        for (place, word) in other.high.iter().flatten().enumerate() {
            ones(*word).for_each(|bit| self.insert((place + 1) * 64 + bit));
        }
    }

    /// The numbers of the scopes in the set, in their order.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = usize> + '_ {
        let high = self.high.iter().flatten().enumerate();
        ones(self.low)
            .chain(high.flat_map(|(place, word)| ones(*word).map(move |bit| (place + 1) * 64 + bit)))
    }

    /// What is in this set and not in `other`.
    pub(crate) fn without(&self, other: &Scopes) -> Scopes {
        let mut left = Scopes::none();
        self.numbers().filter(|number| !other.contains(*number)).for_each(|number| left.insert(number));
        left
    }

    /// Whether every scope of `needed` is in this set.
    #[inline]
    pub fn contains_all(&self, needed: &Scopes) -> bool {
        contains_all(self.low, self.high.as_deref(), needed)
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.low == 0 && self.high.iter().flatten().all(|word| *word == 0)
    }

    /// The word that a live entry keeps inside, and what it keeps apart.
    pub(crate) fn into_parts(self) -> (u64, Option<Box<[u64]>>) {
        (self.low, self.high)
    }

    /// Joins what [`Scopes::into_parts`] took apart.
    pub(crate) fn from_parts(low: u64, high: Option<Box<[u64]>>) -> Scopes {
        Scopes { low, high }
    }
}

/// The places of the bits that are set.
fn ones(word: u64) -> impl Iterator<Item = usize> {
    let rest = std::iter::successors(Some(word), |word| Some(word & word.wrapping_sub(1)));
    rest.take_while(|word| *word != 0).map(|word| word.trailing_zeros() as usize)
}

/// [`Scopes::contains_all`] for a set that is kept in two places.
#[inline]
pub(crate) fn contains_all(low: u64, high: Option<&[u64]>, needed: &Scopes) -> bool {
    needed.low & !low == 0
        && match &needed.high {
            None => true,
            Some(words) => words.iter().enumerate().all(|(place, needed)| needed & !word(high, place) == 0),
        }
}

fn word(high: Option<&[u64]>, place: usize) -> u64 {
    high.and_then(|words| words.get(place)).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn set_of(bits: &BTreeSet<usize>) -> Scopes {
        let mut set = Scopes::none();
        bits.iter().for_each(|bit| set.insert(*bit));
        set
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn it_is_a_set(
            held in proptest::collection::btree_set(0usize..200, 0..20),
            needed in proptest::collection::btree_set(0usize..200, 0..5),
        ) {
            let (set, wanted) = (set_of(&held), set_of(&needed));
            prop_assert_eq!(set.contains_all(&wanted), needed.is_subset(&held));
            prop_assert_eq!(set.is_empty(), held.is_empty());
            (0..256).for_each(|bit| assert_eq!(set.contains(bit), held.contains(&bit)));
            prop_assert!(set.numbers().eq(held.iter().copied()));
            prop_assert!(set.without(&wanted).numbers().eq(held.difference(&needed).copied()));
            let mut both = set.clone();
            both.insert_all(&wanted);
            prop_assert!(both.contains_all(&set) && both.contains_all(&wanted));
            (0..256).for_each(|bit| assert_eq!(both.contains(bit), held.contains(&bit) || needed.contains(&bit)));
        }
    }
}
